//! Keeps panics inside a C library: they are silent, and become values that say what happened and where.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(not(panic = "unwind"))]
compile_error!("panics are contained by unwinding: build with panic = \"unwind\"");

thread_local! {
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What is left of a panic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panic {
    pub message: String,
    /// `file:line:column`, unless the panic came from another thread.
    pub location: Option<String>,
}

impl Panic {
    /// Read a payload that was caught elsewhere. Call it on the panicking thread, which knows the place.
    pub fn of(payload: Box<dyn Any + Send>) -> Self {
        let message = match payload.downcast::<String>() {
            Ok(message) => *message,
            Err(payload) => match payload.downcast::<&str>() {
                Ok(message) => message.to_string(),
                Err(payload) => {
                    // A foreign payload could panic again when it is dropped.
                    std::mem::forget(payload);
                    "unknown cause".to_string()
                }
            },
        };
        Self {
            message,
            location: LOCATION.try_with(RefCell::take).ok().flatten(),
        }
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Run `body`; contain its panic.
pub fn contain<T>(body: impl FnOnce() -> T) -> Result<T, Panic> {
    silence_panics();
    catch_unwind(AssertUnwindSafe(body)).map_err(Panic::of)
}

/// Print no panic, and remember where each one happened. The hook is the library's own: a cdylib carries its own copy
/// of std, so that the hook of a Rust host is not touched.
fn silence_panics() {
    // Not a lock: a process that is forked while another thread holds one would wait for ever.
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if !INSTALLED.swap(true, Ordering::Relaxed) {
        std::panic::set_hook(Box::new(|info| {
            let location = info.location().map(|location| location.to_string());
            // A thread that is being torn down has lost its thread-locals; then only the place is lost.
            let _ = LOCATION.try_with(|slot| slot.replace(location));
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_what_happened_and_where() {
        assert_eq!(contain(|| 1), Ok(1));
        let panic = contain(|| panic!("no {}", "disk")).expect_err("a panic");
        assert_eq!(panic.message, "no disk");
        let location = panic.location.expect("a location");
        assert!(location.contains("contain"), "{location}");
        assert!(location.contains("lib.rs:"), "{location}");
    }

    #[test]
    fn payloads_of_any_type_are_contained() {
        let literal = contain(|| std::panic::panic_any("gone")).expect_err("a panic");
        assert_eq!(literal.message, "gone");
        let foreign = contain(|| std::panic::panic_any(7)).expect_err("a panic");
        assert_eq!(foreign.message, "unknown cause");
    }
}
