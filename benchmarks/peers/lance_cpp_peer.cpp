// lance-cpp in the comparison: does one piece of work and prints as JSON how long that took. What comes
// before the work, such as loading a table into memory, is not timed.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "arrow/api.h"
#include "arrow/io/file.h"
#include "arrow/ipc/reader.h"
#include "lance/api.h"

namespace {

using Batches = arrow::RecordBatchVector;

/// CPU time of all threads of this process.
double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double SecondsOf(const std::function<arrow::Status()>& work, arrow::Status* status) {
  const auto begin = std::chrono::steady_clock::now();
  *status = work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Time one piece of work and print it.
arrow::Status Report(uint64_t* rows, const std::function<arrow::Status()>& work) {
  arrow::Status status;
  const double cpu_before = CpuSeconds();
  const double seconds = SecondsOf(work, &status);
  const double cpu = CpuSeconds() - cpu_before;
  if (status.ok())
    std::cout << nlohmann::json{{"seconds", seconds}, {"cpu", cpu}, {"rows", *rows}} << std::endl;
  return status;
}

/// Drop a dataset's files from the page cache.
void Evict(const std::string& dataset) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dataset)) {
    if (!entry.is_regular_file()) continue;
    const int file = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    close(file);
  }
}

/// Time many of a kind and print them all.
arrow::Status ReportEach(
    int count, const std::function<arrow::Status()>& work, const std::function<void()>& prepare = [] {}) {
  std::vector<double> seconds;
  for (int i = 0; i < count; ++i) {
    arrow::Status status;
    prepare();
    seconds.push_back(SecondsOf(work, &status));
    ARROW_RETURN_NOT_OK(status);
  }
  std::cout << nlohmann::json{{"each", seconds}} << std::endl;
  return arrow::Status::OK();
}

/// An Arrow IPC file, all of it in memory.
arrow::Result<Batches> Load(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchFileReader::Open(file));
  return reader->ToRecordBatches();
}

/// The batches again, but of so many rows each.
Batches Resliced(const Batches& batches, int64_t rows) {
  Batches sliced;
  for (const auto& batch : batches) {
    for (int64_t at = 0; at < batch->num_rows(); at += rows) sliced.push_back(batch->Slice(at, rows));
  }
  return sliced;
}

struct WriteArguments {
  std::string table;
  std::string dataset;
  uint32_t lanes = 1;
  int64_t batch_rows = 0;
  uint64_t encoder_cache_bytes = 0;
  uint64_t max_bytes_in_flight = 0;
};

arrow::Status Write(const WriteArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(Batches batches, Load(arguments.table));
  if (arguments.batch_rows > 0) batches = Resliced(batches, arguments.batch_rows);
  lance::WriteOptions options;
  options.lanes = arguments.lanes;
  if (arguments.encoder_cache_bytes > 0) options.encoder_cache_bytes = arguments.encoder_cache_bytes;
  if (arguments.max_bytes_in_flight > 0) options.max_bytes_in_flight = arguments.max_bytes_in_flight;
  uint64_t rows = 0;
  return Report(&rows, [&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto writer,
                          lance::LanceWriter::Open(arguments.dataset, batches.front()->schema(), options));
    std::vector<arrow::Status> outcomes(options.lanes);
    {
      std::vector<std::jthread> producers;
      for (uint32_t lane = 0; lane < options.lanes; ++lane) {
        producers.emplace_back([&, lane] {
          const size_t end = batches.size() * (lane + 1) / options.lanes;
          for (size_t i = batches.size() * lane / options.lanes; i < end && outcomes[lane].ok(); ++i) {
            outcomes[lane] = writer->WriteToLane(lane, *batches[i]);
          }
        });
      }
    }
    for (const auto& outcome : outcomes) ARROW_RETURN_NOT_OK(outcome);
    ARROW_RETURN_NOT_OK(writer->Finish());
    rows = writer->stats().rows;
    return arrow::Status::OK();
  });
}

struct ReadArguments {
  std::string dataset;
  std::vector<std::string> columns;
  std::string filter;
  uint64_t rows = 0;
  int repeat = 1;
  bool cold = false;
  uint64_t splits = 0;
};

/// Read a scan to its end; how many rows it has.
arrow::Result<uint64_t> RowsOf(const lance::Scanner& scanner) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, scanner.ToReader());
  for (uint64_t rows = 0;;) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, reader->Next());
    if (batch == nullptr) return rows;
    rows += static_cast<uint64_t>(batch->num_rows());
  }
}

/// The same by splits, each on a thread of its own that opens it.
arrow::Result<uint64_t> RowsOfSplits(const lance::Scanner& scanner, uint64_t count) {
  ARROW_ASSIGN_OR_RAISE(const auto splits, scanner.Splits(count));
  std::vector<arrow::Result<uint64_t>> rows(splits.size(), uint64_t{0});
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < splits.size(); ++i) {
      threads.emplace_back([&, i] {
        const auto read = [&]() -> arrow::Result<uint64_t> {
          ARROW_ASSIGN_OR_RAISE(const auto part, lance::Scanner::OpenSplit(splits[i].text));
          return RowsOf(*part);
        };
        rows[i] = read();
      });
    }
  }
  uint64_t all = 0;
  for (const auto& part : rows) {
    ARROW_RETURN_NOT_OK(part);
    all += *part;
  }
  return all;
}

