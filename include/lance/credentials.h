/// \file credentials.h
/// Credentials that expire, and the callback that renews them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "arrow/result.h"
#include "lance/storage_options.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// What a CredentialsProvider gives.
struct LANCE_EXPORT Credentials {
  /// Put over OpenOptions::storage or WriteOptions::storage.
  StorageOptions storage = {};
  /// When they expire. Default: never.
  std::optional<std::chrono::system_clock::time_point> expires_at = std::nullopt;
};

/// Gives storage options that expire, as the temporary credentials of an object store do
/// (OpenOptions::credentials, WriteOptions::credentials). Immutable and thread-safe; it may be used for any
/// number of datasets and writers, which share their connections then. It lives as long as one of them, or a
/// stream made from it, whatever becomes of this object.
class LANCE_EXPORT CredentialsProvider {
 public:
  /// Called when a dataset or a writer is opened, and again a minute before the credentials expire; for
  /// another time, give the storage option `refresh_offset_millis`. It is called on threads of the library,
  /// for one caller after the other, and may wait, for a server say. Calls of this library that wait fail in
  /// it with ErrorCode::kInvalidState. Its error, or the exception it throws, is the failure of what is
  /// opened, with ErrorCode::kCallback, or of what could not go on without new credentials.
  using Fetch = std::function<arrow::Result<Credentials>()>;

  ~CredentialsProvider();
  CredentialsProvider(const CredentialsProvider&) = delete;
  CredentialsProvider& operator=(const CredentialsProvider&) = delete;

  static arrow::Result<std::shared_ptr<CredentialsProvider>> Make(Fetch fetch);

 private:
  friend struct CredentialsProviderAccess;
  class Impl;
  explicit CredentialsProvider(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
