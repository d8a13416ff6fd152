//! Credentials that expire, and the callback that renews them.

use std::collections::HashMap;
use std::ffi::c_void;

use lance_engine::credentials::EXPIRES_AT;
use lance_engine::error::code;
use lance_engine::{CredentialsProvider, Error, Result};

use crate::arguments::{Number, OwnedContext, Versioned, key_values, optional_text};
use crate::error::LanceError;
use crate::generated::credentials::{LanceCredentials, LanceCredentialsFn};
use crate::generated::telemetry::LanceReleaseFn;
use crate::guard::guard;
use crate::handle::Handle;
use crate::out::Out;

/// A callback that gives credentials.
pub type LanceCredentialsProvider = Handle<CredentialsProvider>;

/// Ask the callback.
fn call(fetch: LanceCredentialsFn, context: &OwnedContext) -> Result<HashMap<String, String>> {
    let mut given = LanceCredentials::INIT;
    // SAFETY: the context lives until the provider is dropped, and `given` until the call returns.
    let status = unsafe { fetch(context.get(), &mut given) };
    // SAFETY: what it points to is valid until the next call, which comes from here after this one.
    unsafe { read(status, &given) }.map_err(|error| error.with_code(code::CALLBACK))
}

/// # Safety
/// What `given` points to is valid.
unsafe fn read(status: i32, given: &LanceCredentials) -> Result<HashMap<String, String>> {
    if status != code::OK {
        // SAFETY: by this function's contract.
        let why = unsafe { optional_text(given.message, "credentials.message") }?;
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        let message = format!("the credentials callback failed{why}");
        return Err(Error::new(code::CALLBACK, message));
    }
    let (pairs, count) = (given.storage_options, given.storage_options_count);
    // SAFETY: by this function's contract.
    let mut options = unsafe { key_values(pairs, count, "credentials.storage_options") }?;
    if given.expires_at_millis != i64::UNSET {
        options.insert(EXPIRES_AT.to_string(), given.expires_at_millis.to_string());
    }
    Ok(options)
}

/// # Safety
/// `fetch` and `release` are NULL or functions as the header says, which take `context`; the others are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_credentials_provider_create(
    fetch: Option<LanceCredentialsFn>,
    context: *mut c_void,
    release: Option<LanceReleaseFn>,
    out: *mut *mut LanceCredentialsProvider,
    error: *mut *mut LanceError,
) -> i32 {
    let owned = OwnedContext::new(context, release);
    guard(error, move || {
        // SAFETY: by this function's contract.
        let out = unsafe { Out::required(out, "out") }?;
        let fetch = fetch.ok_or_else(|| Error::invalid_argument("fetch is NULL"))?;
        out.give(CredentialsProvider::new(move || call(fetch, &owned)))
    })
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::generated::base::{LanceKeyValue, LanceText, NUL_TERMINATED};

    fn text(text: &'static std::ffi::CStr) -> LanceText {
        LanceText {
            data: text.as_ptr(),
            length: NUL_TERMINATED,
        }
    }

    unsafe extern "C" fn give(_: *mut c_void, out: *mut LanceCredentials) -> i32 {
        // SAFETY: the struct of the caller.
        let out = unsafe { &mut *out };
        let pair = LanceKeyValue {
            key: text(c"token"),
            value: text(c"secret"),
        };
        out.storage_options = Box::leak(Box::new(pair));
        out.storage_options_count = 1;
        out.expires_at_millis = 7;
        code::OK
    }

    unsafe extern "C" fn fail(_: *mut c_void, out: *mut LanceCredentials) -> i32 {
        // SAFETY: the struct of the caller.
        unsafe { (*out).message = text(c"no luck") };
        code::IO
    }

    unsafe extern "C" fn count(context: *mut c_void) {
        // SAFETY: the context of this test.
        let releases = unsafe { &*context.cast::<AtomicUsize>() };
        releases.fetch_add(1, Ordering::Relaxed);
    }

    fn nothing() -> OwnedContext {
        OwnedContext::new(null_mut(), None)
    }

    #[test]
    fn options_come_with_the_time_when_they_expire() {
        let options = call(give, &nothing()).unwrap();
        assert_eq!(options["token"], "secret");
        assert_eq!(options[EXPIRES_AT], "7");
    }

    #[test]
    fn a_failure_is_told_in_its_own_words() {
        let error = call(fail, &nothing()).unwrap_err();
        assert_eq!(error.code(), code::CALLBACK);
        assert_eq!(error.message(), "the credentials callback failed: no luck");
    }

    #[test]
    fn the_context_is_released_once_whatever_becomes_of_the_call() {
        let releases = AtomicUsize::new(0);
        let context = std::ptr::from_ref(&releases).cast_mut().cast();
        let mut made: *mut LanceCredentialsProvider = null_mut();
        let create = |fetch, out| {
            // SAFETY: the context outlives the provider, which is freed below.
            unsafe {
                lance_credentials_provider_create(fetch, context, Some(count), out, null_mut())
            }
        };
        assert_eq!(create(None, &mut made), code::INVALID_ARGUMENT);
        assert_eq!(create(Some(give), null_mut()), code::INVALID_ARGUMENT);
        assert_eq!(releases.load(Ordering::Relaxed), 2);
        assert_eq!(create(Some(give), &mut made), code::OK);
        assert_eq!(releases.load(Ordering::Relaxed), 2);
        // SAFETY: made above.
        unsafe { LanceCredentialsProvider::free(made, |_| ()) };
        assert_eq!(releases.load(Ordering::Relaxed), 3);
    }
}
