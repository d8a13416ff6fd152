// The fault that this project ends, reproduced, next to the repairs that were and were not enough.
//
// A C++ writer exports batches as ArrowArray and ArrowSchema and hands them to a consumer in Rust. Each
// variant shares the work differently. Run as `old_fault VARIANT`; run_variants.py knows what the sanitizers
// and valgrind must say of each.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "lance/c/arrow_abi.h"

namespace {

constexpr int kBatches = 3;

// ---- The producer: one int64 column of ten rows, as a C++ library exports it.

struct ArrayContents {
  int64_t* values = new int64_t[10]{};
  const void** buffers = new const void*[2]{nullptr, values};
};

void ReleaseArray(ArrowArray* array) {
  auto* contents = static_cast<ArrayContents*>(array->private_data);
  delete[] contents->values;
  delete[] contents->buffers;
  delete contents;
  array->release = nullptr;
}

void ReleaseSchema(ArrowSchema* schema) {
  delete static_cast<int*>(schema->private_data);
  schema->release = nullptr;
}

void Export(ArrowArray* array, ArrowSchema* schema) {
  auto* contents = new ArrayContents;
  *array = ArrowArray{};
  array->length = 10;
  array->n_buffers = 2;
  array->buffers = contents->buffers;
  array->release = ReleaseArray;
  array->private_data = contents;
  *schema = ArrowSchema{};
  schema->format = "l";
  schema->name = "c";
  schema->release = ReleaseSchema;
  schema->private_data = new int(1);
}

// ---- The consumer: what each way of taking a struct over means in Rust, down to the allocator.

/// `FFI_ArrowArray::from_raw`, `FFI_ArrowSchema::from_raw`: move the contents out of the shell, leave it
/// released, and release the contents when the value is dropped.
template <typename CStruct>
void FromRaw(CStruct* shell) {
  CStruct value = *shell;
  *shell = CStruct{};
  value.release(&value);
}

/// `Box::from_raw`: take over the shell as well. Rust's allocator frees it, which is free().
template <typename CStruct>
void BoxFromRaw(CStruct* shell) {
  if (shell->release != nullptr) shell->release(shell);
  std::free(shell);
}

/// `ptr::read`: copy the contents and leave the shell as it was, so that both sides own them.
template <typename CStruct>
void PtrRead(CStruct* shell) {
  CStruct value = *shell;
  value.release(&value);
}

// ---- The variants. Each deals with one batch.

template <typename CStruct>
void ReleaseIfHeld(CStruct* shell) {
  if (shell->release != nullptr) shell->release(shell);
}

void StackMove() {
  ArrowArray array;
  ArrowSchema schema;
  Export(&array, &schema);
  FromRaw(&array);
  FromRaw(&schema);
}

void StackMoveToThread() {
  ArrowArray array;
  ArrowSchema schema;
  Export(&array, &schema);
  std::thread consumer([array, schema]() mutable {
    FromRaw(&array);
    FromRaw(&schema);
  });
  array.release = nullptr;
  schema.release = nullptr;
  consumer.join();
}

/// Shells on the heap, as the broken writer had them, for the variants below.
struct HeapShells {
  ArrowArray* array = new ArrowArray;
  ArrowSchema* schema = new ArrowSchema;

  HeapShells() { Export(array, schema); }

  void Delete() {
    delete array;
    delete schema;
  }
};

void HeapCheckedReleaseAndDelete() {
  HeapShells shells;
  FromRaw(shells.array);
  FromRaw(shells.schema);
  ReleaseIfHeld(shells.array);
  ReleaseIfHeld(shells.schema);
  shells.Delete();
}

/// The naive repair: "Rust owns it, so C++ must not delete". The shells leak.
void HeapNeverDeleted() {
  HeapShells shells;
  FromRaw(shells.array);
  FromRaw(shells.schema);
}

void HeapUncheckedRelease() {
  HeapShells shells;
  FromRaw(shells.array);
  shells.array->release(shells.array);
  shells.Delete();
}

/// The fault itself: both sides free the shell.
void BoxAndDelete() {
  HeapShells shells;
  BoxFromRaw(shells.array);
  BoxFromRaw(shells.schema);
  shells.Delete();
}

/// The fault as it was written: release what is held, then delete.
void BoxReleaseAndDelete() {
  HeapShells shells;
  BoxFromRaw(shells.array);
  BoxFromRaw(shells.schema);
  ReleaseIfHeld(shells.array);
  ReleaseIfHeld(shells.schema);
  shells.Delete();
}

void BoxNeverDeleted() {
  HeapShells shells;
  BoxFromRaw(shells.array);
  BoxFromRaw(shells.schema);
}

void PtrReadAndRelease() {
  HeapShells shells;
  PtrRead(shells.array);
  PtrRead(shells.schema);
  shells.array->release(shells.array);
  shells.schema->release(shells.schema);
  shells.Delete();
}

void NeverHandedOver() {
  ArrowArray array;
  ArrowSchema schema;
  Export(&array, &schema);
}

struct Variant {
  const char* name;
  void (*run)();
};

constexpr Variant kVariants[] = {
    {"stack-move", StackMove},
    {"stack-move-to-thread", StackMoveToThread},
    {"heap-checked-release-and-delete", HeapCheckedReleaseAndDelete},
    {"heap-never-deleted", HeapNeverDeleted},
    {"heap-unchecked-release", HeapUncheckedRelease},
    {"box-and-delete", BoxAndDelete},
    {"box-release-and-delete", BoxReleaseAndDelete},
    {"box-never-deleted", BoxNeverDeleted},
    {"ptr-read-and-release", PtrReadAndRelease},
    {"never-handed-over", NeverHandedOver},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Variant& variant : kVariants) {
    if (argc != 2 || std::strcmp(argv[1], variant.name) != 0) continue;
    // On a thread of its own: a stack that is gone keeps no pointer to what leaks.
    std::thread([&] {
      for (int i = 0; i < kBatches; ++i) variant.run();
    }).join();
    std::puts("done");
    return 0;
  }
  std::fprintf(stderr, "usage: old_fault VARIANT\n");
  return 2;
}
