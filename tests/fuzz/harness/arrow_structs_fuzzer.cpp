// Arrow C structs whose headers lie: each is imported or refused, never a crash and never a panic, and is
// released exactly once. What was imported is exported again, and that must be good.

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "check.h"
#include "hostile_structs.h"
#include "lance/c/lance.h"

extern "C" {
LanceStatusCode fuzz_import_batch(ArrowArray* array, ArrowSchema* schema, ArrowArray* out_array,
                                  ArrowSchema* out_schema, LanceError** error);
LanceStatusCode fuzz_import_stream(ArrowArrayStream* stream, ArrowArray* out_array, ArrowSchema* out_schema,
                                   LanceError** error);
}

namespace lance_test {
namespace {

/// A call's status, when it is one that a malformed struct may have.
LanceStatusCode Checked(LanceStatusCode status, LanceError* error) {
  Check((status == LANCE_OK) == (error == nullptr), "a failure and only a failure comes with an error");
  if (error != nullptr) {
    const bool is_a_refusal = status == LANCE_INVALID_ARGUMENT || status == LANCE_SCHEMA_MISMATCH ||
                              status == LANCE_CALLBACK || status == LANCE_ARROW;
    if (!is_a_refusal) {
      std::fprintf(stderr, "%s: %s (%s)\n", lance_status_name(status), lance_error_message(error),
                   lance_error_detail(error));
    }
    Check(is_a_refusal, "a malformed struct is refused before it does harm");
    Check(*lance_error_message(error) != '\0', "an error has a text");
  }
  lance_error_free(error);
  return status;
}

/// A stream of one batch, whose callbacks fail or are missing as the input chooses.
struct OneBatchStream {
  ArrowArrayStream c{};
  ArrowSchema schema{};
  ArrowArray array{};
  std::string last_error;
  int failure = 0;
  int releases = 0;

  explicit OneBatchStream(Input& input) : last_error(input.Text(8)), failure(input.Or(0, {5, -1})) {
    c.get_schema = [](ArrowArrayStream* stream, ArrowSchema* out) {
      return Self(stream)->Hand(&Self(stream)->schema, out);
    };
    c.get_next = [](ArrowArrayStream* stream, ArrowArray* out) {
      return Self(stream)->Hand(&Self(stream)->array, out);
    };
    c.get_last_error = [](ArrowArrayStream* stream) -> const char* {
      const std::string& text = Self(stream)->last_error;
      return text.empty() ? nullptr : text.c_str();
    };
    c.release = [](ArrowArrayStream* stream) {
      ++Self(stream)->releases;
      stream->release = nullptr;
    };
    c.private_data = this;
    switch (input.Byte()) {
      case 0xfc:
        c.get_schema = nullptr;
        break;
      case 0xfd:
        c.get_next = nullptr;
        break;
      case 0xfe:
        c.get_last_error = nullptr;
        break;
      case 0xff:
        c.release = nullptr;
        break;
    }
  }

  /// Whoever did not take a struct leaves it to its maker.
  ~OneBatchStream() {
    if (schema.release != nullptr) schema.release(&schema);
    if (array.release != nullptr) array.release(&array);
  }

  static OneBatchStream* Self(ArrowArrayStream* stream) {
    return static_cast<OneBatchStream*>(stream->private_data);
  }

  template <typename T>
  int Hand(T* from, T* out) {
    if (failure != 0) return failure;
    *out = *from;
    from->release = nullptr;
    return 0;
  }
};

void CheckReleasedOnce(const Memory& memory, bool was_released_before) {
  Check(memory.releases() == (was_released_before ? 0 : 1), "a struct is released exactly once");
}

void Run(Input input) {
  Memory schema_memory;
  Memory array_memory;
  ArrowSchema schema;
  ArrowArray array;
  ArrowSchema out_schema{};
  ArrowArray out_array{};
  const uint8_t way = input.Byte();
  const bool through_stream = way >= 0xc0;
  const bool and_again = way % 4 == 0;
  const bool without_out = input.Seldom();
  const Field field = MakeHostileSchema(input, schema_memory, &schema);
  MakeHostileArray(input, array_memory, field, &array);
  const bool dead_schema = schema.release == nullptr;
  const bool dead_array = array.release == nullptr;

  LanceError* error = nullptr;
  LanceStatusCode status;
  if (through_stream) {
    OneBatchStream stream(input);
    stream.schema = schema;
    stream.array = array;
    const int releases = stream.c.release == nullptr ? 0 : 1;
    status = fuzz_import_stream(&stream.c, without_out ? nullptr : &out_array, &out_schema, &error);
    Check(stream.c.release == nullptr && stream.releases == releases, "a stream is released exactly once");
  } else {
    status = fuzz_import_batch(&array, &schema, without_out ? nullptr : &out_array, &out_schema, &error);
    Check(array.release == nullptr && schema.release == nullptr, "both structs are consumed");
  }
  status = Checked(status, error);
  CheckReleasedOnce(schema_memory, dead_schema);

  if (status == LANCE_OK) {
    Check(out_array.release != nullptr && out_schema.release != nullptr, "both structs are exported");
    if (and_again) {
      ArrowArray exported_array = std::exchange(out_array, {});
      ArrowSchema exported_schema = std::exchange(out_schema, {});
      error = nullptr;
      status = fuzz_import_batch(&exported_array, &exported_schema, &out_array, &out_schema, &error);
      if (status != LANCE_OK) std::fprintf(stderr, "%s\n", lance_error_message(error));
      Check(Checked(status, error) == LANCE_OK, "what this library exports it can import");
    }
    out_schema.release(&out_schema);
    out_array.release(&out_array);
  } else {
    Check(out_array.release == nullptr && out_schema.release == nullptr, "a failed call exports nothing");
  }
  CheckReleasedOnce(array_memory, dead_array);
}

}  // namespace
}  // namespace lance_test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lance_test::Run(lance_test::Input(data, size));
  return 0;
}
