// lance-cpp in the comparison: does one piece of work and prints as JSON how long that took. What comes
// before the work, such as loading a table into memory, is not timed.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
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
#include "lance/api.h"
#include "timed.h"

namespace {

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

struct SearchArguments {
  std::string dataset;
  std::string queries;
  uint32_t nprobes = 0;
  uint32_t refine = 0;
  uint32_t ef = 0;
  size_t repeat = 0;
  size_t threads = 0;
  size_t batch = 0;
  uint64_t held_bytes = 0;
  int gather = -1;
  bool scan = false;
};

constexpr int32_t kNearest = 10;

/// Searches as one contender makes them.
class Searches {
 public:
  static arrow::Result<Searches> Make(const SearchArguments& arguments) {
    Searches searches;
    ARROW_ASSIGN_OR_RAISE(const Batches loaded, Load(arguments.queries));
    ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches(loaded));
    ARROW_ASSIGN_OR_RAISE(searches.queries_, table->CombineChunksToBatch());
    ARROW_ASSIGN_OR_RAISE(searches.dataset_, lance::Dataset::Open(arguments.dataset));
    lance::VectorQueryOptions& how = searches.how_;
    how.k = kNearest;
    if (arguments.nprobes > 0) how.minimum_nprobes = how.maximum_nprobes = arguments.nprobes;
    if (arguments.refine > 0) how.refine_factor = arguments.refine;
    if (arguments.ef > 0) how.ef = arguments.ef;
    if (arguments.scan) return searches;
    lance::ScanOptions options = kReturned;
    ARROW_ASSIGN_OR_RAISE(options.nearest, searches.Query(searches.One(0)));
    lance::SearcherOptions searcher_options;
    if (arguments.held_bytes > 0) searcher_options.held_bytes = arguments.held_bytes;
    if (arguments.gather >= 0) searcher_options.gather_milliseconds = static_cast<uint32_t>(arguments.gather);
    ARROW_ASSIGN_OR_RAISE(searches.searcher_,
                          lance::Searcher::Open(*searches.dataset_, options, searcher_options));
    return searches;
  }

  size_t size() const { return static_cast<size_t>(queries_->num_rows()); }

  std::shared_ptr<arrow::Array> One(size_t query) const {
    return Vectors().value_slice(static_cast<int64_t>(query));
  }

  std::shared_ptr<arrow::Array> Several(size_t first, size_t count) const {
    return queries_->column(0)->Slice(static_cast<int64_t>(first), static_cast<int64_t>(count));
  }

  /// Columns `id` and `_distance`, and `query_index` of several.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Find(
      const std::shared_ptr<arrow::Array>& vectors) const {
    if (searcher_ != nullptr) return searcher_->Search(vectors);
    lance::ScanOptions options = kReturned;
    ARROW_ASSIGN_OR_RAISE(options.nearest, Query(vectors));
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset_->Scan(options));
    ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
    return table->CombineChunksToBatch();
  }

  /// Which part of the nearest rows is found.
  arrow::Result<double> Recall() const {
    const auto& truth = static_cast<const arrow::FixedSizeListArray&>(*queries_->column(1));
    const size_t count = std::min<size_t>(size(), 100);
    int64_t hits = 0;
    for (size_t i = 0; i < count; ++i) {
      ARROW_ASSIGN_OR_RAISE(const auto found, Find(One(i)));
      const auto& ids = static_cast<const arrow::Int64Array&>(*found->column(0));
      const auto nearest = truth.value_slice(static_cast<int64_t>(i));
      const auto& wanted = static_cast<const arrow::Int64Array&>(*nearest);
      for (int64_t k = 0; k < wanted.length(); ++k) {
        hits += std::find(ids.raw_values(), ids.raw_values() + ids.length(), wanted.Value(k)) !=
                ids.raw_values() + ids.length();
      }
    }
    return static_cast<double>(hits) / static_cast<double>(count * kNearest);
  }

 private:
  static inline const lance::ScanOptions kReturned = {.columns = std::vector<std::string>{"id", "_distance"}};

  const arrow::FixedSizeListArray& Vectors() const {
    return static_cast<const arrow::FixedSizeListArray&>(*queries_->column(0));
  }

  arrow::Result<std::shared_ptr<lance::VectorQuery>> Query(
      const std::shared_ptr<arrow::Array>& vectors) const {
    return lance::VectorQuery::Make("vector", vectors, how_);
  }

  std::shared_ptr<arrow::RecordBatch> queries_;
  std::shared_ptr<lance::Dataset> dataset_;
  std::shared_ptr<lance::Searcher> searcher_;
  lance::VectorQueryOptions how_;
};

