//! Scanners: a prepared query over one dataset version.

use std::ffi::c_char;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use lance::Dataset;
use lance::dataset::scanner::{Scanner, get_default_io_buffer_size_override};

use crate::arrow_io::export_schema;
use crate::count::count;
use crate::dataset::LanceDataset;
use crate::error::{LanceError, Result};
use crate::filter::optional_filter;
use crate::guard::guard;
use crate::handle::Handle;
use crate::local_store::is_local;
use crate::materialization;
use crate::params::{Versioned, flag, give_string, optional_strings, read_sized, write_out};
use crate::runtime::block_on;
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

/// The engine's own is eight times this. What is read further ahead is memory that was not used before, which costs
/// more than the wait for a disk saves.
const LOCAL_IO_BUFFER_BYTES: u64 = 32 << 20;

/// A scanner that was checked once, and the schema it yields.
pub struct Query {
    dataset: Arc<Dataset>,
    scanner: Scanner,
    schema: SchemaRef,
    /// All rows that pass the filter are wanted, so that a sample of them may pay.
    is_whole: bool,
    batch_size: Option<usize>,
}

impl Query {
    /// The scanner as it will run.
    fn planned(&self) -> Result<Scanner> {
        let (dataset, mut scanner) = (self.dataset.clone(), self.scanner.clone());
        let batch_size = self.batch_size;
        if !self.is_whole {
            return Ok(scanner);
        }
        block_on(async move {
            materialization::choose(&mut scanner, &dataset, batch_size).await?;
            Ok(scanner)
        })
    }
}

struct ScanSettings {
    columns: Option<Vec<String>>,
    filter: Option<String>,
    limit: Option<i64>,
    offset: Option<i64>,
    batch_size: Option<usize>,
    with_row_id: bool,
    with_row_address: bool,
    ordered: bool,
    batch_readahead: Option<usize>,
    io_buffer_bytes: Option<u64>,
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

/// Build the engine's scanner and plan it once, so that a bad column or filter is found now.
async fn prepare(dataset: Arc<Dataset>, settings: ScanSettings) -> Result<Query> {
    let mut scanner = dataset.scan();
    if let Some(columns) = &settings.columns {
        scanner.project(columns)?;
    }
    if let Some(filter) = &settings.filter {
        scanner.filter(filter)?;
    }
    if settings.limit.is_some() || settings.offset.is_some() {
        scanner.limit(settings.limit, settings.offset)?;
    }
    if let Some(rows) = settings.batch_size {
        scanner.batch_size(rows);
    }
    if let Some(batches) = settings.batch_readahead {
        scanner.batch_readahead(batches);
    }
    if let Some(bytes) = settings.io_buffer_bytes {
        scanner.io_buffer_size(bytes);
    } else if get_default_io_buffer_size_override().is_none()
        && is_local(dataset.object_store(None).await?.as_ref())
    {
        scanner.io_buffer_size(LOCAL_IO_BUFFER_BYTES);
    }
    if settings.with_row_id {
        scanner.with_row_id();
    }
    if settings.with_row_address {
        scanner.with_row_address();
    }
    scanner.scan_in_order(settings.ordered);
    let schema = scanner.create_plan().await?.schema();
    Ok(Query {
        is_whole: settings.filter.is_some()
            && settings.limit.is_none()
            && settings.offset.is_none(),
        batch_size: settings.batch_size,
        dataset,
        scanner,
        schema,
    })
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
            let query = LanceDataset::with(dataset, |dataset| {
                block_on(prepare(dataset.clone(), settings))
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
        unsafe { LanceScanner::with(scanner, |query| export_schema(&query.schema, out)) }
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
            let stream = LanceScanner::with(scanner, |query| {
                let scanner = query.planned()?;
                let batches = block_on(async move { Ok(scanner.try_into_stream().await?) })?;
                export_stream(query.schema.clone(), batches)
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
            let rows = LanceScanner::with(scanner, |query| {
                let (dataset, scanner) = (query.dataset.clone(), query.scanner.clone());
                let is_whole = query.is_whole;
                block_on(async move {
                    match is_whole {
                        true => count(&dataset, &scanner).await,
                        false => Ok(scanner.count_rows().await?),
                    }
                })
            })?;
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
            let plan = LanceScanner::with(scanner, |query| {
                let scanner = query.planned()?;
                block_on(async move { Ok(scanner.explain_plan(false).await?) })
            })?;
            give_string(plan, out)
        }
    })
}
