#include "rows.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "arrow/array.h"
#include "arrow/csv/options.h"
#include "arrow/csv/writer.h"
#include "arrow/extension_type.h"
#include "arrow/io/interfaces.h"
#include "arrow/ipc/writer.h"
#include "arrow/record_batch.h"
#include "arrow/scalar.h"
#include "arrow/type.h"
#include "arrow/type_traits.h"
#include "arrow/util/base64.h"
#include "arrow/util/float16.h"
#include "arrow/visit_array_inline.h"
#include "parquet/arrow/writer.h"
#include "parquet/properties.h"
#include "render.h"

namespace lance::cli {
namespace {

template <typename Type>
constexpr bool kIsText =
    std::is_same_v<Type, arrow::StringType> || std::is_same_v<Type, arrow::LargeStringType> ||
    std::is_same_v<Type, arrow::StringViewType>;

/// Appends the value in one row of an array of any type.
class JsonCell {
 public:
  JsonCell(int64_t row, std::string* out) : row_(row), out_(out) {}

  template <typename ArrayType>
  arrow::Status Visit(const ArrayType& array) {
    using Type = typename ArrayType::TypeClass;
    if constexpr (arrow::is_boolean_type<Type>::value) {
      out_->append(array.Value(row_) ? "true" : "false");
    } else if constexpr (arrow::is_integer_type<Type>::value) {
      fmt::format_to(std::back_inserter(*out_), "{}", array.Value(row_));
    } else if constexpr (arrow::is_half_float_type<Type>::value) {
      AppendNumber(arrow::util::Float16::FromBits(array.Value(row_)).ToFloat());
    } else if constexpr (arrow::is_floating_type<Type>::value) {
      AppendNumber(array.Value(row_));
    } else if constexpr (arrow::is_decimal_type<Type>::value) {
      out_->append(array.FormatValue(row_));
    } else if constexpr (kIsText<Type>) {
      AppendJsonString(array.GetView(row_), out_);
    } else if constexpr (arrow::is_base_binary_type<Type>::value ||
                         arrow::is_binary_view_like_type<Type>::value ||
                         arrow::is_fixed_size_binary_type<Type>::value) {
      AppendJsonString(arrow::util::base64_encode(array.GetView(row_)), out_);
    } else if constexpr (std::is_same_v<Type, arrow::MapType>) {
      return AppendMap(array);
    } else if constexpr (arrow::is_var_length_list_type<Type>::value ||
                         arrow::is_fixed_size_list_type<Type>::value) {
      return AppendList(array);
    } else if constexpr (arrow::is_struct_type<Type>::value) {
      return AppendStruct(array);
    } else if constexpr (arrow::is_dictionary_type<Type>::value) {
      return AppendJson(*array.dictionary(), array.GetValueIndex(row_), out_);
    } else if constexpr (arrow::is_extension_type<Type>::value) {
      return AppendJson(*array.storage(), row_, out_);
    } else {
      ARROW_ASSIGN_OR_RAISE(auto scalar, array.GetScalar(row_));
      AppendJsonString(scalar->ToString(), out_);
    }
    return arrow::Status::OK();
  }

 private:
  template <typename Float>
  void AppendNumber(Float value) {
    if (std::isfinite(value)) {
      fmt::format_to(std::back_inserter(*out_), "{}", value);
    } else {
      out_->append("null");
    }
  }

  template <typename ListArray>
  arrow::Status AppendList(const ListArray& array) {
    const int64_t begin = array.value_offset(row_);
    out_->push_back('[');
    for (int64_t i = 0; i < array.value_length(row_); ++i) {
      if (i > 0) out_->push_back(',');
      ARROW_RETURN_NOT_OK(AppendJson(*array.values(), begin + i, out_));
    }
    out_->push_back(']');
    return arrow::Status::OK();
  }

  /// A list of entries: keys may be of any type, and may repeat.
  arrow::Status AppendMap(const arrow::MapArray& array) {
    const int64_t begin = array.value_offset(row_);
    out_->push_back('[');
    for (int64_t i = 0; i < array.value_length(row_); ++i) {
      out_->append(i > 0 ? ",{\"key\":" : "{\"key\":");
      ARROW_RETURN_NOT_OK(AppendJson(*array.keys(), begin + i, out_));
      out_->append(",\"value\":");
      ARROW_RETURN_NOT_OK(AppendJson(*array.items(), begin + i, out_));
      out_->push_back('}');
    }
    out_->push_back(']');
    return arrow::Status::OK();
  }

  arrow::Status AppendStruct(const arrow::StructArray& array) {
    out_->push_back('{');
    for (int i = 0; i < array.num_fields(); ++i) {
      if (i > 0) out_->push_back(',');
      AppendJsonString(array.struct_type()->field(i)->name(), out_);
      out_->push_back(':');
      ARROW_RETURN_NOT_OK(AppendJson(*array.field(i), row_, out_));
    }
    out_->push_back('}');
    return arrow::Status::OK();
  }

