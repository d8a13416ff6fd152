#include "arrow_dataset/filter_internal.h"

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "arrow/array.h"
#include "arrow/buffer.h"
#include "arrow/compute/api_scalar.h"
#include "arrow/compute/cast.h"
#include "arrow/compute/expression.h"
#include "arrow/datum.h"
#include "arrow/result.h"
#include "arrow/scalar.h"
#include "arrow/type.h"
#include "arrow/type_traits.h"
#include "arrow/util/checked_cast.h"
#include "arrow/util/config.h"
#include "arrow/util/key_value_metadata.h"
#include "arrow/visit_scalar_inline.h"
#include "arrow_dataset/message_internal.h"
#include "lance/arrow_dataset.h"
#include "lance/status.h"
#if ARROW_VERSION_MAJOR >= 21
#include "arrow/compute/initialize.h"
#endif

// Field numbers, and the names of messages in comments, are those of Substrait's algebra.proto, type.proto
// and extended_expression.proto. Arrow has a writer of Substrait, too. It refuses dictionaries, unsigned
// integers and half of the literals, loses the values of is_in, and does not know where the engine's rules
// are others.

namespace lance::inline v0 {
namespace internal {
namespace {

using arrow::DataType;
using arrow::Field;
using arrow::Result;
using arrow::Scalar;
using arrow::Schema;
using arrow::Status;
using arrow::Type;
using arrow::compute::Expression;
using arrow::internal::checked_cast;

template <typename... Args>
Status Fail(ErrorCode code, Args&&... message) {
  return Status::FromDetailAndArgs(ArrowStatusCode(code), std::make_shared<LanceStatusDetail>(code, ""),
                                   std::forward<Args>(message)...);
}

Status NotSupported(std::string_view what) {
  return Fail(ErrorCode::kNotSupported, "a filter for Lance cannot have ", what);
}

/// Which message stands for a type, and for its literals.
struct Kind {
  int field;
  uint32_t variation = 0;

