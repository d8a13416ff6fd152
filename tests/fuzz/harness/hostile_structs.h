/// \file hostile_structs.h
/// Arrow C structs whose headers are well-formed or lie, as an input chooses.
///
/// Each piece of memory behind a struct is an allocation of its own, exactly as large as the header says:
/// what reads beyond one, or after the release, is seen by AddressSanitizer. Headers that ask for more memory
/// than there is are not made, because nobody can detect them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "input.h"
#include "lance/c/arrow_abi.h"

namespace lance_test {

/// The memory behind a tree of structs, freed when the root is released.
class Memory {
 public:
  Memory() = default;
  ~Memory() { Free(); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  uint8_t* Bytes(int64_t size);
  char* Copy(const std::string& text);
  template <typename T>
  T* Array(int64_t count) {
    return reinterpret_cast<T*>(Bytes(count * static_cast<int64_t>(sizeof(T))));
  }

  void ReleaseRoot();
  /// How many times the root was released.
  int releases() const { return releases_; }

 private:
  void Free();

  std::vector<void*> blocks_;
  int releases_ = 0;
};

/// How the values of a type lie in memory.
enum class Layout {
  kNull,
  kBits,
  kFixed,
  kOffsets32,
  kOffsets64,
  kView,
  kList32,
  kList64,
  kListView32,
  kListView64,
  kFixedList,
  kStruct,
  kSparseUnion,
  kDenseUnion,
  kRunEnds,
  /// The format is garbage, or good by accident: arrays of it are empty.
  kUnknown,
};

/// What an array of a schema has to look like.
struct Field {
  Layout layout = Layout::kUnknown;
  /// Bytes of a value, or values of a fixed-size list.
  int64_t width = 0;
  std::vector<int64_t> type_ids = {};
  std::vector<Field> children = {};
  std::unique_ptr<Field> dictionary = nullptr;
};

/// Make the schema of a table. `memory` must outlive its release.
Field MakeHostileSchema(Input& input, Memory& memory, ArrowSchema* out);

/// Make an array of that schema. `memory` must outlive its release.
void MakeHostileArray(Input& input, Memory& memory, const Field& field, ArrowArray* out);

}  // namespace lance_test
