//! The caller's shells of Arrow structs, and what is moved out of them.

use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use lance_engine::{Error, Result};

/// A C struct whose contents can be moved out of the caller's shell.
pub trait Movable: Sized {
    /// The state a shell is left in: released.
    fn empty() -> Self;
}

impl Movable for FFI_ArrowArray {
    fn empty() -> Self {
        Self::empty()
    }
}

impl Movable for FFI_ArrowSchema {
    fn empty() -> Self {
        Self::empty()
    }
}

impl Movable for FFI_ArrowArrayStream {
    fn empty() -> Self {
        Self::empty()
    }
}

/// Move a consumed argument out of the caller's shell, which is left released. Call it before anything
/// that can fail: dropping the result releases the contents.
///
/// # Safety
/// `shell` is NULL or points to an initialised struct that nobody else uses during the call.
pub unsafe fn take<T: Movable>(shell: *mut T) -> Option<T> {
    if shell.is_null() {
        return None;
    }
    // SAFETY: valid for reads and writes by this function's contract.
    Some(unsafe { std::ptr::replace(shell, T::empty()) })
}

/// Insist on a consumed argument.
pub fn required<T>(taken: Option<T>, what: &str) -> Result<T> {
    taken.ok_or_else(|| Error::invalid_argument(format!("{what} is NULL")))
}
