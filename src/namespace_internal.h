/// \file namespace_internal.h
/// What a Namespace holds, for the writers of its tables.
#pragma once

#include <memory>
#include <utility>

#include "ffi/handle_internal.h"
#include "lance/namespace.h"

namespace lance::inline v0 {

class Namespace::Impl {
 public:
  explicit Impl(internal::NamespaceHandle handle) : handle(std::move(handle)) {}

  const internal::NamespaceHandle handle;
};

struct NamespaceAccess {
  static std::shared_ptr<Namespace> Make(internal::NamespaceHandle handle) {
    return std::shared_ptr<Namespace>(new Namespace(std::make_unique<Namespace::Impl>(std::move(handle))));
  }
  static const LanceNamespace* Get(const Namespace& ns) { return ns.impl_->handle.get(); }
};

}  // namespace lance::inline v0