arrow::Status Search(const SearchArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(const Searches searches, Searches::Make(arguments));
  // They read what the caches keep.
  ARROW_ASSIGN_OR_RAISE(const double recall, searches.Recall());
  const size_t count = arguments.repeat > 0 ? arguments.repeat : searches.size();
  if (arguments.threads == 0 && arguments.batch == 0) {
    std::vector<double> each;
    for (size_t i = 0; i < count; ++i) {
      arrow::Status status;
      const auto query = searches.One(i % searches.size());
      each.push_back(SecondsOf([&] { return searches.Find(query).status(); }, &status));
      ARROW_RETURN_NOT_OK(status);
    }
    std::cout << nlohmann::json{{"each", each}, {"recall", recall}} << std::endl;
    return arrow::Status::OK();
  }
  uint64_t rows = 0;
  return Report(&rows, [&]() -> arrow::Status {
    if (arguments.batch > 0) {
      for (size_t first = 0; first < count; first += arguments.batch) {
        const size_t some = std::min(arguments.batch, count - first);
        ARROW_ASSIGN_OR_RAISE(const auto found, searches.Find(searches.Several(first, some)));
        rows += static_cast<uint64_t>(found->num_rows());
      }
      return arrow::Status::OK();
    }
    std::vector<arrow::Status> outcomes(arguments.threads);
    std::vector<std::jthread> threads;
    for (size_t thread = 0; thread < arguments.threads; ++thread) {
      threads.emplace_back([&, thread] {
        for (size_t i = thread; i < count && outcomes[thread].ok(); i += arguments.threads) {
          outcomes[thread] = searches.Find(searches.One(i)).status();
        }
      });
    }
    threads.clear();
    for (const auto& outcome : outcomes) ARROW_RETURN_NOT_OK(outcome);
    return arrow::Status::OK();
  });
}

struct LookupArguments {
  std::string dataset;
  std::string column;
  size_t values = 1;
  int64_t range = 0;
  bool count = false;
  int repeat = 1;
};

constexpr int64_t kOrderKeys = 6'000'000;

arrow::Status LookUp(const LookupArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(arguments.dataset));
  ARROW_ASSIGN_OR_RAISE(const auto lookup, lance::Lookup::Open(*dataset, arguments.column));
  std::mt19937_64 random(1);
  const auto work = [&]() -> arrow::Status {
    if (arguments.count) {
      static const char* const kModes[] = {"AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"};
      arrow::StringBuilder mode;
      ARROW_RETURN_NOT_OK(mode.Append(kModes[random() % std::size(kModes)]));
      ARROW_ASSIGN_OR_RAISE(const auto value, mode.Finish());
      return lookup->Count(value).status();
    }
    arrow::Int64Builder keys;
    if (arguments.range > 0) {
      const auto first = static_cast<int64_t>(random() % kOrderKeys);
      ARROW_RETURN_NOT_OK(keys.AppendValues({first, first + arguments.range - 1}));
    }
    for (size_t i = 0; arguments.range == 0 && i < arguments.values; ++i) {
      ARROW_RETURN_NOT_OK(keys.Append(static_cast<int64_t>(random() % kOrderKeys)));
    }
    ARROW_ASSIGN_OR_RAISE(const auto values, keys.Finish());
    return (arguments.range > 0 ? lookup->TakeBetween(values) : lookup->Take(values)).status();
  };
  for (int i = 0; i < 20; ++i) ARROW_RETURN_NOT_OK(work());
  return ReportEach(arguments.repeat, work);
}

