// Malformed Arrow C structs: each is refused with a typed error, the process lives, and the struct is
// released exactly once.

#include <cerrno>
#include <climits>
#include <deque>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/c/bridge.h"
#include "arrow/util/logging.h"
#include "gmock/gmock.h"
#include "support/c_call.h"
#include "support/generators.h"

namespace lance_test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

auto IsARefusal() { return AnyOf(LANCE_INVALID_ARGUMENT, LANCE_SCHEMA_MISMATCH, LANCE_NOT_SUPPORTED); }

// ---- Schemas, built by hand.

/// A schema tree whose strings and children live here. Its release callback only counts.
class HandSchema {
 public:
  explicit HandSchema(const char* format, const char* name = "c") {
    c_.format = format;
    c_.name = name;
    c_.flags = ARROW_FLAG_NULLABLE;
    c_.release = [](ArrowSchema* self) {
      ++*static_cast<int*>(self->private_data);
      self->release = nullptr;
    };
    c_.private_data = &releases_;
  }

  HandSchema& Add(const char* format, const char* name = "item") {
    children_.emplace_back(format, name);
    child_pointers_.push_back(&children_.back().c_);
    c_.children = child_pointers_.data();
    c_.n_children = static_cast<int64_t>(child_pointers_.size());
    return children_.back();
  }

  /// Copy the shell and give it to a writer at open.
  Outcome Open() {
    ArrowSchema shell = c_;
    WriterPtr writer;
    const Outcome outcome = OpenWriter("memory://hostile_structs_test/schema", &shell, nullptr, &writer);
    EXPECT_EQ(shell.release, nullptr);
    writer.reset();
    EXPECT_EQ(releases_, 1);
    return outcome;
  }

  ArrowSchema* operator->() { return &c_; }
  ArrowSchema* get() { return &c_; }

 private:
  ArrowSchema c_{};
  int releases_ = 0;
  std::deque<HandSchema> children_;
  std::vector<ArrowSchema*> child_pointers_;
};

struct SchemaCase {
  const char* name;
  /// Spoil the schema of a table; `table` has no columns yet.
  std::function<void(HandSchema& table)> spoil;
};

/// A column of this format and without children.
SchemaCase Format(const char* name, const char* format) {
  return {name, [format](HandSchema& table) { table.Add(format); }};
}

