// Every function of the C ABI that can fail, with a panic at its first step and at its second: LANCE_PANIC
// with a message, what was handed over is released once, the process lives, other handles work. The first
// step comes before a handle is used and leaves it as it was; the second may come while it is used, which
// poisons it unless it never changes, as a dataset and a scanner do not.

#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>
#include <set>
#include <string>

#include "arrow/c/bridge.h"
#include "arrow/record_batch.h"
#include "gmock/gmock.h"
#include "support/c_call.h"
#include "support/datasets.h"
#include "support/faults.h"
#include "support/figures.h"
#include "support/generators.h"
#include "support/release_probe.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using ::testing::HasSubstr;

constexpr const LanceOpenOptions* kOpenDefaults = nullptr;
constexpr const LanceScanOptions* kScanDefaults = nullptr;
constexpr const LanceWriteOptions* kWriteDefaults = nullptr;
constexpr const LanceCheckOptions* kCheckDefaults = nullptr;
constexpr const LanceCleanupOptions* kCleanupDefaults = nullptr;
constexpr const LanceKeyValue* kNoStorageOptions = nullptr;
constexpr const char* const* kAllColumns = nullptr;

/// An Arrow struct that a call fills.
template <typename CStruct>
struct Filled : CStruct {
  Filled() : CStruct{} {}
  ~Filled() {
    if (this->release != nullptr) this->release(this);
  }
  CStruct* out() { return this; }
};

/// Call a function that gives a handle away.
template <typename Ptr, typename... Params, typename... Args>
Outcome Make(Ptr* owned, LanceStatusCode (*function)(Params...), Args... args) {
  typename Ptr::pointer handle = nullptr;
  const Outcome outcome = CallC(function, args..., &handle);
  owned->reset(handle);
  return outcome;
}

/// A handle of each kind.
struct World {
  World() {
    EXPECT_OK(WriteSimple(uri, 0, 100));
    EXPECT_EQ(Make(&dataset, lance_dataset_open, uri.c_str(), kOpenDefaults), LANCE_OK);
    EXPECT_EQ(Make(&scanner, lance_scanner_open, Dataset(), kScanDefaults), LANCE_OK);
    EXPECT_EQ(CallC(lance_scanner_to_stream, Scanner(), stream.out()), LANCE_OK);
    EXPECT_EQ(Make(&fragments, lance_dataset_fragments, Dataset()), LANCE_OK);
    EXPECT_EQ(Make(&versions, lance_dataset_versions, Dataset()), LANCE_OK);
    EXPECT_EQ(Make(&report, lance_dataset_check, uri.c_str(), kCheckDefaults), LANCE_OK);
    EXPECT_EQ(Open("written", &writer), LANCE_OK);
    WriterPtr uncommitted;
    EXPECT_EQ(Open("uncommitted", &uncommitted), LANCE_OK);
    EXPECT_EQ(Make(&transaction, lance_writer_finish_uncommitted, uncommitted.get()), LANCE_OK);
    EXPECT_EQ(Make(&json, lance_transaction_to_json, Transaction()), LANCE_OK);
  }

  Outcome Open(const std::string& name, WriterPtr* out) {
    ProbedSchema schema(*SimpleSchema(), probe);
    const Outcome outcome = OpenWriter(dir / name, &schema.schema, kWriteDefaults, out);
    EXPECT_EQ(schema.schema.release, nullptr);
    return outcome;
  }

  template <typename Call>
  Outcome WriteBatch(Call call) {
    ProbedBatch batch(*SimpleBatch(0, 7), probe);
    const Outcome outcome = call(&batch.array, &batch.schema);
    EXPECT_TRUE(batch.consumed());
    return outcome;
  }

  Outcome WriteStream() {
    const auto reader = arrow::RecordBatchReader::Make({SimpleBatch(0, 7)}).ValueOrDie();
    ArrowArrayStream stream{};
    EXPECT_OK(arrow::ExportRecordBatchReader(reader, &stream));
    probe.Watch(&stream);
    const Outcome outcome = CallC(lance_writer_write_stream, writer.get(), 0U, &stream);
    EXPECT_EQ(stream.release, nullptr);
    return outcome;
  }

