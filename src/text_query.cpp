#include "lance/text_query.h"

#include <utility>

#include "ffi/call_internal.h"
#include "ffi/generated/search_internal.h"
#include "ffi/options_internal.h"
#include "lance/options.h"
#include "lance/results.h"
#include "text_query_handle_internal.h"

namespace lance::inline v0 {
namespace {

using internal::TextC;
using internal::TextQueryHandle;

template <typename... Params, typename... Args>
arrow::Result<TextQueryHandle> Make(LanceStatusCode (*function)(Params...), Args... args) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  return internal::CallForHandle<TextQueryHandle>(function, args...);
}

arrow::Result<TextQueryHandle> MakeMatch(const std::string& words, const TextMatchOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::TextMatchOptionsC::Make(options));
  return Make(lance_text_query_match, TextC(words), &c_options.c);
}

arrow::Result<TextQueryHandle> MakePhrase(const std::string& words, const TextPhraseOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::TextPhraseOptionsC::Make(options));
  return Make(lance_text_query_phrase, TextC(words), &c_options.c);
}

arrow::Result<TextQueryHandle> MakeBoost(const TextQuery& positive, const TextQuery& negative,
                                         double negative_boost) {
  ARROW_ASSIGN_OR_RAISE(const LanceTextQuery* more, TextQueryAccess::Get(positive));
  ARROW_ASSIGN_OR_RAISE(const LanceTextQuery* less, TextQueryAccess::Get(negative));
  return Make(lance_text_query_boost, more, less, negative_boost);
}

arrow::Result<TextQueryHandle> MakeMultiMatch(const std::vector<TextQuery>& queries) {
  std::vector<LanceTextQuery*> handles;
  for (const TextQuery& query : queries) {
    ARROW_ASSIGN_OR_RAISE(handles.emplace_back(), TextQueryAccess::Get(query));
  }
  return Make(lance_text_query_multi_match, handles.data(), handles.size());
}

arrow::Result<TextQueryHandle> MakeCombinedFields(const std::string& words,
                                                  const std::vector<TextField>& fields,
                                                  TextOperator term_operator) {
  std::vector<LanceTextField> c_fields;
  for (const TextField& field : fields) {
    LanceTextField& c_field = c_fields.emplace_back();
    ARROW_ASSIGN_OR_RAISE(c_field.column, internal::ToC(field.column, "fields: column"));
    c_field.boost = field.boost;
  }
  return Make(lance_text_query_combined_fields, TextC(words), c_fields.data(), c_fields.size(),
              static_cast<LanceTextOperator>(term_operator));
}

arrow::Result<TextQueryHandle> MakeBoolean(const TextClauses& clauses) {
  std::vector<LanceTextClause> c_clauses;
  const auto add = [&c_clauses](const std::vector<TextQuery>& queries, LanceTextOccur occur) {
    for (const TextQuery& query : queries) {
      LanceTextClause& clause = c_clauses.emplace_back();
      ARROW_ASSIGN_OR_RAISE(clause.query, TextQueryAccess::Get(query));
      clause.occur = occur;
    }
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(add(clauses.must, LANCE_TEXT_MUST));
  ARROW_RETURN_NOT_OK(add(clauses.should, LANCE_TEXT_SHOULD));
  ARROW_RETURN_NOT_OK(add(clauses.must_not, LANCE_TEXT_MUST_NOT));
  return Make(lance_text_query_boolean, c_clauses.data(), c_clauses.size());
}

arrow::Result<TextQueryHandle> MakeWith(const TextQuery& query, const TextQueryOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const LanceTextQuery* handle, TextQueryAccess::Get(query));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::TextQueryOptionsC::Make(options));
  return Make(lance_text_query_with, handle, &c_options.c);
}

}  // namespace

TextQuery::TextQuery(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

TextQuery TextQuery::Match(const std::string& words) { return Match(words, {}); }

TextQuery TextQuery::Match(const std::string& words, const TextMatchOptions& options) {
  return TextQuery(std::make_shared<Impl>(MakeMatch(words, options)));
}

TextQuery TextQuery::Phrase(const std::string& words) { return Phrase(words, {}); }

TextQuery TextQuery::Phrase(const std::string& words, const TextPhraseOptions& options) {
  return TextQuery(std::make_shared<Impl>(MakePhrase(words, options)));
}

TextQuery TextQuery::Boost(const TextQuery& positive, const TextQuery& negative, double negative_boost) {
  return TextQuery(std::make_shared<Impl>(MakeBoost(positive, negative, negative_boost)));
}

TextQuery TextQuery::MultiMatch(const std::vector<TextQuery>& queries) {
  return TextQuery(std::make_shared<Impl>(MakeMultiMatch(queries)));
}

TextQuery TextQuery::MultiMatch(const std::string& words, const std::vector<std::string>& columns) {
  std::vector<TextQuery> queries;
  for (const std::string& column : columns) queries.push_back(Match(words, {.column = column}));
  return MultiMatch(queries);
}

TextQuery TextQuery::CombinedFields(const std::string& words, const std::vector<TextField>& fields) {
  return CombinedFields(words, fields, TextOperator::kOr);
}

TextQuery TextQuery::CombinedFields(const std::string& words, const std::vector<TextField>& fields,
                                    TextOperator term_operator) {
  return TextQuery(std::make_shared<Impl>(MakeCombinedFields(words, fields, term_operator)));
}

TextQuery TextQuery::Boolean(const TextClauses& clauses) {
  return TextQuery(std::make_shared<Impl>(MakeBoolean(clauses)));
}

TextQuery TextQuery::Json(const std::string& json) {
  return TextQuery(std::make_shared<Impl>(Make(lance_text_query_from_json, TextC(json))));
}

TextQuery TextQuery::With(const TextQueryOptions& options) const {
  return TextQuery(std::make_shared<Impl>(MakeWith(*this, options)));
}

arrow::Status TextQuery::status() const { return TextQueryAccess::Get(*this).status(); }

arrow::Result<std::string> TextQuery::ToJson() const {
  ARROW_ASSIGN_OR_RAISE(const LanceTextQuery* handle, TextQueryAccess::Get(*this));
  ARROW_ASSIGN_OR_RAISE(const auto json,
                        internal::CallForHandle<internal::StringHandle>(lance_text_query_to_json, handle));
  return std::string(json.get());
}

arrow::Result<std::vector<TextToken>> Tokenize(const std::string& text,
                                               const std::map<std::string, std::string>& parameters) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  const auto c_parameters = internal::ToC(parameters);
  internal::CStream tokens;
  ARROW_RETURN_NOT_OK(internal::Call(lance_text_tokenize, TextC(text), c_parameters.data(),
                                     c_parameters.size(), tokens.get()));
  return internal::DecodeTextTokens(&tokens);
}

}  // namespace lance::inline v0
