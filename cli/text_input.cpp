#include "text_input.h"

#include <nlohmann/json.hpp>

#include "lance/api.h"

namespace lance::cli {

arrow::Result<std::shared_ptr<TextQuery>> FindWords(const std::string& words, const std::string& column) {
  nlohmann::json match = {{"terms", words}};
  if (!column.empty()) match["column"] = column;
  const nlohmann::json query = {{"match", match}};
  return TextQuery::FromJson(query.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace lance::cli
