//! A caller's Arrow stream, pulled on the calling thread. arrow-rs has a reader for that, but one that
//! panics where the last error is missing and that cannot hand out arrays before they are imported.

use std::ffi::{CStr, c_int};

use arrow::datatypes::Schema;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;

use lance_engine::error::code;
use lance_engine::{Error, Result};

use super::import::import_schema;

/// A stream that was handed over; dropping it releases it.
pub struct Source {
    stream: FFI_ArrowArrayStream,
}

impl Source {
    pub fn new(stream: FFI_ArrowArrayStream) -> Result<Self> {
        let callbacks = [
            stream.get_schema.is_some(),
            stream.get_next.is_some(),
            stream.get_last_error.is_some(),
            stream.release.is_some(),
        ];
        match callbacks {
            [true, true, true, true] => Ok(Self { stream }),
            [.., false] => Err(Error::invalid_argument(
                "the ArrowArrayStream is already released",
            )),
            _ => Err(Error::invalid_argument(
                "malformed Arrow struct: a callback of the ArrowArrayStream is NULL",
            )),
        }
    }

    pub fn schema(&mut self) -> Result<Schema> {
        let mut schema = FFI_ArrowSchema::empty();
        let status = match self.stream.get_schema {
            // SAFETY: a live stream, and an out struct of ours.
            Some(get_schema) => unsafe { get_schema(&mut self.stream, &mut schema) },
            None => return Err(missing_callback()),
        };
        self.check(status)?;
        import_schema(&schema)
    }

    /// The next array, or None at the end.
    pub fn next(&mut self) -> Result<Option<FFI_ArrowArray>> {
        let mut array = FFI_ArrowArray::empty();
        let status = match self.stream.get_next {
            // SAFETY: as above.
            Some(get_next) => unsafe { get_next(&mut self.stream, &mut array) },
            None => return Err(missing_callback()),
        };
        self.check(status)?;
        Ok((!array.is_released()).then_some(array))
    }

    fn check(&mut self, status: c_int) -> Result<()> {
        if status == 0 {
            return Ok(());
        }
        let text = match self.stream.get_last_error {
            // SAFETY: a live stream after a failed call.
            Some(get_last_error) => unsafe { get_last_error(&mut self.stream) },
            None => std::ptr::null(),
        };
        let message = if text.is_null() {
            std::io::Error::from_raw_os_error(status).to_string()
        } else {
            // SAFETY: NUL-terminated, and valid until the next call on the stream.
            unsafe { CStr::from_ptr(text) }
                .to_string_lossy()
                .into_owned()
        };
        Err(Error::new(code::CALLBACK, message))
    }
}

fn missing_callback() -> Error {
    Error::invalid_argument("malformed Arrow struct: a callback of the ArrowArrayStream is NULL")
}