std::vector<SchemaCase> SchemaCases() {
  return {
      Format("FormatNull", nullptr),
      Format("FormatEmpty", ""),
      Format("FormatUnknown", "Q"),
      Format("FormatNotUtf8", "\xff\xfe"),
      Format("FormatBarePlus", "+"),
      Format("FormatTooLong", "llllllll"),
      Format("DecimalWithoutPrecision", "d:"),
      Format("DecimalWithoutScale", "d:10"),
      Format("DecimalOfUnknownWidth", "d:10,2,7"),
      Format("DecimalPrecisionTooLarge", "d:99,2"),
      Format("BinaryWithoutWidth", "w:"),
      Format("BinaryOfNegativeWidth", "w:-5"),
      Format("BinaryWidthNotANumber", "w:abc"),
      Format("TimestampWithoutColon", "tss"),
      Format("TimeOfUnknownUnit", "ttX"),
      Format("DurationOfUnknownUnit", "tDX"),
      Format("ListWithoutChild", "+l"),
      Format("MapWithoutChild", "+m"),
      Format("UnionGarbage", "+u"),
      Format("UnionIdsNotNumbers", "+us:a,b"),
      {"FixedSizeListWithoutSize", [](auto& table) { table.Add("+w:").Add("l"); }},
      {"FixedSizeListOfNegativeSize", [](auto& table) { table.Add("+w:-1").Add("l"); }},
      {"FixedSizeListSizeNotANumber", [](auto& table) { table.Add("+w:abc").Add("l"); }},
      {"ListWithTwoChildren",
       [](auto& table) {
         auto& list = table.Add("+l");
         list.Add("l");
         list.Add("l");
       }},
      {"UnionWithTooFewChildren", [](auto& table) { table.Add("+us:0,1").Add("l"); }},
      {"UnionIdOutOfRange", [](auto& table) { table.Add("+us:999").Add("l"); }},
      {"MapOfNoStruct", [](auto& table) { table.Add("+m").Add("l", "entries"); }},
      {"MapOfOneField", [](auto& table) { table.Add("+m").Add("+s", "entries").Add("u", "key"); }},
      {"MapOfNoFields", [](auto& table) { table.Add("+m").Add("+s", "entries"); }},
      {"RunEndsWithOneChild", [](auto& table) { table.Add("+r").Add("i", "run_ends"); }},
      {"PrimitiveWithAChild", [](auto& table) { table.Add("l").Add("l"); }},
      {"NegativeChildCount",
       [](auto& table) {
         table.Add("l");
         table->n_children = -1;
       }},
      {"AbsurdChildCount",
       [](auto& table) {
         table.Add("l");
         table->n_children = INT64_MAX;
       }},
      {"ChildrenNull",
       [](auto& table) {
         table.Add("l");
         table->children = nullptr;
       }},
      {"ChildNull",
       [](auto& table) {
         table.Add("l");
         table->children[0] = nullptr;
       }},
      {"ChildReleased", [](auto& table) { table.Add("l")->release = nullptr; }},
      {"NotAStruct", [](auto& table) { table->format = "l"; }},
      {"NameNotUtf8", [](auto& table) { table.Add("l", "\xc3\x28"); }},
      {"NestedNameNotUtf8", [](auto& table) { table.Add("+s").Add("l", "\xc3\x28"); }},
      {"MetadataNotUtf8", [](auto& table) { table.Add("l")->metadata = "\1\0\0\0\1\0\0\0k\1\0\0\0\xff"; }},
      {"MetadataOfNegativeCount", [](auto& table) { table.Add("l")->metadata = "\xff\xff\xff\xff"; }},
      {"MetadataOfNegativeLength",
       [](auto& table) { table.Add("l")->metadata = "\1\0\0\0\xff\xff\xff\xff"; }},
      {"DictionaryIndexNotAnInteger",
       [](auto& table) {
         static HandSchema values("u");
         table.Add("g")->dictionary = values.get();
       }},
      {"DictionaryReleased",
       [](auto& table) {
         static HandSchema values("u");
         values->release = nullptr;
         table.Add("i")->dictionary = values.get();
       }},
      {"DictionaryFormatUnknown",
       [](auto& table) {
         static HandSchema values("Q");
         table.Add("i")->dictionary = values.get();
       }},
      {"TwoColumnsOfOneName",
       [](auto& table) {
         table.Add("l", "x");
         table.Add("l", "x");
       }},
      {"AThousandLevelsDeep",
       [](auto& table) {
         HandSchema* level = &table.Add("+l");
         for (int depth = 0; depth < 1000; ++depth) level = &level->Add("+l");
         level->Add("l");
       }},
  };
}

class HostileSchema : public ::testing::TestWithParam<SchemaCase> {};

TEST_P(HostileSchema, IsRefusedAndReleasedOnce) {
  HandSchema table("+s", "");
  GetParam().spoil(table);
  const Outcome outcome = table.Open();
  EXPECT_THAT(outcome.code, IsARefusal()) << outcome;
}

INSTANTIATE_TEST_SUITE_P(Cases, HostileSchema, ::testing::ValuesIn(SchemaCases()),
                         [](const auto& info) { return info.param.name; });

TEST(HostileSchemaTest, GoodHandMadeSchemaIsAccepted) {
  HandSchema table("+s", "");
  table.Add("l", "a");
  table.Add("+l", "b").Add("u");
  EXPECT_EQ(table.Open(), LANCE_OK);
}

// ---- Arrays, spoilt after a good export.

/// The columns of the spoilt batch.
enum Column { kInt, kString, kList, kDictionary, kStruct, kFixedSizeList, kMap, kView, kBool, kColumns };

std::shared_ptr<arrow::Schema> TableSchema() {
  using arrow::field;
  return arrow::schema({field("int", arrow::int64()), field("string", arrow::utf8()),
                        field("list", arrow::list(arrow::int32())),
                        field("dictionary", arrow::dictionary(arrow::int32(), arrow::utf8())),
                        field("struct", arrow::struct_({field("a", arrow::int32())})),
                        field("fixed", arrow::fixed_size_list(arrow::float32(), 4)),
                        field("map", arrow::map(arrow::utf8(), arrow::int32())),
                        field("view", arrow::utf8_view()), field("bool", arrow::boolean())});
}

