//! The options of a write: the C struct, and what it means to the engine.

use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

use arrow::datatypes::Schema;
use lance::Dataset;
use lance::dataset::{WriteMode, WriteParams};
use lance_file::version::{ConcreteFileVersion, LanceFileVersion};
use lance_file::writer::FileWriterOptions;

use super::dictionaries::has_narrow_keys;
use super::hints::{ColumnHints, LanceColumnHint};
use super::lane_source::LOADS;
use super::progress::{LanceWriteProgressFn, Progress};
use crate::error::{LanceError, Result};
use crate::ledger::Ledger;
use crate::local_store::make_durable;
use crate::params::{
    LanceKeyValue, Versioned, flag, key_values, nonzero, optional_str, read_sized,
};
use crate::place::Place;
use crate::runtime::session;
use crate::transaction::Target;

const MIB: u64 = 1 << 20;
const MIN_BYTES_IN_FLIGHT: u64 = 64 * MIB;
/// Measured on a 16-column table: loads of 16 MiB cost 6 % more CPU than those of 24 MiB, and those of 4 MiB a quarter
/// more, which is the engine's work per page: tables of symbols and dictionaries. Longer ones gain nothing.
const MIN_LOAD: u64 = 24 * MIB;
/// What a column of a wide table gets of a load, on average.
const PAGE: u64 = 256 << 10;
/// A column with less than this part of the average one waits for the next load.
const SMALLEST_SHARE: u64 = 8;
/// Strings of 32-bit offsets have at most twice as much.
const MAX_LOAD: u64 = 1 << 30;
const MAX_LANES: u32 = 1024;

/// Mirrors `LanceWriteOptions`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceWriteOptions {
    pub struct_size: usize,
    pub mode: i32,
    pub lanes: u32,
    pub preserve_order: i32,
    pub stable_row_ids: i32,
    pub max_bytes_in_flight: u64,
    pub max_rows_per_file: u64,
    pub max_bytes_per_file: u64,
    pub data_storage_version: *const c_char,
    pub encoder_cache_bytes: u64,
    pub max_page_bytes: u64,
    pub transaction_properties: *const LanceKeyValue,
    pub transaction_properties_count: usize,
    pub storage_options: *const LanceKeyValue,
    pub storage_options_count: usize,
    pub column_hints: *const LanceColumnHint,
    pub column_hints_count: usize,
    pub progress: Option<LanceWriteProgressFn>,
    pub progress_context: *mut c_void,
    pub durable: i32,
    pub tuned_encodings: i32,
}

// SAFETY: repr(C), begins with struct_size, integers and pointers.
unsafe impl Versioned for LanceWriteOptions {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        mode: 0,
        lanes: 1,
        preserve_order: 1,
        stable_row_ids: 0,
        max_bytes_in_flight: 0,
        max_rows_per_file: 0,
        max_bytes_per_file: 0,
        data_storage_version: std::ptr::null(),
        encoder_cache_bytes: 0,
        max_page_bytes: 0,
        transaction_properties: std::ptr::null(),
        transaction_properties_count: 0,
        storage_options: std::ptr::null(),
        storage_options_count: 0,
        column_hints: std::ptr::null(),
        column_hints_count: 0,
        progress: None,
        progress_context: std::ptr::null_mut(),
        durable: 0,
        tuned_encodings: 1,
    };
}

/// The options of one write, checked and owned.
pub struct WriteSettings {
    pub target: Target,
    pub mode: WriteMode,
    pub lanes: usize,
    pub preserve_order: bool,
    pub progress: Progress,
    max_bytes_in_flight: Option<u64>,
    max_rows_per_file: Option<u64>,
    max_bytes_per_file: Option<u64>,
    encoder_cache_bytes: Option<u64>,
    max_page_bytes: Option<u64>,
    transaction_properties: HashMap<String, String>,
    hints: ColumnHints,
    pub tuned_encodings: bool,
}

/// What gives each column a page that is worth its cost; the fields of a struct are columns.
fn fair_load(schema: &Schema) -> u64 {
    let fields = schema.flattened_fields().into_iter();
    let columns = fields.filter(|field| !field.data_type().is_nested());
    columns.count() as u64 * PAGE
}

