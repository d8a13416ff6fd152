// Searches for words. tests/conformance/test_text_like_pylance.py compares rows and scores with pylance.

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/json/from_string.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::DocumentGranularity;
using lance::ErrorCode;
using lance::IndexType;
using lance::ScanOptions;
using lance::TextOperator;
using lance::TextQuery;
using lance::TextQueryOptions;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using Columns = std::vector<std::string>;
using DatasetPtr = std::shared_ptr<lance::Dataset>;
using TablePtr = std::shared_ptr<arrow::Table>;

constexpr char kOdd[] = "sp ace";

/// Texts in a string, a list of them, a struct, and under a name that has to be quoted.
std::shared_ptr<arrow::RecordBatch> Rows() {
  const auto type = arrow::schema({
      arrow::field("id", arrow::int64()),
      arrow::field("body", arrow::utf8()),
      arrow::field("title", arrow::large_utf8()),
      arrow::field("tags", arrow::list(arrow::utf8())),
      arrow::field("st", arrow::struct_({arrow::field("note", arrow::utf8())})),
      arrow::field(kOdd, arrow::utf8()),
  });
  const std::string rows = R"([
    [0, "the quick brown fox",     "fox",     ["a b", "quick fox"], ["red fox"],  "x"],
    [1, "quick dogs are running",  "dog",     [],                   ["red"],      "fox"],
    [2, "",                        "quick",   null,                 null,         ""],
    [3, "naïve Straße éclair 数据", "",        ["fox"],              ["green"],    "fox fox"],
    [4, null,                      null,      ["x", null],          [null],       null],
    [5, "fox fox fox brown",       "brown",   ["dog fox"],          ["blue"],     "dog"],
    [6, "a lazy dog ran",          "fox dog", ["q", "fox", "fox"],  ["fox"],      "fox dog"],
    [7, "runs, quick!",            "none",    ["w"],                ["a fox fox"], "z"]])";
  const auto structs = arrow::json::ArrayFromJSONString(arrow::struct_(type->fields()), rows).ValueOrDie();
  return arrow::RecordBatch::FromStructArray(structs).ValueOrDie();
}

class TextSearchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    lance::WriteOptions options;
    options.max_rows_per_file = 3;
    ASSERT_OK(WriteBatches(uri_, {Rows()}, options));
    ASSERT_OK_AND_ASSIGN(dataset_, lance::Dataset::Open(uri_));
  }

  void Index(const std::string& column, std::map<std::string, std::string> parameters = {}) {
    parameters.emplace("with_position", "true");
    ASSERT_OK_AND_ASSIGN(dataset_,
                         dataset_->CreateIndex(column, IndexType::kInverted, {.parameters = parameters}));
  }

  /// What a scan returns, if its schema and its count agree with that.
  arrow::Result<TablePtr> Scan(const ScanOptions& options) const {
    ARROW_ASSIGN_OR_RAISE(auto scanner, dataset_->Scan(options));
    ARROW_ASSIGN_OR_RAISE(auto table, scanner->ToTable());
    ARROW_RETURN_NOT_OK(table->ValidateFull());
    ARROW_ASSIGN_OR_RAISE(const uint64_t rows, scanner->CountRows());
    EXPECT_EQ(rows, static_cast<uint64_t>(table->num_rows()));
    EXPECT_TRUE(table->schema()->Equals(*scanner->schema()));
    return table;
  }

  arrow::Result<std::vector<int64_t>> Find(const TextQuery& query, ScanOptions options = {}) const {
    options.columns = Columns{"id", "_score"};
    options.full_text = query;
    ARROW_ASSIGN_OR_RAISE(const auto table, Scan(options));
    ExpectTheBestFirst(*table);
    return Int64s(*table->GetColumnByName("id"));
  }

  std::vector<int64_t> Ids(const TextQuery& query, const ScanOptions& options = {}) const {
    auto found = Find(query, options);
    EXPECT_OK(found);
    return found.ok() ? *found : std::vector<int64_t>{-1};
  }

  static void ExpectTheBestFirst(const arrow::Table& table) {
    std::optional<float> before;
    for (const auto& chunk : table.GetColumnByName("_score")->chunks()) {
      const auto& scores = static_cast<const arrow::FloatArray&>(*chunk);
      for (int64_t i = 0; i < scores.length(); ++i) {
        if (before.has_value()) {
          EXPECT_GE(*before, scores.Value(i));
        }
        before = scores.Value(i);
      }
    }
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  DatasetPtr dataset_;
};