struct TextArguments {
  std::string dataset;
  std::string column;
  std::string text;
  int repeat = 1;
};

arrow::Status FindText(const TextArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(arguments.dataset));
  const bool is_phrase = arguments.text.front() == '"';
  const std::string words = is_phrase ? arguments.text.substr(1, arguments.text.size() - 2) : arguments.text;
  const lance::ScanOptions options = {
      .limit = 10,
      .full_text = is_phrase ? lance::TextQuery::Phrase(words, {.column = arguments.column})
                             : lance::TextQuery::Match(words, {.column = arguments.column}),
  };
  const auto work = [&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan(options));
    return scanner->ToTable().status();
  };
  ARROW_RETURN_NOT_OK(work());
  return ReportEach(arguments.repeat, work);
}

struct IndexArguments {
  std::string source;
  std::string dataset;
  std::string column;
  std::string type;
  std::string num_partitions;
  std::string num_sub_vectors;
};

arrow::Status Index(const IndexArguments& arguments) {
  std::filesystem::copy(arguments.source, arguments.dataset, std::filesystem::copy_options::recursive);
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(arguments.dataset));
  ARROW_ASSIGN_OR_RAISE(const lance::IndexType type, lance::ParseIndexType(arguments.type));
  lance::IndexOptions options;
  if (!arguments.num_partitions.empty()) options.parameters["num_partitions"] = arguments.num_partitions;
  if (!arguments.num_sub_vectors.empty()) options.parameters["num_sub_vectors"] = arguments.num_sub_vectors;
  uint64_t rows = 0;
  return Report(&rows, [&] { return dataset->CreateIndex(arguments.column, type, options).status(); });
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

  SearchArguments search;
  auto* search_command = app.add_subcommand("search");
  search_command->add_option("dataset", search.dataset)->required();
  search_command->add_option("--queries", search.queries)->required();
  search_command->add_option("--nprobes", search.nprobes);
  search_command->add_option("--refine", search.refine);
  search_command->add_option("--ef", search.ef);
  search_command->add_option("--repeat", search.repeat);
  search_command->add_option("--threads", search.threads);
  search_command->add_option("--batch", search.batch);
  search_command->add_option("--held-bytes", search.held_bytes);
  search_command->add_option("--gather", search.gather);
  search_command->add_flag("--scan", search.scan);
  search_command->callback([&] {
    status = configure();
    if (status.ok()) status = Search(search);
  });

  LookupArguments lookup;
  auto* lookup_command = app.add_subcommand("lookup");
  lookup_command->add_option("dataset", lookup.dataset)->required();
  lookup_command->add_option("--column", lookup.column)->required();
  lookup_command->add_option("--values", lookup.values);
  lookup_command->add_option("--range", lookup.range);
  lookup_command->add_flag("--count", lookup.count);
  lookup_command->add_option("--repeat", lookup.repeat);
  lookup_command->callback([&] {
    status = configure();
    if (status.ok()) status = LookUp(lookup);
  });

  TextArguments text;
  auto* text_command = app.add_subcommand("text");
  text_command->add_option("dataset", text.dataset)->required();
  text_command->add_option("--column", text.column)->required();
  text_command->add_option("--text", text.text)->required();
  text_command->add_option("--repeat", text.repeat);
  text_command->callback([&] {
    status = configure();
    if (status.ok()) status = FindText(text);
  });

  IndexArguments index;
  auto* index_command = app.add_subcommand("index");
  index_command->add_option("source", index.source)->required();
  index_command->add_option("dataset", index.dataset)->required();
  index_command->add_option("--column", index.column)->required();
  index_command->add_option("--type", index.type)->required();
  index_command->add_option("--num-partitions", index.num_partitions);
  index_command->add_option("--num-sub-vectors", index.num_sub_vectors);
  index_command->callback([&] {
    status = configure();
    if (status.ok()) status = Index(index);
  });
  CLI11_PARSE(app, argc, argv);
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
