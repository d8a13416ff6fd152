// `lance search`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/record_batch.h"
#include "arrow/status.h"
#include "arrow/type.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "rows.h"
#include "vector_input.h"

namespace lance::cli {
namespace {

const std::map<std::string, DistanceMetric> kMetrics = {{"l2", DistanceMetric::kL2},
                                                        {"cosine", DistanceMetric::kCosine},
                                                        {"dot", DistanceMetric::kDot},
                                                        {"hamming", DistanceMetric::kHamming}};

const std::map<std::string, ApproxMode> kModes = {
    {"normal", ApproxMode::kNormal}, {"fast", ApproxMode::kFast}, {"accurate", ApproxMode::kAccurate}};

constexpr uint32_t kMostFuzziness = 16;

struct Args {
  Source source;
  /// Of vectors; where only words are searched, of texts.
  std::string column;
  std::string text_column;
  /// One of the two, or none with `text`.
  std::string like;
  std::string vector;
  std::optional<std::string> text;
  /// A search for words as JSON, in place of `text`.
  std::string query;
  TextMatchOptions words;
  TextPhraseOptions phrase;
  bool is_phrase = false;
  bool all_words = false;
  VectorQueryOptions options;
  ScanOptions scan;
  Format format = Format::kTable;
  bool explain = false;
  bool analyze = false;
};

/// All columns but the one that is searched, whose numbers tell a reader little. Unset, which is all, where
/// names would be taken for paths.
std::optional<std::vector<std::string>> OtherColumns(const arrow::Schema& schema, const std::string& column) {
  std::vector<std::string> names = schema.field_names();
  const auto is_odd = [](const std::string& name) { return name.find_first_of(".`*") != std::string::npos; };
  if (std::ranges::any_of(names, is_odd)) return std::nullopt;
  std::erase(names, column);
  return names;
}

/// Say what is looked for, and show how near it is.
arrow::Status AddVectors(const Dataset& dataset, const Args& args, ScanOptions* scan) {
  std::string column = args.column;
  if (column.empty()) {
    ARROW_ASSIGN_OR_RAISE(column, FindVectorColumn(*dataset.schema()));
  }
  ARROW_ASSIGN_OR_RAISE(const auto vectors, args.vector.empty() ? VectorsOfRow(dataset, column, args.like)
                                                                : ReadVectors(args.vector));
  ARROW_ASSIGN_OR_RAISE(scan->nearest, VectorQuery::Make(column, vectors, args.options));
  if (!scan->columns) scan->columns = OtherColumns(*dataset.schema(), column);
  return arrow::Status::OK();
}

bool HasWords(const Args& args) { return args.text.has_value() || !args.query.empty(); }

TextQuery Words(const Args& args, const std::string& column) {
  std::optional<std::string> named;
  if (!column.empty()) named = column;
  if (!args.query.empty()) {
    const TextQuery query = TextQuery::Json(args.query);
    return named ? query.With({.columns = {*named}}) : query;
  }
  if (args.is_phrase) {
    TextPhraseOptions options = args.phrase;
    options.column = named;
    return TextQuery::Phrase(*args.text, options);
  }
  TextMatchOptions options = args.words;
  options.column = named;
  if (args.all_words) options.term_operator = TextOperator::kAnd;
  return TextQuery::Match(*args.text, options);
}

/// Print what two searches have found, ranked as one.
arrow::Status SearchBoth(const std::shared_ptr<Dataset>& dataset, const Args& args) {
  ScanOptions scan = args.scan;
  ARROW_RETURN_NOT_OK(AddVectors(*dataset, args, &scan));
  scan.full_text = Words(args, args.text_column);
  scan.limit = args.options.k;
  ARROW_ASSIGN_OR_RAISE(const auto rows, HybridSearch(dataset, scan, {.full_text_rows = args.options.k}));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::RecordBatchReader::Make({rows}));
  return PrintRows(*reader, args.format).status();
}

arrow::Status Search(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ScanOptions scan = args.scan;
  const bool is_similar = scan.similar_text.has_value();
  const bool is_text = args.like.empty() && args.vector.empty() && !is_similar;
  if (!is_text && HasWords(args)) return SearchBoth(dataset, args);
  if (is_similar) {
    scan.similar_text_column = args.column;
    scan.similar_text_rows = args.options.k;
  } else if (is_text) {
    scan.full_text = Words(args, args.column.empty() ? args.text_column : args.column);
    scan.limit = args.options.k;
  } else {
    ARROW_RETURN_NOT_OK(AddVectors(*dataset, args, &scan));
  }
  const std::string rank = is_text ? "_score" : "_distance";
  if (scan.columns && std::ranges::find(*scan.columns, rank) == scan.columns->end()) {
    scan.columns->push_back(rank);
  }
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan(scan));
  if (args.explain || args.analyze) {
    ARROW_ASSIGN_OR_RAISE(const std::string plan, args.analyze ? scanner->Analyze() : scanner->Explain());
    return Print(plan);
  }
  ARROW_ASSIGN_OR_RAISE(const auto reader, scanner->ToReader());
  return PrintRows(*reader, args.format).status();
}

