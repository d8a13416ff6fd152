// The functions of the C ABI that change datasets and files.

#include <cstddef>
#include <cstdint>

#include "ownership/panic_world.h"

namespace lance_test {
namespace {

constexpr const LanceDeleteOptions* kDeleteDefaults = nullptr;
constexpr LanceDeleteResult* kNoDeleteResult = nullptr;
constexpr uint64_t kRowIds[] = {3, 5};

}  // namespace

std::vector<Function> ChangeFunctions() {
  return {
      {"lance_dataset_delete",
       [](World& world) {
         DatasetPtr out;
         return MAKE_CHANGE(&out, lance_dataset_delete, kNoDeleteResult, world.Dataset(),
                            LANCE_TEXT("id = 7"), kDeleteDefaults);
       },
       Second::kHarmless},
  };
}

}  // namespace lance_test
