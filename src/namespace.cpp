#include "lance/namespace.h"

#include <utility>

#include "arrow/array.h"
#include "dataset_internal.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/dataset_internal.h"
#include "ffi/generated/namespace_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/records_internal.h"
#include "namespace_internal.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::Nothing;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using Id = Namespace::Id;
using Properties = Namespace::Properties;
using Records = internal::ShellOut<internal::CStream>;

arrow::Result<bool> ToBool(internal::ValueOut<int32_t>& out) { return out.value != 0; }

arrow::Result<std::vector<std::string>> ToNames(Records& out) {
  std::vector<std::string> names;
  const auto read = [&names](const arrow::RecordBatch& batch) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto name, internal::Column<arrow::StringArray>(batch, "name"));
    for (int64_t i = 0; i < name->length(); ++i) names.push_back(name->GetString(i));
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(internal::ForEachBatch(&out.shell, read));
  return names;
}

arrow::Result<Properties> ToProperties(Records& out) {
  Properties properties;
  const auto read = [&properties](const arrow::RecordBatch& batch) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto maps, internal::Column<arrow::MapArray>(batch, "properties"));
    for (int64_t i = 0; i < maps->length(); ++i) properties.merge(internal::ToMap(*maps, i));
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(internal::ForEachBatch(&out.shell, read));
  return properties;
}

arrow::Result<TableDescription> ToDescription(Records& out) {
  ARROW_ASSIGN_OR_RAISE(auto tables, internal::DecodeTableDescriptions(&out.shell));
  if (tables.size() == 1) return std::move(tables.front());
  return internal::MakeStatus(
      ErrorCode::kInternal, "liblance_ffi describes more or less than one table; install matching libraries");
}

/// Make a call on a namespace whose first argument is an id.
///
/// \tparam T what it results in
template <typename Form, typename T, typename Out, typename Blocking, typename Async, typename Finish,
          typename... Args>
typename Form::template Of<T> CallOn(Blocking* blocking, Async* async, Finish finish, const Namespace& ns,
                                     const Id& id, const StopToken& stop, Args... args) {
  ARROW_ASSIGN_OR_RAISE(const auto names, internal::NamesC::Make(id, "id"));
  return Form::Make(Prepare<Out>(blocking, async, std::move(finish), NamespaceAccess::Get(ns), names.data(),
                                 names.size(), args...),
                    stop);
}

template <typename Form>
typename Form::template Of<std::shared_ptr<Namespace>> DoConnect(const std::string& kind,
                                                                 const Properties& properties,
                                                                 const NamespaceOptions& options,
                                                                 const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const char* c_kind, internal::ToC(kind, "kind"));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::NamespaceOptionsC::Make(options));
  const auto pairs = internal::ToC(properties);
  using Out = internal::HandleOut<internal::NamespaceHandle>;
  const auto finish = [](Out& out) -> arrow::Result<std::shared_ptr<Namespace>> {
    return NamespaceAccess::Make(out.Take());
  };
  return Form::Make(Prepare<Out>(lance_namespace_connect, lance_namespace_connect_async, finish, c_kind,
                                 pairs.data(), pairs.size(), &c_options.c),
                    stop);
}

template <typename Form>
auto DoListNamespaces(const Namespace& ns, const Id& id, const StopToken& stop) {
  return CallOn<Form, std::vector<std::string>, Records>(
      lance_namespace_list_namespaces, lance_namespace_list_namespaces_async, ToNames, ns, id, stop);
}

template <typename Form>
auto DoCreateNamespace(const Namespace& ns, const Id& id, const Properties& properties,
                       const StopToken& stop) {
  const auto pairs = internal::ToC(properties);
  return CallOn<Form, void, internal::NoOut>(lance_namespace_create_namespace,
                                             lance_namespace_create_namespace_async, Nothing, ns, id, stop,
                                             pairs.data(), pairs.size());
}

template <typename Form>
auto DoDescribeNamespace(const Namespace& ns, const Id& id, const StopToken& stop) {
  return CallOn<Form, Properties, Records>(lance_namespace_describe_namespace,
                                           lance_namespace_describe_namespace_async, ToProperties, ns, id,
                                           stop);
}

