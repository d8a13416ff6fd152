//! Where results go: pointers that are checked before the work, and written after it, perhaps by another thread.

use std::ffi::{CString, c_char};
use std::ptr::NonNull;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use lance_engine::read::Yield;
use lance_engine::{Error, Result};

use crate::arguments::{Versioned, check_sized, write_sized};
use crate::arrow::{export_array, export_batch, export_schema};
use crate::handle::Handle;
use crate::stream::{export_list, export_stream};

/// The schema of what a query yields, and that.
pub type Batches = (SchemaRef, Yield);

/// A place for one value, which is uninitialised: nothing old is dropped.
pub struct Out<T>(NonNull<T>);

// SAFETY: the header demands that outputs stay valid until the call is done, and that nobody else uses them.
unsafe impl<T> Send for Out<T> {}

impl<T> Out<T> {
    /// # Safety
    /// `out` is NULL or valid for writing a T until the call is done.
    pub unsafe fn required(out: *mut T, what: &str) -> Result<Self> {
        NonNull::new(out)
            .map(Self)
            .ok_or_else(|| Error::invalid_argument(format!("{what} is NULL")))
    }

    fn write(self, value: T) {
        // SAFETY: valid for writing by the contract of `required`.
        unsafe { self.0.write(value) }
    }
}

impl Out<u64> {
    pub fn give(self, value: u64) -> Result<()> {
        self.write(value);
        Ok(())
    }
}

impl Out<i32> {
    pub fn give(self, value: bool) -> Result<()> {
        self.write(value.into());
        Ok(())
    }
}

impl<T: Send + Sync + 'static> Out<*mut Handle<T>> {
    pub fn give(self, value: T) -> Result<()> {
        self.write(Handle::into_raw(value));
        Ok(())
    }
}

impl Out<*mut c_char> {
    /// Give a string away; lance_string_free() takes it back.
    pub fn give(self, text: String) -> Result<()> {
        let text = CString::new(text)
            .map_err(|_| Error::invalid_argument("the text contains a NUL character"))?;
        self.write(text.into_raw());
        Ok(())
    }
}

impl Out<FFI_ArrowArray> {
    /// Give the next batch, or what stands for the end.
    pub fn give(self, batch: Option<RecordBatch>) -> Result<()> {
        self.write(batch.map_or_else(FFI_ArrowArray::empty, export_array));
        Ok(())
    }
}

impl Out<FFI_ArrowSchema> {
    pub fn give(self, schema: SchemaRef) -> Result<()> {
        self.write(export_schema(&schema)?);
        Ok(())
    }
}

impl Out<FFI_ArrowArrayStream> {
    pub fn give(self, (schema, batches): (SchemaRef, impl Into<Yield>)) -> Result<()> {
        self.write(export_stream(schema, batches)?);
        Ok(())
    }

    /// Give a list, as a stream of one batch.
    pub fn give_batch(self, batch: RecordBatch) -> Result<()> {
        self.write(export_list(batch));
        Ok(())
    }
}

/// A place for one batch, an array and its schema.
pub struct OutBatch {
    array: Out<FFI_ArrowArray>,
    schema: Out<FFI_ArrowSchema>,
}

impl OutBatch {
    /// # Safety
    /// Both are NULL or valid for writing until the call is done.
    pub unsafe fn required(
        array: *mut FFI_ArrowArray,
        schema: *mut FFI_ArrowSchema,
    ) -> Result<Self> {
        // SAFETY: forwarded contract.
        unsafe {
            Ok(Self {
                array: Out::required(array, "out_array")?,
                schema: Out::required(schema, "out_schema")?,
            })
        }
    }

    pub fn give(self, batch: RecordBatch) -> Result<()> {
        let (array, schema) = export_batch(batch)?;
        self.array.write(array);
        self.schema.write(schema);
        Ok(())
    }
}

/// A place for bytes and their length.
pub struct OutBytes {
    bytes: Out<*mut u8>,
    length: Out<usize>,
}

impl OutBytes {
    /// # Safety
    /// Both are NULL or valid for writing until the call is done.
    pub unsafe fn required(bytes: *mut *mut u8, length: *mut usize) -> Result<Self> {
        // SAFETY: forwarded contract.
        unsafe {
            Ok(Self {
                bytes: Out::required(bytes, "out")?,
                length: Out::required(length, "out_length")?,
            })
        }
    }

    /// Give bytes away; lance_bytes_free() takes them back.
    pub fn give(self, bytes: Vec<u8>) -> Result<()> {
        let bytes = Box::into_raw(bytes.into_boxed_slice());
        self.length.write(bytes.len());
        self.bytes.write(bytes.cast());
        Ok(())
    }
}

/// A struct of the caller's that begins with its own size, or nothing.
pub struct SizedOut<T>(Option<(NonNull<T>, usize)>);

// SAFETY: as for `Out`.
unsafe impl<T> Send for SizedOut<T> {}

impl<T: Versioned> SizedOut<T> {
    /// # Safety
    /// `out` is NULL or points to a struct of at least its own `struct_size` bytes, until the call is done.
    pub unsafe fn sized(out: *mut T, what: &str) -> Result<Self> {
        if out.is_null() {
            return Err(Error::invalid_argument(format!("{what} is NULL")));
        }
        // SAFETY: forwarded contract.
        unsafe { Self::sized_or_null(out, what) }
    }

    /// # Safety
    /// As `sized`.
    pub unsafe fn sized_or_null(out: *mut T, what: &str) -> Result<Self> {
        let Some(out) = NonNull::new(out) else {
            return Ok(Self(None));
        };
        // SAFETY: by this function's contract.
        let given = unsafe { check_sized(out.as_ptr(), what) }?;
        Ok(Self(Some((out, given))))
    }

    /// Fill the struct, no further than its own size.
    pub fn give<V>(self, value: &V) -> Result<()>
    where
        T: for<'a> From<&'a V>,
    {
        if let Some((out, given)) = self.0 {
            // SAFETY: checked by `sized_or_null`, and valid by its contract.
            unsafe { write_sized(&T::from(value), out.as_ptr(), given) };
        }
        Ok(())
    }
}

/// # Safety
/// `string` is NULL or was given away by this library and not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: made by `CString::into_raw` above.
        drop(unsafe { CString::from_raw(string) });
    }
}

/// # Safety
/// `bytes` is NULL or was given away by this library with this length and not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_bytes_free(bytes: *mut u8, length: usize) {
    if !bytes.is_null() {
        let bytes = std::ptr::slice_from_raw_parts_mut(bytes, length);
        // SAFETY: made by `Box::into_raw` above.
        drop(unsafe { Box::from_raw(bytes) });
    }
}
