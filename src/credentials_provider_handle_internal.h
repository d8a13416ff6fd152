/// \file credentials_provider_handle_internal.h
/// What a CredentialsProvider holds, for the options that name one.
#pragma once

#include <memory>
#include <utility>

#include "ffi/handle_internal.h"
#include "lance/credentials.h"

namespace lance::inline v0 {

class CredentialsProvider::Impl {
 public:
  explicit Impl(internal::CredentialsProviderHandle handle) : handle(std::move(handle)) {}

  const internal::CredentialsProviderHandle handle;
};

struct CredentialsProviderAccess {
  static const LanceCredentialsProvider* Get(const CredentialsProvider& provider) {
    return provider.impl_->handle.get();
  }
};

namespace internal {

/// Borrow a provider; NULL when there is none.
inline const LanceCredentialsProvider* ToC(const std::shared_ptr<CredentialsProvider>& provider) {
  return provider == nullptr ? nullptr : CredentialsProviderAccess::Get(*provider);
}

}  // namespace internal

}  // namespace lance::inline v0
