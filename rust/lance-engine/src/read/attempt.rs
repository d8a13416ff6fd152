//! Optimisations: whatever goes wrong in one, the plain way is taken, and tells what there is to tell.

use crate::error::Result;
use crate::panics::contained;

/// What an optimisation yields, or None when it fails in any way.
pub async fn attempt<T>(optimisation: impl Future<Output = Result<T>>) -> Option<T> {
    contained(optimisation).await.ok()
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::error::{Error, code};

    #[test]
    fn errors_and_panics_are_no_outcome() {
        assert_eq!(block_on(attempt(async { Ok(1) })), Some(1));
        let failing = async { Err::<(), _>(Error::new(code::IO, "no disk")) };
        assert_eq!(block_on(attempt(failing)), None);
        let panicking = async { std::panic::panic_any("gone") };
        assert_eq!(block_on(attempt::<()>(panicking)), None);
    }
}