/// The same rows through an index and without one.
class AnyTextSearchTest : public TextSearchTest, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    TextSearchTest::SetUp();
    if (HasFatalFailure() || !GetParam()) return;
    for (const char* column : {"body", "title", "tags", "st.note", "`sp ace`"}) Index(column);
  }
};

INSTANTIATE_TEST_SUITE_P(With, AnyTextSearchTest, ::testing::Bool(), [](const auto& with) {
  return with.param ? std::string("Index") : std::string("NoIndex");
});

TEST_P(AnyTextSearchTest, FindsWordsWhereverAColumnHasThem) {
  EXPECT_THAT(Ids(TextQuery::Match("quick fox", {.column = "body"})), UnorderedElementsAre(0, 1, 5, 7));
  EXPECT_THAT(Ids(TextQuery::Match("fox", {.column = "title"})), UnorderedElementsAre(0, 6));
  EXPECT_THAT(Ids(TextQuery::Match("fox", {.column = "tags"})), UnorderedElementsAre(0, 3, 5, 6));
  EXPECT_THAT(Ids(TextQuery::Match("fox", {.column = "st.note"})), UnorderedElementsAre(0, 6, 7));
  EXPECT_THAT(Ids(TextQuery::Match("fox", {.column = "`sp ace`"})), UnorderedElementsAre(1, 3, 6));
  EXPECT_THAT(Ids(TextQuery::Match("éclair", {.column = "body"})), ElementsAre(3));
  EXPECT_THAT(Ids(TextQuery::Match("数据", {.column = "body"})), ElementsAre(3));
}

TEST_P(AnyTextSearchTest, FindsNothingWithoutWords) {
  for (const char* words : {"", " ", "?!", "zebra"}) {
    EXPECT_THAT(Ids(TextQuery::Match(words, {.column = "body"})), IsEmpty()) << words;
  }
  EXPECT_THAT(Ids(TextQuery::Phrase("quick zebra", {.column = "body"})), IsEmpty());
}

TEST_F(TextSearchTest, AnIndexFoldsAndStemsWhatElseIsComparedAsItIsWritten) {
  const auto in = [](const std::string& words) { return TextQuery::Match(words, {.column = "body"}); };
  EXPECT_THAT(Ids(in("FOX")), IsEmpty());
  EXPECT_THAT(Ids(in("the")), ElementsAre(0));
  EXPECT_THAT(Ids(in("run")), IsEmpty());
  EXPECT_THAT(Ids(in("eclair")), IsEmpty());
  Index("body");
  EXPECT_THAT(Ids(in("FOX")), UnorderedElementsAre(0, 5));
  EXPECT_THAT(Ids(in("the")), IsEmpty());
  EXPECT_THAT(Ids(in("run")), UnorderedElementsAre(1, 7));
  EXPECT_THAT(Ids(in("eclair")), ElementsAre(3));
}

TEST_P(AnyTextSearchTest, FindsRowsWithAllWordsAndPhrases) {
  EXPECT_THAT(Ids(TextQuery::Match("quick fox", {.column = "body", .term_operator = TextOperator::kAnd})),
              ElementsAre(0));
  EXPECT_THAT(Ids(TextQuery::Phrase("quick brown", {.column = "body"})), ElementsAre(0));
  EXPECT_THAT(Ids(TextQuery::Phrase("brown quick", {.column = "body"})), IsEmpty());
  EXPECT_THAT(Ids(TextQuery::Phrase("quick fox", {.column = "body"})), IsEmpty());
  EXPECT_THAT(Ids(TextQuery::Phrase("quick fox", {.column = "body", .slop = 1})), ElementsAre(0));
}

