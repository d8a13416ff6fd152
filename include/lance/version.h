/// \file version.h
/// Versions of the library and of the engine inside it.
#pragma once

#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// Get the version of lance-cpp, for example "0.2.0".
LANCE_EXPORT const char* Version();

/// Get the version of the `lance` storage engine, for example "14.0.2".
LANCE_EXPORT const char* EngineVersion();

}  // namespace v0
}  // namespace lance
