/// \file text_query.h
/// Searches for words in texts.
#pragma once

#include <memory>
#include <string>

#include "arrow/result.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// A search for words in texts, for ScanOptions::full_text. Immutable and thread-safe: it may be given to any
/// number of scans, of any dataset, and needs none of them.
class LANCE_EXPORT TextQuery {
 public:
  ~TextQuery();
  TextQuery(const TextQuery&) = delete;
  TextQuery& operator=(const TextQuery&) = delete;

  /// Make a search from its JSON form. What is wrong with it is ErrorCode::kInvalidArgument, with its place.
  static arrow::Result<std::shared_ptr<TextQuery>> FromJson(const std::string& json);

 private:
  friend struct TextQueryAccess;
  class Impl;
  explicit TextQuery(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
