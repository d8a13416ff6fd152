//! What the engine is asked to write for a lane, and by which schema.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use lance::Dataset;
use lance::dataset::progress::WriteStats;
use lance::dataset::transaction::Transaction;
use lance::dataset::{InsertBuilder, WriteDestination, WriteMode, WriteParams};
use lance::datatypes::{Field as LanceField, Schema as LanceSchema};
use lance_file::version::{ConcreteFileVersion, LanceFileVersion};
use lance_table::format::Fragment;

use super::Lanes;
use super::dictionaries::{Dictionaries, Joined};
use super::lane_source::LaneReader;
use super::legacy::check_keeps;
use super::transaction::{fragments, fragments_mut};
use super::tuning::Tuning;
use crate::error::Result;
use crate::settings::EncodingProfile;

/// The same for all lanes.
pub struct Encoder {
    uri: String,
    existing: Option<Arc<Dataset>>,
    params: WriteParams,
    arrow_schema: SchemaRef,
    /// As it is committed.
    schema: LanceSchema,
    profile: EncodingProfile,
    dictionaries: Dictionaries,
    is_legacy: bool,
}

impl Encoder {
    pub fn new(
        uri: String,
        existing: Option<Arc<Dataset>>,
        params: WriteParams,
        arrow_schema: SchemaRef,
        profile: EncodingProfile,
    ) -> Result<Self> {
        let mut schema = LanceSchema::try_from(arrow_schema.as_ref())?;
        schema.validate()?;
        let version = version(existing.as_deref(), &params);
        let is_legacy = version == ConcreteFileVersion::V1;
        let legacy = existing
            .as_deref()
            .filter(|_| is_legacy)
            .map(Dataset::schema);
        if let Some(legacy) = legacy {
            take_dictionaries(&mut schema.fields, &legacy.fields);
        }
        let dictionaries = Dictionaries::new(arrow_schema.clone(), version, legacy);
        Ok(Self {
            uri,
            existing,
            params,
            arrow_schema,
            schema,
            profile,
            dictionaries,
            is_legacy,
        })
    }

    /// What is appended is encoded by the schema of the dataset.
    fn appended_to(&self) -> Option<&Arc<Dataset>> {
        let appends = matches!(self.params.mode, WriteMode::Append);
        self.existing.as_ref().filter(|_| appends)
    }

    fn tuning(&self) -> Option<Tuning> {
        if self.is_legacy {
            return None;
        }
        let schema = self
            .appended_to()
            .map_or(&self.schema, |dataset| dataset.schema());
        Tuning::new(self.profile, schema.clone())
    }

    fn join(&self, batches: Vec<RecordBatch>) -> Result<Joined> {
        if self.is_legacy {
            batches.iter().try_for_each(check_keeps)?;
        }
        self.dictionaries.join(batches)
    }

    /// Write all that comes on a lane.
    pub async fn write(
        self: Arc<Self>,
        lanes: Arc<Lanes>,
        lane: usize,
        on_progress: impl Fn(WriteStats) + Clone + Send + Sync + 'static,
    ) -> Result<Transaction> {
        let rooms = self.dictionaries.rooms();
        let encoder = self.clone();
        let join = move |batches| encoder.join(batches);
        let reader = LaneReader::new(lanes, lane, rooms, self.tuning(), join);
        let mut whole = self.write_part(&reader, None, on_progress.clone()).await?;
        while reader.has_more() {
            let before = stats_of(fragments(&whole));
            let on_progress = on_progress.clone();
            let on_progress = move |now| on_progress(sum(&before, now));
            let mut part = self
                .write_part(&reader, reader.tuned(), on_progress)
                .await?;
            if let (Some(all), Some(more)) = (fragments_mut(&mut whole), fragments_mut(&mut part)) {
                all.append(more);
            }
        }
        Ok(whole)
    }

    /// What is committed is the schema of the first part, which is not tuned.
    async fn write_part(
        &self,
        reader: &Arc<LaneReader>,
        tuned: Option<LanceSchema>,
        on_progress: impl Fn(WriteStats) + Send + Sync + 'static,
    ) -> Result<Transaction> {
        let mut schema = self.schema.clone();
        let mut existing = self.existing.clone();
        match (tuned, self.appended_to(), &mut existing) {
            (Some(tuned), Some(_), Some(dataset)) => {
                let dataset = Arc::make_mut(dataset);
                Arc::make_mut(&mut dataset.manifest).schema = tuned;
            }
            (Some(tuned), ..) => schema = tuned,
            (None, ..) => {}
        }
        let destination: WriteDestination = match existing {
            Some(dataset) => dataset.into(),
            None => self.uri.as_str().into(),
        };
        let source = reader.part(
            self.arrow_schema.clone(),
            schema,
            self.params.max_rows_per_file,
        );
        let insert = InsertBuilder::new(destination)
            .with_params(&self.params)
            .progress(on_progress);
        Ok(insert.execute_uncommitted_stream(source).await?)
    }
}

/// The format of the new data files.
fn version(existing: Option<&Dataset>, params: &WriteParams) -> ConcreteFileVersion {
    match (existing, params.data_storage_version) {
        (Some(dataset), None) => dataset.manifest.data_storage_format.lance_file_format(),
        (_, version) => version.map_or_else(
            || params.storage_version_or_default(),
            LanceFileVersion::resolve,
        ),
    }
}

fn stats_of(fragments: &[Fragment]) -> WriteStats {
    let files = || fragments.iter().flat_map(|fragment| &fragment.files);
    let rows = fragments
        .iter()
        .filter_map(|fragment| fragment.physical_rows);
    let bytes = files().filter_map(|file| file.file_size_bytes.get());
    WriteStats {
        bytes_written: bytes.map(|bytes| bytes.get()).sum(),
        rows_written: rows.sum::<usize>() as u64,
        files_written: files().count() as u32,
    }
}

fn sum(before: &WriteStats, now: WriteStats) -> WriteStats {
    WriteStats {
        bytes_written: before.bytes_written + now.bytes_written,
        rows_written: before.rows_written + now.rows_written,
        files_written: before.files_written + now.files_written,
    }
}

/// A dataset in the legacy format has the dictionaries in its schema.
fn take_dictionaries(fields: &mut [LanceField], existing: &[LanceField]) {
    for field in fields {
        if let Some(existing) = existing.iter().find(|existing| existing.name == field.name) {
            field.dictionary = existing.dictionary.clone();
            take_dictionaries(&mut field.children, &existing.children);
        }
    }
}
