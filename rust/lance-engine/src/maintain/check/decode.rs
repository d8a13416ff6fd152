//! Decoding the values of a data file.

use std::collections::{HashMap, HashSet};
use std::panic::resume_unwind;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;
use lance::Dataset;
use lance::dataset::fragment::FragReadConfig;
use lance_core::datatypes::Field;
use lance_core::utils::tokio::get_num_compute_intensive_cpus;
use lance_file::reader::FileReaderOptions;
use lance_table::utils::stream::ReadBatchFutStream;

use super::places::{Place, PlacedFile};
use super::progress::Progress;
use crate::error::{Error, Result, code};
use crate::maintain::listing::{ManifestFile, Version};
use crate::maintain::needed_files::What;

const BATCH_ROWS: u32 = 8192;
/// The bound for wide rows.
const BATCH_BYTES: u64 = 8 << 20;

/// Columns of a data file.
pub struct Columns {
    pub shown: String,
    pub fragment: u64,
    pub rows: Option<u64>,
    pub fields: Vec<i32>,
}

/// Which version decodes which columns of a data file: for each column the newest that can read it.
#[derive(Default)]
pub struct ColumnPlan {
    covered: HashMap<Place, HashSet<i32>>,
    pub by_version: Vec<VersionColumns>,
}

/// What one version decodes.
pub struct VersionColumns {
    pub branch: usize,
    pub version: u64,
    pub manifest: String,
    pub files: Vec<(Place, Columns)>,
}

impl ColumnPlan {
    pub fn add(
        &mut self,
        manifest: &ManifestFile,
        shown: String,
        version: &Version,
        named: &[PlacedFile<'_>],
    ) {
        let schema: HashSet<i32> = version
            .manifest
            .schema
            .fields_pre_order()
            .map(|f| f.id)
            .collect();
        let mut files = Vec::new();
        for named in named {
            let What::Data(fragment, file) = named.what else {
                continue;
            };
            let place = named.place.clone();
            let covered = self.covered.entry(place.clone()).or_default();
            let readable = file.fields.iter().filter(|field| schema.contains(field));
            let fields: Vec<i32> = readable
                .copied()
                .filter(|field| covered.insert(*field))
                .collect();
            if !fields.is_empty() {
                let rows = fragment.physical_rows.map(|rows| rows as u64);
                let columns = Columns {
                    fragment: fragment.id,
                    rows,
                    fields,
                    shown: named.shown.clone(),
                };
                files.push((place, columns));
            }
        }
        if !files.is_empty() {
            self.by_version.push(VersionColumns {
                branch: manifest.branch,
                version: manifest.version,
                manifest: shown,
                files,
            });
        }
    }
}

/// Select what is stored of a field. A file names leaves, but a map is read by its own name; and it names a
/// packed struct, which is stored in one piece, but that is read by the names inside.
fn select(field: &Field, stored: &HashSet<i32>, selected: &mut HashSet<i32>) -> bool {
    let mut is_partly_stored = false;
    for child in &field.children {
        is_partly_stored |= select(child, stored, selected);
    }
    let is_stored = stored.contains(&field.id);
    if is_partly_stored {
        selected.insert(field.id);
    } else if is_stored {
        select_whole(field, selected);
    }
    is_partly_stored || is_stored
}

fn select_whole(field: &Field, selected: &mut HashSet<i32>) {
    selected.insert(field.id);
    for child in &field.children {
        select_whole(child, selected);
    }
}

/// Decode all rows, also deleted ones, and return how many there are.
pub async fn decode(
    dataset: &Arc<Dataset>,
    columns: &Columns,
    progress: &mut Progress,
) -> Result<u64> {
    let fragment = dataset
        .get_fragment(columns.fragment as usize)
        .ok_or_else(|| Error::new(code::INTERNAL, "the fragment has gone"))?;
    let stored: HashSet<i32> = columns.fields.iter().copied().collect();
    let mut projection = dataset.empty_projection();
    for field in &dataset.schema().fields {
        select(field, &stored, &mut projection.field_ids);
    }
    let mut options = FileReaderOptions::default();
    options.decoder_config.validate_on_decode = true;
    options.batch_size_bytes = Some(BATCH_BYTES);
    let config = FragReadConfig::default()
        .with_ignore_deletions(true)
        .with_file_reader_options(options);
    let reader = fragment.open(&projection.to_bare_schema(), config).await?;
    let mut batches = in_parallel(reader.read_all(BATCH_ROWS).await?);
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        progress.advance(|so_far| {
            so_far.rows_decoded += batch.num_rows() as u64;
            so_far.bytes_decoded += batch.get_array_memory_size() as u64;
        });
    }
    Ok(rows)
}

type Batches = BoxStream<'static, lance_core::Result<RecordBatch>>;

/// Decode batches on several threads. A panic comes out here.
fn in_parallel(batches: ReadBatchFutStream) -> Batches {
    batches
        .map(|batch| tokio::spawn(batch))
        .buffered(get_num_compute_intensive_cpus())
        .map(|joined| {
            joined.unwrap_or_else(|error| match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(error) => Err(lance_core::Error::io(error.to_string())),
            })
        })
        .boxed()
}
