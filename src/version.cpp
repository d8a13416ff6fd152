#include "lance/version.h"

#include "lance/c/lance.h"

namespace lance::inline v0 {

const char* Version() { return lance_version(); }

const char* EngineVersion() { return lance_engine_version(); }

}  // namespace lance::inline v0
