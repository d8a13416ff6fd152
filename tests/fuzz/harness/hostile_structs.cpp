#include "hostile_structs.h"

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <utility>

namespace lance_test {

uint8_t* Memory::Bytes(int64_t size) {
  void* block = std::calloc(1, static_cast<size_t>(size));
  blocks_.push_back(block);
  return static_cast<uint8_t*>(block);
}

char* Memory::Copy(const std::string& text) {
  uint8_t* copy = Bytes(static_cast<int64_t>(text.size()) + 1);
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return reinterpret_cast<char*>(copy);
}

void Memory::ReleaseRoot() {
  ++releases_;
  Free();
}

void Memory::Free() {
  for (void* block : blocks_) std::free(block);
  blocks_.clear();
}

namespace {

constexpr int64_t kMin = INT64_MIN;
constexpr int64_t kMax = INT64_MAX;
/// Counts of children and buffers that no type has.
constexpr int64_t kAbsurd[] = {-1, (1 << 20) + 1, kMax, kMin, int64_t{1} << 32};
/// Lengths and offsets that no array can have.
constexpr int64_t kNoLength[] = {-1, kMax, kMin, kMax / 64 + 1};
/// Lengths and offsets that only arrays without buffers can have.
constexpr int64_t kHuge[] = {int64_t{1} << 20, int64_t{1} << 31, int64_t{1} << 40, kMax / 64, kMax / 64 - 9};
/// The most slots of an array with buffers.
constexpr int64_t kMostSlots = 64;
constexpr int kMostLevels = 5;

template <typename T>
void ReleaseRoot(T* self) {
  self->release = nullptr;
  static_cast<Memory*>(self->private_data)->ReleaseRoot();
}

/// Consumers release a tree by its root. They may move a child out first, but this library does not.
template <typename T>
void ReleaseChild(T*) {
  std::fputs("a child or a dictionary was released by itself\n", stderr);
  std::abort();
}

struct Format {
  const char* text;
  Layout layout;
  /// As in Field; of a struct the number of its children, 0 for any.
  int64_t width = 0;
};

constexpr Format kIntegers[] = {
    {"l", Layout::kFixed, 8}, {"i", Layout::kFixed, 4}, {"c", Layout::kFixed, 1}, {"C", Layout::kFixed, 1},
    {"s", Layout::kFixed, 2}, {"S", Layout::kFixed, 2}, {"I", Layout::kFixed, 4}, {"L", Layout::kFixed, 8},
};

constexpr Format kFlat[] = {
    {"u", Layout::kOffsets32},
    {"n", Layout::kNull},
    {"b", Layout::kBits},
    {"e", Layout::kFixed, 2},
    {"f", Layout::kFixed, 4},
    {"g", Layout::kFixed, 8},
    {"z", Layout::kOffsets32},
    {"U", Layout::kOffsets64},
    {"Z", Layout::kOffsets64},
    {"vu", Layout::kView},
    {"vz", Layout::kView},
    {"d:10,2", Layout::kFixed, 16},
    {"d:38,-3,128", Layout::kFixed, 16},
    {"d:76,2,256", Layout::kFixed, 32},
    {"d:9,2,32", Layout::kFixed, 4},
    {"d:18,2,64", Layout::kFixed, 8},
    {"w:0", Layout::kFixed, 0},
    {"w:3", Layout::kFixed, 3},
    {"w:16", Layout::kFixed, 16},
    {"tdD", Layout::kFixed, 4},
    {"tdm", Layout::kFixed, 8},
    {"tts", Layout::kFixed, 4},
    {"ttm", Layout::kFixed, 4},
    {"ttu", Layout::kFixed, 8},
    {"ttn", Layout::kFixed, 8},
    {"tss:", Layout::kFixed, 8},
    {"tsm:UTC", Layout::kFixed, 8},
    {"tsu:+01:00", Layout::kFixed, 8},
    {"tsn:Europe/Rome", Layout::kFixed, 8},
    {"tDs", Layout::kFixed, 8},
    {"tDn", Layout::kFixed, 8},
    {"tiM", Layout::kFixed, 4},
    {"tiD", Layout::kFixed, 8},
    {"tin", Layout::kFixed, 16},
};

constexpr Format kNested[] = {
    {"+s", Layout::kStruct},
    {"+l", Layout::kList32},
    {"+L", Layout::kList64},
    {"+w:4", Layout::kFixedList, 4},
    {"+w:0", Layout::kFixedList, 0},
    {"+w:1", Layout::kFixedList, 1},
    {"+w:2147483647", Layout::kFixedList, INT32_MAX},
    {"+m", Layout::kList32},
    {"+vl", Layout::kListView32},
    {"+vL", Layout::kListView64},
    {"+us:", Layout::kSparseUnion},
    {"+ud:", Layout::kDenseUnion},
    {"+r", Layout::kRunEnds},
};

constexpr Format kMapEntries = {"+s", Layout::kStruct, 2};
constexpr Format kRunEndsChild = {"i", Layout::kFixed, 4};

/// Builds a schema and, beside it, what arrays of it look like.
class SchemaMaker {
 public:
  SchemaMaker(Input& input, Memory& memory) : input_(input), memory_(memory) {}

