#include "lance/file.h"

#include <utility>

#include "arrow/buffer.h"
#include "arrow/record_batch.h"
#include "arrow/util/future.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/dataset_internal.h"
#include "ffi/generated/file_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/options_internal.h"
#include "ffi/owned_bytes_internal.h"
#include "ffi/schema_check_internal.h"
#include "ffi/stream_reader_internal.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::CStream;
using internal::Nothing;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using BatchesPtr = std::shared_ptr<arrow::RecordBatchReader>;
using BufferPtr = std::shared_ptr<arrow::Buffer>;
using ReaderHandle = internal::Handle<LanceFileReader, lance_file_reader_free>;
using ReaderPtr = std::shared_ptr<FileReader>;
using SchemaPtr = std::shared_ptr<arrow::Schema>;
using WriterHandle = internal::Handle<LanceFileWriter, lance_file_writer_free>;

using NumberOut = internal::ValueOut<uint64_t>;

arrow::Result<uint64_t> ToNumber(NumberOut& out) { return out.value; }

}  // namespace

class FileReader::Impl {
 public:
  Impl(ReaderHandle handle, SchemaPtr schema, const FileInfo& info)
      : schema(std::move(schema)), info(info), handle_(std::move(handle)) {}

  template <typename Form>
  static typename Form::template Of<ReaderPtr> Open(const std::string& uri, const AccessOptions& options,
                                                    const StopToken& stop) {
    ARROW_RETURN_NOT_OK(internal::CheckAbi());
    ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "uri"));
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::AccessOptionsC::Make(options));
    using Out = internal::HandleOut<ReaderHandle>;
    const auto finish = [](Out& out) { return Make(out.Take()); };
    return Form::Make(
        Prepare<Out>(lance_file_reader_open, lance_file_reader_open_async, finish, c_uri, &c_options.c),
        stop);
  }

  arrow::Result<std::vector<FileColumn>> Columns() const {
    CStream stream;
    ARROW_RETURN_NOT_OK(internal::Call(lance_file_reader_columns, c(), stream.get()));
    return internal::DecodeFileColumns(&stream);
  }

  arrow::Result<std::vector<FilePage>> Pages() const {
    CStream stream;
    ARROW_RETURN_NOT_OK(internal::Call(lance_file_reader_pages, c(), stream.get()));
    return internal::DecodeFilePages(&stream);
  }

  template <typename Form>
  typename Form::template Of<BatchesPtr> Read(const ReadFileOptions& options, const StopToken& stop) const {
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::ReadFileOptionsC::Make(options));
    using Out = internal::ShellOut<CStream>;
    const auto finish = [](Out& out) { return internal::StreamReader::Make(&out.shell); };
    return Form::Make(
        Prepare<Out>(lance_file_reader_read, lance_file_reader_read_async, finish, c(), &c_options.c), stop);
  }

  auto GlobalBuffer(uint64_t index) const {
    const auto finish = [](internal::BytesOut& out) -> arrow::Result<BufferPtr> { return out.Take(); };
    return Prepare<internal::BytesOut>(lance_file_reader_global_buffer, lance_file_reader_global_buffer_async,
                                       finish, c(), index);
  }

  const SchemaPtr schema;
  const FileInfo info;

 private:
  static arrow::Result<ReaderPtr> Make(ReaderHandle handle) {
    ARROW_ASSIGN_OR_RAISE(auto schema, internal::CallForSchema(lance_file_reader_schema, handle.get()));
    LanceFileInfo info = LANCE_FILE_INFO_INIT;
    ARROW_RETURN_NOT_OK(internal::Call(lance_file_reader_info, handle.get(), &info));
    return ReaderPtr(
        new FileReader(std::make_unique<Impl>(std::move(handle), std::move(schema), internal::FromC(info))));
  }

  const LanceFileReader* c() const { return handle_.get(); }

  const ReaderHandle handle_;
};

FileReader::FileReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileReader::~FileReader() = default;

arrow::Result<ReaderPtr> FileReader::Open(const std::string& uri, const AccessOptions& options,
                                          const StopToken& stop) {
  return Impl::Open<Waiting>(uri, options, stop);
}

arrow::Future<ReaderPtr> FileReader::OpenAsync(const std::string& uri, const AccessOptions& options,
                                               const StopToken& stop) {
  return Impl::Open<Starting>(uri, options, stop);
}

const SchemaPtr& FileReader::schema() const { return impl_->schema; }

const FileInfo& FileReader::info() const { return impl_->info; }

arrow::Result<std::vector<FileColumn>> FileReader::Columns() const { return impl_->Columns(); }

arrow::Result<std::vector<FilePage>> FileReader::Pages() const { return impl_->Pages(); }

arrow::Result<BatchesPtr> FileReader::Read(const ReadFileOptions& options, const StopToken& stop) const {
  return impl_->Read<Waiting>(options, stop);
}

arrow::Future<BatchesPtr> FileReader::ReadAsync(const ReadFileOptions& options, const StopToken& stop) const {
  return impl_->Read<Starting>(options, stop);
}

arrow::Result<BufferPtr> FileReader::GlobalBuffer(uint64_t index, const StopToken& stop) const {
  return impl_->GlobalBuffer(index).Wait(stop);
}

arrow::Future<BufferPtr> FileReader::GlobalBufferAsync(uint64_t index, const StopToken& stop) const {
  return impl_->GlobalBuffer(index).Start(stop);
}

class FileWriter::Impl {
 public:
  Impl(WriterHandle handle, SchemaPtr schema) : schema(std::move(schema)), handle_(std::move(handle)) {}

