// Tasks of Ray generate and write a table of TPC-H, each a part, and the driver commits all of them once. It
// knows the C ABI only: Ray's library has the old ABI of std::string, with which Arrow C++ cannot be linked.
//
// usage: ray_tpch LIBRARY DATASET TABLE SCALE JOB PARTS MARKER
//
// LIBRARY is this file as a shared library, which Ray's workers load. The worker of the first part kills
// itself in the middle, unless the file MARKER says that it has done so.

#include <ray/api.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "lance/c/lance.h"
#include "tpcgen/tpcgen.h"

namespace {

/// `error` is a reference, as it is written by the call whose code is given.
void Check(LanceStatusCode code, LanceError*& error) {
  if (code == LANCE_OK) return;
  const std::string message = std::string(lance_status_name(code)) + ": " + lance_error_message(error);
  lance_error_free(error);
  throw std::runtime_error(message);
}

template <typename Handle, void (*Free)(Handle*)>
struct Freed {
  void operator()(Handle* handle) const { Free(handle); }
};
using Writer = std::unique_ptr<LanceWriter, Freed<LanceWriter, lance_writer_free>>;
using Transaction = std::unique_ptr<LanceTransaction, Freed<LanceTransaction, lance_transaction_free>>;
using Text = std::unique_ptr<char, Freed<char, lance_string_free>>;

/// A stream of batches that is released in any case.
struct Stream {
  ArrowArrayStream c = {};
  ~Stream() {
    if (c.release != nullptr) c.release(&c);
  }
};

void Open(const std::string& table, double scale, int part, int parts, ArrowArrayStream* stream) {
  TpcgenRequest request = {};
  request.benchmark = TPCGEN_TPCH;
  request.table = table.c_str();
  request.scale_factor = scale;
  request.part = part;
  request.part_count = parts;
  request.batch_rows = 8192;
  char* error = nullptr;
  if (tpcgen_open(&request, stream, &error) == 0) return;
  const std::string message = error;
  tpcgen_string_free(error);
  throw std::runtime_error(message);
}

void DieInTheMiddle(LanceWriter* writer, ArrowArrayStream* stream, const std::string& marker) {
  std::ofstream(marker) << "died\n";
  ArrowArray batch;
  if (stream->get_next(stream, &batch) != 0) throw std::runtime_error(stream->get_last_error(stream));
  LanceError* error = nullptr;
  Check(lance_writer_write_batch(writer, &batch, nullptr, &error), error);
  std::raise(SIGKILL);
}

}  // namespace

/// Write a part, in a process of Ray's, and describe it for the driver.
std::string WritePart(std::string dataset, std::string table, double scale, std::string job, int part,
                      int parts, std::string marker) {
  Stream stream;
  Open(table, scale, part, parts, &stream.c);
  ArrowSchema schema;
  if (stream.c.get_schema(&stream.c, &schema) != 0)
    throw std::runtime_error(stream.c.get_last_error(&stream.c));

  const std::string name = job + " " + std::to_string(part) + "/" + std::to_string(parts);
  const LanceKeyValue property = {LANCE_TEXT("lance_cpp.part"), {name.data(), name.size()}};
  LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
  options.transaction_properties = &property;
  options.transaction_properties_count = 1;

  LanceError* error = nullptr;
  LanceWriter* opened = nullptr;
  Check(lance_writer_open(dataset.c_str(), &schema, &options, &opened, &error), error);
  const Writer writer(opened);
  if (part == 1 && !std::ifstream(marker)) DieInTheMiddle(writer.get(), &stream.c, marker);
  Check(lance_writer_write_stream(writer.get(), LANCE_ANY_LANE, &stream.c, &error), error);
  LanceTransaction* made = nullptr;
  Check(lance_writer_finish_uncommitted(writer.get(), &made, &error), error);
  const Transaction transaction(made);
  char* json = nullptr;
  Check(lance_transaction_to_json(transaction.get(), &json, &error), error);
  return Text(json).get();
}
RAY_REMOTE(WritePart);

namespace {

/// Commit parts once; some may be given twice.
uint64_t Commit(const std::vector<std::string>& parts, uint64_t* repeated) {
  std::vector<Transaction> transactions;
  std::vector<LanceTransaction*> handles;
  LanceError* error = nullptr;
  for (const std::string& part : parts) {
    LanceTransaction* transaction = nullptr;
    const LanceText json = {part.data(), part.size()};
    Check(lance_transaction_from_json(json, nullptr, 0, &transaction, &error), error);
    transactions.emplace_back(transaction);
    handles.push_back(transaction);
  }
  LanceCommitResult result = LANCE_COMMIT_RESULT_INIT;
  Check(lance_transaction_commit(handles.data(), handles.size(), &result, &error), error);
  for (LanceTransaction* handle : handles) {
    // Deletes what was left out, and refuses what was committed.
    if (lance_transaction_discard(handle, &error) != LANCE_OK) lance_error_free(error);
  }
  *repeated = result.repeated_parts;
  return result.version;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 8) {
    std::cerr << "usage: ray_tpch LIBRARY DATASET TABLE SCALE JOB PARTS MARKER\n";
    return 2;
  }
  const std::string dataset = argv[2], table = argv[3], job = argv[5], marker = argv[7];
  const double scale = std::atof(argv[4]);
  const int parts = std::atoi(argv[6]);
  ray::RayConfig config;
  config.code_search_path = {argv[1]};
  config.head_args = {"--num-cpus", "2", "--node-ip-address", "127.0.0.1", "--include-dashboard", "false"};
  ray::Init(config);
  int failed = 0;
  try {
    std::vector<ray::ObjectRef<std::string>> tasks;
    for (int part = 1; part <= parts; ++part) {
      tasks.push_back(ray::Task(WritePart).Remote(dataset, table, scale, job, part, parts, marker));
    }
    // The last part is made twice, as if its first worker had been taken for dead.
    tasks.push_back(ray::Task(WritePart).Remote(dataset, table, scale, job, parts, parts, marker));
    std::vector<std::string> texts;
    for (const auto& task : tasks) texts.push_back(*ray::Get(task));
    uint64_t repeated = 0;
    const uint64_t version = Commit(texts, &repeated);
    std::cout << "version " << version << ", " << repeated << " repeated" << std::endl;
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << std::endl;
    failed = 1;
  }
  ray::Shutdown();
  return failed;
}
