//! Scans as exported Arrow streams, guarded against panics on every callback.

use std::ffi::{c_char, c_int};
use std::future::poll_fn;
use std::ptr::{fn_addr_eq, null, null_mut};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use futures::Stream;
use futures::executor::block_on;
use lance_engine::error::code;
use lance_engine::panics::contain;
use lance_engine::read::Batches;
use lance_engine::{Error, Result, fault, process, runtime};

use crate::arrow::{export_array, export_schema};
use crate::error::{LanceError, LanceStatusCode};
use crate::guard::guard;
use crate::plain::into_plain;

/// What is behind an exported stream. It ends after its first error.
struct Exported {
    schema: SchemaRef,
    batches: Source,
    last_error: Option<LanceError>,
}

enum Source {
    /// A query under way, which is waited for.
    Running(Batches),
    /// A list, which is not.
    Ready(Option<RecordBatch>),
}

impl Source {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        match self {
            Self::Running(batches) => {
                runtime::refuse_runtime_thread()?;
                block_on(poll_fn(|context| batches.poll(context)))
            }
            Self::Ready(batch) => Ok(batch.take()),
        }
    }
}

impl Exported {
    /// The state of a stream of this library that is not released.
    ///
    /// # Safety
    /// `stream` is NULL or points to an initialised struct, and nobody else uses the stream during the call.
    unsafe fn of<'a>(stream: *const FFI_ArrowArrayStream) -> Option<&'a mut Self> {
        // SAFETY: NULL or valid by this function's contract.
        let stream = unsafe { stream.as_ref() }?;
        let is_ours = stream
            .get_next
            .is_some_and(|next| fn_addr_eq(next, get_next as GetNext));
        if !is_ours || stream.release.is_none() {
            return None;
        }
        // SAFETY: made by `export_stream`, as its callback tells, and not released; exclusive by contract.
        unsafe { stream.private_data.cast::<Self>().as_mut() }
    }

    fn next_array(&mut self) -> Result<FFI_ArrowArray> {
        process::refuse_forked_child()?;
        fault::point()?;
        let batch = self.batches.next()?;
        Ok(batch.map_or_else(FFI_ArrowArray::empty, export_array))
    }

    /// Run a callback, and keep its error for those who ask for it.
    fn callback<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T>) -> (c_int, Option<T>) {
        match contain(|| body(self)) {
            Ok(value) => (0, Some(value)),
            Err(error) => {
                self.batches = Source::Ready(None);
                let number = errno(error.code());
                self.last_error = Some(error.into());
                (number, None)
            }
        }
    }
}

/// The number that tells a consumer without our error what kind it is.
pub fn errno(status: LanceStatusCode) -> c_int {
    match status {
        code::IO | code::CORRUPT => libc::EIO,
        code::RESOURCE_EXHAUSTED => libc::ENOMEM,
        code::NOT_SUPPORTED => libc::ENOSYS,
        code::CANCELLED => libc::ECANCELED,
        _ => libc::EINVAL,
    }
}

/// Drive `batches` on the runtime and hand them out through a C stream that is the caller's.
pub fn export_stream<S>(schema: SchemaRef, batches: S) -> Result<FFI_ArrowArrayStream>
where
    S: Stream<Item = Result<RecordBatch>> + Send + 'static,
{
    let running = Batches::start(schema.clone(), batches)?;
    Ok(exported(schema, Source::Running(running)))
}

/// Hand out a list, which nobody has to wait for, as a C stream of one batch.
pub fn export_list(list: RecordBatch) -> FFI_ArrowArrayStream {
    exported(list.schema(), Source::Ready(Some(list)))
}

fn exported(schema: SchemaRef, batches: Source) -> FFI_ArrowArrayStream {
    let exported = Box::new(Exported {
        schema,
        batches,
        last_error: None,
    });
    FFI_ArrowArrayStream {
        get_schema: Some(get_schema),
        get_next: Some(get_next),
        get_last_error: Some(get_last_error),
        release: Some(release),
        private_data: Box::into_raw(exported).cast(),
    }
}

type GetNext = unsafe extern "C" fn(*mut FFI_ArrowArrayStream, *mut FFI_ArrowArray) -> c_int;

/// # Safety
/// `stream` is a live stream of `export_stream`, used by one thread at a time; `out` is valid for writing.
unsafe extern "C" fn get_schema(
    stream: *mut FFI_ArrowArrayStream,
    out: *mut FFI_ArrowSchema,
) -> c_int {
    // SAFETY: by this function's contract.
    let Some(exported) = (unsafe { Exported::of(stream) }) else {
        return libc::EINVAL;
    };
    let (number, schema) = exported.callback(|exported| export_schema(&exported.schema));
    if let Some(schema) = schema {
        // SAFETY: `out` is valid by this function's contract; the schema becomes the caller's.
        unsafe { out.write(schema) };
    }
    number
}