  /// \tparam Ptr what owns the writer
  template <typename Form, typename Ptr>
  static typename Form::template Of<Ptr> Open(const std::string& uri, const SchemaPtr& schema,
                                              const WriteFileOptions& options, const StopToken& stop) {
    ARROW_RETURN_NOT_OK(internal::CheckAbi());
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    if (schema == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "the schema is NULL");
    ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "uri"));
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::WriteFileOptionsC::Make(options));
    ARROW_RETURN_NOT_OK(internal::CheckNames(*schema));
    internal::CSchema c_schema;
    ARROW_RETURN_NOT_OK(internal::WithCode(arrow::ExportSchema(*schema, c_schema.get()), ErrorCode::kArrow));
    using Out = internal::HandleOut<WriterHandle>;
    const auto finish = [schema](Out& out) -> arrow::Result<Ptr> {
      return Ptr(new FileWriter(std::make_unique<Impl>(out.Take(), schema)));
    };
    return Form::MakeConsuming(Prepare<Out>(lance_file_writer_open, lance_file_writer_open_async, finish,
                                            c_uri, c_schema.get(), &c_options.c),
                               &c_schema, stop);
  }

  template <typename Form>
  typename Form::template Of<void> Write(const arrow::RecordBatch& batch, const StopToken& stop) const {
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    ARROW_RETURN_NOT_OK(internal::CheckBatch(*schema, batch));
    internal::CArray array;
    ARROW_RETURN_NOT_OK(internal::batch_to_ffi(batch, &array));
    // Checked above, so it need not be exported again.
    ArrowSchema* const same_schema = nullptr;
    return Form::MakeConsuming(
        Prepare<internal::NoOut>(lance_file_writer_write_batch, lance_file_writer_write_batch_async, Nothing,
                                 c(), array.get(), same_schema),
        &array, stop);
  }

  arrow::Status AddSchemaMetadata(const std::string& key, const std::string& value) const {
    return internal::Call(lance_file_writer_add_schema_metadata, c(), internal::TextC(key),
                          internal::TextC(value));
  }

  auto AddGlobalBuffer(const arrow::Buffer& bytes) const {
    return Prepare<NumberOut>(lance_file_writer_add_global_buffer, lance_file_writer_add_global_buffer_async,
                              ToNumber, c(), bytes.data(), static_cast<size_t>(bytes.size()));
  }

  arrow::Result<uint64_t> Tell() const { return internal::CallFor(uint64_t{0}, lance_file_writer_tell, c()); }

  auto Finish() const {
    using Out = internal::SizedOut<LanceFileWriteResult>;
    const auto finish = [](Out& out) -> arrow::Result<FileWriteResult> { return internal::FromC(out.value); };
    return Prepare<Out>(lance_file_writer_finish, lance_file_writer_finish_async, finish, c());
  }

  auto Abort() const {
    return Prepare<internal::NoOut>(lance_file_writer_abort, lance_file_writer_abort_async, Nothing, c());
  }

  const SchemaPtr schema;

 private:
  LanceFileWriter* c() const { return handle_.get(); }

  const WriterHandle handle_;
};

FileWriter::FileWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileWriter::~FileWriter() = default;

arrow::Result<std::unique_ptr<FileWriter>> FileWriter::Open(const std::string& uri, const SchemaPtr& schema,
                                                            const WriteFileOptions& options,
                                                            const StopToken& stop) {
  return Impl::Open<Waiting, std::unique_ptr<FileWriter>>(uri, schema, options, stop);
}

arrow::Future<std::shared_ptr<FileWriter>> FileWriter::OpenAsync(const std::string& uri,
                                                                 const SchemaPtr& schema,
                                                                 const WriteFileOptions& options,
                                                                 const StopToken& stop) {
  return Impl::Open<Starting, std::shared_ptr<FileWriter>>(uri, schema, options, stop);
}

const SchemaPtr& FileWriter::schema() const { return impl_->schema; }

arrow::Status FileWriter::Write(const arrow::RecordBatch& batch, const StopToken& stop) {
  return impl_->Write<Waiting>(batch, stop);
}

arrow::Future<> FileWriter::WriteAsync(const arrow::RecordBatch& batch, const StopToken& stop) {
  return impl_->Write<Starting>(batch, stop);
}

arrow::Status FileWriter::AddSchemaMetadata(const std::string& key, const std::string& value) {
  return impl_->AddSchemaMetadata(key, value);
}

arrow::Result<uint64_t> FileWriter::AddGlobalBuffer(const arrow::Buffer& bytes, const StopToken& stop) {
  return impl_->AddGlobalBuffer(bytes).Wait(stop);
}

arrow::Future<uint64_t> FileWriter::AddGlobalBufferAsync(const arrow::Buffer& bytes, const StopToken& stop) {
  return impl_->AddGlobalBuffer(bytes).Start(stop);
}

arrow::Result<uint64_t> FileWriter::Tell() { return impl_->Tell(); }

arrow::Result<FileWriteResult> FileWriter::Finish(const StopToken& stop) {
  return impl_->Finish().Wait(stop);
}

arrow::Future<FileWriteResult> FileWriter::FinishAsync(const StopToken& stop) {
  return impl_->Finish().Start(stop);
}

arrow::Status FileWriter::Abort() { return impl_->Abort().Wait(); }

arrow::Future<> FileWriter::AbortAsync() { return impl_->Abort().Start({}); }

}  // namespace lance::inline v0
