#include "lance/shuffle.h"

#include <tuple>
#include <utility>

#include "dataset_internal.h"
#include "ffi/batch_source_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/dataset_internal.h"
#include "ffi/generated/shuffle_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "lance/dataset.h"

namespace lance::inline v0 {

using arrow::StopToken;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using ReaderPtr = std::shared_ptr<ShuffledReader>;
using ShufflerPtr = std::shared_ptr<Shuffler>;
using BatchesPtr = std::shared_ptr<arrow::RecordBatchReader>;

namespace {

using Source = internal::BatchSource<internal::ShufflerHandle, lance_shuffler_to_stream,
                                     lance_shuffler_to_batches, lance_shuffler_to_batches_async>;

using ShufflerOut = internal::HandleOut<internal::ShufflerHandle>;

/// A shuffler with a place in one of its epochs.
struct ResumedOut {
  ShufflerOut shuffler;
  internal::SizedOut<LanceShufflePosition> position;
  auto pointers() { return std::tuple_cat(shuffler.pointers(), position.pointers()); }
};

struct Resumed {
  ShufflerPtr shuffler;
  ShufflePosition position;
};

}  // namespace

class Shuffler::Impl : public Source {
 public:
  Impl(internal::ShufflerHandle handle, std::shared_ptr<arrow::Schema> schema, const ShuffleInfo& info)
      : BatchSource(std::move(handle), std::move(schema)), info(info) {}

  static arrow::Result<ShufflerPtr> Make(ShufflerOut& out) {
    auto handle = out.Take();
    const LanceShuffler* const c = handle.get();
    ARROW_ASSIGN_OR_RAISE(auto schema, internal::CallForSchema<LanceShuffler>(lance_shuffler_schema, c));
    ARROW_ASSIGN_OR_RAISE(
        const auto info, internal::CallFor(LanceShuffleInfo LANCE_SHUFFLE_INFO_INIT, lance_shuffler_info, c));
    return ShufflerPtr(
        new Shuffler(std::make_shared<Impl>(std::move(handle), std::move(schema), internal::FromC(info))));
  }

  template <typename Form>
  static typename Form::template Of<ShufflerPtr> Open(const Dataset& dataset, const ShuffleOptions& options,
                                                      const StopToken& stop) {
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::ShuffleOptionsC::Make(options));
    return Form::Make(Prepare<ShufflerOut>(lance_shuffler_open, lance_shuffler_open_async, Make,
                                           DatasetAccess::Get(dataset), &c_options.c),
                      stop);
  }

  static auto PrepareResume(const std::string& state, const LanceAccessOptions* options) {
    const auto finish = [](ResumedOut& out) -> arrow::Result<Resumed> {
      ARROW_ASSIGN_OR_RAISE(auto shuffler, Make(out.shuffler));
      return Resumed{std::move(shuffler), internal::FromC(out.position.value)};
    };
    return Prepare<ResumedOut>(lance_shuffler_resume, lance_shuffler_resume_async, finish,
                               internal::TextC(state), options);
  }

  arrow::Result<std::string> State(const ShufflePosition& position) const {
    ARROW_ASSIGN_OR_RAISE(
        const auto text, internal::CallForHandle<internal::StringHandle>(lance_shuffler_state, c(),
                                                                         position.epoch, position.rows_done));
    return std::string(text.get());
  }

  const ShuffleInfo info;
};

class ShuffledReader::Impl {
 public:
  Impl(std::shared_ptr<const Shuffler> shuffler, const ShufflePosition& position, BatchesPtr batches)
      : shuffler(std::move(shuffler)), batches(std::move(batches)), position(position) {}

  const std::shared_ptr<const Shuffler> shuffler;
  const BatchesPtr batches;
  ShufflePosition position;
};

