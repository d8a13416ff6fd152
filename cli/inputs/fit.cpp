#include "inputs/fit.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "arrow/array.h"
#include "arrow/array/concatenate.h"
#include "arrow/array/util.h"
#include "arrow/builder.h"
#include "arrow/compute/cast.h"
#include "arrow/extension_type.h"
#include "arrow/record_batch.h"
#include "arrow/scalar.h"
#include "arrow/type.h"
#include "arrow/type_traits.h"
#include "inputs/names.h"

namespace lance::cli {
namespace {

using arrow::DataType;
using arrow::Status;
using arrow::Type;

bool IsText(Type::type id) {
  return id == Type::STRING || id == Type::LARGE_STRING || id == Type::STRING_VIEW;
}

bool IsBytes(Type::type id) {
  return IsText(id) || id == Type::BINARY || id == Type::LARGE_BINARY || id == Type::BINARY_VIEW ||
         id == Type::FIXED_SIZE_BINARY;
}

bool IsDayOrTime(Type::type id) {
  return id == Type::DATE32 || id == Type::DATE64 || id == Type::TIME32 || id == Type::TIME64;
}

bool IsList(Type::type id) {
  return id == Type::LIST || id == Type::LARGE_LIST || id == Type::FIXED_SIZE_LIST;
}

bool HasZone(const DataType& type) {
  return !static_cast<const arrow::TimestampType&>(type).timezone().empty();
}

/// Whether values of one type are values of the other, or fail to be cast. A cast that would lose something
/// without an error is none.
bool Converts(const DataType& from, const DataType& to) {
  if (from.Equals(to) || from.id() == Type::NA) return true;
  if (from.id() == Type::EXTENSION) {
    return Converts(*static_cast<const arrow::ExtensionType&>(from).storage_type(), to);
  }
  if (to.id() == Type::EXTENSION) {
    return Converts(from, *static_cast<const arrow::ExtensionType&>(to).storage_type());
  }
  if (from.id() == Type::DICTIONARY) {
    return Converts(*static_cast<const arrow::DictionaryType&>(from).value_type(), to);
  }
  if (to.id() == Type::DICTIONARY) {
    return Converts(from, *static_cast<const arrow::DictionaryType&>(to).value_type());
  }
  const Type::type a = from.id();
  const Type::type b = to.id();
  if (a == Type::INT64 && b == Type::DURATION) return true;
  if (arrow::is_integer(a)) return arrow::is_integer(b) || arrow::is_floating(b) || arrow::is_decimal(b);
  // Text is read as the former, and rounded once more.
  if (a == Type::FLOAT && b == Type::HALF_FLOAT) return true;
  if (arrow::is_floating(a)) return arrow::is_floating(b) && from.bit_width() <= to.bit_width();
  if (arrow::is_decimal(a)) return arrow::is_decimal(b);
  if (IsText(a) && (IsDayOrTime(b) || b == Type::TIMESTAMP)) return true;
  if (IsBytes(a)) return IsBytes(b);
  if (a == Type::TIMESTAMP) return b == Type::TIMESTAMP && HasZone(from) == HasZone(to);
  if (a == Type::DURATION) return b == Type::DURATION;
  if (a == Type::DATE32 || a == Type::DATE64) return b == Type::DATE32 || b == Type::DATE64;
  if (a == Type::TIME32 || a == Type::TIME64) return b == Type::TIME32 || b == Type::TIME64;
  if ((IsList(a) && IsList(b)) || ((a == Type::LIST || a == Type::MAP) && b == Type::MAP)) {
    return Converts(*from.field(0)->type(), *to.field(0)->type());
  }
  if (a != Type::STRUCT || b != Type::STRUCT || from.num_fields() != to.num_fields()) return false;
  return std::ranges::equal(from.fields(), to.fields(), [](const auto& x, const auto& y) {
    return x->name() == y->name() && Converts(*x->type(), *y->type());
  });
}

/// Arrow's casts know days and timestamps, but no times.
arrow::Result<std::shared_ptr<arrow::Array>> ParseTimes(const arrow::Array& texts,
                                                        const std::shared_ptr<DataType>& type) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  ARROW_RETURN_NOT_OK(arrow::MakeBuilder(arrow::default_memory_pool(), type, &builder));
  for (int64_t i = 0; i < texts.length(); ++i) {
    if (texts.IsNull(i)) {
      ARROW_RETURN_NOT_OK(builder->AppendNull());
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(const auto text, texts.GetScalar(i));
    ARROW_ASSIGN_OR_RAISE(const auto time, arrow::Scalar::Parse(type, text->ToString()));
    ARROW_RETURN_NOT_OK(builder->AppendScalar(*time));
  }
  return builder->Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> Convert(std::shared_ptr<arrow::Array> array,
                                                     const std::shared_ptr<DataType>& type) {
  if (array->type()->Equals(*type)) return array;
  if (array->type_id() == Type::NA) return arrow::MakeArrayOfNull(type, array->length());
  if (array->type_id() == Type::EXTENSION) {
    array = static_cast<const arrow::ExtensionArray&>(*array).storage();
  }
  if (type->id() == Type::EXTENSION) {
    const auto& extension = static_cast<const arrow::ExtensionType&>(*type);
    ARROW_ASSIGN_OR_RAISE(array, Convert(std::move(array), extension.storage_type()));
    return arrow::ExtensionType::WrapArray(type, array);
  }
  if (IsText(array->type_id()) && arrow::is_time(type->id())) return ParseTimes(*array, type);
  // A map is a list of entries.
  if (type->id() == Type::MAP && array->type_id() == Type::LIST) {
    ARROW_ASSIGN_OR_RAISE(array, Convert(std::move(array), arrow::list(type->field(0)->WithNullable(true))));
    array = arrow::MakeArray(WithType(*array->data(), type));
    ARROW_RETURN_NOT_OK(array->Validate());
    return array;
  }
  // The offsets of a slice count from the beginning of what it is cut from.
  if (arrow::is_large_binary_like(array->type_id()) && arrow::is_binary_like(type->id())) {
    ARROW_ASSIGN_OR_RAISE(array, arrow::Concatenate({array}));
  }
  // Not every value type can be cast to a dictionary at once.
  if (type->id() == Type::DICTIONARY) {
    ARROW_ASSIGN_OR_RAISE(
        array, Convert(std::move(array), static_cast<const arrow::DictionaryType&>(*type).value_type()));
  }
  return arrow::compute::Cast(*array, type, arrow::compute::CastOptions::Safe());
}

std::string Quoted(const DataType& type) { return "\"" + type.ToString() + "\""; }

/// Refuse a column of an input, whose others have been matched, as the first input has another one in its
/// place.
Status DiffersFromFirst(int column, const arrow::Field* field, const arrow::Field* first) {
  const auto describe = [](const arrow::Field* of) {
    return of == nullptr ? std::string("missing") : "\"" + of->ToString() + "\"";
  };
  return Status::TypeError("column ", column + 1, " is ", describe(field), ", but ", describe(first),
                           " in the first input");
}

const arrow::Field* FieldAt(const arrow::Schema& schema, int i) {
  return i < schema.num_fields() ? schema.field(i).get() : nullptr;
}

}  // namespace

arrow::Result<Fit> Fit::Make(const std::shared_ptr<arrow::Schema>& schema, const ColumnTypes& types,
                             const Expected& expected, std::vector<std::string>* notes) {
  Fit fit;
  fit.from_ = schema;
  fit.to_ = expected.schema;
  if (fit.to_ == nullptr) {
    fit.to_ = schema;
    for (const auto& [name, type] : types) {
      const int i = schema->GetFieldIndex(name);
      if (i < 0) return Status::Invalid("has no column \"", name, "\" to give a type to");
      ARROW_ASSIGN_OR_RAISE(fit.to_, fit.to_->SetField(i, schema->field(i)->WithType(type)));
    }
  }
  if (expected.partly) {
    arrow::FieldVector there;
    for (const auto& field : fit.to_->fields()) {
      if (schema->GetFieldIndex(field->name()) >= 0) there.push_back(field);
    }
    fit.to_ = arrow::schema(std::move(there), fit.to_->metadata());
  }
  std::vector<bool> used(static_cast<size_t>(schema->num_fields()));
  for (int i = 0; i < fit.to_->num_fields(); ++i) {
    const arrow::Field& to = *fit.to_->field(i);
    const int place = schema->GetFieldIndex(to.name());
    fit.places_.push_back(place);
    if (place < 0) {
      if (!expected.of_dataset) return DiffersFromFirst(i, FieldAt(*schema, i), &to);
      if (!to.nullable())
        return Status::TypeError("column \"", to.name(), "\" is missing, and it has no nulls");
      notes->push_back("column \"" + to.name() + "\" is missing; it is filled with nulls");
      continue;
    }
    used[static_cast<size_t>(place)] = true;
    const arrow::Field& from = *schema->field(place);
    if (from.type()->Equals(*to.type())) continue;
    const bool may_cast = expected.of_dataset || types.contains(to.name());
    if (may_cast && Converts(*from.type(), *to.type())) continue;
    if (!may_cast) return DiffersFromFirst(i, &from, &to);
    return Status::TypeError("column \"", to.name(), "\" is ", Quoted(*from.type()),
                             ", which does not become ", Quoted(*to.type()),
                             expected.of_dataset ? ", its type in the dataset" : "");
  }
  const auto extra = std::ranges::find(used, false);
  if (extra == used.end()) return fit;
  const int place = static_cast<int>(extra - used.begin());
  if (!expected.of_dataset) return DiffersFromFirst(place, FieldAt(*schema, place), nullptr);
  return Status::TypeError("column \"", schema->field(place)->name(), "\" is not in the dataset");
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Fit::Apply(const arrow::RecordBatch& batch,
                                                              uint64_t first_row) const {
  arrow::ArrayVector columns;
  for (int i = 0; i < to_->num_fields(); ++i) {
    const arrow::Field& to = *to_->field(i);
    const int place = places_[static_cast<size_t>(i)];
    std::shared_ptr<arrow::Array> column;
    if (place < 0) {
      ARROW_ASSIGN_OR_RAISE(column, arrow::MakeArrayOfNull(to.type(), batch.num_rows()));
    } else {
      // The same type with the names that were repaired.
      const auto whole = arrow::MakeArray(WithType(*batch.column_data(place), from_->field(place)->type()));
      const auto check = [&](const arrow::Array& array) -> Status {
        ARROW_ASSIGN_OR_RAISE(column, Convert(arrow::MakeArray(array.data()), to.type()));
        return to.nullable() || column->null_count() == 0 ? Status::OK()
                                                          : Status::Invalid("a null where none may be");
      };
      if (const Status status = check(*whole); !status.ok()) {
        return InColumn(to.name(), InRow(FirstFailing(*whole, check), first_row, status));
      }
    }
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(to_, batch.num_rows(), std::move(columns));
}

int64_t FirstFailing(const arrow::Array& array, const std::function<Status(const arrow::Array&)>& check) {
  const auto rows = std::views::iota(int64_t{0}, array.length() + 1);
  // If the first so many rows fail, more of them do.
  const auto bad =
      std::ranges::partition_point(rows, [&](int64_t n) { return check(*array.Slice(0, n)).ok(); });
  return bad == rows.end() ? -1 : *bad - 1;
}

Status InRow(int64_t row, uint64_t first_row, const Status& failure) {
  if (row < 0) return failure;
  return failure.WithMessage("row ", first_row + static_cast<uint64_t>(row) + 1, ": ", failure.message());
}

}  // namespace lance::cli