/// How the search goes about it.
void AddTuning(CLI::App& app, VectorQueryOptions& options, ScanOptions& scan) {
  AddChoice(app, "--metric", options.metric, kMetrics,
            "How vectors are compared (default: as the index does, or l2)");
  app.add_option_function<uint32_t>(
         "--nprobes",
         [&options](uint32_t partitions) {
           options.minimum_nprobes = partitions;
           if (!options.maximum_nprobes) options.maximum_nprobes = partitions;
         },
         "Partitions of the index to search (default: as many as it takes)")
      ->check(AtLeast(1))
      ->type_name("N");
  app.add_option("--max-nprobes", options.maximum_nprobes,
                 "Search more partitions, up to so many, while too few rows pass the filter")
      ->check(AtLeast(1))
      ->type_name("N");
  app.add_option("--effort", options.search_effort, "How many partitions to search at first, from 0 to 1")
      ->check(CLI::Range(0.0, 1.0).description(""))
      ->type_name("X");
  app.add_option("--ef", options.ef, "Candidates that a search through HNSW keeps")
      ->check(AtLeast(1))
      ->type_name("N");
  app.add_option("--refine", options.refine_factor,
                 "Find so many times as many rows, and rank them by their stored vectors")
      ->check(AtLeast(1))
      ->type_name("N");
  app.add_option("--from-distance", options.lower_bound, "Only rows at this distance or farther")
      ->type_name("X");
  app.add_option("--below-distance", options.upper_bound, "Only rows nearer than this")->type_name("X");
  AddChoice(app, "--approx", options.approx_mode, kModes,
            "What a search through IVF_RQ prefers (default: normal)");
  app.add_option("--segments", scan.index_segments,
                 "Search these segments of the index alone; see `lance index segments`")
      ->delimiter(',')
      ->type_name("UUID,...");
}

/// Letters that may differ: a number, or as suits each word.
void SetFuzzy(const std::string& letters, TextMatchOptions& words) {
  if (letters == "auto") {
    words.auto_fuzziness = true;
  } else if (!CLI::detail::lexical_cast(letters, words.fuzziness) || words.fuzziness > kMostFuzziness) {
    throw CLI::ValidationError(
        "--fuzzy", fmt::format("{} is neither auto nor a number from 0 to {}", letters, kMostFuzziness));
  }
}

/// What is looked for in texts, and how.
void AddText(CLI::App& app, Args& args) {
  auto* const text =
      app.add_option("--text", args.text,
                     "Find texts with any of these words; beside a vector, what both find in one ranking")
          ->type_name("WORDS");
  auto* const phrase =
      app.add_flag("--phrase", args.is_phrase, "The words one behind the other")->needs(text);
  app.add_flag("--all-words", args.all_words, "All of the words")->needs(text)->excludes(phrase);
  app.add_option("--slop", args.phrase.slop, "Also with up to so many other words in between")
      ->needs(phrase)
      ->type_name("N");
  app.add_option_function<std::string>(
         "--fuzzy", [&words = args.words](const std::string& letters) { SetFuzzy(letters, words); },
         "Also words with up to so many letters changed, or as many as suit each word")
      ->needs(text)
      ->excludes(phrase)
      ->type_name("N|auto");
  app.add_option("--query", args.query,
                 "Find texts by a query of several parts, as JSON; docs/search.md has its form")
      ->excludes(text)
      ->type_name("JSON");
  app.add_option("--text-column", args.text_column,
                 "The column with the words (default: every one with an index for that)")
      ->type_name("COLUMN");
  app.add_option("--similar", args.scan.similar_text,
                 "Find the texts of --column that are most like this one, by an index of the kind minhash")
      ->type_name("TEXT");
}