TEST_P(AnyTextSearchTest, CombinesQueries) {
  const auto quick = TextQuery::Match("quick", {.column = "body"});
  const auto fox = TextQuery::Match("fox", {.column = "body"});
  EXPECT_THAT(Ids(TextQuery::Boolean({.must = {quick}, .must_not = {fox}})), UnorderedElementsAre(1, 7));
  EXPECT_THAT(Ids(TextQuery::Boolean({.should = {quick, fox}})), UnorderedElementsAre(0, 1, 5, 7));
  EXPECT_THAT(Ids(TextQuery::Boolean({.must = {quick, fox}})), ElementsAre(0));
  EXPECT_THAT(Ids(TextQuery::MultiMatch("fox", {"body", "title"})), UnorderedElementsAre(0, 5, 6));
  const auto ranked = Ids(TextQuery::Boost(quick, fox, 0.25));
  EXPECT_THAT(ranked, SizeIs(3));
  EXPECT_EQ(ranked.back(), 0);
}

TEST_P(AnyTextSearchTest, GoesWithFiltersLimitsAndOtherColumns) {
  const auto fox = TextQuery::Match("fox", {.column = "tags"});
  EXPECT_THAT(Ids(fox, {.filter = "id > 3"}), UnorderedElementsAre(5, 6));
  EXPECT_THAT(Ids(fox, {.filter = "id > 3", .prefilter = false}), UnorderedElementsAre(5, 6));
  EXPECT_THAT(Ids(fox, {.filter = "_score > 1000", .prefilter = false}), IsEmpty());
  EXPECT_THAT(Ids(fox, {.limit = 2}), SizeIs(2));
  const auto all = Ids(fox);
  EXPECT_THAT(Ids(fox, {.limit = 2, .offset = 1}), ElementsAre(all[1], all[2]));
  EXPECT_THAT(Ids(fox, {.limit = std::numeric_limits<int64_t>::max(), .offset = 3}), ElementsAre(all[3]));
  EXPECT_THAT(Ids(fox, {.limit = 0}), IsEmpty());
  EXPECT_THAT(Ids(fox.With({.limit = 1})), ElementsAre(all[0]));
  EXPECT_THAT(Ids(fox.With({.columns = {"title"}})), UnorderedElementsAre(0, 6));
  ASSERT_OK_AND_ASSIGN(
      const auto table,
      Scan({.columns = Columns{"id"}, .order_by = {{.column = "id", .descending = true}}, .full_text = fox}));
  EXPECT_THAT(Int64s(*table->GetColumnByName("id")), ElementsAre(6, 5, 3, 0));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("id"));
}

TEST_P(AnyTextSearchTest, ScoresComeWhereTheyAreAskedFor) {
  const auto fox = TextQuery::Match("fox", {.column = "body"});
  ASSERT_OK_AND_ASSIGN(const auto all, Scan({.full_text = fox}));
  EXPECT_EQ(all->schema()->field_names().back(), "_score");
  EXPECT_EQ(all->num_columns(), 7);
  ASSERT_OK_AND_ASSIGN(const auto computed, Scan({.columns = Columns{"_score", "id"},
                                                  .with_row_id = true,
                                                  .expressions = {{"twice", "_score * 2"}},
                                                  .full_text = fox}));
  EXPECT_THAT(computed->schema()->field_names(), ElementsAre("_score", "id", "twice", "_rowid"));
  ASSERT_OK_AND_ASSIGN(
      const auto count,
      Scan({.aggregates = {{.function = lance::AggregateFunction::kMax, .column = "_score", .name = "best"}},
            .full_text = fox}));
  EXPECT_EQ(count->num_rows(), 1);
}

