//! Values that are given away as they are, without a handle around them.

/// Give a plain value away (an error), to be freed by `free_plain`.
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