  Field Table(ArrowSchema* out) {
    Field field = Children({"+s", Layout::kStruct}, 1 + input_.Below(5), 0, out);
    if (input_.Seldom()) Spoil(out);
    out->format = memory_.Copy(input_.Seldom() ? input_.Text(3) : "+s");
    out->release = input_.Seldom() ? nullptr : ReleaseRoot<ArrowSchema>;
    out->private_data = &memory_;
    return field;
  }

 private:
  /// A node of any format; where the parent needs a certain one, mostly of that.
  Field Node(int level, ArrowSchema* out, const Format* needed = nullptr) {
    out->release = ReleaseChild<ArrowSchema>;
    out->flags = input_.Seldom() ? input_.Raw<int64_t>() : ARROW_FLAG_NULLABLE;
    Field field;
    const uint8_t kind = input_.Byte();
    if (needed != nullptr && kind < 0xf0) {
      field = needed->layout == Layout::kStruct ? Nested(*needed, level, out) : Leaf(*needed, out);
    } else if (kind < 0x40) {
      field = Leaf(input_.OneOf(kIntegers), out);
      if (input_.Byte() >= 0xc0) AddDictionary(level, &field, out);
    } else if (kind < 0x90) {
      field = Leaf(input_.OneOf(kFlat), out);
    } else if (kind < 0xf0 && level < kMostLevels) {
      field = Nested(input_.OneOf(kNested), level, out);
    } else if (kind == 0xff) {
      field = Chain(out);
    } else {
      field = Children({"", Layout::kUnknown}, input_.Below(3), level, out);
      out->format = memory_.Copy(input_.Text(24));
    }
    if (input_.Byte() >= 0xe0) Spoil(out);
    if (input_.Seldom() && !field.dictionary) AddDictionary(level, &field, out);
    return field;
  }

  Field Leaf(const Format& format, ArrowSchema* out) {
    out->format = memory_.Copy(format.text);
    return {.layout = format.layout, .width = format.width};
  }

  Field Nested(const Format& format, int level, ArrowSchema* out) {
    const bool is_union = format.layout == Layout::kSparseUnion || format.layout == Layout::kDenseUnion;
    int64_t count = 1;
    if (format.layout == Layout::kRunEnds) count = 2;
    if (format.layout == Layout::kStruct || is_union) count = input_.Below(4);
    if (format.layout == Layout::kStruct && format.width > 0) count = format.width;
    std::string text = format.text;
    std::vector<int64_t> type_ids;
    for (int64_t i = 0; is_union && i < count; ++i) {
      type_ids.push_back(input_.Or<int64_t>(i, {5, -1, 127, 128, 999, 0}));
      text += (i > 0 ? "," : "") + std::to_string(type_ids.back());
    }
    if (input_.Seldom()) count = input_.Below(4);
    Field field = Children(format, count, level, out);
    field.type_ids = type_ids;
    out->format = memory_.Copy(text);
    return field;
  }

  Field Children(const Format& format, int64_t count, int level, ArrowSchema* out) {
    Field field{.layout = format.layout, .width = format.width};
    out->children = memory_.Array<ArrowSchema*>(count);
    out->n_children = count;
    for (int64_t i = 0; i < count; ++i) {
      const Format* needed = nullptr;
      if (i == 0 && format.text == std::string_view("+m")) needed = &kMapEntries;
      if (i == 0 && format.layout == Layout::kRunEnds) needed = &kRunEndsChild;
      out->children[i] = memory_.Array<ArrowSchema>(1);
      field.children.push_back(Node(level + 1, out->children[i], needed));
      out->children[i]->name = Name(i);
    }
    return field;
  }

