/// \file names.h
/// Datasets by name: --namespace, and ids as people type them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "lance/api.h"

namespace lance::cli {

/// A namespace that was named on the command line, or none.
struct NamespaceFlags {
  /// "dir" or "rest", or "" for none.
  std::string kind;
  Namespace::Properties properties;

  /// Connect to it; NULL when none was named.
  arrow::Result<std::shared_ptr<Namespace>> Connect() const;
};

/// Split an id: names with points between them, odd ones in backticks, which are doubled within.
arrow::Result<Namespace::Id> ParseId(const std::string& text);

/// Format an id as ParseId() reads it.
std::string FormatId(const Namespace::Id& id);

/// Open a dataset: a table of a namespace, or, if that is NULL, what is at a URI.
arrow::Result<std::shared_ptr<Dataset>> OpenDataset(const std::shared_ptr<Namespace>& ns,
                                                    const std::string& dataset, const OpenOptions& options);

/// Open a writer of a dataset.
arrow::Result<std::unique_ptr<LanceWriter>> OpenWriter(const std::shared_ptr<Namespace>& ns,
                                                       const std::string& dataset,
                                                       const std::shared_ptr<arrow::Schema>& schema,
                                                       const WriteOptions& options);

}  // namespace lance::cli