  Outcome Take(decltype(&lance_dataset_take) function) {
    const std::array<uint64_t, 2> rows{99, 0};
    Filled<ArrowArray> array;
    Filled<ArrowSchema> schema;
    return CallC(function, Dataset(), rows.data(), rows.size(), kAllColumns, size_t{0}, array.out(),
                 schema.out());
  }

  const LanceDataset* Dataset() const { return dataset.get(); }
  const LanceScanner* Scanner() const { return scanner.get(); }
  const LanceTransaction* Transaction() const { return transaction.get(); }

  const TempDir dir;
  const std::string uri = dir / "dataset";
  ReleaseProbe probe;
  DatasetPtr dataset;
  ScannerPtr scanner;
  Filled<ArrowArrayStream> stream;
  FragmentListPtr fragments;
  VersionListPtr versions;
  CheckReportPtr report;
  WriterPtr writer;
  TransactionPtr transaction;
  StringPtr json;
};

/// What a panic at the second step of a function means.
enum class Second {
  kPoisons,
  /// Nothing is changed by then, or there is no handle.
  kHarmless,
  /// It hits the clean-up, which is done as far as it goes.
  kUnnoticed,
};

/// One function of the C ABI.
struct Function {
  const char* name;
  Outcome (*call)(World&);
  Second second = Second::kPoisons;
  /// What it returns if nothing panics.
  LanceStatusCode usual = LANCE_OK;
};

