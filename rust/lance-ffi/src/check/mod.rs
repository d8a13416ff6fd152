//! Checking a dataset for damage.

mod data_file;
mod decode;
mod deletion_file;
mod files;
mod places;
mod progress;
mod refs;
mod report;
mod run;

use std::ffi::{c_char, c_void};

pub use progress::{LanceCheckProgress, LanceCheckProgressFn};
pub use report::{LanceCheckProblem, LanceCheckReport, LanceCheckSummary};

use crate::error::{LanceError, Result};
use crate::guard::guard;
use crate::handle::free_plain;
use crate::params::{
    LanceKeyValue, List, Versioned, flag, key_values, nonzero, read_sized, required_place,
    write_sized,
};
use crate::place::Place;
use crate::runtime::block_on;
use progress::Progress;
use run::{Settings, check};

/// Mirrors `LanceCheckOptions`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceCheckOptions {
    pub struct_size: usize,
    pub version: u64,
    pub storage_options: *const LanceKeyValue,
    pub storage_options_count: usize,
    pub progress: Option<LanceCheckProgressFn>,
    pub progress_context: *mut c_void,
    pub deep: i32,
    pub reserved: i32,
}

// SAFETY: repr(C), begins with struct_size, integers, pointers and a nullable function pointer.
unsafe impl Versioned for LanceCheckOptions {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        version: 0,
        storage_options: std::ptr::null(),
        storage_options_count: 0,
        progress: None,
        progress_context: std::ptr::null_mut(),
        deep: 0,
        reserved: 0,
    };
}

/// # Safety
/// `options` is NULL or a valid struct.
unsafe fn read_options(
    place: Place,
    options: *const LanceCheckOptions,
) -> Result<(Settings, Progress)> {
    // SAFETY: forwarded contract.
    let raw = unsafe { read_sized(options, "options") }?;
    // SAFETY: the pointers inside are valid by the same contract.
    let storage_options = unsafe {
        key_values(
            raw.storage_options,
            raw.storage_options_count,
            "options.storage_options",
        )
    }?;
    let settings = Settings {
        place,
        storage_options,
        deep: flag(raw.deep, "options.deep")?,
        version: nonzero(raw.version),
    };
    Ok((settings, Progress::new(raw.progress, raw.progress_context)))
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_check(
    uri: *const c_char,
    options: *const LanceCheckOptions,
    out: *mut *mut LanceCheckReport,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        if out.is_null() {
            return Err(LanceError::invalid_argument("the output pointer is NULL"));
        }
        // SAFETY: by this function's contract.
        unsafe {
            let (settings, progress) = read_options(required_place(uri)?, options)?;
            LanceCheckReport::give(block_on(check(settings, progress))?, out)
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_check_report_summary(
    report: *const LanceCheckReport,
    out: *mut LanceCheckSummary,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let report = report
                .as_ref()
                .ok_or_else(|| LanceError::invalid_argument("the report is NULL"))?;
            write_sized(&report.summary, out, "the output struct")
        }
    })
}

/// # Safety
/// `report` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_check_report_length(report: *const LanceCheckReport) -> usize {
    // SAFETY: by this function's contract.
    unsafe { report.as_ref() }.map_or(0, |report| report.problems.length())
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_check_report_get(
    report: *const LanceCheckReport,
    index: usize,
    out: *mut LanceCheckProblem,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: by this function's contract.
    unsafe { List::get(report.as_ref().map(|r| &r.problems), index, out, error) }
}

/// # Safety
/// `report` is NULL or live, used here for the last time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_check_report_free(report: *mut LanceCheckReport) {
    // SAFETY: by this function's contract.
    unsafe { free_plain(report) }
}
