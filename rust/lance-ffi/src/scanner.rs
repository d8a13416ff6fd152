//! Scanners: a prepared query over one dataset version.

use std::ffi::c_char;

use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;

use crate::arrow_io::export_schema;
use crate::dataset::LanceDataset;
use crate::error::{LanceError, Result};
use crate::filter::optional_filter;
use crate::guard::guard;
use crate::handle::Handle;
use crate::params::{Versioned, flag, give_string, optional_strings, read_sized, write_out};
use crate::runtime::block_on;
use crate::scan::{Query, ScanSettings, prepare};
use crate::stream::export_stream;

/// A prepared query.
pub type LanceScanner = Handle<Query>;

/// Mirrors `LanceScanOptions`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceScanOptions {
    pub struct_size: usize,
    pub columns: *const *const c_char,
    pub column_count: usize,
    pub filter: *const c_char,
    pub limit: i64,
    pub offset: i64,
    pub batch_size: i64,
    pub with_row_id: i32,
    pub with_row_address: i32,
    pub ordered: i32,
    pub batch_readahead: i32,
    pub io_buffer_bytes: u64,
}

// SAFETY: repr(C), begins with struct_size, integers and pointers.
unsafe impl Versioned for LanceScanOptions {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        columns: std::ptr::null(),
        column_count: 0,
        filter: std::ptr::null(),
        limit: -1,
        offset: 0,
        batch_size: 0,
        with_row_id: 0,
        with_row_address: 0,
        ordered: 1,
        batch_readahead: 0,
        io_buffer_bytes: 0,
    };
}

impl ScanSettings {
    /// # Safety
    /// `options` is NULL or a valid struct.
    unsafe fn read(options: *const LanceScanOptions) -> Result<Self> {
        // SAFETY: forwarded contract.
        let raw = unsafe { read_sized(options, "options") }?;
        if raw.limit < -1 || raw.offset < 0 {
            return Err(LanceError::invalid_argument(format!(
                "limit must be -1 or more and offset 0 or more, got {} and {}",
                raw.limit, raw.offset
            )));
        }
        if !(0..=i64::from(u32::MAX)).contains(&raw.batch_size) || raw.batch_readahead < 0 {
            return Err(LanceError::invalid_argument(format!(
                "batch_size must be in 0..={} and batch_readahead 0 or more, got {} and {}",
                u32::MAX,
                raw.batch_size,
                raw.batch_readahead
            )));
        }
        Ok(Self {
            // SAFETY: the pointers inside are valid by the same contract.
            columns: unsafe { optional_strings(raw.columns, raw.column_count, "options.columns") }?,
            // SAFETY: as above.
            filter: unsafe { optional_filter(raw.filter, "options.filter") }?,
            limit: (raw.limit >= 0).then_some(raw.limit),
            offset: (raw.offset > 0).then_some(raw.offset),
            batch_size: (raw.batch_size > 0).then_some(raw.batch_size as usize),
            with_row_id: flag(raw.with_row_id, "options.with_row_id")?,
            with_row_address: flag(raw.with_row_address, "options.with_row_address")?,
            ordered: flag(raw.ordered, "options.ordered")?,
            batch_readahead: (raw.batch_readahead > 0).then_some(raw.batch_readahead as usize),
            io_buffer_bytes: (raw.io_buffer_bytes > 0).then_some(raw.io_buffer_bytes),
        })
    }
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_scanner_open(
    dataset: *const LanceDataset,
    options: *const LanceScanOptions,
    out: *mut *mut LanceScanner,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let settings = ScanSettings::read(options)?;
            let query = LanceDataset::read(dataset, |opened| {
                block_on(prepare(opened.clone(), settings))
            })?;
            Handle::give(query, out)
        }
    })
}

/// # Safety
/// `scanner` is NULL or a live handle, used here for the last time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_scanner_free(scanner: *mut LanceScanner) {
    // SAFETY: by this function's contract.
    unsafe { Handle::free(scanner, |_| ()) }
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_scanner_schema(
    scanner: *const LanceScanner,
    out: *mut FFI_ArrowSchema,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe { LanceScanner::read(scanner, |query| export_schema(query.schema(), out)) }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_scanner_to_stream(
    scanner: *const LanceScanner,
    out: *mut FFI_ArrowArrayStream,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let stream = LanceScanner::read(scanner, |query| {
                let (schema, batches) = block_on(query.clone().run())?;
                export_stream(schema, batches)
            })?;
            write_out(stream, out, "the output stream")
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_scanner_count_rows(
    scanner: *const LanceScanner,
    out: *mut u64,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let rows = LanceScanner::read(scanner, |query| block_on(query.clone().count()))?;
            write_out(rows, out, "the output count")
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_scanner_explain(
    scanner: *const LanceScanner,
    out: *mut *mut c_char,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let plan = LanceScanner::read(scanner, |query| block_on(query.clone().explain()))?;
            give_string(plan, out)
        }
    })
}
