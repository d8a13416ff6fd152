// Handles that live in global variables and are destroyed after main(): the program exits with 0, in time,
// and the unfinished writer's files are gone.

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "arrow/api.h"
#include "arrow/util/logging.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/temp_dir.h"

namespace {

/// Destroyed last: looks at what the others left behind.
struct Inspector {
  ~Inspector() {
    if (lance_test::ListFiles(dir / "unfinished").empty()) return;
    std::fputs("the unfinished writer left files behind\n", stderr);
    _exit(1);
  }

  lance_test::TempDir dir;
};

Inspector inspector;
std::unique_ptr<lance::LanceWriter> writer;
std::shared_ptr<lance::Dataset> dataset;
std::shared_ptr<lance::Scanner> scanner;
std::shared_ptr<arrow::RecordBatchReader> reader;

}  // namespace

int main() {
  lance::WriteOptions options;
  options.max_rows_per_file = 1000;
  writer = lance::LanceWriter::Open(inspector.dir / "unfinished", lance_test::SimpleSchema(), options)
               .ValueOrDie();
  for (int64_t i = 0; i < 20; ++i) ARROW_CHECK_OK(writer->Write(*lance_test::SimpleBatch(i * 1000, 1000)));

  ARROW_CHECK_OK(lance_test::WriteSimple(inspector.dir / "dataset", 0, 100'000).status());
  dataset = lance::Dataset::Open(inspector.dir / "dataset").ValueOrDie();
  scanner = dataset->Scan().ValueOrDie();
  reader = scanner->ToReader().ValueOrDie();
  std::shared_ptr<arrow::RecordBatch> batch;
  ARROW_CHECK_OK(reader->ReadNext(&batch));
  return 0;
}
