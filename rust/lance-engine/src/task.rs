//! What the calls that wait return.

use futures::future::BoxFuture;

use crate::error::Result;

/// Work that is waited for. Boxed here, so that whoever polls it need not compile it once more.
pub type Task<T> = BoxFuture<'static, Result<T>>;
