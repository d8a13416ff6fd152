/// \file text_query.h
/// Searches for words in texts.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "lance/type_fwd.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// A search for words in texts, for ScanOptions::full_text. A value: immutable, thread-safe, and cheap to
/// copy. It knows no dataset, so that any number of scans may be given it.
///
/// \code
///   using lance::TextQuery;
///   const auto query = TextQuery::Boolean({
///       .must = {TextQuery::Match("columnar format", {.column = "body"})},
///       .must_not = {TextQuery::Phrase("row store", {.column = "body"})},
///   });
///   ARROW_ASSIGN_OR_RAISE(auto scanner, dataset->Scan({.limit = 10, .full_text = query}));
/// \endcode
///
/// Words are cut, folded and stemmed as the index of a column does it; see Tokenize(). A column without an
/// index is searched row by row, for words as they are written. Where a query names no column, those with an
/// index are searched. Options are in lance/options.h.
///
/// Making a query fails only later, where it is used: status() tells at once. A text, a number or a
/// combination that may not be is ErrorCode::kInvalidArgument; a column that the dataset of the scan has not
/// is kFieldNotFound.
class LANCE_EXPORT TextQuery {
 public:
  /// Rows with one of the words, or with all of them. They are ranked by how rare a word is, how often it
  /// comes, and how short the text is (BM25).
  static TextQuery Match(const std::string& words);
  static TextQuery Match(const std::string& words, const TextMatchOptions& options);

  /// Rows with the words one behind the other. An index has to have been made `with_position`.
  static TextQuery Phrase(const std::string& words);
  static TextQuery Phrase(const std::string& words, const TextPhraseOptions& options);

  /// The rows of `positive`; those that `negative` finds, too, lose its score times `negative_boost`.
  static TextQuery Boost(const TextQuery& positive, const TextQuery& negative, double negative_boost = 0.5);

  /// The rows of all queries, each a Match() with a column, by the best of their scores.
  static TextQuery MultiMatch(const std::vector<TextQuery>& queries);
  /// The same words in each of these columns.
  static TextQuery MultiMatch(const std::string& words, const std::vector<std::string>& columns);

  /// Rows with one of the words, or with all of them, in any of these columns, ranked as if these were one
  /// text (BM25F). One of them has to have an index.
  static TextQuery CombinedFields(const std::string& words, const std::vector<TextField>& fields);
  static TextQuery CombinedFields(const std::string& words, const std::vector<TextField>& fields,
                                  TextOperator term_operator);

  /// Rows that pass all clauses.
  static TextQuery Boolean(const TextClauses& clauses);

  /// A query from its JSON form, for example
  /// `{"match": {"column": "body", "terms": "columnar format", "operator": "and"}}`. What is wrong with it is
  /// told with its place.
  static TextQuery Json(const std::string& json);

  /// The same query in other columns, or with bounds, which are of the whole query: set them last.
  TextQuery With(const TextQueryOptions& options) const;

  /// What is wrong with it, if something is.
  arrow::Status status() const;

  /// The JSON form, which all has but for the bounds of With().
  arrow::Result<std::string> ToJson() const;

 private:
  friend struct TextQueryAccess;
  class Impl;
  explicit TextQuery(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

/// The clauses of TextQuery::Boolean(). There is one of `must` or of `should`.
struct LANCE_EXPORT TextClauses {
  /// All of them find the row; their scores add up.
  std::vector<TextQuery> must = {};
  /// They add their scores; where there is no `must`, one of them finds the row.
  std::vector<TextQuery> should = {};
  /// None of them finds the row.
  std::vector<TextQuery> must_not = {};
};

/// Cut a text into words as an INVERTED index does when it is made with these parameters; see docs/search.md
/// for them. A parameter that does not exist is ErrorCode::kInvalidArgument, with the nearest names.
LANCE_EXPORT arrow::Result<std::vector<TextToken>> Tokenize(
    const std::string& text, const std::map<std::string, std::string>& parameters = {});

}  // namespace v0
}  // namespace lance