  /// Lists in lists, deeper than anybody needs.
  Field Chain(ArrowSchema* out) {
    const int64_t levels = input_.Byte();
    Field field = Leaf(kIntegers[0], out);
    for (int64_t i = 0; i < levels; ++i) {
      auto* inner = memory_.Array<ArrowSchema>(1);
      *inner = *out;
      out->format = memory_.Copy("+l");
      out->children = memory_.Array<ArrowSchema*>(1);
      out->children[0] = inner;
      out->n_children = 1;
      Field list{.layout = Layout::kList32};
      list.children.push_back(std::move(field));
      field = std::move(list);
    }
    return field;
  }

  void AddDictionary(int level, Field* field, ArrowSchema* out) {
    out->dictionary = memory_.Array<ArrowSchema>(1);
    field->dictionary = std::make_unique<Field>(Node(level + 1, out->dictionary));
    if (input_.Seldom()) out->dictionary->release = nullptr;
  }

  const char* Name(int64_t i) {
    if (!input_.Seldom()) return memory_.Copy("c" + std::to_string(i));
    return input_.OneOf<const char*>(
        {nullptr, memory_.Copy("c0"), memory_.Copy(""), memory_.Copy(input_.Text(8))});
  }

  void Spoil(ArrowSchema* out) {
    switch (input_.Below(6)) {
      case 0:
        out->metadata = Metadata();
        break;
      case 1:
        out->n_children = input_.OneOf(kAbsurd);
        break;
      case 2:
        out->children = nullptr;
        break;
      case 3:
        if (out->n_children > 0) out->children[input_.Below(out->n_children)] = nullptr;
        break;
      case 4:
        if (out->n_children > 0) out->children[0]->release = nullptr;
        break;
      case 5:
        out->format = nullptr;
        break;
    }
  }

  /// Key-value pairs, or numbers that end the reading.
  const char* Metadata() {
    std::string text;
    const auto number = [&text](int64_t value) {
      const auto number = static_cast<int32_t>(value);
      text.append(reinterpret_cast<const char*>(&number), sizeof(number));
    };
    const int64_t pairs = input_.Below(3);
    number(input_.Or<int64_t>(pairs, {-1, INT32_MIN}));
    for (int64_t i = 0; i < 2 * pairs; ++i) {
      const std::string value = input_.Text(8);
      number(input_.Or<int64_t>(static_cast<int64_t>(value.size()), {-1, INT32_MIN}));
      text += value;
    }
    uint8_t* bytes = memory_.Bytes(static_cast<int64_t>(text.size()));
    std::memcpy(bytes, text.data(), text.size());
    return reinterpret_cast<const char*>(bytes);
  }

  Input& input_;
  Memory& memory_;
};

/// Whether a length or a number of slots is one that memory was allocated for.
bool IsReal(int64_t slots) { return 0 <= slots && slots <= 2 * kMostSlots; }

/// Builds an array of a schema.
class ArrayMaker {
 public:
  ArrayMaker(Input& input, Memory& memory) : input_(input), memory_(memory) {}

  void Table(const Field& field, ArrowArray* out) {
    Node(field, input_.Byte() == 0 ? 3 : input_.Below(24), out);
    out->release = input_.Seldom() ? nullptr : ReleaseRoot<ArrowArray>;
    out->private_data = &memory_;
  }

 private:
  void Node(const Field& field, int64_t wanted, ArrowArray* out) {
    out->release = ReleaseChild<ArrowArray>;
    const bool may_be_huge = field.layout == Layout::kNull || field.layout == Layout::kStruct ||
                             field.layout == Layout::kFixedList || field.layout == Layout::kRunEnds;
    if (field.layout != Layout::kUnknown) {
      out->length = Slots(std::min(wanted, kMostSlots), may_be_huge);
      out->offset = Slots(0, may_be_huge);
    }
    const bool is_real = IsReal(out->length) && IsReal(out->offset);
    const int64_t slots = is_real ? out->length + out->offset : 0;
    Children(field, slots, out);
    std::vector<const void*> buffers = Buffers(field, slots, out);
    if (!is_real && may_be_huge && !buffers.empty()) {
      buffers[0] = nullptr;
      out->null_count = input_.OneOf<int64_t>({0, -1});
    }
    // An array without values may say that it has none of the buffers either.
    for (const void*& buffer : buffers) {
      if (input_.Seldom()) buffer = nullptr;
    }
    Give(buffers, field.layout, out);
    if (input_.Byte() >= 0xf0) Spoil(out);
  }