/// A good batch that is kept here, lent out through a shell whose release callback only counts, and repaired
/// before it is released: what was spoilt never reaches the exporter's own callback.
class SpoiltBatch {
 public:
  SpoiltBatch() { ARROW_CHECK_OK(arrow::ExportRecordBatch(*MakeBatch(TableSchema(), 20), &good_)); }
  ~SpoiltBatch() {
    for (auto repair = repairs_.rbegin(); repair != repairs_.rend(); ++repair) (*repair)();
    good_.release(&good_);
  }
  SpoiltBatch(const SpoiltBatch&) = delete;
  SpoiltBatch& operator=(const SpoiltBatch&) = delete;

  /// Change a field until the end of the test.
  template <typename T, typename V>
  void Set(T& target, V value) {
    repairs_.push_back([&target, old = target] { target = old; });
    target = static_cast<T>(value);
  }

  /// Change one number of a buffer.
  template <typename T>
  void SetValue(const ArrowArray& array, int buffer, int64_t index, T value) {
    Set(const_cast<T*>(static_cast<const T*>(array.buffers[buffer]))[index], value);
  }

  ArrowArray& top() { return good_; }
  ArrowArray& column(Column column) { return *good_.children[column]; }

  /// Write the batch, and finish.
  Outcome Write() {
    return WithWriter([this](const WriterPtr& writer) {
      ArrowArray shell = Lend();
      const Outcome outcome = lance_test::Write(writer, &shell, nullptr);
      EXPECT_EQ(shell.release, nullptr);
      return outcome;
    });
  }

  /// Write a stream of the batch, and finish.
  Outcome WriteAsStream() {
    return WithWriter([this](const WriterPtr& writer) {
      ArrowArrayStream stream{};
      stream.get_schema = [](ArrowArrayStream*, ArrowSchema* out) {
        return arrow::ExportSchema(*TableSchema(), out).ok() ? 0 : EIO;
      };
      stream.get_next = [](ArrowArrayStream* self, ArrowArray* out) {
        auto* batch = static_cast<SpoiltBatch*>(self->private_data);
        *out = std::exchange(batch->is_streamed_, true) ? ArrowArray{} : batch->Lend();
        return 0;
      };
      stream.get_last_error = [](ArrowArrayStream*) -> const char* { return nullptr; };
      stream.release = [](ArrowArrayStream* self) { self->release = nullptr; };
      stream.private_data = this;
      const Outcome outcome = CallC(lance_writer_write_stream, writer.get(), LANCE_ANY_LANE, &stream);
      EXPECT_EQ(stream.release, nullptr);
      return outcome;
    });
  }

 private:
  ArrowArray Lend() {
    ArrowArray shell = good_;
    shell.private_data = &releases_;
    shell.release = [](ArrowArray* self) {
      ++*static_cast<int*>(self->private_data);
      self->release = nullptr;
    };
    return shell;
  }

  Outcome WithWriter(const std::function<Outcome(const WriterPtr& writer)>& write) {
    ArrowSchema schema{};
    ARROW_CHECK_OK(arrow::ExportSchema(*TableSchema(), &schema));
    LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
    options.mode = LANCE_WRITE_OVERWRITE;
    WriterPtr writer;
    EXPECT_EQ(OpenWriter("memory://hostile_structs_test/array", &schema, &options, &writer), LANCE_OK);
    Outcome outcome = write(writer);
    if (outcome.ok()) outcome = Finish(writer);
    writer.reset();
    EXPECT_EQ(releases_, 1);
    return outcome;
  }

  ArrowArray good_{};
  int releases_ = 0;
  bool is_streamed_ = false;
  std::vector<std::function<void()>> repairs_;
};

struct ArrayCase {
  const char* name;
  std::function<void(SpoiltBatch& batch)> spoil;
};