  bool operator==(const Kind&) const = default;
};

/// Types that are nothing but a kind.
constexpr std::optional<Kind> SimpleKind(Type::type type) {
  constexpr uint32_t kUnsigned = 1;
  switch (type) {
    case Type::BOOL:
      return Kind{1};
    case Type::INT8:
      return Kind{2};
    case Type::UINT8:
      return Kind{2, kUnsigned};
    case Type::INT16:
      return Kind{3};
    case Type::UINT16:
      return Kind{3, kUnsigned};
    case Type::INT32:
      return Kind{5};
    case Type::UINT32:
      return Kind{5, kUnsigned};
    case Type::INT64:
      return Kind{7};
    case Type::UINT64:
      return Kind{7, kUnsigned};
    case Type::FLOAT:
      return Kind{10};
    case Type::DOUBLE:
      return Kind{11};
    // The engine compares text of all offsets.
    case Type::STRING:
    case Type::LARGE_STRING:
      return Kind{12};
    case Type::BINARY:
    case Type::LARGE_BINARY:
      return Kind{13};
    case Type::DATE32:
      return Kind{16};
    default:
      return std::nullopt;
  }
}

bool IsFloat(const DataType& type) { return type.id() == Type::FLOAT || type.id() == Type::DOUBLE; }

bool IsText(const DataType& type) { return type.id() == Type::STRING || type.id() == Type::LARGE_STRING; }

/// Whether there are literals of it that the engine compares as Arrow does.
bool IsComparable(const DataType& type) {
  switch (type.id()) {
    case Type::FIXED_SIZE_BINARY:
    case Type::DECIMAL128:
    case Type::TIME32:
    case Type::TIME64:
    case Type::TIMESTAMP:
      return true;
    default:
      return SimpleKind(type.id()).has_value();
  }
}

bool IsZoned(const DataType& type) {
  return !checked_cast<const arrow::TimestampType&>(type).timezone().empty();
}

int Precision(arrow::TimeUnit::type unit) { return 3 * static_cast<int>(unit); }
static_assert(arrow::TimeUnit::SECOND == 0 && arrow::TimeUnit::NANO == 3);

/// Type. The engine knows the types of its columns, and takes from the message whether it makes sense; so all
/// types without literals are bool here.
Message TypeMessage(const DataType& type) {
  constexpr int kNullable = 1;
  if (const auto kind = SimpleKind(type.id())) {
    return Message().Add(kind->field, Message().Integer(1, kind->variation).Integer(2, kNullable));
  }
  switch (type.id()) {
    case Type::FIXED_SIZE_BINARY: {
      const int width = checked_cast<const arrow::FixedSizeBinaryType&>(type).byte_width();
      return Message().Add(23, Message().Integer(1, width).Integer(3, kNullable));
    }
    case Type::DECIMAL128: {
      const auto& decimal = checked_cast<const arrow::DecimalType&>(type);
      return Message().Add(
          24, Message().Integer(1, decimal.scale()).Integer(2, decimal.precision()).Integer(4, kNullable));
    }
    case Type::TIME32:
    case Type::TIME64: {
      const int precision = Precision(checked_cast<const arrow::TimeType&>(type).unit());
      const int variation = type.id() == Type::TIME64 ? 1 : 0;
      return Message().Add(36, Message().Integer(1, precision).Integer(2, variation).Integer(3, kNullable));
    }
    case Type::TIMESTAMP: {
      const int precision = Precision(checked_cast<const arrow::TimestampType&>(type).unit());
      return Message().Add(IsZoned(type) ? 34 : 33, Message().Integer(1, precision).Integer(3, kNullable));
    }
    case Type::DICTIONARY:
      return TypeMessage(*checked_cast<const arrow::DictionaryType&>(type).value_type());
    case Type::STRUCT: {
      Message types;
      for (const auto& field : type.fields()) types.Add(1, TypeMessage(*field->type()));
      return Message().Add(25, types.Integer(3, kNullable));
    }
    default:
      return TypeMessage(*arrow::boolean());
  }
}

/// The names of a field and of all in it that TypeMessage() has types for, as NamedStruct lists them.
void AddNames(const Field& field, Message* named_struct) {
  named_struct->Bytes(1, field.name());
  if (field.type()->id() != Type::STRUCT) return;
  for (const auto& child : field.type()->fields()) AddNames(*child, named_struct);
}

/// Expression.Literal
struct LiteralVisitor {
  Message out;

  template <typename S>
  Status Visit(const S& scalar) {
    using T = typename S::TypeClass;
    constexpr std::optional<Kind> kind = SimpleKind(T::type_id);
    if constexpr (std::is_same_v<T, arrow::FloatType>) {
      out.Float(kind->field, scalar.value);
    } else if constexpr (std::is_same_v<T, arrow::DoubleType>) {
      out.Double(kind->field, scalar.value);
    } else if constexpr (kind.has_value() && arrow::is_base_binary_type<T>::value) {
      out.Bytes(kind->field, std::string_view(*scalar.value));
    } else if constexpr (kind.has_value()) {
      out.Integer(kind->field, scalar.value);
    } else if constexpr (std::is_same_v<T, arrow::FixedSizeBinaryType>) {
      out.Bytes(23, std::string_view(*scalar.value));
    } else if constexpr (std::is_same_v<T, arrow::Decimal128Type>) {
      return Decimal(scalar.value, checked_cast<const T&>(*scalar.type));
    } else if constexpr (arrow::is_time_type<T>::value) {
      const int precision = Precision(checked_cast<const T&>(*scalar.type).unit());
      out.Add(37, Message().Integer(1, precision).Integer(2, scalar.value));
      out.Integer(51, std::is_same_v<T, arrow::Time64Type> ? 1 : 0);
    } else if constexpr (std::is_same_v<T, arrow::TimestampType>) {
      const int precision = Precision(checked_cast<const T&>(*scalar.type).unit());
      out.Add(IsZoned(*scalar.type) ? 35 : 34, Message().Integer(1, precision).Integer(2, scalar.value));
    } else {
      return NotSupported("a literal of type " + scalar.type->ToString());
    }
    if constexpr (kind.has_value()) out.Integer(51, kind->variation);
    return Status::OK();
  }

