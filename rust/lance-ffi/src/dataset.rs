//! Datasets: open, describe, count, take.

use std::collections::HashMap;
use std::ffi::c_char;
use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use lance::Dataset;
use lance::dataset::builder::DatasetBuilder;
use lance_file::version::ConcreteFileVersion;

use crate::absent::no_dataset;
use crate::arrow_io::{export_batch, export_schema};
use crate::error::{LanceError, Result, code};
use crate::filter::optional_filter;
use crate::fragments::data_bytes;
use crate::guard::guard;
use crate::handle::Handle;
use crate::inventory::contained;
use crate::params::{
    LanceKeyValue, Versioned, key_values, nonzero, optional_str, optional_strings, read_sized,
    required_place, slice, write_out, write_sized,
};
use crate::place::Place;
use crate::row_widths::RowWidths;
use crate::runtime::{block_on, session};
use crate::scan::{count_rows, yielded};
use crate::take::{TakeBy, take};

/// One open version.
pub type LanceDataset = Handle<Arc<Opened>>;

/// A version, and what was learnt of it. Both never change what they tell.
pub struct Opened {
    pub dataset: Arc<Dataset>,
    pub widths: RowWidths,
}

/// Mirrors `LanceOpenOptions`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceOpenOptions {
    pub struct_size: usize,
    pub version: u64,
    pub tag: *const c_char,
    pub branch: *const c_char,
    pub storage_options: *const LanceKeyValue,
    pub storage_options_count: usize,
}

// SAFETY: repr(C), begins with struct_size, integers and pointers.
unsafe impl Versioned for LanceOpenOptions {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        version: 0,
        tag: std::ptr::null(),
        branch: std::ptr::null(),
        storage_options: std::ptr::null(),
        storage_options_count: 0,
    };
}

/// Mirrors `LanceDatasetInfo`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceDatasetInfo {
    pub struct_size: usize,
    pub version: u64,
    pub fragments: u64,
    pub rows: u64,
    pub deleted_rows: u64,
    pub data_bytes: u64,
    pub data_files: u64,
    pub storage_version_major: u32,
    pub storage_version_minor: u32,
    pub stable_row_ids: i32,
    pub reserved: i32,
}

// SAFETY: repr(C), begins with struct_size, plain integers.
unsafe impl Versioned for LanceDatasetInfo {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        version: 0,
        fragments: 0,
        rows: 0,
        deleted_rows: 0,
        data_bytes: 0,
        data_files: 0,
        storage_version_major: 0,
        storage_version_minor: 0,
        stable_row_ids: 0,
        reserved: 0,
    };
}

/// Which version to open.
#[derive(Default)]
struct OpenSettings {
    version: Option<u64>,
    tag: Option<String>,
    branch: Option<String>,
    storage_options: HashMap<String, String>,
}

impl OpenSettings {
    /// # Safety
    /// `options` is NULL or a valid struct.
    unsafe fn read(options: *const LanceOpenOptions) -> Result<Self> {
        // SAFETY: forwarded contract.
        let raw = unsafe { read_sized(options, "options") }?;
        // SAFETY: the pointers inside are valid by the same contract.
        let settings = unsafe {
            Self {
                version: nonzero(raw.version),
                tag: optional_str(raw.tag, "options.tag")?.map(str::to_string),
                branch: optional_str(raw.branch, "options.branch")?.map(str::to_string),
                storage_options: key_values(
                    raw.storage_options,
                    raw.storage_options_count,
                    "options.storage_options",
                )?,
            }
        };
        if settings.tag.is_some() && (settings.version.is_some() || settings.branch.is_some()) {
            return Err(LanceError::invalid_argument(
                "a tag cannot be combined with a version or a branch",
            ));
        }
        Ok(settings)
    }
}

/// A builder with the shared session and the caller's credentials.
pub fn builder(uri: &str, storage_options: &HashMap<String, String>) -> Result<DatasetBuilder> {
    let builder = DatasetBuilder::from_uri(uri).with_session(session()?);
    Ok(if storage_options.is_empty() {
        builder
    } else {
        builder.with_storage_options(storage_options.clone())
    })
}

/// Load what the builder describes. All that the engine gets is a place, so it panics on a manifest only.
async fn load(builder: DatasetBuilder) -> Result<lance_core::Result<Dataset>> {
    contained(async { Ok(builder.load().await) })
        .await
        .map_err(|error| match error.code() {
            code::PANIC => error
                .with_code(code::CORRUPT)
                .context("a manifest is damaged"),
            _ => error,
        })
}

/// Open the latest version, or None when there is no dataset.
pub async fn load_latest(
    uri: &str,
    storage_options: &HashMap<String, String>,
) -> Result<Option<Dataset>> {
    load_if_exists(builder(uri, storage_options)?).await
}

