#include "inputs/names.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "arrow/array/data.h"
#include "arrow/type.h"
#include "arrow/util/key_value_metadata.h"
#include "arrow/util/utf8.h"
#include "inputs/input.h"

namespace lance::cli {
namespace {

using arrow::Status;
using Fields = arrow::FieldVector;

/// The library takes 64, which the values of lists and maps count for, too.
constexpr int kDeepest = 60;

std::vector<std::string> NamesOf(const Fields& fields) {
  std::vector<std::string> names;
  for (const auto& field : fields) names.push_back(field->name());
  return names;
}

class Repair {
 public:
  explicit Repair(std::vector<std::string>* notes) : notes_(notes) {}

  /// Names of columns and of the fields of a struct. A dot in a column's name would lead into a struct.
  arrow::Result<Fields> Siblings(const Fields& fields, const std::string& parent, int depth) {
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!arrow::util::ValidateUTF8(fields[i]->name())) {
        return Status::Invalid("the name of column ", i + 1, parent.empty() ? "" : " of \"" + parent + "\"",
                               " is not UTF-8; text of another encoding can be converted, for example with "
                               "iconv -f LATIN1 -t UTF-8");
      }
    }
    const std::vector<std::string> names = UniqueNames(NamesOf(fields));
    Fields repaired;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (const std::string& old = fields[i]->name(); old != names[i]) {
        notes_->push_back(
            "column " + std::to_string(i + 1) + (parent.empty() ? "" : " of \"" + parent + "\"") +
            (old.empty() ? " has no name" : " is called \"" + old + "\", which cannot be kept") +
            "; it is imported as \"" + names[i] + "\"");
      }
      const std::string path = parent.empty() ? names[i] : parent + "." + names[i];
      ARROW_ASSIGN_OR_RAISE(auto field, Field(fields[i]->WithName(names[i]), path, depth));
      repaired.push_back(std::move(field));
    }
    return repaired;
  }

  std::shared_ptr<const arrow::KeyValueMetadata> Metadata(
      const std::shared_ptr<const arrow::KeyValueMetadata>& metadata, const std::string& of) {
    if (metadata == nullptr) return metadata;
    auto kept = std::make_shared<arrow::KeyValueMetadata>();
    for (int64_t i = 0; i < metadata->size(); ++i) {
      if (arrow::util::ValidateUTF8(metadata->key(i)) && arrow::util::ValidateUTF8(metadata->value(i))) {
        kept->Append(metadata->key(i), metadata->value(i));
      } else {
        notes_->push_back("metadata entry " + std::to_string(i + 1) + " of " + of +
                          " is not UTF-8; it is left out");
      }
    }
    return kept->size() == metadata->size() ? metadata : kept;
  }

 private:
  arrow::Result<std::shared_ptr<arrow::Field>> Field(const std::shared_ptr<arrow::Field>& field,
                                                     const std::string& path, int depth) {
    const auto refuse = [&](std::string_view why) {
      return Status::Invalid("column \"", path, "\" ", why, ", which cannot be stored");
    };
    // The path says no more than its beginning then.
    if (depth > kDeepest)
      return Status::Invalid("nested more than ", kDeepest, " deep: column \"", path, "\"");
    const auto metadata = Metadata(field->metadata(), "column \"" + path + "\"");
    const auto& type = *field->type();
    std::shared_ptr<arrow::DataType> repaired = field->type();
    switch (type.id()) {
      case arrow::Type::STRUCT: {
        if (type.num_fields() == 0) return refuse("is a struct without fields");
        ARROW_ASSIGN_OR_RAISE(Fields fields, Siblings(type.fields(), path, depth + 1));
        repaired = arrow::struct_(std::move(fields));
        break;
      }
      case arrow::Type::LIST: {
        ARROW_ASSIGN_OR_RAISE(auto item, Item(type, path, depth));
        repaired = arrow::list(std::move(item));
        break;
      }
      case arrow::Type::LARGE_LIST: {
        ARROW_ASSIGN_OR_RAISE(auto item, Item(type, path, depth));
        repaired = arrow::large_list(std::move(item));
        break;
      }
      case arrow::Type::FIXED_SIZE_LIST: {
        ARROW_ASSIGN_OR_RAISE(auto item, Item(type, path, depth));
        repaired = arrow::fixed_size_list(std::move(item),
                                          static_cast<const arrow::FixedSizeListType&>(type).list_size());
        break;
      }
      case arrow::Type::MAP: {
        const auto& map = static_cast<const arrow::MapType&>(type);
        ARROW_ASSIGN_OR_RAISE(auto key, Field(map.key_field(), path + ".key", depth + 2));
        ARROW_ASSIGN_OR_RAISE(auto item, Field(map.item_field(), path + ".value", depth + 2));
        repaired = std::make_shared<arrow::MapType>(std::move(key), std::move(item), map.keys_sorted());
        break;
      }
      default:
        break;
    }
    return arrow::field(field->name(), std::move(repaired), field->nullable(), metadata);
  }

  /// Nobody asks for the item of a list by name.
  arrow::Result<std::shared_ptr<arrow::Field>> Item(const arrow::DataType& list, const std::string& path,
                                                    int depth) {
    const auto& item = list.field(0);
    const bool has_name = !item->name().empty() && arrow::util::ValidateUTF8(item->name());
    return Field(has_name ? item : item->WithName("item"), path + ".item", depth + 1);
  }

  std::vector<std::string>* notes_;
};

}  // namespace

std::vector<std::string> UniqueNames(const std::vector<std::string>& names) {
  const size_t digits = std::to_string(names.empty() ? 0 : names.size() - 1).size();
  std::set<std::string> taken;
  std::map<std::string, int> times;
  std::vector<std::string> unique;
  for (size_t i = 0; i < names.size(); ++i) {
    std::string name = names[i];
    std::ranges::replace_if(name, [](char c) { return c == '.' || c == '\0'; }, '_');
    if (name.empty()) {
      const std::string number = std::to_string(i);
      name = "column" + std::string(digits - number.size(), '0') + number;
    }
    while (!taken.insert(name).second) {
      const int time = ++times[name];
      name += "_" + std::to_string(time);
    }
    unique.push_back(std::move(name));
  }
  return unique;
}

arrow::Result<std::shared_ptr<arrow::Schema>> RepairSchema(const arrow::Schema& schema,
                                                           std::vector<std::string>* notes) {
  arrow::util::InitializeUTF8();
  if (schema.num_fields() == 0) return Status::Invalid("has no columns");
  Repair repair(notes);
  ARROW_ASSIGN_OR_RAISE(Fields fields, repair.Siblings(schema.fields(), "", 1));
  return arrow::schema(std::move(fields), repair.Metadata(schema.metadata(), "the file"));
}

std::shared_ptr<arrow::ArrayData> WithType(const arrow::ArrayData& data,
                                           const std::shared_ptr<arrow::DataType>& type) {
  auto copy = std::make_shared<arrow::ArrayData>(data);
  copy->type = type;
  for (size_t i = 0; i < copy->child_data.size() && i < type->fields().size(); ++i) {
    copy->child_data[i] = WithType(*data.child_data[i], type->field(static_cast<int>(i))->type());
  }
  return copy;
}

}  // namespace lance::cli