std::vector<ArrayCase> HeaderCases() {
  return {
      {"NegativeLength", [](auto& b) { b.Set(b.top().length, -1); }},
      {"NegativeOffset", [](auto& b) { b.Set(b.top().offset, -1); }},
      {"AbsurdLength", [](auto& b) { b.Set(b.top().length, INT64_MAX); }},
      {"OffsetOverflow", [](auto& b) { b.Set(b.top().offset, INT64_MAX - 3); }},
      {"OffsetBeyondTheChildren", [](auto& b) { b.Set(b.top().offset, 1); }},
      {"LengthBeyondTheChildren", [](auto& b) { b.Set(b.top().length, 1000); }},
      {"NullCountBeyondTheLength", [](auto& b) { b.Set(b.top().null_count, 21); }},
      {"NullCountBelowMinusOne", [](auto& b) { b.Set(b.top().null_count, -2); }},
      {"NullRowsInTheBatch",
       [](auto& b) {
         static uint32_t no_row_is_valid = 0;
         b.Set(b.top().null_count, 20);
         b.Set(b.top().buffers[0], &no_row_is_valid);
       }},
      {"NoBuffers", [](auto& b) { b.Set(b.top().n_buffers, 0); }},
      {"NegativeBufferCount", [](auto& b) { b.Set(b.top().n_buffers, -1); }},
      {"AbsurdBufferCount", [](auto& b) { b.Set(b.top().n_buffers, INT64_MAX); }},
      {"BuffersNull", [](auto& b) { b.Set(b.top().buffers, nullptr); }},
      {"NegativeChildCount", [](auto& b) { b.Set(b.top().n_children, -1); }},
      {"TooFewChildren", [](auto& b) { b.Set(b.top().n_children, kColumns - 1); }},
      {"TooManyChildren", [](auto& b) { b.Set(b.top().n_children, 1 << 20); }},
      {"AbsurdChildCount", [](auto& b) { b.Set(b.top().n_children, INT64_MAX); }},
      {"ChildrenNull", [](auto& b) { b.Set(b.top().children, nullptr); }},
      {"ChildNull", [](auto& b) { b.Set(b.top().children[kInt], nullptr); }},
      {"ChildReleased", [](auto& b) { b.Set(b.column(kInt).release, nullptr); }},
      {"UnexpectedDictionary", [](auto& b) { b.Set(b.top().dictionary, &b.column(kInt)); }},

      {"ColumnOfNegativeLength", [](auto& b) { b.Set(b.column(kInt).length, -1); }},
      {"ColumnShorterThanTheBatch", [](auto& b) { b.Set(b.column(kInt).length, 3); }},
      {"ColumnOffsetOverflow", [](auto& b) { b.Set(b.column(kInt).offset, INT64_MAX); }},
      {"IntWithoutBuffers", [](auto& b) { b.Set(b.column(kInt).n_buffers, 0); }},
      {"IntWithThreeBuffers", [](auto& b) { b.Set(b.column(kInt).n_buffers, 3); }},
      {"IntWithoutValues", [](auto& b) { b.Set(b.column(kInt).buffers[1], nullptr); }},
      {"IntWithNullsButNoBitmap",
       [](auto& b) {
         b.Set(b.column(kInt).buffers[0], nullptr);
         b.Set(b.column(kInt).null_count, 4);
       }},
      {"IntWithADictionary", [](auto& b) { b.Set(b.column(kInt).dictionary, &b.column(kString)); }},
      {"IntWithAChild", [](auto& b) { b.Set(b.column(kInt).n_children, 1); }},
      {"BoolWithoutValues", [](auto& b) { b.Set(b.column(kBool).buffers[1], nullptr); }},
      {"StringWithTwoBuffers", [](auto& b) { b.Set(b.column(kString).n_buffers, 2); }},
      {"StringWithoutOffsets", [](auto& b) { b.Set(b.column(kString).buffers[1], nullptr); }},
      {"StringWithoutData", [](auto& b) { b.Set(b.column(kString).buffers[2], nullptr); }},
      {"ViewWithTwoBuffers", [](auto& b) { b.Set(b.column(kView).n_buffers, 2); }},
      {"ViewWithoutLengths",
       [](auto& b) { b.Set(b.column(kView).buffers[b.column(kView).n_buffers - 1], nullptr); }},
      {"ListWithoutChild", [](auto& b) { b.Set(b.column(kList).n_children, 0); }},
      {"ListWithTwoChildren", [](auto& b) { b.Set(b.column(kList).n_children, 2); }},
      {"ListWithNullChild", [](auto& b) { b.Set(b.column(kList).children[0], nullptr); }},
      {"ListWithReleasedChild", [](auto& b) { b.Set(b.column(kList).children[0]->release, nullptr); }},
      {"ListWithoutOffsets", [](auto& b) { b.Set(b.column(kList).buffers[1], nullptr); }},
      {"FixedSizeListWithShortChild",
       [](auto& b) { b.Set(b.column(kFixedSizeList).children[0]->length, 79); }},
      {"FixedSizeListOffsetBeyondTheChild", [](auto& b) { b.Set(b.column(kFixedSizeList).offset, 1); }},
      {"FixedSizeListOfAbsurdLength",
       [](auto& b) { b.Set(b.column(kFixedSizeList).length, INT64_MAX / 64); }},
      {"StructWithoutChild", [](auto& b) { b.Set(b.column(kStruct).n_children, 0); }},
      {"StructWithShortChild", [](auto& b) { b.Set(b.column(kStruct).children[0]->length, 7); }},
      {"StructOffsetBeyondTheChild", [](auto& b) { b.Set(b.column(kStruct).offset, 5); }},
      {"MapWithoutEntries", [](auto& b) { b.Set(b.column(kMap).n_children, 0); }},
      {"MapWithOneField", [](auto& b) { b.Set(b.column(kMap).children[0]->n_children, 1); }},
      {"DictionaryMissing", [](auto& b) { b.Set(b.column(kDictionary).dictionary, nullptr); }},
      {"DictionaryReleased", [](auto& b) { b.Set(b.column(kDictionary).dictionary->release, nullptr); }},
      {"DictionaryOfNegativeLength", [](auto& b) { b.Set(b.column(kDictionary).dictionary->length, -1); }},
      {"NegativeStringOffset", [](auto& b) { b.template SetValue<int32_t>(b.column(kString), 1, 20, -1); }},
      {"NegativeViewBufferLength",
       [](auto& b) {
         auto& view = b.column(kView);
         b.template SetValue<int64_t>(view, static_cast<int>(view.n_buffers - 1), 0, -1);
       }},
      {"NullCountBelowThatOfTheBitmap", [](auto& b) { b.Set(b.column(kInt).null_count, 0); }},
      {"NullCountAboveThatOfTheBitmap", [](auto& b) { b.Set(b.column(kString).null_count, 5); }},
  };
}