template <typename Form>
auto DoDropNamespace(const Namespace& ns, const Id& id, const StopToken& stop) {
  return CallOn<Form, void, internal::NoOut>(lance_namespace_drop_namespace,
                                             lance_namespace_drop_namespace_async, Nothing, ns, id, stop);
}

template <typename Form>
auto DoListTables(const Namespace& ns, const Id& id, const StopToken& stop) {
  return CallOn<Form, std::vector<std::string>, Records>(
      lance_namespace_list_tables, lance_namespace_list_tables_async, ToNames, ns, id, stop);
}

template <typename Form>
auto DoDescribeTable(const Namespace& ns, const Id& id, const StopToken& stop) {
  return CallOn<Form, TableDescription, Records>(
      lance_namespace_describe_table, lance_namespace_describe_table_async, ToDescription, ns, id, stop);
}

template <typename Form>
auto DoTableExists(const Namespace& ns, const Id& id, const StopToken& stop) {
  return CallOn<Form, bool, internal::ValueOut<int32_t>>(
      lance_namespace_table_exists, lance_namespace_table_exists_async, ToBool, ns, id, stop);
}

template <typename Form>
auto DoDeclareTable(const Namespace& ns, const Id& id, const Properties& properties, const StopToken& stop) {
  const auto pairs = internal::ToC(properties);
  return CallOn<Form, TableDescription, Records>(lance_namespace_declare_table,
                                                 lance_namespace_declare_table_async, ToDescription, ns, id,
                                                 stop, pairs.data(), pairs.size());
}

template <typename Form>
auto DoRegisterTable(const Namespace& ns, const Id& id, const std::string& location, const StopToken& stop) {
  return CallOn<Form, void, internal::NoOut>(lance_namespace_register_table,
                                             lance_namespace_register_table_async, Nothing, ns, id, stop,
                                             internal::TextC(location));
}

template <typename Form>
auto DoDeregisterTable(const Namespace& ns, const Id& id, const StopToken& stop) {
  return CallOn<Form, void, internal::NoOut>(lance_namespace_deregister_table,
                                             lance_namespace_deregister_table_async, Nothing, ns, id, stop);
}

template <typename Form>
auto DoDropTable(const Namespace& ns, const Id& id, const StopToken& stop) {
  return CallOn<Form, void, internal::NoOut>(lance_namespace_drop_table, lance_namespace_drop_table_async,
                                             Nothing, ns, id, stop);
}

/// As messages of the library show it, without the quotes of odd names.
std::string Dotted(const Id& id) {
  std::string text;
  for (const std::string& name : id) text.append(text.empty() ? "" : ".").append(name);
  return text;
}

template <typename Form>
typename Form::template Of<std::shared_ptr<Dataset>> DoOpenTable(const Namespace& ns, const Id& id,
                                                                 const OpenOptions& options,
                                                                 const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::OpenOptionsC::Make(options));
  using Out = internal::HandleOut<internal::DatasetHandle>;
  const auto finish = [uri = Dotted(id)](Out& out) { return DatasetAccess::Make(uri, out.Take()); };
  return CallOn<Form, std::shared_ptr<Dataset>, Out>(
      lance_namespace_open_table, lance_namespace_open_table_async, finish, ns, id, stop, &c_options.c);
}

}  // namespace

