//! Opaque handles: the only place where Rust values become raw pointers and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{LanceError, Result, code};
use crate::{fork, guard};

/// A value behind an opaque pointer. A panic inside a call, or in a task that it waited for, poisons it:
/// later calls fail, freeing works.
pub struct Handle<T> {
    value: T,
    poisoned: AtomicBool,
}

impl<T> Handle<T> {
    /// Give `value` away as a handle that is the caller's.
    ///
    /// # Safety
    /// `out` is NULL or valid for writing one pointer.
    pub unsafe fn give(value: T, out: *mut *mut Self) -> Result<()> {
        if out.is_null() {
            return Err(LanceError::invalid_argument("the output pointer is NULL"));
        }
        let handle = Arc::new(Self {
            value,
            poisoned: AtomicBool::new(false),
        });
        // SAFETY: `out` is valid by this function's contract.
        unsafe { out.write(Arc::into_raw(handle).cast_mut()) };
        Ok(())
    }

    /// Borrow a handle's value.
    ///
    /// # Safety
    /// `handle` is NULL or a live handle of this type, for as long as the borrow is used.
    pub unsafe fn get<'a>(handle: *const Self) -> Result<&'a Self> {
        // SAFETY: NULL or live by this function's contract.
        let Some(handle) = (unsafe { handle.as_ref() }) else {
            return Err(LanceError::invalid_argument("the handle is NULL"));
        };
        if handle.poisoned.load(Ordering::Acquire) {
            return Err(LanceError::new(
                code::PANIC,
                "an earlier call on this handle panicked: free it and open a new one",
            ));
        }
        Ok(handle)
    }

    /// The value, for calls that use several handles and change none when they panic.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Use a borrowed handle; a panic of `body` poisons it. A callback during the call may free it: it lives until
    /// the call returns.
    ///
    /// # Safety
    /// `handle` is NULL or a live handle of this type.
    pub unsafe fn with<R>(handle: *const Self, body: impl FnOnce(&T) -> Result<R>) -> Result<R> {
        // SAFETY: forwarded contract.
        unsafe { Self::get(handle) }?;
        // SAFETY: live, and made by `give`.
        let handle = unsafe {
            Arc::increment_strong_count(handle);
            Arc::from_raw(handle)
        };
        let poison = PoisonOnDrop(&handle.poisoned);
        let result = body(&handle.value);
        if !matches!(&result, Err(error) if error.code() == code::PANIC) {
            std::mem::forget(poison);
        }
        result
    }

    /// Use a borrowed handle for a call that changes nothing: whatever fails in it, the handle is as good as before.
    ///
    /// # Safety
    /// As `with`.
    pub unsafe fn read<R>(handle: *const Self, body: impl FnOnce(&T) -> Result<R>) -> Result<R> {
        // SAFETY: forwarded contract.
        unsafe { Self::with(handle, |value| Ok(guard::contain(|| body(value)))) }?
    }

    /// Free a handle; `last` must release what it holds.
    ///
    /// In a forked child the handle is only forgotten: its threads do not exist there.
    ///
    /// # Safety
    /// `handle` is NULL or a live handle that is used here for the last time.
    pub unsafe fn free(handle: *mut Self, last: impl FnOnce(Arc<Self>)) {
        if handle.is_null() || fork::refuse_forked_child().is_err() {
            return;
        }
        // SAFETY: made by `give`, and given back by the caller.
        let owned = unsafe { Arc::from_raw(handle.cast_const()) };
        // There is nobody to report to: a panic in here is contained and dropped.
        let _ = guard::contain(move || {
            last(owned);
            Ok(())
        });
    }
}

struct PoisonOnDrop<'a>(&'a AtomicBool);

impl Drop for PoisonOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Give a plain value away (errors, lists), to be freed by `free_plain`.
pub fn into_plain<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// # Safety
/// `value` is NULL or came from `into_plain` and is used here for the last time.
pub unsafe fn free_plain<T>(value: *mut T) {
    if !value.is_null() {
        // SAFETY: made by `into_plain`, and given back by the caller.
        drop(unsafe { Box::from_raw(value) });
    }
}