/// The string of a view, or where it is.
struct View {
  int32_t length;
  char prefix[4];
  int32_t buffer;
  int32_t offset;
};

/// The first row after some that is not NULL and whose string is longer than `length`.
int64_t LongString(const ArrowArray& strings, int32_t length, int64_t after = 0) {
  const auto* validity = static_cast<const uint8_t*>(strings.buffers[0]);
  const auto* offsets = static_cast<const int32_t*>(strings.buffers[1]);
  int64_t row = after;
  while ((validity[row / 8] >> row % 8 & 1) == 0 || offsets[row + 1] - offsets[row] <= length) ++row;
  return row;
}

/// The same of views.
int64_t LongView(const ArrowArray& views, int32_t length) {
  const auto* validity = static_cast<const uint8_t*>(views.buffers[0]);
  const auto* values = static_cast<const View*>(views.buffers[1]);
  int64_t row = 0;
  while ((validity[row / 8] >> row % 8 & 1) == 0 || values[row].length <= length) ++row;
  return row;
}

struct ContentCase {
  const char* name;
  /// The column that the refusal has to name.
  const char* path;
  /// Spoil a value; returns its row.
  std::function<int64_t(SpoiltBatch& batch)> spoil;
};

/// Change the view of a row whose string is not in it.
ContentCase SpoiltView(const char* name, void (*spoil)(View& view)) {
  return {name, "view", [spoil](SpoiltBatch& b) {
            ArrowArray& views = b.column(kView);
            const int64_t row = LongView(views, 12);
            View view = static_cast<const View*>(views.buffers[1])[row];
            spoil(view);
            b.SetValue(views, 1, row, view);
            return row;
          }};
}

