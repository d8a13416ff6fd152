/// \file options_internal.h
/// Option structs as the C ABI takes them. The C structs borrow their strings from the public ones.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "lance/c/lance.h"
#include "lance/options.h"
#include "lance/runtime.h"

namespace lance::inline v0::internal {

/// Borrow a string; one with an embedded NUL, which C would cut short, is an error that says `what` it is.
arrow::Result<const char*> ToC(const std::string& string, const char* what);
/// As above; NULL when unset.
arrow::Result<const char*> ToC(const std::optional<std::string>& string, const char* what);
arrow::Result<std::vector<LanceKeyValue>> ToC(const std::map<std::string, std::string>& map,
                                              const char* what);

/// A list of column names, or NULL for all columns.
struct ColumnsC {
  static arrow::Result<ColumnsC> Make(const std::optional<std::vector<std::string>>& columns);

  const char* const* data() const { return names.empty() ? nullptr : names.data(); }
  size_t size() const { return names.empty() ? 0 : names.size() - 1; }

  /// The names and a NULL, so that the list of no columns differs from all columns.
  std::vector<const char*> names;
};

struct OpenOptionsC {
  static arrow::Result<OpenOptionsC> Make(const OpenOptions& options);

  LanceOpenOptions c = LANCE_OPEN_OPTIONS_INIT;
  std::vector<LanceKeyValue> storage;
};

struct ScanOptionsC {
  static arrow::Result<ScanOptionsC> Make(const ScanOptions& options);

  LanceScanOptions c = LANCE_SCAN_OPTIONS_INIT;
  ColumnsC columns;
};

struct WriteOptionsC {
  /// All but the progress callback, whose context must live longer.
  static arrow::Result<WriteOptionsC> Make(const WriteOptions& options);

  LanceWriteOptions c = LANCE_WRITE_OPTIONS_INIT;
  std::vector<LanceKeyValue> properties;
  std::vector<LanceKeyValue> storage;
  std::vector<LanceColumnHint> hints;
  /// Numbers as text, at stable addresses.
  std::deque<std::string> numbers;
};

arrow::Result<LanceRuntimeOptions> ToC(const RuntimeOptions& options);

}  // namespace lance::inline v0::internal
