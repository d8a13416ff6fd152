//! What the settings of a write mean to the engine.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::Schema;
use lance::Dataset;
use lance::dataset::WriteParams;
use lance_file::version::{ConcreteFileVersion, LanceFileVersion};
use lance_file::writer::FileWriterOptions;

use super::dictionaries::has_narrow_keys;
use super::hints::ColumnHints;
use super::lane_source::LOADS;
use super::transaction::Target;
use super::written_files::WrittenFiles;
use crate::error::{Error, Result};
use crate::open::Access;
use crate::place::Place;
use crate::reporting::Reporter;
use crate::settings::{EncodingProfile, WriteMode, WriteSettings, WriteStats};

const MIB: u64 = 1 << 20;
const MIN_BYTES_IN_FLIGHT: u64 = 64 * MIB;
/// Measured on a 16-column table: loads of 16 MiB cost 6 % more CPU than those of 24 MiB, and those of 4 MiB a quarter
/// more, which is the engine's work per page: tables of symbols and dictionaries. Longer ones gain nothing.
const MIN_LOAD: u64 = 24 * MIB;
/// What a column of a wide table gets of a load, on average.
const PAGE: u64 = 256 << 10;
/// What the engine's own writer collects of a column for a page, which costs a scan and above all a take some 5 us.
const ENGINE_PAGE: u64 = 8 * MIB;
/// Strings of 32-bit offsets have at most twice as much.
const MAX_LOAD: u64 = 1 << 30;
const MAX_LANES: u32 = 1024;

/// Checked settings of one write, and where it goes.
pub struct WritePlan {
    pub target: Target,
    pub mode: WriteMode,
    pub lanes: usize,
    pub preserve_order: bool,
    pub progress: Reporter<WriteStats>,
    max_bytes_in_flight: Option<u64>,
    max_rows_per_file: Option<u64>,
    max_bytes_per_file: Option<u64>,
    encoder_cache_bytes: Option<u64>,
    max_page_bytes: Option<u64>,
    transaction_properties: HashMap<String, String>,
    hints: ColumnHints,
    pub encoding_profile: EncodingProfile,
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

pub fn storage_version(text: &str) -> Result<LanceFileVersion> {
    match text.parse::<LanceFileVersion>() {
        Ok(version) if version != LanceFileVersion::Legacy => Ok(version),
        _ => Err(Error::invalid_argument(format!(
            "data storage version {text:?} is none of \"2.0\", \"2.1\", \"2.2\", \"2.3\", \"stable\" and \"next\""
        ))),
    }
}

impl WritePlan {
    pub fn new(place: Place, access: Access, settings: WriteSettings) -> Result<Self> {
        let rows = settings.max_rows_per_file;
        // The engine counts the rows of a file in 32 bits.
        if let Some(rows) = rows.filter(|rows| *rows > u64::from(u32::MAX)) {
            return Err(Error::invalid_argument(format!(
                "max_rows_per_file must be at most {}, got {rows}",
                u32::MAX
            )));
        }
        if settings.lanes > MAX_LANES {
            return Err(Error::invalid_argument(format!(
                "lanes must be at most {MAX_LANES}, got {}",
                settings.lanes
            )));
        }
        let version = settings.data_storage_version.as_deref();
        Ok(Self {
            target: Target {
                place,
                must_be_new: settings.mode == WriteMode::Create,
                access,
                data_storage_version: version.map(storage_version).transpose()?,
                stable_row_ids: settings.stable_row_ids,
            },
            mode: settings.mode,
            lanes: settings.lanes.max(1) as usize,
            preserve_order: settings.preserve_order,
            progress: Reporter::new(settings.progress),
            max_bytes_in_flight: settings.max_bytes_in_flight,
            max_rows_per_file: rows,
            max_bytes_per_file: settings.max_bytes_per_file,
            encoder_cache_bytes: settings.encoder_cache_bytes,
            max_page_bytes: settings.max_page_bytes,
            transaction_properties: settings.transaction_properties,
            hints: ColumnHints::new(settings.column_hints)?,
            encoding_profile: match settings.tuned_encodings {
                true => settings.encoding_profile,
                false => EncodingProfile::Engine,
            },
        })
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
    pub fn write_params(
        &self,
        schema: &Schema,
        written_files: &Arc<WrittenFiles>,
    ) -> Result<WriteParams> {
        let defaults = WriteParams::default();
        let columns = schema.fields().len() as u64;
        let cache = match has_narrow_keys(schema) {
            // Every load becomes a page of each column, with the dictionary that was made for it.
            true => 0,
            // A load is less than what is gathered by up to a batch. The engine copies what does not make a page, and keeps
            // that; only a column with clearly less than the average one is to wait for the next loads.
            false => (self.gathered_bytes(schema) / 4 * 3).min(ENGINE_PAGE * columns),
        };
        Ok(WriteParams {
            mode: match self.mode {
                WriteMode::Create => lance::dataset::WriteMode::Create,
                WriteMode::Append | WriteMode::AppendOrCreate => lance::dataset::WriteMode::Append,
                WriteMode::Overwrite => lance::dataset::WriteMode::Overwrite,
            },
            max_rows_per_file: self
                .max_rows_per_file
                .map_or(defaults.max_rows_per_file, |rows| rows as usize),
            max_bytes_per_file: self
                .max_bytes_per_file
                .map_or(defaults.max_bytes_per_file, |bytes| bytes as usize),
            store_params: Some(written_files.store_params(&self.target.access)),
            commit_handler: self.target.access.kept_elsewhere(&self.target.place.uri)?,
            data_storage_version: self.target.data_storage_version,
            enable_stable_row_ids: self.target.stable_row_ids,
            session: Some(self.target.access.session()?),
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

    /// Make of an append the creation it is where there is no dataset.
    pub fn settle_mode(&mut self, exists: bool) {
        if self.mode == WriteMode::AppendOrCreate {
            self.target.must_be_new = !exists;
            self.mode = match exists {
                true => WriteMode::Append,
                false => WriteMode::Create,
            };
        }
    }

    /// Meet the dataset that is there. What is decided when one is made is refused, if this one was made otherwise.
    pub fn adapt_to(&mut self, dataset: &Dataset) -> Result<()> {
        if self.target.stable_row_ids && !dataset.manifest.uses_stable_row_ids() {
            return Err(Error::invalid_argument(format!(
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
            let settings = WriteSettings {
                encoder_cache_bytes: Some(cache),
                max_bytes_in_flight: Some(in_flight),
                ..WriteSettings::default()
            };
            let place = Place::of("memory://dataset").unwrap();
            let plan = WritePlan::new(place, Access::default(), settings).unwrap();
            assert!(plan.gathered_bytes(&schema) <= MAX_LOAD);
            assert!((1..=MAX_LOAD).contains(&plan.longest_bytes(&schema)));
        }
    }

    #[test]
    fn the_legacy_format_is_refused() {
        assert!(storage_version("0.1").is_err());
        assert!(storage_version("2.1").is_ok());
    }
}
