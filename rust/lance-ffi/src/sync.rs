//! Locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lock a mutex whose data stays consistent even when a holder panicked.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
