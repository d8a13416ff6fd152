//! TPC-H and TPC-DS tables as Arrow C streams; the contract is `include/tpcgen/tpcgen.h`.

#![deny(unsafe_op_in_unsafe_fn)]

mod guard;
mod request;
mod tpcds;
mod tpch;
mod tpch_text;

use std::ffi::{CString, c_char};

use arrow::array::RecordBatchReader;
use arrow::ffi_stream::FFI_ArrowArrayStream;

use guard::{GuardedReader, contain};
use request::{Benchmark, Request, TpcgenRequest};

type Reader = Box<dyn RecordBatchReader + Send>;

/// See `tpcgen.h`.
#[unsafe(no_mangle)]
pub extern "C" fn tpcgen_table_count(benchmark: i32) -> i32 {
    Benchmark::from_code(benchmark).map_or(0, |benchmark| benchmark.tables().len() as i32)
}

/// See `tpcgen.h`.
#[unsafe(no_mangle)]
pub extern "C" fn tpcgen_table_name(benchmark: i32, index: i32) -> *const c_char {
    Benchmark::from_code(benchmark)
        .zip(usize::try_from(index).ok())
        .and_then(|(benchmark, index)| benchmark.tables().get(index))
        .map_or(std::ptr::null(), |name| name.as_ptr())
}

/// See `tpcgen.h`.
///
/// # Safety
/// Each pointer must be NULL or valid; the strings of `request` must be NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tpcgen_row_count(
    request: *const TpcgenRequest,
    rows: *mut u64,
    exact: *mut i32,
    error: *mut *mut c_char,
) -> i32 {
    let result = contain(|| {
        if rows.is_null() {
            return Err("rows must not be NULL".to_string());
        }
        // SAFETY: the caller passes NULL or a request that is valid for this call.
        let count = unsafe { Request::read(request) }?.row_count();
        // SAFETY: checked above; the caller vouches for a pointer that is not NULL.
        unsafe { rows.write(count.rows) };
        if !exact.is_null() {
            // SAFETY: not NULL, so the caller vouches for it.
            unsafe { exact.write(count.exact as i32) };
        }
        Ok(())
    });
    // SAFETY: the caller passes NULL or a valid pointer.
    unsafe { report(result, error) }
}

/// See `tpcgen.h`.
///
/// # Safety
/// Each pointer must be NULL or valid; the strings of `request` must be NUL-terminated; `out` must not hold
/// a live stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tpcgen_open(
    request: *const TpcgenRequest,
    out: *mut FFI_ArrowArrayStream,
    error: *mut *mut c_char,
) -> i32 {
    let result = contain(|| {
        if out.is_null() {
            return Err("out must not be NULL".to_string());
        }
        // SAFETY: the caller passes NULL or a request that is valid for this call.
        let reader = GuardedReader::new(unsafe { Request::read(request) }?.open());
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        // SAFETY: checked above; `out` holds nothing that would need a release, and owns the stream from here.
        unsafe { out.write(stream) };
        Ok(())
    });
    // SAFETY: the caller passes NULL or a valid pointer.
    unsafe { report(result, error) }
}

/// See `tpcgen.h`.
///
/// # Safety
/// `string` must be NULL or come from this library and not have been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tpcgen_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: `report` made it with `CString::into_raw`, and the caller gives it back.
        drop(unsafe { CString::from_raw(string) });
    }
}

/// Turns a result into a return code, and its message into a string that is the caller's.
///
/// # Safety
/// `error` must be NULL or valid.
unsafe fn report(result: Result<(), String>, error: *mut *mut c_char) -> i32 {
    let Err(message) = result else {
        return 0;
    };
    if !error.is_null() {
        let message = CString::new(message.replace('\0', " ")).unwrap_or_default();
        // SAFETY: not NULL, so the caller vouches for it; the string is the caller's from here.
        unsafe { error.write(message.into_raw()) };
    }
    1
}

#[cfg(test)]
mod tests;