  int64_t Slots(int64_t wanted, bool may_be_huge) {
    const uint8_t choice = input_.Byte();
    if (choice < 0xc0) return wanted;
    if (choice < 0xf8) return input_.Below(20);
    return may_be_huge && input_.Byte() % 2 == 1 ? input_.OneOf(kHuge) : input_.OneOf(kNoLength);
  }

  void Children(const Field& field, int64_t slots, ArrowArray* out) {
    const auto count = static_cast<int64_t>(field.children.size());
    out->children = memory_.Array<ArrowArray*>(count);
    out->n_children = count;
    for (int64_t i = 0; i < count; ++i) {
      out->children[i] = memory_.Array<ArrowArray>(1);
      Node(field.children[i], ChildLength(field, slots), out->children[i]);
    }
    if (field.dictionary) {
      out->dictionary = memory_.Array<ArrowArray>(1);
      Node(*field.dictionary, 1 + input_.Below(9), out->dictionary);
    }
  }

  int64_t ChildLength(const Field& field, int64_t slots) {
    switch (field.layout) {
      case Layout::kStruct:
      case Layout::kSparseUnion:
        return slots;
      case Layout::kFixedList:
        return slots * field.width;
      case Layout::kRunEnds:
        return std::min<int64_t>(slots, 1 + input_.Below(5));
      case Layout::kUnknown:
        return 0;
      default:
        return 2 * slots;
    }
  }

  /// The length of a child that values of its parent can point into.
  static int64_t Reach(const ArrowArray& parent, int64_t i) {
    if (i >= parent.n_children) return 0;
    const int64_t length = parent.children[i]->length;
    return IsReal(length) ? length : 0;
  }

  std::vector<const void*> Buffers(const Field& field, int64_t slots, ArrowArray* out) {
    switch (field.layout) {
      case Layout::kNull:
        out->null_count = out->length;
        return {};
      case Layout::kRunEnds:
        FillRunEnds(field, slots, out);
        return {};
      case Layout::kBits:
        return {Validity(slots, out), Values((slots + 7) / 8)};
      case Layout::kFixed:
        if (field.dictionary && 0 < field.width && field.width <= 8)
          return {Validity(slots, out), Keys(field, slots, *out)};
        return {Validity(slots, out), Values(slots * field.width)};
      case Layout::kOffsets32:
        return Strings<int32_t>(slots, out);
      case Layout::kOffsets64:
        return Strings<int64_t>(slots, out);
      case Layout::kView:
        return Views(slots, out);
      case Layout::kList32:
        return {Validity(slots, out), Offsets<int32_t>(slots, Reach(*out, 0), true).buffer};
      case Layout::kList64:
        return {Validity(slots, out), Offsets<int64_t>(slots, Reach(*out, 0), true).buffer};
      case Layout::kListView32:
        return ListViews<int32_t>(slots, out);
      case Layout::kListView64:
        return ListViews<int64_t>(slots, out);
      case Layout::kFixedList:
      case Layout::kStruct:
        return {Validity(slots, out)};
      case Layout::kSparseUnion:
        return {TypeIds(field, slots)};
      case Layout::kDenseUnion:
        return DenseUnion(field, slots, *out);
      case Layout::kUnknown:
        break;
    }
    std::vector<const void*> buffers(input_.Below(6));
    for (const void*& buffer : buffers) buffer = memory_.Bytes(64);
    return buffers;
  }

  const void* Validity(int64_t slots, ArrowArray* out) {
    const uint8_t choice = input_.Byte();
    if (choice < 0x80) {
      out->null_count = input_.Or<int64_t>(choice % 2 == 0 ? 0 : -1, {1, kMin, kMax, -2, out->length});
      return nullptr;
    }
    auto* bits = Values((slots + 7) / 8);
    int64_t nulls = 0;
    for (int64_t i = slots == 0 ? 0 : slots - out->length; i < slots; ++i)
      nulls += (bits[i / 8] >> (i % 8) & 1) == 0;
    out->null_count =
        input_.Or(choice % 2 == 0 ? nulls : -1, {nulls + 1, kMin, kMax, int64_t{-2}, int64_t{0}});
    return bits;
  }

  /// Bytes that look like many different values.
  uint8_t* Values(int64_t size) {
    const bool misaligned = input_.Seldom();
    uint8_t* values = memory_.Bytes(size + misaligned) + misaligned;
    uint32_t state = input_.Byte();
    for (int64_t i = 0; i < size; ++i) {
      values[i] = static_cast<uint8_t>(state >> 8);
      state = state * 1103515245 + (state == 0 ? 0 : 12345);
    }
    return values;
  }

