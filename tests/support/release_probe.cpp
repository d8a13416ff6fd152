#include "support/release_probe.h"

#include <atomic>
#include <utility>

#include "arrow/c/bridge.h"
#include "arrow/type.h"
#include "arrow/util/logging.h"

namespace lance_test {
namespace {

std::atomic<int64_t> live{0};

const char* NameOf(const ArrowArray*) { return "array"; }
const char* NameOf(const ArrowSchema*) { return "schema"; }
const char* NameOf(const ArrowArrayStream*) { return "stream"; }

}  // namespace

struct ReleaseProbe::Record {
  Record(ReleaseProbe* owner, const char* kind) : probe(owner), name(kind) { live.fetch_add(1); }
  virtual ~Record() = default;

  /// Say that the record is complete, and may be released on any thread.
  void Publish() { releases.store(0, std::memory_order_release); }

  /// Make what the exporting thread has written visible here.
  void Enter() const { releases.load(std::memory_order_acquire); }

  /// Count a release; true for the first.
  bool CountRelease() {
    if (releases.fetch_add(1, std::memory_order_acq_rel) > 0) return false;
    live.fetch_sub(1);
    return true;
  }

  ReleaseProbe* probe;
  const char* name;
  std::atomic<int> releases{0};
};

namespace {

template <typename CStruct>
struct TypedRecord : ReleaseProbe::Record {
  TypedRecord(ReleaseProbe* owner, const CStruct& exported)
      : Record(owner, NameOf(&exported)), original(exported) {}

  CStruct original;
};

template <typename CStruct>
TypedRecord<CStruct>* RecordOf(CStruct* c_struct) {
  auto* record = static_cast<TypedRecord<CStruct>*>(c_struct->private_data);
  record->Enter();
  return record;
}

template <typename CStruct>
void ForwardRelease(CStruct* c_struct) {
  auto* record = RecordOf(c_struct);
  if (record->CountRelease()) record->original.release(&record->original);
  c_struct->release = nullptr;
}

int ForwardGetSchema(ArrowArrayStream* stream, ArrowSchema* out) {
  auto* record = RecordOf(stream);
  const int code = record->original.get_schema(&record->original, out);
  if (code == 0 && out->release != nullptr) record->probe->Watch(out);
  return code;
}

int ForwardGetNext(ArrowArrayStream* stream, ArrowArray* out) {
  auto* record = RecordOf(stream);
  const int code = record->original.get_next(&record->original, out);
  if (code == 0 && out->release != nullptr) record->probe->Watch(out);
  return code;
}

const char* ForwardGetLastError(ArrowArrayStream* stream) {
  auto* record = RecordOf(stream);
  return record->original.get_last_error(&record->original);
}

}  // namespace

ReleaseProbe::ReleaseProbe() = default;

ReleaseProbe::~ReleaseProbe() { EXPECT_TRUE(EachReleasedOnce()); }

template <typename CStruct>
void ReleaseProbe::Interpose(CStruct* c_struct) {
  auto record = std::make_unique<TypedRecord<CStruct>>(this, *c_struct);
  c_struct->private_data = record.get();
  c_struct->release = ForwardRelease<CStruct>;
  record->Publish();
  std::lock_guard lock(mutex_);
  records_.push_back(std::move(record));
}

void ReleaseProbe::Watch(ArrowArray* array) { Interpose(array); }

void ReleaseProbe::Watch(ArrowSchema* schema) { Interpose(schema); }

void ReleaseProbe::Watch(ArrowArrayStream* stream) {
  Interpose(stream);
  stream->get_schema = ForwardGetSchema;
  stream->get_next = ForwardGetNext;
  stream->get_last_error = ForwardGetLastError;
}

int64_t ReleaseProbe::watched() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(records_.size());
}

::testing::AssertionResult ReleaseProbe::EachReleasedOnce() const {
  std::lock_guard lock(mutex_);
  auto failure = ::testing::AssertionFailure();
  bool ok = true;
  for (size_t i = 0; i < records_.size(); ++i) {
    const int releases = records_[i]->releases.load();
    if (releases == 1) continue;
    ok = false;
    failure << records_[i]->name << " " << i << " was released " << releases << " times; ";
  }
  return ok ? ::testing::AssertionSuccess() : failure;
}

int64_t ReleaseProbe::Live() { return live.load(); }

ProbedBatch::ProbedBatch(const arrow::RecordBatch& batch, ReleaseProbe& probe) {
  ARROW_CHECK_OK(arrow::ExportRecordBatch(batch, &array, &schema));
  probe.Watch(&array);
  probe.Watch(&schema);
}

ProbedSchema::ProbedSchema(const arrow::Schema& arrow_schema, ReleaseProbe& probe) {
  ARROW_CHECK_OK(arrow::ExportSchema(arrow_schema, &schema));
  probe.Watch(&schema);
}

}  // namespace lance_test