/// Throw if the arguments do not fit together.
void CheckUsage(const Args& args) {
  if (!args.like.empty() && !args.vector.empty()) {
    throw CLI::ValidationError("--like", "it does not go with --vector");
  }
  const bool is_text = args.like.empty() && args.vector.empty();
  if (args.scan.similar_text.has_value()) {
    if (!is_text || HasWords(args)) {
      throw CLI::ValidationError("--similar", "it does not go with --like, --vector, --text and --query");
    }
    if (args.column.empty()) throw CLI::RequiredError("--column with --similar");
    return;
  }
  if (!HasWords(args) && !args.text_column.empty()) {
    throw CLI::ValidationError("--text-column", "it needs --text or --query");
  }
  if (is_text && !HasWords(args)) {
    throw CLI::RequiredError("one of --like, --vector, --text, --query and --similar");
  }
  if (is_text && !args.column.empty() && !args.text_column.empty()) {
    throw CLI::ValidationError("--text-column", "it is what --column says where only words are searched");
  }
  if (!is_text && HasWords(args) && (args.explain || args.analyze)) {
    throw CLI::ValidationError("--explain", "two searches have no plan in common");
  }
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  ScanOptions& scan = args->scan;
  AddSource(app, args->source);
  AddRowFormat(app, args->format);
  app.add_option(
         "--column", args->column,
         "The column to search (default: the only one of vectors, or every one with an index for words)")
      ->type_name("COLUMN");
  app.add_option(
         "--like", args->like,
         "Find what is near to a row: its position, the first being 0, or a filter that it alone passes")
      ->type_name("ROW");
  app.add_option(
         "--vector", args->vector,
         "Find what is near to a vector: [1, 2, 3], or a file of that; a list of vectors is several queries")
      ->type_name("FILE|JSON");
  AddText(app, *args);
  app.add_option("-k", args->options.k, "The most rows to find (default: 10)")
      ->check(AtLeast(1))
      ->type_name("N");
  app.add_option("--filter", scan.filter, "Search among the rows that pass a SQL expression")
      ->type_name("SQL");
  app.add_flag_callback(
         "--postfilter", [&scan] { scan.prefilter = false; },
         "Filter what was found instead, which may also be by _distance")
      ->needs("--filter");
  app.add_option_function<std::vector<std::string>>(
         "--columns", [&scan](const std::vector<std::string>& names) { scan.columns = names; },
         "Columns to print beside the distance (default: all but the vectors searched)")
      ->delimiter(',')
      ->type_name("A,B,...");
  AddTuning(app, args->options, scan);
  auto* fast =
      app.add_flag("--fast", scan.fast_search, "Leave out rows that were added since they were indexed");
  app.add_flag_callback(
         "--no-index", [args = args.get()] { args->options.use_index = false; },
         "Compare all vectors, which misses none")
      ->excludes(fast);
  auto* explain = app.add_flag("--explain", args->explain, "Print the query plan instead of rows");
  app.add_flag("--analyze", args->analyze, "Run the search, and print its plan with what each step took")
      ->excludes(explain);
  app.footer(
      "Examples:\n"
      "  lance search data/images.lance --like 42\n"
      "  lance search data/images.lance --column embedding --like \"name = 'cat.png'\" -k 5 --columns name\n"
      "  lance search data/images.lance --vector \"[0.1, 0.7, 0.2]\" --filter \"year > 2020\" --metric "
      "cosine\n"
      "  lance search data/images.lance --vector query.json --nprobes 20 --refine 5 --format json\n"
      "  lance search data/books.lance --text \"columnar format\" --all-words --columns title\n"
      "  lance search data/books.lance --text \"columnar format\" --like 42\n"
      "  lance search data/books.lance --query '{\"phrase\": {\"terms\": \"columnar format\", \"slop\": "
      "2}}'\n"
      "  lance search data/pages.lance --similar \"A page that we have seen\" --column body");
  return [args] {
    CheckUsage(*args);
    return Search(*args);
  };
}

const Registration kSearch(
    {.name = "search",
     .section = Section::kRows,
     .rank = 5,
     .help = "Find the rows that are nearest to a vector or a row, or have words in them",
     .example = "lance search data/images.lance --like 42 -k 5",
     .declare = Declare});

}  // namespace
}  // namespace lance::cli
