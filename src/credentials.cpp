#include "lance/credentials.h"

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "credentials_provider_handle_internal.h"
#include "ffi/call_internal.h"
#include "ffi/options_internal.h"
#include "ffi/thread_edge_internal.h"

namespace lance::inline v0 {
namespace {

/// A callback behind the C one. The library frees it after the last use.
class Source {
 public:
  explicit Source(CredentialsProvider::Fetch fetch) : fetch_(std::move(fetch)) {}
  ~Source() { edge_.Enter(); }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// Get the context of the C callback. From now on threads of the library use this.
  void* HandOver() {
    edge_.Leave();
    return this;
  }

  /// Fill what is given, which points into this until the next call.
  LanceStatusCode Give(LanceCredentials* out) noexcept {
    edge_.Enter();
    const LanceStatusCode outcome = Ask(out);
    edge_.Leave();
    return outcome;
  }

 private:
  LanceStatusCode Ask(LanceCredentials* out) noexcept {
    try {
      arrow::Result<Credentials> fetched = fetch_();
      if (!fetched.ok()) return Fail(fetched.status().message(), out);
      given_ = *std::move(fetched);
      pairs_ = internal::ToC(given_.storage.map());
      out->storage_options = pairs_.data();
      out->storage_options_count = pairs_.size();
      if (given_.expires_at) {
        const auto since_epoch = given_.expires_at->time_since_epoch();
        out->expires_at_millis = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
      }
      return LANCE_OK;
    } catch (const std::exception& exception) {
      return Fail(exception.what(), out);
    } catch (...) {
      return Fail("it threw what is no exception", out);
    }
  }

  LanceStatusCode Fail(const std::string& why, LanceCredentials* out) {
    failure_ = why;
    out->message = internal::TextC(failure_);
    return LANCE_CALLBACK;
  }

  const CredentialsProvider::Fetch fetch_;
  Credentials given_;
  std::vector<LanceKeyValue> pairs_;
  std::string failure_;
  internal::ThreadEdge edge_;
};

extern "C" LanceStatusCode FetchCredentials(void* context, LanceCredentials* out) noexcept {
  return static_cast<Source*>(context)->Give(out);
}

extern "C" void FreeSource(void* context) noexcept {
  const std::unique_ptr<Source> owned(static_cast<Source*>(context));
}

}  // namespace

CredentialsProvider::CredentialsProvider(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CredentialsProvider::~CredentialsProvider() = default;

arrow::Result<std::shared_ptr<CredentialsProvider>> CredentialsProvider::Make(Fetch fetch) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  if (!fetch) return internal::MakeStatus(ErrorCode::kInvalidArgument, "fetch is empty");
  auto source = std::make_unique<Source>(std::move(fetch));
  // Consumed, whatever the outcome.
  void* const context = source.release()->HandOver();
  ARROW_ASSIGN_OR_RAISE(auto handle,
                        internal::CallForHandle<internal::CredentialsProviderHandle>(
                            lance_credentials_provider_create, LanceCredentialsFn{FetchCredentials}, context,
                            LanceReleaseFn{FreeSource}));
  return std::shared_ptr<CredentialsProvider>(
      new CredentialsProvider(std::make_unique<Impl>(std::move(handle))));
}

}  // namespace lance::inline v0
