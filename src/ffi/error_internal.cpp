#include "ffi/error_internal.h"

#include <memory>

#include "ffi/handle_internal.h"

namespace lance::inline v0::internal {

arrow::Status MakeStatus(ErrorCode code, std::string message, std::string origin) {
  return {ArrowStatusCode(code), std::move(message),
          std::make_shared<LanceStatusDetail>(code, std::move(origin))};
}

arrow::Status ToStatus(LanceError* error) {
  const ErrorHandle owner(error);
  return MakeStatus(static_cast<ErrorCode>(lance_error_code(error)), lance_error_message(error),
                    lance_error_detail(error));
}

arrow::Status WithCode(arrow::Status status, ErrorCode code) {
  if (status.ok() || status.detail() != nullptr) return status;
  return status.WithDetail(std::make_shared<LanceStatusDetail>(code, ""));
}

}  // namespace lance::inline v0::internal