TEST_F(TextSearchTest, FindsWordsThatAreAlmostTheSame) {
  Index("body");
  EXPECT_THAT(Ids(TextQuery::Match("quikc", {.column = "body"})), IsEmpty());
  EXPECT_THAT(Ids(TextQuery::Match("quikc", {.column = "body", .fuzziness = 2})),
              UnorderedElementsAre(0, 1, 7));
  EXPECT_THAT(Ids(TextQuery::Match("quikc", {.column = "body", .fuzziness = 2, .prefix_length = 4})),
              IsEmpty());
  // Two letters of a word of six, one of a word of four, and none of a word of two.
  EXPECT_THAT(Ids(TextQuery::Match("quicxx", {.column = "body", .auto_fuzziness = true})),
              UnorderedElementsAre(0, 1, 7));
  EXPECT_THAT(Ids(TextQuery::Match("quik", {.column = "body", .auto_fuzziness = true})),
              UnorderedElementsAre(0, 1, 7));
  EXPECT_THAT(Ids(TextQuery::Match("qui", {.column = "body", .auto_fuzziness = true})), IsEmpty());
  const auto both = [](TextOperator how) {
    return TextQuery::Match("quicxx fix", {.column = "body", .term_operator = how, .auto_fuzziness = true});
  };
  EXPECT_EQ(Ids(both(TextOperator::kAnd)),
            Ids(TextQuery::Match("quick fox", {.column = "body", .term_operator = TextOperator::kAnd})));
  EXPECT_THAT(Ids(both(TextOperator::kOr)), ::testing::IsSupersetOf(Ids(both(TextOperator::kAnd))));
  EXPECT_THAT(Ids(TextQuery::Match("xo", {.column = "body", .auto_fuzziness = true})), IsEmpty());
  EXPECT_THAT(Find(TextQuery::Match("fox", {.fuzziness = 1, .auto_fuzziness = true})),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("auto_fuzziness"))));
  EXPECT_THAT(Find(TextQuery::Match(std::string(500, 'q'), {.column = "body", .fuzziness = 16})),
              FailsSaying(HasSubstr("fuzzy")));
}

TEST_F(TextSearchTest, SearchesWhatIsIndexedWhereNoColumnIsNamed) {
  EXPECT_THAT(Find(TextQuery::Match("fox")),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("INVERTED index"))));
  Index("title");
  EXPECT_THAT(Ids(TextQuery::Match("fox")), UnorderedElementsAre(0, 6));
  EXPECT_THAT(Ids(TextQuery::Phrase("fox dog")), ElementsAre(6));
  Index("tags");
  EXPECT_THAT(Ids(TextQuery::Match("fox")), UnorderedElementsAre(0, 3, 5, 6));
  EXPECT_THAT(Find(TextQuery::Phrase("fox dog")), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(TextSearchTest, RanksSeveralColumnsAsOneText) {
  const auto query = TextQuery::CombinedFields(
      "quick fox", {{.column = "body"}, {.column = "title", .boost = 2}}, TextOperator::kAnd);
  EXPECT_THAT(Find(query), AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("index"))));
  Index("body");
  EXPECT_THAT(Ids(query), ElementsAre(0));
  Index("title");
  EXPECT_THAT(Ids(query), ElementsAre(0));
  EXPECT_THAT(Ids(TextQuery::CombinedFields("fox", {{.column = "body"}, {.column = "title"}})),
              UnorderedElementsAre(0, 5, 6));
}