  const void* Keys(const Field& field, int64_t slots, const ArrowArray& array) {
    const int64_t reach = IsReal(array.dictionary->length) ? array.dictionary->length : 0;
    uint8_t* keys = Values(slots * field.width);
    if (input_.Seldom()) return keys;
    for (int64_t i = 0; i < slots; ++i) {
      const int64_t key = reach == 0 ? 0 : keys[i * field.width] % std::min<int64_t>(reach, 127);
      std::memcpy(keys + i * field.width, &key, field.width);
    }
    return keys;
  }

  template <typename T>
  struct OffsetBuffer {
    T* buffer;
    /// Where the values end.
    int64_t end;
  };

  /// Offsets that ascend up to `reach`. A lie goes beyond it only where the memory there has a length of its
  /// own.
  template <typename T>
  OffsetBuffer<T> Offsets(int64_t slots, int64_t reach, bool may_exceed) {
    auto* offsets = memory_.Array<T>(slots + 1);
    const int64_t step = input_.Below(4);
    int64_t at = std::min(input_.Below(3), reach);
    for (int64_t i = 0; i <= slots; ++i) {
      offsets[i] = static_cast<T>(at);
      at = std::min(at + step * (i % 3), reach);
    }
    const int64_t end = offsets[slots];
    if (input_.Seldom()) {
      const int64_t place = input_.OneOf({slots, int64_t{0}, slots / 2});
      offsets[place] = std::numeric_limits<T>::min() + static_cast<T>(input_.OneOf<int64_t>({0, 7}));
      if (input_.Byte() % 2 == 1) offsets[place] = -1;
      if (may_exceed && input_.Byte() % 2 == 1) offsets[place] = std::numeric_limits<T>::max() / 2;
    }
    return {offsets, end};
  }

  template <typename T>
  std::vector<const void*> Strings(int64_t slots, ArrowArray* out) {
    const void* validity = Validity(slots, out);
    const auto offsets = Offsets<T>(slots, 1024, false);
    return {validity, offsets.buffer, Text(offsets.end)};
  }

  const void* Text(int64_t size) {
    uint8_t* text = Values(size);
    if (input_.Seldom()) return text;
    for (int64_t i = 0; i < size; ++i) text[i] = 'a' + text[i] % 26;
    return text;
  }

  std::vector<const void*> Views(int64_t slots, ArrowArray* out) {
    struct View {
      int32_t length;
      char prefix[4];
      int32_t buffer;
      int32_t offset;
    };
    std::vector<const void*> buffers = {Validity(slots, out), nullptr};
    const int64_t data_buffers = input_.Below(3);
    auto* lengths = memory_.Array<int64_t>(data_buffers);
    for (int64_t i = 0; i < data_buffers; ++i) {
      const int64_t length = 13 + input_.Below(60);
      lengths[i] = input_.Or(length, {kMin, int64_t{-1}, int64_t{0}, length - 1});
      buffers.push_back(Text(length));
    }
    const auto size = static_cast<int64_t>(sizeof(View));
    uint8_t* views = Values(slots * size);
    for (int64_t i = 0; i < slots && !input_.Seldom(); ++i) {
      View view{};
      if (data_buffers > 0 && i % 2 == 1) {
        view.buffer = static_cast<int32_t>(i / 2 % data_buffers);
        view.length = 13;
        std::memcpy(view.prefix, buffers[2 + view.buffer], sizeof(view.prefix));
      } else {
        view.length = static_cast<int32_t>(i % 5);
        std::memset(view.prefix, 'v', std::min(view.length, 4));
      }
      std::memcpy(views + i * size, &view, sizeof(view));
    }
    buffers[1] = views;
    buffers.push_back(lengths);
    return buffers;
  }

  template <typename T>
  std::vector<const void*> ListViews(int64_t slots, ArrowArray* out) {
    const void* validity = Validity(slots, out);
    const int64_t reach = Reach(*out, 0);
    auto* offsets = memory_.Array<T>(slots);
    auto* sizes = memory_.Array<T>(slots);
    for (int64_t i = 0; i < slots; ++i) {
      offsets[i] = static_cast<T>(reach == 0 ? 0 : i * 7 % reach);
      sizes[i] = static_cast<T>(std::min<int64_t>(i % 4, reach - offsets[i]));
    }
    if (slots > 0 && input_.Seldom()) {
      const int64_t place = input_.Below(slots);
      const T lie = input_.OneOf<T>({-1, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()});
      (input_.Byte() % 2 == 0 ? offsets : sizes)[place] = lie;
    }
    return {validity, offsets, sizes};
  }

