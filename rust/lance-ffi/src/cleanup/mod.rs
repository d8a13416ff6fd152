//! Removing old versions, and what crashed writers left behind.

mod clones;
mod managed;
mod plan;
mod remove;
mod retention;

use std::collections::HashMap;
use std::ffi::c_char;
use std::time::Duration;

use plan::{Plan, Settings};
use remove::remove;

use crate::error::{LanceError, Result};
use crate::guard::guard;
use crate::inventory::Home;
use crate::leftovers::Kind;
use crate::params::{
    LanceKeyValue, Versioned, check_sized, flag, key_values, nonzero, read_sized, required_place,
    write_sized,
};
use crate::place::Place;
use crate::runtime::block_on;

/// The engine waits as long before it removes a file of no version.
const ORPHAN_MIN_AGE_SECONDS: i64 = 7 * 24 * 60 * 60;

/// Mirrors `LanceCleanupOptions`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceCleanupOptions {
    pub struct_size: usize,
    pub older_than_seconds: i64,
    pub keep_versions: u64,
    pub orphan_min_age_seconds: i64,
    pub storage_options: *const LanceKeyValue,
    pub storage_options_count: usize,
    pub dry_run: i32,
    pub reserved: i32,
}

// SAFETY: repr(C), begins with struct_size, integers and a pointer.
unsafe impl Versioned for LanceCleanupOptions {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        older_than_seconds: -1,
        keep_versions: 0,
        orphan_min_age_seconds: ORPHAN_MIN_AGE_SECONDS,
        storage_options: std::ptr::null(),
        storage_options_count: 0,
        dry_run: 0,
        reserved: 0,
    };
}

/// Mirrors `LanceCleanupResult`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceCleanupResult {
    pub struct_size: usize,
    pub versions: u64,
    pub data_files: u64,
    pub other_files: u64,
    pub temporary_files: u64,
    pub bytes: u64,
}

// SAFETY: repr(C), begins with struct_size, plain integers.
unsafe impl Versioned for LanceCleanupResult {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        versions: 0,
        data_files: 0,
        other_files: 0,
        temporary_files: 0,
        bytes: 0,
    };
}

impl LanceCleanupResult {
    fn of(plan: &Plan) -> Self {
        let count = |kind| plan.files.iter().filter(|file| file.kind == kind).count() as u64;
        let all = plan.manifests.iter().chain(&plan.files);
        Self {
            versions: plan.manifests.len() as u64,
            data_files: count(Kind::Data),
            other_files: count(Kind::Other),
            temporary_files: count(Kind::Temporary),
            bytes: all.map(|file| file.size).sum(),
            ..Self::INIT
        }
    }
}

/// What a cleanup is to do, and where.
struct Request {
    place: Place,
    storage_options: HashMap<String, String>,
    settings: Settings,
    dry_run: bool,
}

impl Request {
    /// # Safety
    /// `uri` is NULL or a string, `options` NULL or a valid struct.
    unsafe fn read(uri: *const c_char, options: *const LanceCleanupOptions) -> Result<Self> {
        // SAFETY: forwarded contract; the pointers inside are valid by it, too.
        let (place, raw, storage_options) = unsafe {
            let place = required_place(uri)?;
            let raw = read_sized(options, "options")?;
            let given = (raw.storage_options, raw.storage_options_count);
            (
                place,
                raw,
                key_values(given.0, given.1, "options.storage_options")?,
            )
        };
        let older_than = match raw.older_than_seconds {
            -1 => None,
            seconds => Some(age(seconds, "options.older_than_seconds")?),
        };
        let keep = nonzero(raw.keep_versions);
        Ok(Self {
            place,
            storage_options,
            settings: Settings {
                older_than,
                keep_versions: keep.map(|keep| usize::try_from(keep).unwrap_or(usize::MAX)),
                orphan_min_age: age(raw.orphan_min_age_seconds, "options.orphan_min_age_seconds")?,
            },
            dry_run: flag(raw.dry_run, "options.dry_run")?,
        })
    }

    async fn run(self) -> Result<LanceCleanupResult> {
        let home = Home::open(self.place, self.storage_options).await?;
        let (home, branch) = home.into_dataset().await?;
        loop {
            let mut plan = Plan::make(&home, &branch, &self.settings).await?;
            if !self.dry_run {
                if !plan.is_current(&home).await? {
                    continue;
                }
                remove(&home, &mut plan).await?;
            }
            return Ok(LanceCleanupResult::of(&plan));
        }
    }
}

fn age(seconds: i64, what: &str) -> Result<Duration> {
    u64::try_from(seconds)
        .map(Duration::from_secs)
        .map_err(|_| {
            LanceError::invalid_argument(format!("{what} must not be negative, got {seconds}"))
        })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_cleanup(
    uri: *const c_char,
    options: *const LanceCleanupOptions,
    out: *mut LanceCleanupResult,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        if out.is_null() {
            return Err(LanceError::invalid_argument("the output struct is NULL"));
        }
        // SAFETY: by this function's contract.
        unsafe {
            check_sized(out, "the output struct")?;
            let result = block_on(Request::read(uri, options)?.run())?;
            write_sized(&result, out, "the output struct")
        }
    })
}
