/// \file namespace.h
/// Datasets by name: a catalog in a directory, or behind a server.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/results.h"
#include "lance/type_fwd.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// A catalog of datasets, which it calls tables: in a directory, or behind a server that speaks the Lance
/// REST protocol.
///
/// A table has a name in a namespace, and namespaces may be within one another. The names on the way to a
/// table, outermost first, are its id: {"sales", "orders"}. The empty id is the namespace that was connected
/// to. A writer of a table is opened by LanceWriter::Open().
///
/// What does not exist is ErrorCode::kNotFound, for a table ErrorCode::kDatasetNotFound with the nearest
/// names; what exists already is ErrorCode::kAlreadyExists. A server that cannot be reached or refuses is
/// ErrorCode::kIO, one that does not answer in time ErrorCode::kTimeout, and an answer that makes no sense
/// ErrorCode::kNamespace.
///
/// Thread-safe. Tables and writers that were opened through it keep what they need of it. Every call that
/// waits has an asynchronous form (see lance/api.h), and takes a token that stops it.
class LANCE_EXPORT Namespace {
 public:
  using Id = std::vector<std::string>;
  using Properties = std::map<std::string, std::string>;

  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  /// Connect to a namespace. Of a server nothing is asked yet.
  ///
  /// \param[in] kind "dir" for a directory or a prefix in an object store, "rest" for a server
  /// \param[in] properties for "dir" `root`, a path or URI, and credentials as `storage.NAME`; for "rest"
  /// `uri`, and headers such as tokens as `header.NAME`. docs/namespaces.md lists the others; one that is
  /// unknown is ErrorCode::kInvalidArgument
  /// \param[in] options whose caches to use, and how long to wait
  /// \param[in] stop ends the call early
  static arrow::Result<std::shared_ptr<Namespace>> Connect(const std::string& kind,
                                                           const Properties& properties,
                                                           const NamespaceOptions& options = {},
                                                           const arrow::StopToken& stop = {});
  static arrow::Future<std::shared_ptr<Namespace>> ConnectAsync(const std::string& kind,
                                                                const Properties& properties,
                                                                const NamespaceOptions& options = {},
                                                                const arrow::StopToken& stop = {});

  /// List the names of the namespaces within a namespace.
  arrow::Result<std::vector<std::string>> ListNamespaces(const Id& id = {},
                                                         const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<std::string>> ListNamespacesAsync(const Id& id = {},
                                                              const arrow::StopToken& stop = {}) const;

  /// Create a namespace within one that exists. The properties are kept with it, where that can be.
  arrow::Status CreateNamespace(const Id& id, const Properties& properties = {},
                                const arrow::StopToken& stop = {}) const;
  arrow::Future<> CreateNamespaceAsync(const Id& id, const Properties& properties = {},
                                       const arrow::StopToken& stop = {}) const;

  /// Get the properties of a namespace.
  arrow::Result<Properties> DescribeNamespace(const Id& id = {}, const arrow::StopToken& stop = {}) const;
  arrow::Future<Properties> DescribeNamespaceAsync(const Id& id = {},
                                                   const arrow::StopToken& stop = {}) const;

  /// Drop an empty namespace. One that has something in it is ErrorCode::kFailedPrecondition.
  arrow::Status DropNamespace(const Id& id, const arrow::StopToken& stop = {}) const;
  arrow::Future<> DropNamespaceAsync(const Id& id, const arrow::StopToken& stop = {}) const;

  /// List the names of the tables of a namespace, also of those that are only declared.
  arrow::Result<std::vector<std::string>> ListTables(const Id& id = {},
                                                     const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<std::string>> ListTablesAsync(const Id& id = {},
                                                          const arrow::StopToken& stop = {}) const;

  arrow::Result<TableDescription> DescribeTable(const Id& id, const arrow::StopToken& stop = {}) const;
  arrow::Future<TableDescription> DescribeTableAsync(const Id& id, const arrow::StopToken& stop = {}) const;

  /// Ask whether there is a table. One that is only declared counts.
  arrow::Result<bool> TableExists(const Id& id, const arrow::StopToken& stop = {}) const;
  arrow::Future<bool> TableExistsAsync(const Id& id, const arrow::StopToken& stop = {}) const;

  /// Declare a table: give a name its place, before there is a dataset. Whoever writes there with
  /// WriteMode::kCreate or WriteMode::kOverwrite makes it.
  arrow::Result<TableDescription> DeclareTable(const Id& id, const Properties& properties = {},
                                               const arrow::StopToken& stop = {}) const;
  arrow::Future<TableDescription> DeclareTableAsync(const Id& id, const Properties& properties = {},
                                                    const arrow::StopToken& stop = {}) const;

  /// Give a dataset that exists a name.
  ///
  /// \param[in] id the name
  /// \param[in] location where the dataset is. For a directory the name of one in it, such as
  /// `old_orders.lance`
  /// \param[in] stop ends the call early
  arrow::Status RegisterTable(const Id& id, const std::string& location,
                              const arrow::StopToken& stop = {}) const;
  arrow::Future<> RegisterTableAsync(const Id& id, const std::string& location,
                                     const arrow::StopToken& stop = {}) const;

  /// Take a name away. The dataset stays where it is.
  arrow::Status DeregisterTable(const Id& id, const arrow::StopToken& stop = {}) const;
  arrow::Future<> DeregisterTableAsync(const Id& id, const arrow::StopToken& stop = {}) const;

  /// Drop a table: its name, and the dataset with all its versions.
  arrow::Status DropTable(const Id& id, const arrow::StopToken& stop = {}) const;
  arrow::Future<> DropTableAsync(const Id& id, const arrow::StopToken& stop = {}) const;

  /// Open a table. Storage options and credentials are the namespace's, put over those of `options`, and are
  /// renewed through it before they expire; OpenOptions::credentials takes their place. The URI of the
  /// dataset is its names with points between them.
  arrow::Result<std::shared_ptr<Dataset>> OpenTable(const Id& id, const OpenOptions& options = {},
                                                    const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> OpenTableAsync(const Id& id, const OpenOptions& options = {},
                                                         const arrow::StopToken& stop = {}) const;

 private:
  friend struct NamespaceAccess;
  class Impl;
  explicit Namespace(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
