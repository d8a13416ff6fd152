//! Opaque handles: Rust values that become raw pointers and come back.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lance_engine::error::code;
use lance_engine::panics::contain;
use lance_engine::{Error, Result, process, runtime};

use crate::arguments::slice;

/// A value behind an opaque pointer. A panic inside a call, or in a task that it waited for, poisons it:
/// later calls fail, freeing works.
pub struct Handle<T: Send + Sync> {
    value: Arc<T>,
    poisoned: AtomicBool,
}

impl<T: Send + Sync + 'static> Handle<T> {
    /// Make a handle that is the caller's.
    pub fn into_raw(value: T) -> *mut Self {
        Self::into_raw_shared(Arc::new(value))
    }

    /// Make a handle of a value that the library uses, too.
    pub fn into_raw_shared(value: Arc<T>) -> *mut Self {
        let poisoned = AtomicBool::new(false);
        Arc::into_raw(Arc::new(Self { value, poisoned })).cast_mut()
    }

    /// A borrowed handle. A callback during the call may free it: it lives as long as what is returned.
    ///
    /// # Safety
    /// `handle` is NULL or a live handle of this type.
    pub unsafe fn get(handle: *const Self, what: &str) -> Result<Arc<Self>> {
        if handle.is_null() {
            return Err(Error::invalid_argument(format!("{what} is NULL")));
        }
        // SAFETY: live by this function's contract, and made by `into_raw_shared`.
        let handle = unsafe {
            Arc::increment_strong_count(handle);
            Arc::from_raw(handle)
        };
        if handle.poisoned.load(Ordering::Acquire) {
            return Err(Error::new(
                code::PANIC,
                "an earlier call on this handle panicked: free it and open a new one",
            ));
        }
        Ok(handle)
    }

    /// Borrowed handles, at least one and none of them twice.
    ///
    /// # Safety
    /// `handles` is NULL or points to `count` handles as `get` takes them.
    pub unsafe fn get_all(
        handles: *const *mut Self,
        count: usize,
        what: &str,
    ) -> Result<Vec<Arc<Self>>> {
        // SAFETY: by this function's contract.
        let handles = unsafe { slice(handles, count, what) }?;
        if handles.is_empty() {
            return Err(Error::invalid_argument(format!("{what} has no handle")));
        }
        let mut distinct = HashSet::new();
        if !handles.iter().all(|handle| distinct.insert(*handle)) {
            return Err(Error::invalid_argument(format!(
                "{what} has a handle twice"
            )));
        }
        handles
            .iter()
            // SAFETY: by this function's contract.
            .map(|handle| unsafe { Self::get(*handle, what) })
            .collect()
    }

    /// The value, for calls that use several handles and change none when they panic.
    pub fn value(&self) -> Arc<T> {
        self.value.clone()
    }

    /// Use the value; a panic of `body` poisons the handle.
    pub fn with<R>(&self, body: impl FnOnce(Arc<T>) -> Result<R>) -> Result<R> {
        let poison = PoisonOnDrop(&self.poisoned);
        let result = body(self.value());
        if !matches!(&result, Err(error) if error.code() == code::PANIC) {
            std::mem::forget(poison);
        }
        result
    }

    /// Use the value for a call that changes nothing: whatever fails in it, the handle is as good as before.
    pub fn read<R>(&self, body: impl FnOnce(Arc<T>) -> Result<R>) -> Result<R> {
        contain(|| body(self.value()))
    }

    /// Free a handle; `last` must release what it holds.
    ///
    /// In a forked child the handle is only forgotten: its threads do not exist there.
    ///
    /// # Safety
    /// `handle` is NULL or a live handle that is used here for the last time.
    pub unsafe fn free(handle: *mut Self, last: impl FnOnce(Arc<T>)) {
        if handle.is_null() || process::refuse_forked_child().is_err() {
            return;
        }
        // SAFETY: made by `into_raw_shared`, and given back by the caller.
        let owned = unsafe { Arc::from_raw(handle.cast_const()) };
        // There is nobody to report to: a panic in here is contained and dropped.
        let _ = contain(move || {
            let value = owned.value();
            drop(owned);
            last(value);
            runtime::forget_unused_stores();
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
