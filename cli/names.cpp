#include "names.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

#include "arrow/status.h"

namespace lance::cli {
namespace {

/// Whether a character of a name needs no backticks; those beyond ASCII need none.
bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0 || c == '_' || c == '-';
}

}  // namespace

arrow::Result<std::shared_ptr<Namespace>> NamespaceFlags::Connect() const {
  if (kind.empty()) return nullptr;
  return Namespace::Connect(kind, properties);
}

arrow::Result<Namespace::Id> ParseId(const std::string& text) {
  const auto malformed = [&text](const char* why) {
    return arrow::Status::Invalid("\"", text, "\" is no name of a table: ", why);
  };
  Namespace::Id id(1);
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '`') {
      const bool doubled = i + 1 < text.size() && text[i + 1] == '`';
      if (doubled) {
        id.back().push_back(text[++i]);
      } else if (i + 1 < text.size() && text[i + 1] != '.') {
        return malformed("after a backtick comes a point");
      } else {
        quoted = false;
      }
    } else if (!quoted && c == '`' && id.back().empty()) {
      quoted = true;
    } else if (!quoted && c == '.') {
      id.emplace_back();
    } else {
      id.back().push_back(c);
    }
  }
  if (quoted) return malformed("a backtick is missing at its end");
  if (std::ranges::any_of(id, &std::string::empty)) return malformed("a name is empty");
  return id;
}

std::string FormatId(const Namespace::Id& id) {
  std::string text;
  for (const std::string& name : id) {
    if (!text.empty()) text.push_back('.');
    if (std::ranges::all_of(name, IsPlain)) {
      text.append(name);
      continue;
    }
    text.push_back('`');
    for (const char c : name) text.append(c == '`' ? 2 : 1, c);
    text.push_back('`');
  }
  return text;
}

arrow::Result<std::shared_ptr<Dataset>> OpenDataset(const std::shared_ptr<Namespace>& ns,
                                                    const std::string& dataset, const OpenOptions& options) {
  if (ns == nullptr) return Dataset::Open(dataset, options);
  ARROW_ASSIGN_OR_RAISE(const Namespace::Id id, ParseId(dataset));
  return ns->OpenTable(id, options);
}

arrow::Result<std::unique_ptr<LanceWriter>> OpenWriter(const std::shared_ptr<Namespace>& ns,
                                                       const std::string& dataset,
                                                       const std::shared_ptr<arrow::Schema>& schema,
                                                       const WriteOptions& options) {
  if (ns == nullptr) return LanceWriter::Open(dataset, schema, options);
  ARROW_ASSIGN_OR_RAISE(const Namespace::Id id, ParseId(dataset));
  return LanceWriter::Open(*ns, id, schema, options);
}

}  // namespace lance::cli