  int64_t row_;
  std::string* out_;
};

/// A value in a table: as in JSON, but without the quotes round it.
arrow::Result<std::string> FormatCell(const arrow::Array& array, int64_t row) {
  std::string cell;
  ARROW_RETURN_NOT_OK(AppendJson(array, row, &cell));
  return cell.front() == '"' ? nlohmann::json::parse(cell).get<std::string>() : cell;
}

using OutputPtr = std::shared_ptr<arrow::io::OutputStream>;

arrow::Result<int64_t> WriteTable(arrow::RecordBatchReader& reader, const OutputPtr& out) {
  std::vector<TextTable::Column> columns;
  for (const auto& field : reader.schema()->fields()) {
    const arrow::Type::type id = field->type()->id();
    const bool is_number = arrow::is_numeric(id) || arrow::is_decimal(id);
    columns.push_back({field->name(), is_number ? TextTable::Align::kRight : TextTable::Align::kLeft});
  }
  TextTable table(columns);
  int64_t rows = 0;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto batch, reader.Next());
    if (batch == nullptr) break;
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      std::vector<std::string> cells;
      for (const auto& column : batch->columns()) {
        ARROW_ASSIGN_OR_RAISE(std::string cell, FormatCell(*column, row));
        cells.push_back(std::move(cell));
      }
      table.AddRow(cells);
    }
    rows += batch->num_rows();
  }
  ARROW_RETURN_NOT_OK(out->Write(table.ToString()));
  return rows;
}

arrow::Result<int64_t> WriteJsonLines(arrow::RecordBatchReader& reader, const OutputPtr& out) {
  // Names are quoted once, not once per row.
  std::vector<std::string> keys;
  for (const auto& field : reader.schema()->fields()) {
    std::string& key = keys.emplace_back(keys.empty() ? "{" : ",");
    AppendJsonString(field->name(), &key);
    key.push_back(':');
  }
  int64_t rows = 0;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto batch, reader.Next());
    if (batch == nullptr) break;
    std::string text;
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      if (keys.empty()) text.push_back('{');
      for (size_t i = 0; i < keys.size(); ++i) {
        text.append(keys[i]);
        ARROW_RETURN_NOT_OK(AppendJson(*batch->column(static_cast<int>(i)), row, &text));
      }
      text.append("}\n");
    }
    ARROW_RETURN_NOT_OK(out->Write(text));
    rows += batch->num_rows();
  }
  return rows;
}

/// Write all batches by a writer of Arrow.
template <typename Writer>
arrow::Result<int64_t> WriteBatches(arrow::RecordBatchReader& reader, Writer& writer) {
  int64_t rows = 0;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto batch, reader.Next());
    if (batch == nullptr) break;
    ARROW_RETURN_NOT_OK(writer.WriteRecordBatch(*batch));
    rows += batch->num_rows();
  }
  ARROW_RETURN_NOT_OK(writer.Close());
  return rows;
}

arrow::Result<int64_t> WriteCsv(arrow::RecordBatchReader& reader, const OutputPtr& out) {
  auto made = arrow::csv::MakeCSVWriter(out, reader.schema(), arrow::csv::WriteOptions::Defaults());
  if (!made.ok()) {
    return made.status().WithMessage("CSV cannot hold these columns: ", made.status().message(),
                                     "; choose other --columns, or --format json");
  }
  return WriteBatches(reader, **made);
}

/// An output that knows how far it is, which a pipe does not.
class CountedOutput : public arrow::io::OutputStream {
 public:
  explicit CountedOutput(OutputPtr out) : out_(std::move(out)) {}

  using arrow::io::OutputStream::Write;
  arrow::Status Write(const void* data, int64_t bytes) override {
    ARROW_RETURN_NOT_OK(out_->Write(data, bytes));
    position_ += bytes;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Close() override { return out_->Close(); }
  bool closed() const override { return out_->closed(); }

 private:
  OutputPtr out_;
  int64_t position_ = 0;
};

arrow::Result<int64_t> WriteArrow(arrow::RecordBatchReader& reader, const OutputPtr& out) {
  ARROW_ASSIGN_OR_RAISE(const auto writer, arrow::ipc::MakeStreamWriter(out, reader.schema()));
  return WriteBatches(reader, *writer);
}

arrow::Result<int64_t> WriteParquet(arrow::RecordBatchReader& reader, const OutputPtr& out) {
  // With it, types that Parquet has not come back as they were.
  const auto schema = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  ARROW_ASSIGN_OR_RAISE(const auto writer,
                        parquet::arrow::FileWriter::Open(*reader.schema(), arrow::default_memory_pool(), out,
                                                         parquet::default_writer_properties(), schema));
  return WriteBatches(reader, *writer);
}

}  // namespace

arrow::Status AppendJson(const arrow::Array& array, int64_t row, std::string* out) {
  if (array.IsNull(row)) {
    out->append("null");
    return arrow::Status::OK();
  }
  JsonCell cell(row, out);
  return arrow::VisitArrayInline(array, &cell);
}

void AppendJsonString(std::string_view text, std::string* out) {
  out->append(nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

arrow::Result<int64_t> WriteRows(arrow::RecordBatchReader& reader, Format format, const OutputPtr& out) {
  const auto write = [&]() -> arrow::Result<int64_t> {
    switch (format) {
      case Format::kJson:
        return WriteJsonLines(reader, out);
      case Format::kCsv:
        return WriteCsv(reader, out);
      case Format::kArrow:
        return WriteArrow(reader, out);
      case Format::kParquet:
        return WriteParquet(reader, out);
      case Format::kTable:
        break;
    }
    return WriteTable(reader, out);
  };
  ARROW_ASSIGN_OR_RAISE(const int64_t rows, write());
  ARROW_RETURN_NOT_OK(out->Close());
  return rows;
}

arrow::Result<int64_t> PrintRows(arrow::RecordBatchReader& reader, Format format) {
  ARROW_ASSIGN_OR_RAISE(const auto out, OpenStdout());
  return WriteRows(reader, format, std::make_shared<CountedOutput>(out));
}

}  // namespace lance::cli
