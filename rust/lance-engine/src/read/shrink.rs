//! Batches that are too long for their offsets, and fewer rows in each instead.

use crate::error::{Error, Result, code};

/// Where a batch would be too long, the rest comes in batches of so much fewer rows.
const SHRINKS_BY: usize = 8;

/// So many rows in place of those that are too many.
pub fn fewer(rows: usize) -> usize {
    (rows / SHRINKS_BY).max(1)
}

/// Do it with fewer rows in a batch, and fewer again, as long as batches are too long for their offsets.
pub async fn shrinking<T, F: Future<Output = Result<T>>>(
    mut rows: usize,
    mut body: impl FnMut(usize) -> F,
) -> Result<T> {
    loop {
        match body(rows).await {
            Err(error) if rows > 1 && is_too_long(&error) => rows = fewer(rows),
            outcome => return outcome,
        }
    }
}

/// Whether it failed because a batch has more text, or longer lists, than its offsets count.
pub fn is_too_long(error: &Error) -> bool {
    error
        .message()
        .to_ascii_lowercase()
        .contains("offset overflow")
}

/// What to say of it when nothing smaller can be read.
pub fn too_long(error: Error, what: &str) -> Error {
    match is_too_long(&error) {
        true => Error::with_detail(
            code::RESOURCE_EXHAUSTED,
            &format!(
                "{what} more than 2 GiB of text or list items in a column, which no batch can"
            ),
            error.detail(),
        ),
        false => error,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::executor::block_on;

    use super::*;

    fn overflow() -> Error {
        Error::new(code::ARROW, "Offset overflow error: 3000000000")
    }

    #[test]
    fn batches_shrink_until_they_fit() {
        let tries = AtomicUsize::new(0);
        let fits = block_on(shrinking(8192, |rows| {
            tries.fetch_add(1, Ordering::Relaxed);
            async move { if rows > 20 { Err(overflow()) } else { Ok(rows) } }
        }));
        assert_eq!((fits.expect("rows"), tries.into_inner()), (16, 4));
    }

    #[test]
    fn other_errors_and_a_single_row_end_it() {
        let error = block_on(shrinking(8, |_| async { Err::<(), _>(overflow()) }));
        let error = too_long(error.expect_err("an error"), "a row has");
        assert_eq!(error.code(), code::RESOURCE_EXHAUSTED);
        assert!(
            error.message().starts_with("a row has more than 2 GiB"),
            "{error}"
        );
        let io = || async { Err::<(), _>(Error::new(code::IO, "no disk")) };
        let error = block_on(shrinking(8, |_| io())).expect_err("an error");
        assert_eq!(too_long(error, "").code(), code::IO);
    }
}