const Function kFunctions[] = {
    // The runtime runs by then.
    {"lance_runtime_configure",
     [](World&) {
       const LanceRuntimeOptions options = LANCE_RUNTIME_OPTIONS_INIT;
       return CallC(lance_runtime_configure, &options);
     },
     Second::kHarmless, LANCE_INVALID_STATE},
    {"lance_dataset_open",
     [](World& world) {
       DatasetPtr out;
       return Make(&out, lance_dataset_open, world.uri.c_str(), kOpenDefaults);
     },
     Second::kHarmless},
    {"lance_dataset_info",
     [](World& world) {
       LanceDatasetInfo out = LANCE_DATASET_INFO_INIT;
       return CallC(lance_dataset_info, world.Dataset(), &out);
     },
     Second::kHarmless},
    {"lance_dataset_schema",
     [](World& world) {
       Filled<ArrowSchema> out;
       return CallC(lance_dataset_schema, world.Dataset(), out.out());
     },
     Second::kHarmless},
    {"lance_dataset_count_rows",
     [](World& world) {
       uint64_t out = 0;
       return CallC(lance_dataset_count_rows, world.Dataset(), "id < 50", &out);
     },
     Second::kHarmless},
    {"lance_dataset_latest_version",
     [](World& world) {
       uint64_t out = 0;
       return CallC(lance_dataset_latest_version, world.Dataset(), &out);
     },
     Second::kHarmless},
    {"lance_dataset_take", [](World& world) { return world.Take(lance_dataset_take); }, Second::kHarmless},
    {"lance_dataset_take_rows", [](World& world) { return world.Take(lance_dataset_take_rows); },
     Second::kHarmless},
    {"lance_dataset_fragments",
     [](World& world) {
       FragmentListPtr out;
       return Make(&out, lance_dataset_fragments, world.Dataset());
     },
     Second::kHarmless},
    {"lance_fragment_list_get",
     [](World& world) {
       LanceFragmentInfo out = LANCE_FRAGMENT_INFO_INIT;
       const LanceFragmentList* list = world.fragments.get();
       return CallC(lance_fragment_list_get, list, size_t{0}, &out);
     },
     Second::kHarmless},
    {"lance_dataset_versions",
     [](World& world) {
       VersionListPtr out;
       return Make(&out, lance_dataset_versions, world.Dataset());
     },
     Second::kHarmless},
    {"lance_version_list_get",
     [](World& world) {
       LanceVersionInfo out = LANCE_VERSION_INFO_INIT;
       const LanceVersionList* list = world.versions.get();
       return CallC(lance_version_list_get, list, size_t{0}, &out);
     },
     Second::kHarmless},
    {"lance_scanner_open",
     [](World& world) {
       ScannerPtr out;
       return Make(&out, lance_scanner_open, world.Dataset(), kScanDefaults);
     },
     Second::kHarmless},
    {"lance_scanner_schema",
     [](World& world) {
       Filled<ArrowSchema> out;
       return CallC(lance_scanner_schema, world.Scanner(), out.out());
     },
     Second::kHarmless},
    {"lance_scanner_to_stream",
     [](World& world) {
       Filled<ArrowArrayStream> out;
       return CallC(lance_scanner_to_stream, world.Scanner(), out.out());
     },
     Second::kHarmless},
    {"lance_stream_last_error",
     [](World& world) {
       LanceError* out = nullptr;
       const ArrowArrayStream* stream = &world.stream;
       const Outcome outcome = CallC(lance_stream_last_error, stream, &out);
       EXPECT_EQ(out, nullptr);
       return outcome;
     },
     Second::kHarmless},
    {"lance_scanner_count_rows",
     [](World& world) {
       uint64_t out = 0;
       return CallC(lance_scanner_count_rows, world.Scanner(), &out);
     },
     Second::kHarmless},
    {"lance_scanner_explain",
     [](World& world) {
       StringPtr out;
       return Make(&out, lance_scanner_explain, world.Scanner());
     },
     Second::kHarmless},
    {"lance_transaction_commit",
     [](World& world) {
       LanceTransaction* const transactions[] = {world.transaction.get()};
       LanceTransaction* const* first = transactions;
       return CallC(lance_transaction_commit, first, size_t{1}, static_cast<LanceCommitResult*>(nullptr));
     },
     Second::kHarmless},
    {"lance_transaction_discard",
     [](World& world) { return CallC(lance_transaction_discard, world.transaction.get()); }},
    {"lance_transaction_to_json",
     [](World& world) {
       StringPtr out;
       return Make(&out, lance_transaction_to_json, world.Transaction());
     }},
    {"lance_transaction_from_json",
     [](World& world) {
       TransactionPtr out;
       const char* json = world.json.get();
       return Make(&out, lance_transaction_from_json, json, kNoStorageOptions, size_t{0});
     },
     Second::kHarmless},
    {"lance_writer_open",
     [](World& world) {
       WriterPtr out;
       return world.Open("new", &out);
     },
     Second::kHarmless},
    {"lance_writer_write_batch",
     [](World& world) {
       return world.WriteBatch([&](ArrowArray* array, ArrowSchema* schema) {
         return CallC(lance_writer_write_batch, world.writer.get(), array, schema);
       });
     }},
    {"lance_writer_write_batch_to_lane",
     [](World& world) {
       return world.WriteBatch([&](ArrowArray* array, ArrowSchema* schema) {
         return CallC(lance_writer_write_batch_to_lane, world.writer.get(), 0U, array, schema);
       });
     }},
    {"lance_writer_write_stream", [](World& world) { return world.WriteStream(); }},
    {"lance_writer_stats",
     [](World& world) {
       LanceWriteStats out = LANCE_WRITE_STATS_INIT;
       const ::LanceWriter* writer = world.writer.get();
       return CallC(lance_writer_stats, writer, &out);
     }},
    {"lance_writer_finish", [](World& world) { return Finish(world.writer); }},
    {"lance_writer_finish_uncommitted",
     [](World& world) {
       TransactionPtr out;
       return Make(&out, lance_writer_finish_uncommitted, world.writer.get());
     }},
    {"lance_dataset_check",
     [](World& world) {
       CheckReportPtr out;
       return Make(&out, lance_dataset_check, world.uri.c_str(), kCheckDefaults);
     },
     Second::kHarmless},
    {"lance_check_report_summary",
     [](World& world) {
       LanceCheckSummary out = LANCE_CHECK_SUMMARY_INIT;
       const LanceCheckReport* report = world.report.get();
       return CallC(lance_check_report_summary, report, &out);
     },
     Second::kHarmless},
    // The dataset is sound: there is no problem to get.
    {"lance_check_report_get",
     [](World& world) {
       LanceCheckProblem out = LANCE_CHECK_PROBLEM_INIT;
       const LanceCheckReport* report = world.report.get();
       return CallC(lance_check_report_get, report, size_t{0}, &out);
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_cleanup",
     [](World& world) {
       LanceCleanupResult out = LANCE_CLEANUP_RESULT_INIT;
       return CallC(lance_dataset_cleanup, world.uri.c_str(), kCleanupDefaults, &out);
     },
     Second::kHarmless},
    {"lance_writer_abort", [](World& world) { return CallC(lance_writer_abort, world.writer.get()); },
     Second::kUnnoticed},
};

std::ostream& operator<<(std::ostream& out, const Function& function) { return out << function.name; }

TEST(PanicTable, HasEveryFunctionThatCanFail) {
  std::ifstream file(LANCE_C_HEADER);
  const std::string header{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::regex prototype(R"(LANCE_API LanceStatusCode (\w+)\([^;]*LanceError\*\* error\);)");
  std::set<std::string> declared;
  for (std::sregex_iterator match(header.begin(), header.end(), prototype), end; match != end; ++match)
    declared.insert((*match)[1]);
  std::set<std::string> tested;
  for (const Function& function : kFunctions) tested.insert(function.name);
  EXPECT_EQ(tested, declared);
  Figure("R1", {{"functions", std::to_string(declared.size())}, {"tested", std::to_string(tested.size())}});
}

class PanicTest : public ::testing::TestWithParam<Function> {
 protected:
  void SetUp() override {
    ASSERT_NE(faults_.fail_at, nullptr) << "the library was built without fault points";
  }

  /// Call the function with a panic at its `k`-th step.
  Outcome CallWithPanicAt(int64_t k, World& world) {
    faults_.fail_at(k, kPanic);
    const Outcome outcome = GetParam().call(world);
    fired_ = faults_.points_hit() >= k;
    faults_.fail_at(0, kOff);
    if (outcome == LANCE_PANIC) {
      EXPECT_THAT(outcome.message, HasSubstr("injected panic"));
      EXPECT_THAT(outcome.detail, HasSubstr(".rs:"));
    }
    return outcome;
  }

  Faults faults_;
  World other_;
  bool fired_ = false;
};

TEST_P(PanicTest, BeforeTheHandleIsUsedLeavesItUsable) {
  World world;
  EXPECT_EQ(CallWithPanicAt(1, world), LANCE_PANIC);
  EXPECT_TRUE(fired_);
  EXPECT_EQ(GetParam().call(world), GetParam().usual);
  EXPECT_EQ(GetParam().call(other_), GetParam().usual);
}

TEST_P(PanicTest, WhileTheHandleIsUsedPoisonsIt) {
  World world;
  const Outcome outcome = CallWithPanicAt(2, world);
  const bool panics = fired_ && GetParam().second != Second::kUnnoticed;
  EXPECT_EQ(outcome, panics ? LANCE_PANIC : GetParam().usual);
  if (panics) {
    const Outcome again = GetParam().call(world);
    if (GetParam().second == Second::kPoisons) {
      EXPECT_EQ(again, LANCE_PANIC);
      EXPECT_THAT(again.message, HasSubstr("earlier call on this handle panicked"));
    } else {
      EXPECT_EQ(again, GetParam().usual);
    }
  }
  EXPECT_EQ(GetParam().call(other_), GetParam().usual);
}

INSTANTIATE_TEST_SUITE_P(Functions, PanicTest, ::testing::ValuesIn(kFunctions),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace lance_test
