//! Logging and metrics.

use std::ffi::{CString, c_void};

use lance_engine::settings::{Metrics, StoreMetrics};
use lance_engine::telemetry::log::{self, Event, Level, LevelFilter};
use lance_engine::telemetry::stores::stores;
use lance_engine::{Error, Result, runtime};

use crate::arguments::{Context, Versioned};
use crate::error::LanceError;
use crate::exit::{self, Step};
use crate::generated::telemetry::{
    LanceLogEvent, LanceLogField, LanceLogFn, LanceReleaseFn, LogLevel,
};
use crate::guard::guard;

/// A context of the caller's, released when this is dropped.
struct Owned {
    context: Context,
    release: Option<LanceReleaseFn>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: consumed by the header's contract, and not used any more.
            unsafe { release(self.context.get()) };
        }
    }
}

/// Tell a callback of an event.
fn tell(callback: LanceLogFn, owned: &Owned, event: &Event<'_>) {
    // No text has a NUL in it: they were made readable.
    let c_text = |text: &str| CString::new(text).unwrap_or_default();
    let (target, message) = (c_text(event.target), c_text(event.message));
    let pairs: Vec<_> = event
        .fields
        .iter()
        .map(|field| (c_text(field.key), c_text(&field.value)))
        .collect();
    let fields: Vec<_> = pairs
        .iter()
        .map(|(key, value)| LanceLogField {
            key: key.as_ptr(),
            value: value.as_ptr(),
        })
        .collect();
    let event = LanceLogEvent {
        level: event.level as i32,
        target: target.as_ptr(),
        message: message.as_ptr(),
        fields: fields.as_ptr(),
        field_count: fields.len(),
        ..LanceLogEvent::INIT
    };
    // SAFETY: the texts live until the call returns, and the context until the logger is dropped.
    unsafe { callback(owned.context.get(), &event) };
}

// The numbers are those of the crate `log`.
const _: () = {
    assert!(LevelFilter::Off as i32 == LogLevel::Off as i32);
    assert!(Level::Error as i32 == LogLevel::Error as i32);
    assert!(Level::Trace as i32 == LogLevel::Trace as i32);
};

fn level_filter(level: i32) -> Result<LevelFilter> {
    let known = usize::try_from(level)
        .ok()
        .and_then(|level| LevelFilter::iter().nth(level));
    known.ok_or_else(|| Error::invalid_argument(format!("level must be 0 to 5, got {level}")))
}

/// # Safety
/// `log` and `release` are NULL or functions as the header says, which take `context`; `error` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_log_set(
    log: Option<LanceLogFn>,
    context: *mut c_void,
    release: Option<LanceReleaseFn>,
    level: i32,
    error: *mut *mut LanceError,
) -> i32 {
    let owned = Owned {
        context: Context::new(context),
        release,
    };
    guard(error, move || {
        let level = level_filter(level)?;
        exit::first(Step::Logger, log::end);
        log::set(log.map(|callback| {
            let body = move |event: &Event<'_>| tell(callback, &owned, event);
            (level, Box::new(body) as log::Callback)
        }));
        Ok(())
    })
}

/// What the library is doing, and what its stores were asked for.
pub async fn snapshot() -> Result<(Metrics, Vec<StoreMetrics>)> {
    Ok((runtime::metrics().await?, stores()))
}

#[cfg(test)]
mod tests {
    use std::ffi::{CStr, c_char};
    use std::ptr::null_mut;
    use std::sync::Mutex;

    use super::*;

    /// What the callback of this test was told, and how often its context was released.
    #[derive(Default)]
    struct Seen {
        messages: Vec<String>,
        fields: Vec<(String, String)>,
        releases: usize,
    }

    fn text(text: *const c_char) -> String {
        // SAFETY: NUL-terminated by the header's contract.
        unsafe { CStr::from_ptr(text) }
            .to_str()
            .unwrap()
            .to_string()
    }

    unsafe extern "C" fn see(context: *mut c_void, event: *const LanceLogEvent) {
        // SAFETY: the context and the event of this test.
        let (seen, event) = unsafe { (&*context.cast::<Mutex<Seen>>(), &*event) };
        // SAFETY: as the event says.
        let fields = unsafe { std::slice::from_raw_parts(event.fields, event.field_count) };
        let target = text(event.target);
        if target == "lance_test::ffi" {
            let mut seen = seen.lock().unwrap();
            let message = text(event.message);
            seen.messages.push(format!("{} {message}", event.level));
            let pairs = fields.iter().map(|f| (text(f.key), text(f.value)));
            seen.fields.extend(pairs);
        }
    }

    unsafe extern "C" fn release(context: *mut c_void) {
        // SAFETY: the context of this test.
        let seen = unsafe { &*context.cast::<Mutex<Seen>>() };
        seen.lock().unwrap().releases += 1;
    }

    #[test]
    fn a_context_is_released_once_whatever_becomes_of_the_call() {
        let seen = Mutex::<Seen>::default();
        let context = std::ptr::from_ref(&seen).cast_mut().cast();
        let set = |log, level| {
            // SAFETY: the context outlives the logger, which is removed below.
            unsafe { lance_log_set(log, context, Some(release), level, null_mut()) }
        };
        let releases = || seen.lock().unwrap().releases;
        assert_eq!(set(Some(see), 6), 1);
        assert_eq!(set(Some(see), -1), 1);
        assert_eq!(releases(), 2);
        assert_eq!(set(Some(see), 3), 0);
        tracing::info!(target: "lance_test::ffi", version = 3, "opened");
        assert_eq!(releases(), 2);
        assert_eq!(set(None, 0), 0);
        assert_eq!(releases(), 4);
        tracing::info!(target: "lance_test::ffi", "nobody listens");
        let seen = seen.lock().unwrap();
        assert_eq!(seen.messages, ["3 opened"]);
        let pair = ("version".to_string(), "3".to_string());
        assert_eq!(seen.fields, [pair]);
    }
}
