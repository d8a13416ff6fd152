/// \file release_probe.h
/// Counts how often the contents of exported Arrow C structs are released.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "arrow/c/abi.h"
#include "arrow/record_batch.h"
#include "gtest/gtest.h"

namespace lance_test {

/// Puts itself between an exported struct and its release callback.
///
/// A watched struct can be moved and released as usual; the probe counts and forwards the first release and
/// only counts further ones, so that a double release is reported instead of crashing the test. The probe
/// must outlive what it watches. Its destructor expects that everything was released exactly once.
class ReleaseProbe {
 public:
  ReleaseProbe();
  ~ReleaseProbe();
  ReleaseProbe(const ReleaseProbe&) = delete;
  ReleaseProbe& operator=(const ReleaseProbe&) = delete;

  void Watch(ArrowArray* array);
  void Watch(ArrowSchema* schema);
  /// Watch a stream, and every schema and array it hands out.
  void Watch(ArrowArrayStream* stream);

  /// How many structs are watched.
  int64_t watched() const;

  /// Succeeds when every watched struct was released exactly once.
  ::testing::AssertionResult EachReleasedOnce() const;

  /// Structs watched by any probe of this process and not released yet.
  static int64_t Live();

  struct Record;

 private:
  template <typename CStruct>
  void Interpose(CStruct* c_struct);

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Record>> records_;
};

/// A record batch exported to C structs on the stack, both watched.
struct ProbedBatch {
  ProbedBatch(const arrow::RecordBatch& batch, ReleaseProbe& probe);

  /// Whether both structs were taken over.
  bool consumed() const { return array.release == nullptr && schema.release == nullptr; }

  ArrowArray array{};
  ArrowSchema schema{};
};

/// A schema exported to a C struct on the stack, watched.
struct ProbedSchema {
  ProbedSchema(const arrow::Schema& schema, ReleaseProbe& probe);

  ArrowSchema schema{};
};

}  // namespace lance_test