  Status Decimal(const arrow::Decimal128& value, const arrow::DecimalType& type) {
    std::string bytes;
    for (const uint64_t word : {value.low_bits(), static_cast<uint64_t>(value.high_bits())}) {
      for (int bit = 0; bit < 64; bit += 8) bytes.push_back(static_cast<char>(word >> bit));
    }
    out.Add(24, Message().Bytes(1, bytes).Integer(2, type.precision()).Integer(3, type.scale()));
    return Status::OK();
  }
};

/// Expression
Result<Message> Literal(const Scalar& scalar) {
  if (!scalar.is_valid) return NotSupported("a literal that is null");
  LiteralVisitor visitor;
  ARROW_RETURN_NOT_OK(arrow::VisitScalarInline(scalar, &visitor));
  return Message().Add(1, visitor.out);
}

Message FloatLiteral(const DataType& type, double value) {
  Message literal;
  if (type.id() == Type::FLOAT) {
    literal.Float(10, static_cast<float>(value));
  } else {
    literal.Double(11, value);
  }
  return Message().Add(1, literal);
}

Message BoolLiteral(bool value) { return Message().Add(1, Message().Integer(1, value)); }

Message TextLiteral(std::string_view text) { return Message().Add(1, Message().Bytes(12, text)); }

/// Whether the type holds all values of the other, and the order among them.
bool Holds(const DataType& type, const DataType& other) {
  const auto value_bits = [](const DataType& integer) {
    return arrow::bit_width(integer.id()) - (arrow::is_signed_integer(integer) ? 1 : 0);
  };
  if (arrow::is_integer(other)) {
    const int bits = value_bits(other);
    if (arrow::is_signed_integer(type)) return bits <= value_bits(type);
    if (arrow::is_unsigned_integer(type))
      return arrow::is_unsigned_integer(other) && bits <= value_bits(type);
    return IsFloat(type) && bits <= (type.id() == Type::FLOAT ? std::numeric_limits<float>::digits
                                                              : std::numeric_limits<double>::digits);
  }
  if (type.id() == Type::DECIMAL128 && other.id() == Type::DECIMAL128) {
    const auto& to = checked_cast<const arrow::DecimalType&>(type);
    const auto& from = checked_cast<const arrow::DecimalType&>(other);
    return to.scale() >= from.scale() && to.precision() - to.scale() >= from.precision() - from.scale();
  }
  return type.id() == Type::DOUBLE && other.id() == Type::FLOAT;
}

/// Columns that come in another form than they are stored in, or may do so.
bool IsTransformed(const Field& field) {
  if (field.type()->id() == Type::EXTENSION) return true;
  const auto& metadata = field.metadata();
  return metadata != nullptr &&
         (metadata->Contains("ARROW:extension:name") || metadata->Contains("lance-encoding:blob"));
}

bool IsTrue(const Expression& expression) {
  const arrow::Datum* literal = expression.literal();
  return literal != nullptr && literal->is_scalar() && literal->scalar()->Equals(arrow::BooleanScalar(true));
}

/// The operands of nested calls of one function, in their order; the expression alone when it is no such
/// call.
std::vector<Expression> Operands(const Expression& expression, std::string_view function) {
  std::vector<Expression> operands;
  std::vector<Expression> pending = {expression};
  while (!pending.empty()) {
    const Expression next = std::move(pending.back());
    pending.pop_back();
    const Expression::Call* call = next.call();
    if (call != nullptr && call->function_name == function) {
      pending.insert(pending.end(), call->arguments.rbegin(), call->arguments.rend());
    } else {
      operands.push_back(next);
    }
  }
  return operands;
}

/// A function that compares; the engine's name of it, and of the one for exchanged operands.
struct Comparison {
  std::string_view arrow;
  std::string_view name;
  std::string_view exchanged;
};

constexpr std::array<Comparison, 6> kComparisons = {{{"equal", "equal", "equal"},
                                                     {"not_equal", "not_equal", "not_equal"},
                                                     {"less", "lt", "gt"},
                                                     {"less_equal", "lte", "gte"},
                                                     {"greater", "gt", "lt"},
                                                     {"greater_equal", "gte", "lte"}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kTextFunctions = {
    {{"starts_with", "starts_with"}, {"ends_with", "ends_with"}, {"match_substring", "contains"}}};

/// What is compared: a column, or a literal.
struct Operand {
  Message message;
  const DataType* type;
  const Scalar* literal = nullptr;
};

/// Translates parts of one bound filter.
class Translator {
 public:
  Translator(const Schema& bound_to, const Schema& dataset)
      : bound_to_(bound_to), dataset_(dataset), is_used_(static_cast<size_t>(dataset.num_fields())) {}

  /// Translate what gives true, false or null.
  Result<Message> Condition(const Expression& expression) {
    const Expression::Call* call = expression.call();
    if (call == nullptr) {
      ARROW_ASSIGN_OR_RAISE(auto operand, Value(expression));
      if (operand.type->id() != Type::BOOL) return NotSupported("a condition that is no bool");
      return operand.message;
    }
    const std::string& name = call->function_name;
    if (name == "and_kleene") return Joined("and", Operands(expression, name));
    if (name == "or_kleene") return Joined("or", Operands(expression, name));
    if (name == "invert") {
      ARROW_ASSIGN_OR_RAISE(auto condition, Condition(call->arguments[0]));
      return Call("not", {condition});
    }
    if (name == "is_null" || name == "is_valid") return NullTest(*call);
    if (name == "is_nan") return IsNan(*call);
    if (name == "is_in") return IsIn(*call);
    for (const auto& comparison : kComparisons) {
      if (name == comparison.arrow) return Compared(comparison, *call);
    }
    for (const auto& [arrow_name, engine_name] : kTextFunctions) {
      if (name == arrow_name) return TextTest(engine_name, *call);
    }
    return NotSupported("the function " + name);
  }

  /// The ExtendedExpression of conditions that must all hold.
  std::shared_ptr<arrow::Buffer> Finish(const std::vector<Message>& conditions) {
    const Message filter = conditions.size() == 1 ? conditions.front() : Call("and", conditions);
    Message out;
    for (size_t i = 0; i < functions_.size(); ++i) {
      // SimpleExtensionDeclaration of an ExtensionFunction
      out.Add(2, Message().Add(3, Message().Integer(2, i).Bytes(3, functions_[i])));
    }
    // ExpressionReference
    out.Add(3, Message().Add(1, filter).Bytes(3, "filter"));
    return arrow::Buffer::FromString(
        out.Add(4, BaseSchema()).Add(7, Message().Integer(2, kMinorVersion).Bytes(5, "lance-cpp")).bytes());
  }

 private:
  /// Of Substrait 0.x.
  static constexpr int kMinorVersion = 63;

  /// NamedStruct. The engine wants a field for each column.
  Message BaseSchema() const {
    Message named_struct;
    Message types;
    for (int i = 0; i < dataset_.num_fields(); ++i) {
      const Field& field = *dataset_.field(i);
      if (is_used_[static_cast<size_t>(i)]) {
        AddNames(field, &named_struct);
        types.Add(1, TypeMessage(*field.type()));
      } else {
        named_struct.Bytes(1, field.name());
        types.Add(1, TypeMessage(*arrow::boolean()));
      }
    }
    constexpr int kRequired = 2;
    return named_struct.Add(2, types.Integer(3, kRequired));
  }

  /// Expression of a ScalarFunction, which is known by its place among those declared.
  Message Call(std::string_view function, const std::vector<Message>& arguments) {
    size_t place = 0;
    while (place < functions_.size() && functions_[place] != function) ++place;
    if (place == functions_.size()) functions_.emplace_back(function);
    Message call;
    call.Integer(1, place);
    for (const auto& argument : arguments) call.Add(4, Message().Add(3, argument));
    return Message().Add(3, call);
  }

  Result<Message> Joined(std::string_view function, const std::vector<Expression>& operands) {
    std::vector<Message> conditions;
    for (const auto& operand : operands) {
      ARROW_ASSIGN_OR_RAISE(conditions.emplace_back(), Condition(operand));
    }
    return Call(function, conditions);
  }

  Result<Operand> Value(const Expression& expression) {
    if (const arrow::Datum* literal = expression.literal()) {
      if (!literal->is_scalar()) return NotSupported("a literal that is no scalar");
      const Scalar& scalar = *literal->scalar();
      ARROW_ASSIGN_OR_RAISE(auto message, Literal(scalar));
      return Operand{message, scalar.type.get(), &scalar};
    }
    if (const Expression::Parameter* column = expression.parameter()) return Column(*column);
    const Expression::Call& call = *expression.call();
    if (call.function_name == "cast") return Cast(call);
    return NotSupported("the function " + call.function_name + " within a condition");
  }

  Result<Operand> Column(const Expression::Parameter& parameter) {
    // Of the scan, such as the name of the file.
    if (parameter.indices.empty() || parameter.indices[0] >= bound_to_.num_fields()) {
      return NotSupported("a column that is not the dataset's");
    }
    const Field* field = bound_to_.field(parameter.indices[0]).get();
    const int index = dataset_.GetFieldIndex(field->name());
    if (index < 0 || !dataset_.field(index)->type()->Equals(*field->type())) {
      return NotSupported("a column that is not the dataset's");
    }
    field = dataset_.field(index).get();
    // FieldReference
    const Message segment = Message().Add(2, Message().Integer(1, index));
    Message message = Message().Add(2, Message().Add(1, segment).Add(4, Message()));
    for (size_t depth = 0;; ++depth) {
      if (IsTransformed(*field)) return NotSupported("the column \"" + field->name() + "\"");
      if (depth + 1 == parameter.indices.size()) break;
      if (field->type()->id() != Type::STRUCT) return NotSupported("an item of a list");
      field = field->type()->field(parameter.indices[depth + 1]).get();
      message = Call("get_field", {message, TextLiteral(field->name())});
    }
    is_used_[static_cast<size_t>(index)] = true;
    return Operand{message, field->type().get()};
  }

  Result<Operand> Cast(const Expression::Call& call) {
    ARROW_ASSIGN_OR_RAISE(auto operand, Value(call.arguments[0]));
    const DataType& to = *call.type.type;
    const DataType* from = operand.type;
    if (from->id() == Type::DICTIONARY) {
      from = checked_cast<const arrow::DictionaryType&>(*from).value_type().get();
    }
    const auto kind = SimpleKind(to.id());
    if (from->Equals(to) || (kind.has_value() && kind == SimpleKind(from->id()))) {
      return Operand{operand.message, &to};
    }
    if (!Holds(to, *from)) return NotSupported("a cast from " + from->ToString() + " to " + to.ToString());
    constexpr int kThrow = 2;
    const Message cast = Message().Add(1, TypeMessage(to)).Add(2, operand.message).Integer(3, kThrow);
    return Operand{Message().Add(11, cast), &to};
  }

  Result<Operand> ComparableColumn(const Expression& expression) {
    ARROW_ASSIGN_OR_RAISE(auto operand, Value(expression));
    if (operand.literal != nullptr || !IsComparable(*operand.type)) {
      return NotSupported("a condition on " + operand.type->ToString());
    }
    return operand;
  }

  Result<Message> Compared(const Comparison& comparison, const Expression::Call& call) {
    ARROW_ASSIGN_OR_RAISE(auto left, Value(call.arguments[0]));
    ARROW_ASSIGN_OR_RAISE(auto right, Value(call.arguments[1]));
    std::string_view function = comparison.name;
    if (left.literal != nullptr) {
      std::swap(left, right);
      function = comparison.exchanged;
    }
    const bool are_instants = left.type->id() == Type::TIMESTAMP && right.type->id() == Type::TIMESTAMP &&
                              IsZoned(*left.type) && IsZoned(*right.type) &&
                              checked_cast<const arrow::TimestampType&>(*left.type).unit() ==
                                  checked_cast<const arrow::TimestampType&>(*right.type).unit();
    if (left.literal != nullptr || !IsComparable(*left.type) ||
        !(are_instants || left.type->Equals(*right.type))) {
      return NotSupported("a comparison of " + left.type->ToString() + " and " + right.type->ToString());
    }
    if (!IsFloat(*left.type)) return Call(function, {left.message, right.message});
    if (right.literal == nullptr)
      return NotSupported("a comparison of two columns of " + left.type->ToString());
    const double value = left.type->id() == Type::FLOAT
                             ? checked_cast<const arrow::FloatScalar&>(*right.literal).value
                             : checked_cast<const arrow::DoubleScalar&>(*right.literal).value;
    return FloatCompared(function, left, value);
  }

  /// The engine orders the floating-point numbers in one line: NaNs with a sign, -inf, ..., -0, +0, ..., inf,
  /// NaNs. So the bounds leave the NaNs out, and zeros are compared with the outer one.
  Result<Message> FloatCompared(std::string_view function, const Operand& column, double value) {
    if (std::isnan(value)) return NotSupported("a comparison with NaN");
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const double lower = value == 0 ? -0.0 : value;
    const double upper = value == 0 ? 0.0 : value;
    const auto is = [&](std::string_view relation, double bound) {
      return Call(relation, {column.message, FloatLiteral(*column.type, bound)});
    };
    if (function == "lt") return Call("and", {is("gte", -kInfinity), is("lt", lower)});
    if (function == "lte") return Call("and", {is("gte", -kInfinity), is("lte", upper)});
    if (function == "gt") return Call("and", {is("lte", kInfinity), is("gt", upper)});
    if (function == "gte") return Call("and", {is("lte", kInfinity), is("gte", lower)});
    const Message equal =
        value == 0 ? Call("or", {is("equal", lower), is("equal", upper)}) : is("equal", value);
    return function == "equal" ? equal : Call("not", {equal});
  }

  Result<Message> IsNan(const Expression::Call& call) {
    ARROW_ASSIGN_OR_RAISE(auto column, ComparableColumn(call.arguments[0]));
    if (!IsFloat(*column.type)) return NotSupported("is_nan of " + column.type->ToString());
    ARROW_ASSIGN_OR_RAISE(auto from, FloatCompared("gte", column, -std::numeric_limits<double>::infinity()));
    ARROW_ASSIGN_OR_RAISE(auto to, FloatCompared("lte", column, std::numeric_limits<double>::infinity()));
    return Call("not", {Call("and", {from, to})});
  }

  Result<Message> NullTest(const Expression::Call& call) {
    const auto* options = checked_cast<const arrow::compute::NullOptions*>(call.options.get());
    if (options != nullptr && options->nan_is_null) return NotSupported("is_null that is true for NaN");
    ARROW_ASSIGN_OR_RAISE(auto column, Value(call.arguments[0]));
    // Arrow does not look for nulls among the values of a dictionary, and the engine does.
    if (column.literal != nullptr || column.type->id() == Type::DICTIONARY) {
      return NotSupported(call.function_name + " of " + column.type->ToString());
    }
    return Call(call.function_name == "is_null" ? "is_null" : "is_not_null", {column.message});
  }

  Result<Message> IsIn(const Expression::Call& call) {
    using Options = arrow::compute::SetLookupOptions;
    const auto& options = checked_cast<const Options&>(*call.options);
    const auto behavior = options.null_matching_behavior;
    if (behavior != Options::MATCH && behavior != Options::SKIP) {
      return NotSupported("is_in that gives null");
    }
    ARROW_ASSIGN_OR_RAISE(auto column, ComparableColumn(call.arguments[0]));
    if (IsFloat(*column.type)) return NotSupported("is_in of " + column.type->ToString());
    const auto set = arrow::compute::Cast(options.value_set, arrow::TypeHolder(column.type));
    if (!set.ok()) return NotSupported("is_in of " + column.type->ToString() + " and values of another type");

    // SingularOrList
    Message in = Message().Add(1, column.message);
    bool has_value = false;
    bool has_null = false;
    for (const auto& chunk : set->chunks()) {
      for (int64_t i = 0; i < chunk->length(); ++i) {
        if (chunk->IsNull(i)) {
          has_null = true;
          continue;
        }
        ARROW_ASSIGN_OR_RAISE(const auto scalar, chunk->GetScalar(i));
        ARROW_ASSIGN_OR_RAISE(const auto value, Literal(*scalar));
        in.Add(2, value);
        has_value = true;
      }
    }
    // In SQL, null is in no list and not in none; here it is in a list that has one, and not in others.
    const Message among_values =
        has_value ? Call("and", {Call("is_not_null", {column.message}), Message().Add(8, in)})
                  : BoolLiteral(false);
    if (!has_null || behavior == Options::SKIP) return among_values;
    return Call("or", {Call("is_null", {column.message}), among_values});
  }

  Result<Message> TextTest(std::string_view function, const Expression::Call& call) {
    const auto& options = checked_cast<const arrow::compute::MatchSubstringOptions&>(*call.options);
    if (options.ignore_case) return NotSupported(call.function_name + " that ignores case");
    ARROW_ASSIGN_OR_RAISE(auto column, ComparableColumn(call.arguments[0]));
    if (!IsText(*column.type)) return NotSupported(call.function_name + " of " + column.type->ToString());
    return Call(function, {column.message, TextLiteral(options.pattern)});
  }

  const Schema& bound_to_;
  const Schema& dataset_;
  /// Those declared.
  std::vector<std::string> functions_;
  /// Columns of the dataset.
  std::vector<bool> is_used_;
};

Status CheckColumns(const Expression& filter, const Schema& schema) {
  for (const auto& column : arrow::compute::FieldsInExpression(filter)) {
    if (column.FindOne(schema).ok()) continue;
    const std::string name = column.name() != nullptr ? *column.name() : column.ToDotPath();
    return Fail(ErrorCode::kFieldNotFound, "there is no column \"", name, "\" for the filter");
  }
  return Status::OK();
}

}  // namespace

Pushdown PushDown(const Expression& filter, const Schema& bound_to, const Schema& dataset) {
  if (!filter.IsBound()) return {};
  Translator translator(bound_to, dataset);
  std::vector<Message> conditions;
  bool is_exact = true;
  for (const auto& condition : Operands(filter, "and_kleene")) {
    if (IsTrue(condition)) continue;
    auto translated = translator.Condition(condition);
    if (translated.ok()) {
      conditions.push_back(*std::move(translated));
    } else {
      is_exact = false;
    }
  }
  return {conditions.empty() ? nullptr : translator.Finish(conditions), is_exact};
}

Status InitializeCompute() {
#if ARROW_VERSION_MAJOR >= 21
  return arrow::compute::Initialize();
#else
  return Status::OK();
#endif
}

}  // namespace internal

arrow::Result<std::shared_ptr<arrow::Buffer>> ToSubstrait(const arrow::compute::Expression& filter,
                                                          const arrow::Schema& schema) {
  using internal::Fail;
  ARROW_RETURN_NOT_OK(internal::InitializeCompute());
  ARROW_RETURN_NOT_OK(internal::CheckColumns(filter, schema));
  const auto bound = filter.Bind(schema);
  if (!bound.ok()) return Fail(ErrorCode::kInvalidArgument, bound.status().message());
  if (bound->type()->id() != arrow::Type::BOOL) {
    return Fail(ErrorCode::kInvalidArgument, "the filter gives ", *bound->type(), ", and not bool");
  }
  internal::Translator translator(schema, schema);
  ARROW_ASSIGN_OR_RAISE(const auto condition, translator.Condition(*bound));
  return translator.Finish({condition});
}

}  // namespace lance::inline v0
