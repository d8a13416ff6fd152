//! A function of the caller's.

use std::fmt;
use std::sync::Arc;

/// Is called on any thread, and may do anything but unwind: free what calls it, or exit the process.
pub struct Callback<T>(Arc<dyn Fn(&T) + Send + Sync>);

impl<T> Callback<T> {
    pub fn new(body: impl Fn(&T) + Send + Sync + 'static) -> Self {
        Self(Arc::new(body))
    }

    pub fn call(&self, value: &T) {
        (self.0)(value);
    }
}

impl<T> Clone for Callback<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Callback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}