/// Contents that contradict themselves within the memory that the struct describes.
std::vector<ContentCase> ContentCases() {
  return {
      {"FirstStringOffsetNegative", "string",
       [](auto& b) {
         b.template SetValue<int32_t>(b.column(kString), 1, 0, -8);
         return 0;
       }},
      {"FallingStringOffset", "string",
       [](auto& b) {
         const int64_t row = LongString(b.column(kString), 0, 5);
         b.template SetValue<int32_t>(b.column(kString), 1, row + 1, 0);
         return row;
       }},
      {"StringOffsetBeyondTheOthers", "string",
       [](auto& b) {
         b.template SetValue<int32_t>(b.column(kString), 1, 7, 1 << 30);
         return 7;
       }},
      {"TextNotUtf8", "string",
       [](auto& b) {
         const ArrowArray& strings = b.column(kString);
         const int64_t row = LongString(strings, 0);
         b.template SetValue<uint8_t>(strings, 2, static_cast<const int32_t*>(strings.buffers[1])[row], 0xff);
         return row;
       }},
      {"TextSplitInALetter", "string",
       [](auto& b) {
         const ArrowArray& strings = b.column(kString);
         // Each begins with a letter of two bytes.
         const int64_t row = LongString(strings, 0, 1);
         const int32_t start = static_cast<const int32_t*>(strings.buffers[1])[row];
         b.template SetValue<int32_t>(strings, 1, row, start + 1);
         const auto* validity = static_cast<const uint8_t*>(strings.buffers[0]);
         return (validity[(row - 1) / 8] >> (row - 1) % 8 & 1) != 0 ? row - 1 : row;
       }},
      {"NegativeListOffset", "list",
       [](auto& b) {
         b.template SetValue<int32_t>(b.column(kList), 1, 20, -1);
         return 19;
       }},
      {"FallingListOffset", "list",
       [](auto& b) {
         b.template SetValue<int32_t>(b.column(kList), 1, 10, 1);
         return 9;
       }},
      {"ListOffsetBeyondTheChild", "list",
       [](auto& b) {
         b.template SetValue<int32_t>(b.column(kList), 1, 20, 1 << 20);
         return 19;
       }},
      {"MapOffsetBeyondTheEntries", "map",
       [](auto& b) {
         b.template SetValue<int32_t>(b.column(kMap), 1, 20, 1 << 20);
         return 19;
       }},
      {"NullKeyOfAMap", "map.entries.key",
       [](auto& b) {
         static constexpr uint32_t kAllButTheFirst = 0xfffffffe;
         ArrowArray& keys = *b.column(kMap).children[0]->children[0];
         b.Set(keys.buffers[0], &kAllButTheFirst);
         b.Set(keys.null_count, -1);
         // Row 0 is empty.
         return 1;
       }},
      {"NullEntryOfAMap", "map.entries",
       [](auto& b) {
         static constexpr uint32_t kAllButTheFirst = 0xfffffffe;
         ArrowArray& entries = *b.column(kMap).children[0];
         b.Set(entries.buffers[0], &kAllButTheFirst);
         b.Set(entries.null_count, -1);
         return 1;
       }},
      {"KeyOfAMapNotUtf8", "map.entries.key",
       [](auto& b) {
         const ArrowArray& keys = *b.column(kMap).children[0]->children[0];
         const auto* offsets = static_cast<const int32_t*>(keys.buffers[1]);
         int64_t entry = 0;
         while (offsets[entry] == offsets[entry + 1]) ++entry;
         b.template SetValue<uint8_t>(keys, 2, offsets[entry], 0xff);
         const auto* maps = static_cast<const int32_t*>(b.column(kMap).buffers[1]);
         int64_t row = 0;
         while (maps[row + 1] <= entry) ++row;
         return row;
       }},
      {"KeyBeyondTheDictionary", "dictionary",
       [](auto& b) {
         b.template SetValue<int32_t>(b.column(kDictionary), 1, 4, 7);
         return 4;
       }},
      {"NegativeKeyOfADictionary", "dictionary",
       [](auto& b) {
         b.template SetValue<int32_t>(b.column(kDictionary), 1, 0, -1);
         return 0;
       }},
      SpoiltView("ViewIntoAMissingBuffer", [](View& view) { view.buffer = 9; }),
      SpoiltView("ViewIntoANegativeBuffer", [](View& view) { view.buffer = -1; }),
      SpoiltView("ViewBeyondItsBuffer", [](View& view) { view.offset = 1 << 30; }),
      SpoiltView("ViewBeforeItsBuffer", [](View& view) { view.offset = -8; }),
      SpoiltView("ViewLongerThanItsBuffer", [](View& view) { view.length = 1 << 30; }),
      SpoiltView("ViewOfNegativeLength", [](View& view) { view.length = -1; }),
      SpoiltView("ViewOfAnotherPrefix", [](View& view) { view.prefix[0] = 'x'; }),
      SpoiltView("ViewNotPadded", [](View& view) { view = {1, {'a', 'b', 0, 0}, 0, 0}; }),
      SpoiltView("InlineViewNotUtf8", [](View& view) { view = {1, {'\xff', 0, 0, 0}, 0, 0}; }),
      {"ViewNotUtf8", "view",
       [](auto& b) {
         const ArrowArray& views = b.column(kView);
         const int64_t row = LongView(views, 12);
         const View view = static_cast<const View*>(views.buffers[1])[row];
         b.template SetValue<uint8_t>(views, 2 + view.buffer, view.offset + view.length - 1, 0xff);
         return row;
       }},
  };
}