/// What is worth encoding together.
fn least_load(schema: &Schema) -> u64 {
    fair_load(schema).max(MIN_LOAD)
}

fn write_mode(mode: i32) -> Result<WriteMode> {
    match mode {
        0 => Ok(WriteMode::Create),
        1 => Ok(WriteMode::Append),
        2 => Ok(WriteMode::Overwrite),
        other => Err(LanceError::invalid_argument(format!(
            "options.mode must be one of LANCE_WRITE_CREATE, _APPEND and _OVERWRITE, got {other}"
        ))),
    }
}

fn storage_version(text: &str) -> Result<LanceFileVersion> {
    match text.parse::<LanceFileVersion>() {
        Ok(version) if version != LanceFileVersion::Legacy => Ok(version),
        _ => Err(LanceError::invalid_argument(format!(
            "data storage version {text:?} is none of \"2.0\", \"2.1\", \"2.2\", \"2.3\", \"stable\" and \"next\""
        ))),
    }
}

impl WriteSettings {
    /// # Safety
    /// `options` is NULL or a valid struct.
    pub unsafe fn read(place: Place, options: *const LanceWriteOptions) -> Result<Self> {
        // SAFETY: forwarded contract.
        let raw = unsafe { read_sized(options, "options") }?;
        let max_rows_per_file = nonzero(raw.max_rows_per_file);
        // The engine counts the rows of a file in 32 bits.
        if max_rows_per_file.is_some_and(|rows| rows > u64::from(u32::MAX)) {
            return Err(LanceError::invalid_argument(format!(
                "max_rows_per_file must be at most {}, got {}",
                u32::MAX,
                raw.max_rows_per_file
            )));
        }
        if raw.lanes > MAX_LANES {
            return Err(LanceError::invalid_argument(format!(
                "lanes must be at most {MAX_LANES}, got {}",
                raw.lanes
            )));
        }
        let mode = write_mode(raw.mode)?;
        // SAFETY: the pointers inside are valid by the same contract.
        unsafe {
            let mut storage_options = key_values(
                raw.storage_options,
                raw.storage_options_count,
                "options.storage_options",
            )?;
            if flag(raw.durable, "options.durable")? {
                make_durable(&mut storage_options);
            }
            Ok(Self {
                target: Target {
                    place,
                    must_be_new: matches!(mode, WriteMode::Create),
                    storage_options,
                    data_storage_version: optional_str(
                        raw.data_storage_version,
                        "options.data_storage_version",
                    )?
                    .map(storage_version)
                    .transpose()?,
                    stable_row_ids: flag(raw.stable_row_ids, "options.stable_row_ids")?,
                },
                mode,
                lanes: raw.lanes.max(1) as usize,
                preserve_order: flag(raw.preserve_order, "options.preserve_order")?,
                max_bytes_in_flight: nonzero(raw.max_bytes_in_flight),
                progress: Progress::new(raw.progress, raw.progress_context),
                max_rows_per_file,
                max_bytes_per_file: nonzero(raw.max_bytes_per_file),
                encoder_cache_bytes: nonzero(raw.encoder_cache_bytes),
                max_page_bytes: nonzero(raw.max_page_bytes),
                transaction_properties: key_values(
                    raw.transaction_properties,
                    raw.transaction_properties_count,
                    "options.transaction_properties",
                )?,
                hints: ColumnHints::read(raw.column_hints, raw.column_hints_count)?,
                tuned_encodings: flag(raw.tuned_encodings, "options.tuned_encodings")?,
            })
        }
    }

    pub fn max_bytes_in_flight(&self, schema: &Schema) -> u64 {
        self.max_bytes_in_flight.unwrap_or_else(|| {
            let loads = (LOADS * self.lanes) as u64;
            (loads * least_load(schema)).max(MIN_BYTES_IN_FLIGHT)
        })
    }

    fn encoder_cache(&self, schema: &Schema) -> u64 {
        self.encoder_cache_bytes
            .unwrap_or_else(|| least_load(schema))
    }