arrow::Status Scan(const ReadArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(arguments.dataset));
  lance::ScanOptions options;
  if (!arguments.columns.empty()) options.columns = arguments.columns;
  if (!arguments.filter.empty()) options.filter = arguments.filter;
  uint64_t rows = 0;
  return Report(&rows, [&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan(options));
    const uint64_t splits = arguments.splits;
    return (splits > 0 ? RowsOfSplits(*scanner, splits) : RowsOf(*scanner)).Value(&rows);
  });
}

struct SqlArguments {
  std::string tables;
  std::string queries;
};

/// The entries of a directory that end so, sorted.
std::vector<std::filesystem::path> EntriesOf(const std::string& directory, const std::string& extension) {
  std::vector<std::filesystem::path> entries;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == extension) entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

/// Every query of a directory over the datasets of another.
arrow::Status Sql(const SqlArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(const auto context, lance::SqlContext::Make());
  for (const auto& path : EntriesOf(arguments.tables, ".lance")) {
    ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(path.string()));
    ARROW_RETURN_NOT_OK(context->Register(path.stem().string(), *dataset));
  }
  std::vector<std::string> texts;
  for (const auto& path : EntriesOf(arguments.queries, ".sql")) {
    std::ifstream file(path);
    texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  uint64_t rows = 0;
  return Report(&rows, [&]() -> arrow::Status {
    for (const std::string& text : texts) {
      ARROW_ASSIGN_OR_RAISE(const auto query, context->Prepare(text));
      ARROW_ASSIGN_OR_RAISE(const auto table, query->ToTable());
      rows += static_cast<uint64_t>(table->num_rows());
    }
    return arrow::Status::OK();
  });
}

arrow::Status Count(const ReadArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(arguments.dataset));
  uint64_t rows = 0;
  return Report(&rows, [&] { return dataset->CountRows(arguments.filter).Value(&rows); });
}

arrow::Status Take(const ReadArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(arguments.dataset));
  ARROW_ASSIGN_OR_RAISE(const uint64_t total, dataset->CountRows());
  std::mt19937_64 random(1);
  const auto take = [&]() -> arrow::Status {
    std::vector<uint64_t> rows(arguments.rows);
    for (auto& row : rows) row = random() % total;
    return dataset->Take(rows).status();
  };
  // The first one reads what the caches keep.
  ARROW_RETURN_NOT_OK(take());
  return ReportEach(arguments.repeat, take, [&] {
    if (arguments.cold) Evict(arguments.dataset);
  });
}

arrow::Status Open(const ReadArguments& arguments) {
  return ReportEach(arguments.repeat, [&] { return lance::Dataset::Open(arguments.dataset).status(); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("lance-cpp in the comparison");
  app.require_subcommand(1);
  arrow::Status status;
  uint32_t cpu_threads = 0;
  app.add_option("--cpu-threads", cpu_threads);
  const auto configure = [&] {
    lance::RuntimeOptions options;
    if (cpu_threads > 0) options.cpu_threads = cpu_threads;
    return lance::ConfigureRuntime(options);
  };

  WriteArguments write;
  auto* write_command = app.add_subcommand("write");
  write_command->add_option("table", write.table)->required();
  write_command->add_option("dataset", write.dataset)->required();
  write_command->add_option("--lanes", write.lanes);
  write_command->add_option("--batch-rows", write.batch_rows);
  write_command->add_option("--encoder-cache-bytes", write.encoder_cache_bytes);
  write_command->add_option("--max-bytes-in-flight", write.max_bytes_in_flight);
  write_command->callback([&] {
    status = configure();
    if (status.ok()) status = Write(write);
  });

  ReadArguments read;
  const std::pair<const char*, arrow::Status (*)(const ReadArguments&)> kReads[] = {
      {"scan", Scan}, {"count", Count}, {"take", Take}, {"open", Open}};
  for (const auto& [name, function] : kReads) {
    auto* command = app.add_subcommand(name);
    command->add_option("dataset", read.dataset)->required();
    command->add_option("--columns", read.columns)->delimiter(',');
    command->add_option("--filter", read.filter);
    command->add_option("--rows", read.rows);
    command->add_option("--repeat", read.repeat);
    command->add_flag("--cold", read.cold);
    command->add_option("--splits", read.splits);
    command->callback([&, function = function] {
      status = configure();
      if (status.ok()) status = function(read);
    });
  }

  SqlArguments sql;
  auto* sql_command = app.add_subcommand("sql");
  sql_command->add_option("tables", sql.tables)->required();
  sql_command->add_option("queries", sql.queries)->required();
  sql_command->callback([&] {
    status = configure();
    if (status.ok()) status = Sql(sql);
  });
  CLI11_PARSE(app, argc, argv);
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