Namespace::Namespace(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Namespace::~Namespace() = default;

arrow::Result<std::shared_ptr<Namespace>> Namespace::Connect(const std::string& kind,
                                                             const Properties& properties,
                                                             const NamespaceOptions& options,
                                                             const StopToken& stop) {
  return DoConnect<Waiting>(kind, properties, options, stop);
}

arrow::Future<std::shared_ptr<Namespace>> Namespace::ConnectAsync(const std::string& kind,
                                                                  const Properties& properties,
                                                                  const NamespaceOptions& options,
                                                                  const StopToken& stop) {
  return DoConnect<Starting>(kind, properties, options, stop);
}

arrow::Result<std::vector<std::string>> Namespace::ListNamespaces(const Id& id, const StopToken& stop) const {
  return DoListNamespaces<Waiting>(*this, id, stop);
}

arrow::Future<std::vector<std::string>> Namespace::ListNamespacesAsync(const Id& id,
                                                                       const StopToken& stop) const {
  return DoListNamespaces<Starting>(*this, id, stop);
}

arrow::Status Namespace::CreateNamespace(const Id& id, const Properties& properties,
                                         const StopToken& stop) const {
  return DoCreateNamespace<Waiting>(*this, id, properties, stop);
}

arrow::Future<> Namespace::CreateNamespaceAsync(const Id& id, const Properties& properties,
                                                const StopToken& stop) const {
  return DoCreateNamespace<Starting>(*this, id, properties, stop);
}

arrow::Result<Properties> Namespace::DescribeNamespace(const Id& id, const StopToken& stop) const {
  return DoDescribeNamespace<Waiting>(*this, id, stop);
}

arrow::Future<Properties> Namespace::DescribeNamespaceAsync(const Id& id, const StopToken& stop) const {
  return DoDescribeNamespace<Starting>(*this, id, stop);
}

arrow::Status Namespace::DropNamespace(const Id& id, const StopToken& stop) const {
  return DoDropNamespace<Waiting>(*this, id, stop);
}

arrow::Future<> Namespace::DropNamespaceAsync(const Id& id, const StopToken& stop) const {
  return DoDropNamespace<Starting>(*this, id, stop);
}

arrow::Result<std::vector<std::string>> Namespace::ListTables(const Id& id, const StopToken& stop) const {
  return DoListTables<Waiting>(*this, id, stop);
}

arrow::Future<std::vector<std::string>> Namespace::ListTablesAsync(const Id& id,
                                                                   const StopToken& stop) const {
  return DoListTables<Starting>(*this, id, stop);
}

arrow::Result<TableDescription> Namespace::DescribeTable(const Id& id, const StopToken& stop) const {
  return DoDescribeTable<Waiting>(*this, id, stop);
}

arrow::Future<TableDescription> Namespace::DescribeTableAsync(const Id& id, const StopToken& stop) const {
  return DoDescribeTable<Starting>(*this, id, stop);
}

arrow::Result<bool> Namespace::TableExists(const Id& id, const StopToken& stop) const {
  return DoTableExists<Waiting>(*this, id, stop);
}

arrow::Future<bool> Namespace::TableExistsAsync(const Id& id, const StopToken& stop) const {
  return DoTableExists<Starting>(*this, id, stop);
}

arrow::Result<TableDescription> Namespace::DeclareTable(const Id& id, const Properties& properties,
                                                        const StopToken& stop) const {
  return DoDeclareTable<Waiting>(*this, id, properties, stop);
}

arrow::Future<TableDescription> Namespace::DeclareTableAsync(const Id& id, const Properties& properties,
                                                             const StopToken& stop) const {
  return DoDeclareTable<Starting>(*this, id, properties, stop);
}

arrow::Status Namespace::RegisterTable(const Id& id, const std::string& location,
                                       const StopToken& stop) const {
  return DoRegisterTable<Waiting>(*this, id, location, stop);
}

arrow::Future<> Namespace::RegisterTableAsync(const Id& id, const std::string& location,
                                              const StopToken& stop) const {
  return DoRegisterTable<Starting>(*this, id, location, stop);
}

arrow::Status Namespace::DeregisterTable(const Id& id, const StopToken& stop) const {
  return DoDeregisterTable<Waiting>(*this, id, stop);
}

arrow::Future<> Namespace::DeregisterTableAsync(const Id& id, const StopToken& stop) const {
  return DoDeregisterTable<Starting>(*this, id, stop);
}

arrow::Status Namespace::DropTable(const Id& id, const StopToken& stop) const {
  return DoDropTable<Waiting>(*this, id, stop);
}

arrow::Future<> Namespace::DropTableAsync(const Id& id, const StopToken& stop) const {
  return DoDropTable<Starting>(*this, id, stop);
}

arrow::Result<std::shared_ptr<Dataset>> Namespace::OpenTable(const Id& id, const OpenOptions& options,
                                                             const StopToken& stop) const {
  return DoOpenTable<Waiting>(*this, id, options, stop);
}

arrow::Future<std::shared_ptr<Dataset>> Namespace::OpenTableAsync(const Id& id, const OpenOptions& options,
                                                                  const StopToken& stop) const {
  return DoOpenTable<Starting>(*this, id, options, stop);
}

}  // namespace lance::inline v0