Shuffler::Shuffler(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Shuffler::~Shuffler() = default;

const std::shared_ptr<arrow::Schema>& Shuffler::schema() const { return impl_->schema; }

const ShuffleInfo& Shuffler::info() const { return impl_->info; }

ReaderPtr Shuffler::Reader(std::shared_ptr<const Impl> impl, const ShufflePosition& position,
                           BatchesPtr batches) {
  // Another one of the same handle, as this one may be destroyed before.
  std::shared_ptr<const Shuffler> shuffler(new Shuffler(std::move(impl)));
  return ReaderPtr(new ShuffledReader(
      std::make_unique<ShuffledReader::Impl>(std::move(shuffler), position, std::move(batches))));
}

arrow::Result<ReaderPtr> Shuffler::ToReader(uint64_t epoch, uint64_t rows_done, const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(auto batches, impl_->ToReader(stop, epoch, rows_done));
  return Reader(impl_, {epoch, rows_done}, std::move(batches));
}

arrow::Future<ReaderPtr> Shuffler::ToReaderAsync(uint64_t epoch, uint64_t rows_done,
                                                 const StopToken& stop) const {
  return impl_->ToReaderAsync(stop, epoch, rows_done)
      .Then([impl = impl_, epoch, rows_done](const BatchesPtr& batches) {
        return Reader(impl, {epoch, rows_done}, batches);
      });
}

arrow::Future<Shuffler::Generator> Shuffler::ToGenerator(uint64_t epoch, uint64_t rows_done,
                                                         const StopToken& stop) const {
  return impl_->ToGenerator(stop, epoch, rows_done);
}

arrow::Result<std::string> Shuffler::State(uint64_t epoch, uint64_t rows_done) const {
  return impl_->State({epoch, rows_done});
}

arrow::Result<ReaderPtr> Shuffler::Resume(const std::string& state, const AccessOptions& options,
                                          const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::AccessOptionsC::Make(options));
  ARROW_ASSIGN_OR_RAISE(const auto resumed, Impl::PrepareResume(state, &c_options.c).Wait(stop));
  return resumed.shuffler->ToReader(resumed.position.epoch, resumed.position.rows_done, stop);
}

arrow::Future<ReaderPtr> Shuffler::ResumeAsync(const std::string& state, const AccessOptions& options,
                                               const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::AccessOptionsC::Make(options));
  return Impl::PrepareResume(state, &c_options.c).Start(stop).Then([stop](const Resumed& resumed) {
    return resumed.shuffler->ToReaderAsync(resumed.position.epoch, resumed.position.rows_done, stop);
  });
}

ShuffledReader::ShuffledReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ShuffledReader::~ShuffledReader() = default;

std::shared_ptr<arrow::Schema> ShuffledReader::schema() const { return impl_->batches->schema(); }

arrow::Status ShuffledReader::ReadNext(std::shared_ptr<arrow::RecordBatch>* out) {
  ARROW_RETURN_NOT_OK(impl_->batches->ReadNext(out));
  if (*out != nullptr) impl_->position.rows_done += static_cast<uint64_t>((*out)->num_rows());
  return arrow::Status::OK();
}

arrow::Status ShuffledReader::Close() { return impl_->batches->Close(); }

const ShufflePosition& ShuffledReader::position() const { return impl_->position; }

arrow::Result<std::string> ShuffledReader::State() const {
  return impl_->shuffler->State(impl_->position.epoch, impl_->position.rows_done);
}

const std::shared_ptr<const Shuffler>& ShuffledReader::shuffler() const { return impl_->shuffler; }

arrow::Result<ShufflerPtr> Dataset::Shuffle(const ShuffleOptions& options, const StopToken& stop) const {
  return Shuffler::Impl::Open<Waiting>(*this, options, stop);
}

arrow::Future<ShufflerPtr> Dataset::ShuffleAsync(const ShuffleOptions& options, const StopToken& stop) const {
  return Shuffler::Impl::Open<Starting>(*this, options, stop);
}

}  // namespace lance::inline v0