TEST_F(TextSearchTest, ElementsOfListsMayBeTexts) {
  const auto match = [](DocumentGranularity of) {
    return TextQuery::Match("fox", {.column = "tags", .document_granularity = of});
  };
  Index("tags", {{"document_granularity", "list_element"}});
  for (const auto of : {DocumentGranularity::kAsIndexed, DocumentGranularity::kListElement}) {
    ASSERT_OK_AND_ASSIGN(const auto table, Scan({.columns = Columns{"id"}, .full_text = match(of)}));
    EXPECT_THAT(Int64s(*table->GetColumnByName("id")), UnorderedElementsAre(0, 3, 5, 6, 6));
    EXPECT_NE(table->GetColumnByName("_doc_index"), nullptr);
  }
  EXPECT_THAT(Find(match(DocumentGranularity::kRow)), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(TextSearchTest, RowsThatAreNotIndexedAreFoundUnlessTheSearchIsToBeFast) {
  Index("body");
  ASSERT_OK(WriteBatches(uri_, {Rows()}, {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(dataset_, lance::Dataset::Open(uri_));
  const auto fox = TextQuery::Match("fox", {.column = "body"});
  EXPECT_THAT(Ids(fox), UnorderedElementsAre(0, 0, 5, 5));
  EXPECT_THAT(Ids(fox, {.fast_search = true}), UnorderedElementsAre(0, 5));
  EXPECT_THAT(Ids(TextQuery::Phrase("brown fox", {.column = "body"})), UnorderedElementsAre(0, 0));
}

TEST_F(TextSearchTest, APhraseNeedsPositions) {
  Index("body", {{"with_position", "false"}});
  EXPECT_THAT(Find(TextQuery::Phrase("quick brown", {.column = "body"})),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("position"))));
}

TEST_F(TextSearchTest, ColumnsAreLookedUpWhenAScanIsMade) {
  const auto in = [](const std::string& column) { return TextQuery::Match("fox", {.column = column}); };
  for (const char* column : {"bodi", "Body", "st.nope", "tags.x", "sp.ace", "", "_rowid", "_score"}) {
    EXPECT_THAT(Find(in(column)), FailsWith(ErrorCode::kFieldNotFound)) << column;
  }
  EXPECT_THAT(Find(in("bodi")), FailsSaying(HasSubstr("the nearest names are \"body\"")));
  for (const char* column : {"id", "st"}) {
    EXPECT_THAT(Find(in(column)),
                AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr(column))));
  }
  EXPECT_THAT(Find(TextQuery::Boolean({.should = {in("body")}, .must_not = {in("nope")}})),
              FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(Find(TextQuery::CombinedFields("fox", {{.column = "nope"}})),
              FailsWith(ErrorCode::kFieldNotFound));
}

TEST_F(TextSearchTest, OptionsThatDoNotFitAreRefused) {
  const auto fox = TextQuery::Match("fox", {.column = "body"});
  EXPECT_THAT(Find(fox, {.filter = "_score > 1"}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Find(fox, {.include_deleted_rows = true}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Find(fox, {.search_filter = lance::SearchFilter::kFullText}),
              FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan({.full_text = fox}));
  EXPECT_THAT(scanner->Splits(2), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(TextSearchTest, OneQueryServesManyThreadsAndDatasets) {
  Index("body");
  const auto fox = TextQuery::Match("fox", {.column = "body"});
  ASSERT_OK_AND_ASSIGN(const auto before, lance::Dataset::Open(uri_, {.version = 1}));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto scanner = (i % 2 == 0 ? dataset_ : before)->Scan({.full_text = fox}).ValueOrDie();
      EXPECT_EQ(scanner->CountRows().ValueOrDie(), 2U);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(TextQueryTest, JsonIsWhatItWasMadeOf) {
  const auto fox = TextQuery::Match("fox", {.column = "body", .fuzziness = 2, .boost = 1.5});
  const auto phrase =
      TextQuery::Phrase("a b", {.slop = 3, .document_granularity = DocumentGranularity::kRow});
  for (const auto& query : {
           fox,
           phrase,
           TextQuery::Boost(fox, phrase, 0.1),
           TextQuery::MultiMatch("a \"b\" ü", {"x", "y"}),
           TextQuery::CombinedFields("c", {{.column = "x"}, {.column = "y", .boost = 2.5}},
                                     TextOperator::kAnd),
           TextQuery::Boolean(
               {.must = {fox, phrase}, .should = {TextQuery::Boost(fox, fox)}, .must_not = {phrase}}),
       }) {
    ASSERT_OK_AND_ASSIGN(const std::string json, query.ToJson());
    ASSERT_OK_AND_ASSIGN(const std::string again, TextQuery::Json(json).ToJson());
    EXPECT_EQ(json, again);
  }
  ASSERT_OK_AND_ASSIGN(const std::string json, fox.ToJson());
  EXPECT_EQ(json, R"({"match":{"column":"body","terms":"fox","boost":1.5,"fuzziness":2,"max_expansions":50,)"
                  R"("operator":"Or","prefix_length":0}})");
}

TEST(TextQueryTest, WhatIsWrongWithJsonIsToldWithItsPlace) {
  for (const auto& [json, place] : std::vector<std::pair<std::string, std::string>>{
           {"{", "line 1 column 1"},
           {R"({"mtach": {}})", "the nearest names are \"match\""},
           {R"({"match": {"terms": "a", "fuzzyness": 1}})", "\"fuzziness\""},
           {R"({"boolean": {"must": [{"match": {"terms": 7}}]}})", "the query.boolean.must[0].match.terms"},
           {R"({"boolean": {"must_not": [{"match": {"terms": "a"}}]}})", "must or in should"},
           {R"({"match": {"terms": "a", "boost": -1}})", "boost"},
           {R"({"combined_fields": {"query": "a", "columns": ["a", "a"]}})", "unique"},
           {R"({"combined_fields": {"query": "a", "columns": ["a"], "boost": [0.5]}})", "boost"},
       }) {
    EXPECT_THAT(TextQuery::Json(json).status(),
                AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr(place))))
        << json;
  }
}

TEST(TextQueryTest, WhatCannotBeIsRefused) {
  const auto fox = TextQuery::Match("fox", {.column = "body"});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  TextQuery moved = fox;
  const TextQuery taken = std::move(moved);
  EXPECT_OK(taken.status());
  for (const auto& query : {
           TextQuery::Match("fox", {.boost = -1}),
           TextQuery::Match("fox", {.boost = nan}),
           TextQuery::Match("fox", {.boost = 1e300}),
           TextQuery::Match("fox", {.fuzziness = 17}),
           TextQuery::Match(std::string("fo\0x", 4)),
           TextQuery::Match("\xff"),
           TextQuery::Match("fox", {.column = std::string("a\0b", 3)}),
           TextQuery::Phrase("\xff"),
           TextQuery::Boost(fox, fox, infinity),
           TextQuery::Boost(fox, fox, -0.5),
           TextQuery::MultiMatch({}),
           TextQuery::MultiMatch({TextQuery::Phrase("a b", {.column = "body"})}),
           TextQuery::CombinedFields("fox", {}),
           TextQuery::CombinedFields("fox", {{.column = "a"}, {.column = "a"}}),
           TextQuery::CombinedFields("fox", {{.column = "a", .boost = 0.5}}),
           TextQuery::CombinedFields("fox", {{.column = "a", .boost = nan}}),
           TextQuery::Boolean({}),
           TextQuery::Boolean({.must_not = {fox}}),
           fox.With({.limit = -1}),
           fox.With({.limit = 0}),
           fox.With({.wand_factor = 0}),
           fox.With({.wand_factor = nan}),
           // The bounds are of a whole query.
           TextQuery::Boolean({.must = {fox.With({.limit = 3})}}),
           // The error of a part is that of the whole.
           TextQuery::Boolean({.must = {fox, TextQuery::Match("\xff")}}).With({.limit = 3}),
       }) {
    EXPECT_THAT(query.status(), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_FALSE(query.ToJson().ok());
  }
}

TEST(TextQueryTest, TreesAreBounded) {
  auto deep = TextQuery::Match("fox");
  int depth = 0;
  while (deep.status().ok() && depth < 1000) {
    deep = TextQuery::Boolean({.must = {deep}});
    ++depth;
  }
  EXPECT_THAT(deep.status(), AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("deep"))));
  auto wide = TextQuery::Match("fox");
  for (depth = 0; wide.status().ok() && depth < 31; ++depth) {
    wide = TextQuery::Boolean({.must = {wide, wide}});
  }
  EXPECT_THAT(wide.status(), AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("1024"))));
}

TEST(TextQueryTest, ErrorsAreToldByTheScan) {
  const TempDir dir;
  ASSERT_OK(WriteSimple(dir / "d", 0, 3));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir / "d"));
  EXPECT_THAT(dataset->Scan({.full_text = TextQuery::Match("\xff")}), FailsWith(ErrorCode::kInvalidArgument));
  auto moved = TextQuery::Match("fox");
  const TextQuery taken = std::move(moved);
  EXPECT_THAT(dataset->Scan({.full_text = moved}), FailsWith(ErrorCode::kInvalidState));  // NOLINT
}

