//! Stored rows, by readers that stay open.
//!
//! The engine opens the files of a fragment, and plans which columns it reads of them, for each take.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::FieldRef;
use futures::future::try_join_all;
use lance::Dataset;
use lance::dataset::fragment::{FragReadConfig, FragmentReader};
use lance_arrow::json::has_json_fields;
use lance_core::datatypes::{Field, Schema};
use lance_core::utils::address::RowAddress;
use lance_file::version::ConcreteFileVersion;

use crate::error::{Error, Result, code};
use crate::parallel::{cores, run_all};
use crate::read::{Opened, TakeBy, distinct, in_order, take};
use crate::settings::TakeSettings;
use crate::sync::{Mutex, lock};

/// Of more fragments, readers are opened anew.
const READERS: usize = 1024;

/// What is stored is what is read, not other values for some rows, nor in the first format.
pub fn is_plainly_stored(dataset: &Dataset) -> bool {
    let format = dataset.manifest().data_storage_format.lance_file_format();
    let mut fragments = dataset.fragments().iter();
    format != ConcreteFileVersion::V1 && fragments.all(|fragment| fragment.overlays.is_empty())
}

/// The field at this path, if it is within no other.
pub fn whole_column<'a>(dataset: &'a Dataset, path: &str) -> Option<&'a Field> {
    let found = dataset.schema().field(path)?;
    let mut fields = dataset.schema().fields.iter();
    fields.find(|field| field.id == found.id)
}

/// The fields of the dataset that these are, by their ids; none where one is not stored as it is returned.
pub fn stored<'a>(
    dataset: &Dataset,
    returned: impl Iterator<Item = &'a FieldRef>,
) -> Option<Vec<i32>> {
    let schema = arrow::datatypes::Schema::from(dataset.schema());
    let fields = schema.fields().iter().zip(&dataset.schema().fields);
    returned
        .map(|returned| {
            let (field, stored) = fields
                .clone()
                .find(|(field, _)| field.name() == returned.name())?;
            let same = field.data_type() == returned.data_type();
            (same && !stored.is_blob() && !has_json_fields(field)).then_some(stored.id)
        })
        .collect()
}

/// Of so many rows, each core reads some of the columns.
const READ_APART_FROM: usize = 8;

/// Some columns of rows.
pub struct Rows {
    opened: Arc<Opened>,
    /// All of them, by one reader.
    together: Arc<Columns>,
    /// The same in parts: the place of a column modulo their number says in which. Neighbours are often alike.
    apart: Vec<Arc<Columns>>,
}

impl Rows {
    /// Whole columns, by the ids of their fields.
    pub fn new(opened: Arc<Opened>, fields: &[i32]) -> Self {
        let schema = opened.dataset.schema().project_by_ids(fields, true);
        let parts = cores().min(schema.fields.len());
        let part = |first| {
            let fields = schema.fields.iter().skip(first).step_by(parts);
            Arc::new(Columns::new(Schema {
                fields: fields.cloned().collect(),
                metadata: schema.metadata.clone(),
            }))
        };
        Self {
            apart: (0..parts).map(part).collect(),
            together: Arc::new(Columns::new(schema.clone())),
            opened,
        }
    }

    /// The rows with these ids, in this order. All of them are there.
    pub async fn take(&self, ids: &[u64]) -> Result<RecordBatch> {
        let distinct = distinct(ids);
        let batch = match self.opened.dataset.manifest().uses_stable_row_ids() {
            true => self.take_by_ids(distinct.clone()).await?,
            false => self.take_by_addresses(&distinct).await?,
        };
        if batch.num_rows() != distinct.len() {
            return Err(Error::new(
                code::INTERNAL,
                "a row that was found is not stored",
            ));
        }
        in_order(batch, &distinct, ids)
    }

    async fn take_by_ids(&self, ids: Vec<u64>) -> Result<RecordBatch> {
        let fields = self.together.schema.fields.iter();
        let settings = TakeSettings {
            columns: Some(fields.map(|field| field.name.clone()).collect()),
            ..TakeSettings::default()
        };
        take(self.opened.clone(), TakeBy::RowId, ids, settings).await
    }

    async fn take_by_addresses(&self, distinct: &[u64]) -> Result<RecordBatch> {
        let dataset = &self.opened.dataset;
        if distinct.len() < READ_APART_FROM || self.apart.len() < 2 {
            return self.together.take(dataset, distinct).await;
        }
        let rows: Arc<[u64]> = distinct.into();
        let parts = self.apart.iter().map(|columns| {
            let (columns, dataset, rows) = (columns.clone(), dataset.clone(), rows.clone());
            async move { columns.take(&dataset, &rows).await }
        });
        let parts = run_all(parts).await?;
        let schema = Arc::new(arrow::datatypes::Schema::from(&self.together.schema));
        let columns = (0..schema.fields().len()).map(|place| {
            let part = &parts[place % parts.len()];
            part.column(place / parts.len()).clone()
        });
        Ok(RecordBatch::try_new(schema.clone(), columns.collect())?)
    }
}

/// Columns that one reader of each fragment reads.
struct Columns {
    schema: Schema,
    readers: Mutex<HashMap<u32, Arc<FragmentReader>>>,
}

impl Columns {
    fn new(schema: Schema) -> Self {
        Self {
            schema,
            readers: Mutex::default(),
        }
    }

    async fn take(&self, dataset: &Dataset, distinct: &[u64]) -> Result<RecordBatch> {
        let of_fragment = |row: u64| RowAddress::from(row).fragment_id();
        let parts = distinct.chunk_by(|a, b| of_fragment(*a) == of_fragment(*b));
        let parts = parts.map(|rows| async move {
            let reader = self.reader(dataset, of_fragment(rows[0])).await?;
            let offsets = rows.iter().map(|row| RowAddress::from(*row).row_offset());
            let offsets: Vec<_> = offsets.collect();
            Result::Ok(reader.take_as_batch(&offsets, None).await?)
        });
        let parts = try_join_all(parts).await?;
        match parts.as_slice() {
            [] => {
                let schema = arrow::datatypes::Schema::from(&self.schema);
                Ok(RecordBatch::new_empty(schema.into()))
            }
            [one] => Ok(one.clone()),
            [first, ..] => Ok(concat_batches(&first.schema(), &parts)?),
        }
    }

    async fn reader(&self, dataset: &Dataset, fragment: u32) -> Result<Arc<FragmentReader>> {
        if let Some(reader) = lock(&self.readers).get(&fragment) {
            return Ok(reader.clone());
        }
        let found = dataset.get_fragment(fragment as usize);
        let found = found
            .ok_or_else(|| Error::new(code::INTERNAL, "a row that was found is of no fragment"))?;
        let reader = found.open(&self.schema, FragReadConfig::default()).await?;
        let reader = Arc::new(reader);
        let mut readers = lock(&self.readers);
        if readers.len() >= READERS {
            readers.clear();
        }
        readers.insert(fragment, reader.clone());
        Ok(reader)
    }
}