/// # Safety
/// As `get_schema`.
unsafe extern "C" fn get_next(
    stream: *mut FFI_ArrowArrayStream,
    out: *mut FFI_ArrowArray,
) -> c_int {
    // SAFETY: by this function's contract.
    let Some(exported) = (unsafe { Exported::of(stream) }) else {
        return libc::EINVAL;
    };
    let (number, array) = exported.callback(Exported::next_array);
    if let Some(array) = array {
        // SAFETY: `out` is valid by this function's contract; the array becomes the caller's.
        unsafe { out.write(array) };
    }
    number
}

/// # Safety
/// As `get_schema`.
unsafe extern "C" fn get_last_error(stream: *mut FFI_ArrowArrayStream) -> *const c_char {
    // SAFETY: by this function's contract.
    let exported = unsafe { Exported::of(stream) };
    let error = exported.and_then(|exported| exported.last_error.as_ref());
    // The stream keeps the error.
    error.map_or(null(), |error| error.message.as_ptr())
}

/// # Safety
/// `stream` is a live stream of `export_stream`, used here for the last time.
unsafe extern "C" fn release(stream: *mut FFI_ArrowArrayStream) {
    // SAFETY: by this function's contract.
    let Some(stream) = (unsafe { stream.as_mut() }) else {
        return;
    };
    // SAFETY: made by `export_stream`, and given back by the caller.
    let exported = unsafe { Box::from_raw(stream.private_data.cast::<Exported>()) };
    stream.release = None;
    stream.private_data = null_mut();
    drop(exported);
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_stream_last_error(
    stream: *const FFI_ArrowArrayStream,
    out: *mut *mut LanceError,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        let Some(exported) = (unsafe { Exported::of(stream) }) else {
            return Err(Error::invalid_argument(
                "the stream is NULL, released, or not one of this library",
            ));
        };
        if out.is_null() {
            return Err(Error::invalid_argument("the output error is NULL"));
        }
        let copy = exported.last_error.clone();
        // SAFETY: `out` is valid by this function's contract; the copy becomes the caller's.
        unsafe { out.write(copy.map_or(null_mut(), into_plain)) };
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, StringArray};
    use futures::stream;

    use super::*;

    fn batch(column: ArrayRef) -> RecordBatch {
        RecordBatch::try_from_iter([("x", column)]).expect("a batch")
    }

    fn numbers() -> RecordBatch {
        batch(Arc::new(Int32Array::from(vec![1, 2])))
    }

    fn next(stream: &mut FFI_ArrowArrayStream) -> (c_int, FFI_ArrowArray) {
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: a live stream and a struct of our own.
        let number = unsafe { get_next(stream, &mut array) };
        (number, array)
    }

    fn last_error(stream: &FFI_ArrowArrayStream) -> Option<LanceError> {
        let (mut copy, mut error) = (null_mut(), null_mut());
        // SAFETY: a live stream and pointers of our own.
        let status = unsafe { lance_stream_last_error(stream, &mut copy, &mut error) };
        assert_eq!((status, error), (code::OK, null_mut()));
        // SAFETY: made by `into_plain` for us.
        (!copy.is_null()).then(|| *unsafe { Box::from_raw(copy) })
    }

    #[test]
    fn a_batch_of_another_type_is_an_error_and_no_foreign_memory() {
        let text = batch(Arc::new(StringArray::from(vec!["a", "b"])));
        let schema = numbers().schema();
        let mut stream =
            export_stream(schema, stream::iter([Ok(numbers()), Ok(text)])).expect("a stream");
        assert_eq!(next(&mut stream).0, 0);
        assert_eq!(next(&mut stream).0, libc::EINVAL);
        let error = last_error(&stream).expect("an error");
        assert_eq!(error.code, code::INTERNAL);
        let message = error.message.to_string_lossy();
        assert!(message.contains("Utf8"), "{message}");
        let (number, array) = next(&mut stream);
        assert!(number == 0 && array.is_released());
    }

    #[test]
    fn the_last_error_is_whole_and_stays() {
        let failure = Error::with_detail(code::TIMEOUT, "too slow", "clock.rs:1:2");
        let mut stream = export_stream(
            numbers().schema(),
            stream::iter([Ok(numbers()), Err(failure)]),
        )
        .expect("a stream");
        assert!(last_error(&stream).is_none());
        assert_eq!(next(&mut stream).0, 0);
        assert_ne!(next(&mut stream).0, 0);
        for _ in 0..2 {
            let error = last_error(&stream).expect("an error");
            let parts = (error.code, &*error.message, &*error.detail);
            assert_eq!(parts, (code::TIMEOUT, c"too slow", c"clock.rs:1:2"));
        }
    }

    #[test]
    fn a_stream_of_others_has_no_error_of_ours() {
        let foreign = FFI_ArrowArrayStream::empty();
        let mut copy = null_mut();
        // SAFETY: an empty struct and pointers of our own.
        let status = unsafe { lance_stream_last_error(&foreign, &mut copy, null_mut()) };
        assert_eq!((status, copy), (code::INVALID_ARGUMENT, null_mut()));
    }
}
