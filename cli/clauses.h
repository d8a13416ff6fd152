/// \file clauses.h
/// Parts of a query as they are written at a prompt. What is wrong with one is a CLI::ValidationError.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "lance/options.h"

namespace lance::cli {

/// "EXPR as NAME", or EXPR, which is its own name then: the name and the expression.
std::pair<std::string, std::string> ParseExpression(std::string_view text);

/// "COLUMN [asc|desc] [nulls first|nulls last]".
SortKey ParseSortKey(std::string_view text);

/// "COLUMN=EXPR": the column and the expression.
std::pair<std::string, std::string> ParseAssignment(std::string_view text);

/// "FUNCTION(COLUMN or EXPR or *) [as NAME]".
void AddAggregate(std::string_view text, ScanOptions* scan);

}  // namespace lance::cli