    /// The bytes that a lane gathers before they are encoded.
    pub fn gathered_bytes(&self, schema: &Schema) -> u64 {
        let of_lane = self.max_bytes_in_flight(schema) / self.lanes as u64;
        // The rest of its share gathers while a load is encoded.
        let most = of_lane / 4 * 3;
        self.encoder_cache(schema).min(most).min(MAX_LOAD)
    }

    /// The bytes of the longest batch that is encoded as one: a load, but of a wide table enough for whole pages.
    pub fn longest_bytes(&self, schema: &Schema) -> u64 {
        let whole_pages = fair_load(schema).clamp(1, MAX_LOAD);
        self.gathered_bytes(schema).max(whole_pages)
    }

    /// What every lane is written with.
    pub fn write_params(&self, schema: &Schema, ledger: &Arc<Ledger>) -> Result<WriteParams> {
        let defaults = WriteParams::default();
        let cache = match has_narrow_keys(schema) {
            // Every load becomes a page of each column, with the dictionary that was made for it.
            true => 0,
            // All columns of a load become pages at once, except those that would be tiny.
            false => self.gathered_bytes(schema) / SMALLEST_SHARE,
        };
        Ok(WriteParams {
            mode: self.mode,
            max_rows_per_file: self
                .max_rows_per_file
                .map_or(defaults.max_rows_per_file, |rows| rows as usize),
            max_bytes_per_file: self
                .max_bytes_per_file
                .map_or(defaults.max_bytes_per_file, |bytes| bytes as usize),
            store_params: Some(ledger.store_params(&self.target.storage_options)),
            data_storage_version: self.target.data_storage_version,
            enable_stable_row_ids: self.target.stable_row_ids,
            session: Some(session()?),
            transaction_properties: (!self.transaction_properties.is_empty())
                .then(|| Arc::new(self.transaction_properties.clone())),
            file_writer_options: Some(FileWriterOptions {
                data_cache_bytes: Some(cache),
                max_page_bytes: self.max_page_bytes,
                keep_original_array: None,
            }),
            ..defaults
        })
    }

    /// The schema as it is committed, with the hints where the engine looks for them.
    pub fn apply_hints(&self, schema: Schema) -> Result<Schema> {
        self.hints.apply(schema)
    }

    /// Meet the dataset that is there. What is decided when one is made is refused, if this one was made otherwise.
    pub fn adapt_to(&mut self, dataset: &Dataset) -> Result<()> {
        if self.target.stable_row_ids && !dataset.manifest.uses_stable_row_ids() {
            return Err(LanceError::invalid_argument(format!(
                "dataset {} has no stable row ids: they are asked for when a dataset is made",
                self.target.place
            )));
        }
        if matches!(self.mode, WriteMode::Append) {
            return self.hints.check_recorded(&dataset.schema().into());
        }
        // The new version need not be in a format that does not keep NULL.
        let format = dataset.manifest.data_storage_format.lance_file_format();
        if format == ConcreteFileVersion::V1 {
            let version = &mut self.target.data_storage_version;
            version.get_or_insert_default();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;

    #[test]
    fn what_is_encoded_together_is_bounded_whatever_is_asked_for() {
        let schema = Schema::new(vec![Field::new("text", DataType::Utf8, true)]);
        for (cache, in_flight) in [
            (2 << 30, u64::MAX),
            (u64::MAX, u64::MAX),
            (1, 1),
            (2 << 30, 1),
        ] {
            let options = LanceWriteOptions {
                encoder_cache_bytes: cache,
                max_bytes_in_flight: in_flight,
                ..LanceWriteOptions::INIT
            };
            let place = Place::of("memory://dataset").unwrap();
            // SAFETY: the options hold no pointers.
            let settings = unsafe { WriteSettings::read(place, &options) }.unwrap();
            assert!(settings.gathered_bytes(&schema) <= MAX_LOAD);
            assert!((1..=MAX_LOAD).contains(&settings.longest_bytes(&schema)));
        }
    }

    #[test]
    fn the_legacy_format_is_refused() {
        assert!(storage_version("0.1").is_err());
        assert!(storage_version("2.1").is_ok());
    }
}