/// What the builder describes, or None when there is no dataset.
pub async fn load_if_exists(builder: DatasetBuilder) -> Result<Option<Dataset>> {
    match load(builder).await? {
        Ok(dataset) => Ok(Some(dataset)),
        Err(lance_core::Error::DatasetNotFound { .. } | lance_core::Error::NotFound { .. }) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

async fn open(place: Place, settings: OpenSettings) -> Result<Dataset> {
    let mut target = builder(&place.uri, &settings.storage_options)?;
    if let Some(tag) = &settings.tag {
        target = target.with_tag(tag);
    } else if let Some(branch) = &settings.branch {
        target = target.with_branch(branch, settings.version);
    } else if let Some(version) = settings.version {
        target = target.with_version(version);
    }
    let error = match load(target).await? {
        Ok(dataset) => return Ok(dataset),
        Err(error) => LanceError::from(error),
    };
    if !matches!(error.code(), code::DATASET_NOT_FOUND | code::NOT_FOUND) {
        return Err(error);
    }
    // The engine says the same for a missing version, branch and dataset.
    let exists = load_latest(&place.uri, &settings.storage_options)
        .await?
        .is_some();
    Err(match (exists, settings.branch, settings.version) {
        (false, _, _) => no_dataset(&place.uri, &place),
        (true, Some(branch), None) => LanceError::new(
            code::REF_NOT_FOUND,
            format!("dataset {place} has no branch {branch:?}"),
        ),
        (true, Some(branch), Some(version)) => LanceError::new(
            code::VERSION_NOT_FOUND,
            format!("dataset {place} has no branch {branch:?} with a version {version}"),
        ),
        (true, None, Some(version)) => LanceError::new(
            code::VERSION_NOT_FOUND,
            format!("dataset {place} has no version {version}"),
        ),
        (true, None, None) => error,
    })
}

async fn describe(dataset: Arc<Dataset>) -> Result<LanceDatasetInfo> {
    let manifest = dataset.manifest();
    let (major, minor) = match manifest.data_storage_format.lance_file_format() {
        // Its files say 0.2.
        ConcreteFileVersion::V1 => (0, 1),
        later => later.to_data_file_numbers(),
    };
    Ok(LanceDatasetInfo {
        version: manifest.version,
        fragments: manifest.fragments.len() as u64,
        rows: dataset.count_rows(None).await? as u64,
        deleted_rows: dataset.count_deleted_rows().await? as u64,
        data_bytes: manifest.fragments.iter().map(data_bytes).sum(),
        data_files: manifest
            .fragments
            .iter()
            .map(|f| f.files.len() as u64)
            .sum(),
        storage_version_major: major,
        storage_version_minor: minor,
        stable_row_ids: manifest.uses_stable_row_ids().into(),
        ..LanceDatasetInfo::INIT
    })
}

/// The shape both take functions share.
///
/// # Safety
/// As the exported functions.
#[allow(clippy::too_many_arguments)]
unsafe fn take_into(
    dataset: *const LanceDataset,
    by: TakeBy,
    rows: *const u64,
    row_count: usize,
    columns: *const *const c_char,
    column_count: usize,
    out_array: *mut FFI_ArrowArray,
    out_schema: *mut FFI_ArrowSchema,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: forwarded contract.
        unsafe {
            let rows = slice(rows, row_count, "the rows")?.to_vec();
            let columns = optional_strings(columns, column_count, "columns")?;
            let batch = LanceDataset::read(dataset, |opened| {
                block_on(take(opened.dataset.clone(), by, rows, columns))
            })?;
            export_batch(batch, out_array, out_schema)
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_open(
    uri: *const c_char,
    options: *const LanceOpenOptions,
    out: *mut *mut LanceDataset,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let place = required_place(uri)?;
            let settings = OpenSettings::read(options)?;
            let dataset = block_on(open(place, settings))?;
            let opened = Opened {
                dataset: Arc::new(dataset),
                widths: RowWidths::default(),
            };
            Handle::give(Arc::new(opened), out)
        }
    })
}

/// # Safety
/// `dataset` is NULL or a live handle, used here for the last time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_free(dataset: *mut LanceDataset) {
    // SAFETY: by this function's contract.
    unsafe { Handle::free(dataset, |_| ()) }
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_info(
    dataset: *const LanceDataset,
    out: *mut LanceDatasetInfo,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let info =
                LanceDataset::read(dataset, |opened| block_on(describe(opened.dataset.clone())))?;
            write_sized(&info, out, "the output struct")
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_schema(
    dataset: *const LanceDataset,
    out: *mut FFI_ArrowSchema,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let schema = LanceDataset::read(dataset, |opened| {
                Ok(yielded(Schema::from(opened.dataset.schema()).into()))
            })?;
            export_schema(&schema, out)
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_count_rows(
    dataset: *const LanceDataset,
    filter: *const c_char,
    out: *mut u64,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let filter = optional_filter(filter, "filter")?;
            let rows = LanceDataset::read(dataset, |opened| {
                block_on(count_rows(opened.clone(), filter))
            })?;
            write_out(rows, out, "the output count")
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_latest_version(
    dataset: *const LanceDataset,
    out: *mut u64,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let version = LanceDataset::read(dataset, |opened| {
                let dataset = opened.dataset.clone();
                block_on(async move { Ok(dataset.latest_version_id().await?) })
            })?;
            write_out(version, out, "the output version")
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_take(
    dataset: *const LanceDataset,
    indices: *const u64,
    index_count: usize,
    columns: *const *const c_char,
    column_count: usize,
    out_array: *mut FFI_ArrowArray,
    out_schema: *mut FFI_ArrowSchema,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: forwarded contract.
    unsafe {
        take_into(
            dataset,
            TakeBy::Position,
            indices,
            index_count,
            columns,
            column_count,
            out_array,
            out_schema,
            error,
        )
    }
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_take_rows(
    dataset: *const LanceDataset,
    row_ids: *const u64,
    row_id_count: usize,
    columns: *const *const c_char,
    column_count: usize,
    out_array: *mut FFI_ArrowArray,
    out_schema: *mut FFI_ArrowSchema,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: forwarded contract.
    unsafe {
        take_into(
            dataset,
            TakeBy::RowId,
            row_ids,
            row_id_count,
            columns,
            column_count,
            out_array,
            out_schema,
            error,
        )
    }
}