std::vector<std::string> Words(const std::vector<lance::TextToken>& tokens) {
  std::vector<std::string> words;
  for (const auto& token : tokens) words.push_back(token.text);
  return words;
}

TEST(TokenizeTest, CutsFoldsAndStems) {
  ASSERT_OK_AND_ASSIGN(const auto tokens, lance::Tokenize("The Naïve foxes, running!"));
  EXPECT_THAT(Words(tokens), ElementsAre("naiv", "fox", "run"));
  EXPECT_EQ(tokens[0].position, 1U);
  EXPECT_EQ(tokens[0].start, 4U);
  EXPECT_EQ(tokens[0].end, 10U);
  ASSERT_OK_AND_ASSIGN(const auto plain, lance::Tokenize("The Naïve foxes", {{"stem", "false"},
                                                                             {"remove_stop_words", "false"},
                                                                             {"ascii_folding", "false"},
                                                                             {"lower_case", "false"}}));
  EXPECT_THAT(Words(plain), ElementsAre("The", "Naïve", "foxes"));
  ASSERT_OK_AND_ASSIGN(const auto custom,
                       lance::Tokenize("red green blue", {{"custom_stop_words", "red, blue"}}));
  EXPECT_THAT(Words(custom), ElementsAre("green"));
  ASSERT_OK_AND_ASSIGN(const auto grams,
                       lance::Tokenize("abcd", {{"base_tokenizer", "ngram"}, {"min_ngram_length", "2"}}));
  EXPECT_THAT(Words(grams), UnorderedElementsAre("ab", "abc", "bc", "bcd", "cd"));
  ASSERT_OK_AND_ASSIGN(const auto json,
                       lance::Tokenize(R"({"a": {"b": "foxes"}, "n": 1})", {{"lance_tokenizer", "json"}}));
  EXPECT_THAT(Words(json), ElementsAre("a.b,str,fox", "n,number,1"));
  ASSERT_OK_AND_ASSIGN(const auto none, lance::Tokenize(""));
  EXPECT_THAT(none, IsEmpty());
}

TEST(TokenizeTest, WrongParametersAreNamed) {
  for (const auto& [parameters, name] :
       std::vector<std::pair<std::map<std::string, std::string>, std::string>>{
           {{{"stemm", "true"}}, "the nearest names are \"stem\""},
           {{{"stem", "perhaps"}}, "\"stem\""},
           {{{"language", "Klingon"}}, "\"language\""},
           {{{"base_tokenizer", "ngram"}, {"min_ngram_length", "9"}}, "min_gram"},
           {{{"lance_tokenizer", "json"}}, "JSON"},
       }) {
    EXPECT_THAT(lance::Tokenize("some text", parameters),
                AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr(name))));
  }
  EXPECT_THAT(lance::Tokenize("\xff"), FailsWith(ErrorCode::kInvalidArgument));
  const std::string long_text(3000, 'x');
  EXPECT_THAT(lance::Tokenize(
                  long_text,
                  {{"base_tokenizer", "ngram"}, {"max_ngram_length", "1000"}, {"max_token_length", "none"}}),
              FailsSaying(HasSubstr("words")));
}

}  // namespace
}  // namespace lance_test
