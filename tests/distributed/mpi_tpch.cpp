// MPI processes generate and write a table of TPC-H, each a part, and the first one commits all of them once.
//
// usage: mpirun -n 4 mpi_tpch DATASET TABLE SCALE JOB [RANK]
//
// JOB names this run: started again after a crash under the same name, nothing is counted twice. RANK is of a
// process that dies in the middle, for tests.

#include <mpi.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "arrow/c/bridge.h"
#include "arrow/record_batch.h"
#include "lance/api.h"
#include "tpcgen/tpcgen.h"

namespace {

struct Job {
  std::string dataset;
  std::string table;
  double scale = 0;
  std::string name;
  /// The process that dies, or -1.
  int dies = -1;
  int rank = 0;
  int size = 1;
};

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> OpenPart(const Job& job) {
  const TpcgenRequest request = {.benchmark = TPCGEN_TPCH,
                                 .table = job.table.c_str(),
                                 .scale_factor = job.scale,
                                 .part = job.rank + 1,
                                 .part_count = job.size,
                                 .batch_rows = 8192};
  ArrowArrayStream stream;
  char* error = nullptr;
  if (tpcgen_open(&request, &stream, &error) != 0) {
    const std::unique_ptr<char, void (*)(char*)> message(error, tpcgen_string_free);
    return arrow::Status::Invalid(message.get());
  }
  return arrow::ImportRecordBatchReader(&stream);
}

/// Write the part of this process, and describe it for the one that commits.
arrow::Result<std::string> WritePart(const Job& job) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, OpenPart(job));
  lance::WriteOptions options;
  const std::string part = std::to_string(job.rank + 1) + "/" + std::to_string(job.size);
  options.transaction_properties[lance::Transaction::kPartProperty] = job.name + " " + part;
  ARROW_ASSIGN_OR_RAISE(const auto writer, lance::LanceWriter::Open(job.dataset, reader->schema(), options));
  if (job.rank == job.dies) {
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(reader->ReadNext(&batch));
    ARROW_RETURN_NOT_OK(writer->Write(*batch));
    _exit(9);
  }
  ARROW_RETURN_NOT_OK(writer->Write(reader));
  ARROW_ASSIGN_OR_RAISE(const auto transaction, writer->FinishUncommitted());
  return transaction.ToJson();
}

/// Gather a text of each process in the first one.
std::vector<std::string> Gather(const std::string& text, int rank, int size) {
  const int length = static_cast<int>(text.size());
  std::vector<int> lengths(size);
  MPI_Gather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, 0, MPI_COMM_WORLD);
  std::vector<int> offsets(size);
  std::exclusive_scan(lengths.begin(), lengths.end(), offsets.begin(), 0);
  std::string all(rank == 0 ? offsets.back() + lengths.back() : 0, '\0');
  MPI_Gatherv(text.data(), length, MPI_CHAR, all.data(), lengths.data(), offsets.data(), MPI_CHAR, 0,
              MPI_COMM_WORLD);
  std::vector<std::string> texts;
  if (rank != 0) return texts;
  for (int i = 0; i < size; ++i) texts.push_back(all.substr(offsets[i], lengths[i]));
  return texts;
}

/// Make one version of all parts, or delete the files of those that there are.
arrow::Status Commit(const std::vector<std::string>& parts) {
  std::vector<lance::Transaction> transactions;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    ARROW_ASSIGN_OR_RAISE(auto transaction, lance::Transaction::FromJson(part));
    transactions.push_back(std::move(transaction));
  }
  const bool is_whole = transactions.size() == parts.size();
  arrow::Result<lance::CommitResult> result =
      arrow::Status::IOError("a part is missing: nothing is committed");
  if (is_whole) result = lance::Transaction::CommitAll(transactions);
  if (result.ok())
    std::cout << "version " << result->version << ", " << result->repeated_parts << " repeated\n";
  // What is committed is refused, and so is what may be.
  for (lance::Transaction& transaction : transactions) {
    const arrow::Status status = transaction.Discard();
    if (!status.ok() && lance::GetErrorCode(status) != lance::ErrorCode::kInvalidState)
      std::cerr << status << "\n";
  }
  return result.status();
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  if (argc < 5) {
    std::cerr << "usage: mpirun -n 4 mpi_tpch DATASET TABLE SCALE JOB [RANK]\n";
    MPI_Abort(MPI_COMM_WORLD, 2);
  }
  Job job{.dataset = argv[1], .table = argv[2], .scale = std::strtod(argv[3], nullptr), .name = argv[4]};
  if (argc > 5) job.dies = std::atoi(argv[5]);
  MPI_Comm_rank(MPI_COMM_WORLD, &job.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &job.size);

  const auto part = WritePart(job);
  if (!part.ok()) std::cerr << "rank " << job.rank << ": " << part.status() << "\n";
  const auto parts = Gather(part.ok() ? *part : std::string(), job.rank, job.size);
  int failed = 0;
  if (job.rank == 0) {
    const arrow::Status status = Commit(parts);
    if (!status.ok()) std::cerr << status << "\n";
    failed = status.ok() ? 0 : 1;
  }
  MPI_Bcast(&failed, 1, MPI_INT, 0, MPI_COMM_WORLD);
  MPI_Finalize();
  return failed;
}