class HostileArray : public ::testing::TestWithParam<ArrayCase> {};

TEST_P(HostileArray, IsRefusedAndReleasedOnce) {
  SpoiltBatch batch;
  GetParam().spoil(batch);
  const Outcome outcome = batch.Write();
  EXPECT_THAT(outcome.code, IsARefusal()) << outcome;
}

const auto CaseName = [](const auto& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(Headers, HostileArray, ::testing::ValuesIn(HeaderCases()), CaseName);

class HostileContent : public ::testing::TestWithParam<ContentCase> {};

TEST_P(HostileContent, IsRefusedByColumnAndRow) {
  SpoiltBatch batch;
  const int64_t row = GetParam().spoil(batch);
  const Outcome outcome = batch.Write();
  EXPECT_EQ(outcome, LANCE_INVALID_ARGUMENT) << outcome;
  EXPECT_THAT(outcome.message, StartsWith("column \"" + std::string(GetParam().path) + "\", row " +
                                          std::to_string(row) + " of the batch: "));
}

TEST_P(HostileContent, IsRefusedInAStream) {
  SpoiltBatch batch;
  const int64_t row = GetParam().spoil(batch);
  const Outcome outcome = batch.WriteAsStream();
  EXPECT_EQ(outcome, LANCE_INVALID_ARGUMENT) << outcome;
  EXPECT_THAT(outcome.message, HasSubstr("row " + std::to_string(row)));
}

INSTANTIATE_TEST_SUITE_P(Contents, HostileContent, ::testing::ValuesIn(ContentCases()), CaseName);

TEST(HostileArrayTest, UnspoiltBatchIsAccepted) {
  SpoiltBatch batch;
  EXPECT_EQ(batch.Write(), LANCE_OK);
}

TEST(HostileArrayTest, UnspoiltStreamIsAccepted) {
  SpoiltBatch batch;
  EXPECT_EQ(batch.WriteAsStream(), LANCE_OK);
}

/// What lies under a NULL is nobody's value.
TEST(HostileArrayTest, SpoiltValuesUnderNullAreAccepted) {
  constexpr int64_t kNullRow = 3;
  SpoiltBatch batch;
  batch.SetValue<int32_t>(batch.column(kDictionary), 1, kNullRow, 99);
  batch.SetValue<View>(batch.column(kView), 1, kNullRow, {100, {'x', 'x', 'x', 'x'}, 9, -1});
  EXPECT_EQ(batch.Write(), LANCE_OK);
}

/// Well-formed, but found by the fuzzer: arrow-rs slices what lies in a sliced struct twice.
TEST(HostileArrayTest, SliceOfAStructInAStructKeepsItsRows) {
  const char* uri = "memory://hostile_structs_test/nested_slice";
  const auto inner = arrow::struct_({arrow::field("b", arrow::int32())});
  const auto schema = arrow::schema({arrow::field("x", arrow::struct_({arrow::field("a", inner)}))});
  const auto slice = MakeBatch(schema, 20)->Slice(3, 5);

  ArrowSchema c_schema{};
  ArrowArray c_array{};
  ARROW_CHECK_OK(arrow::ExportRecordBatch(*slice, &c_array, &c_schema));
  WriterPtr writer;
  ASSERT_EQ(OpenWriter(uri, &c_schema, nullptr, &writer), LANCE_OK);
  ASSERT_EQ(Write(writer, &c_array, nullptr), LANCE_OK);
  ASSERT_EQ(Finish(writer), LANCE_OK);

  LanceDataset* opened = nullptr;
  ASSERT_EQ(CallC(lance_dataset_open, uri, static_cast<const LanceOpenOptions*>(nullptr), &opened), LANCE_OK);
  const DatasetPtr dataset(opened);
  const uint64_t rows[] = {0, 1, 2, 3, 4};
  ASSERT_EQ(CallC(lance_dataset_take, dataset.get(), rows, std::size(rows),
                  static_cast<const char* const*>(nullptr), size_t{0}, &c_array, &c_schema),
            LANCE_OK);
  const auto read = arrow::ImportRecordBatch(&c_array, &c_schema).ValueOrDie();
  EXPECT_TRUE(read->column(0)->Equals(slice->column(0))) << read->column(0)->ToString();
}

}  // namespace
}  // namespace lance_test