  int8_t* TypeIds(const Field& field, int64_t slots) {
    auto* ids = reinterpret_cast<int8_t*>(Values(slots));
    if (field.type_ids.empty() || input_.Seldom()) return ids;
    for (int64_t i = 0; i < slots; ++i) {
      ids[i] = static_cast<int8_t>(field.type_ids[static_cast<uint8_t>(ids[i]) % field.type_ids.size()]);
    }
    return ids;
  }

  std::vector<const void*> DenseUnion(const Field& field, int64_t slots, const ArrowArray& array) {
    const int8_t* ids = TypeIds(field, slots);
    auto* offsets = memory_.Array<int32_t>(slots);
    for (int64_t i = 0; i < slots; ++i) {
      for (size_t member = 0; member < field.type_ids.size(); ++member) {
        const int64_t reach = Reach(array, static_cast<int64_t>(member));
        if (field.type_ids[member] == ids[i] && reach > 0)
          offsets[i] = static_cast<int32_t>(i * reach / slots);
      }
    }
    if (slots > 0 && input_.Seldom()) offsets[input_.Below(slots)] = input_.OneOf({-1, INT32_MIN, INT32_MAX});
    return {ids, offsets};
  }

  /// Make the first child a row of ascending numbers up to the slots of the parent.
  void FillRunEnds(const Field& field, int64_t slots, ArrowArray* out) {
    if (field.children.empty() || input_.Seldom()) return;
    const Field& ends = field.children[0];
    ArrowArray& child = *out->children[0];
    if (ends.layout != Layout::kFixed || ends.dictionary || ends.width > 8 || !IsReal(child.length) ||
        !IsReal(child.offset) || child.n_buffers != 2 || child.buffers == nullptr ||
        child.buffers[1] == nullptr) {
      return;
    }
    auto* values = static_cast<uint8_t*>(const_cast<void*>(child.buffers[1]));
    const int64_t runs = child.length + child.offset;
    for (int64_t i = 0; i < runs; ++i) {
      const int64_t end = i + 1 == runs ? std::max(slots, runs) : i + 1;
      std::memcpy(values + i * ends.width, &end, ends.width);
    }
  }

  void Give(const std::vector<const void*>& buffers, Layout layout, ArrowArray* out) {
    const auto count = static_cast<int64_t>(buffers.size());
    out->buffers = memory_.Array<const void*>(count);
    std::copy(buffers.begin(), buffers.end(), out->buffers);
    out->n_buffers = input_.Or(count, kAbsurd);
    // Fewer buffers than there are would make the array of lengths of a view another one.
    if (layout != Layout::kView)
      out->n_buffers = input_.Or(out->n_buffers, {int64_t{0}, count - 1, count + 1});
  }

  void Spoil(ArrowArray* out) {
    switch (input_.Below(7)) {
      case 0:
        out->n_children =
            input_.OneOf({int64_t{0}, out->n_children - 1, out->n_children + 1, int64_t{1} << 20});
        break;
      case 1:
        out->n_children = input_.OneOf(kAbsurd);
        break;
      case 2:
        out->children = nullptr;
        break;
      case 3:
        if (out->n_children > 0) out->children[input_.Below(out->n_children)] = nullptr;
        break;
      case 4:
        if (out->n_children > 0) out->children[0]->release = nullptr;
        break;
      case 5:
        out->buffers = nullptr;
        break;
      case 6:
        if (out->dictionary != nullptr && input_.Byte() % 2 == 0) {
          out->dictionary->release = nullptr;
        } else {
          out->dictionary = out->dictionary != nullptr || out->n_children == 0 ? nullptr : out->children[0];
        }
        break;
    }
  }

  Input& input_;
  Memory& memory_;
};

}  // namespace

Field MakeHostileSchema(Input& input, Memory& memory, ArrowSchema* out) {
  *out = {};
  return SchemaMaker(input, memory).Table(out);
}

void MakeHostileArray(Input& input, Memory& memory, const Field& field, ArrowArray* out) {
  *out = {};
  ArrayMaker(input, memory).Table(field, out);
}

}  // namespace lance_test
