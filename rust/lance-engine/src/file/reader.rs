//! A data file that is read by itself.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::datatypes::{Schema, SchemaRef};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use lance_encoding::decoder::FilterExpression;
use lance_file::reader::{FileReader as EngineReader, FileReaderOptions, ReaderProjection};
use lance_file::versions::{
    reader_projection_from_column_names, reader_projection_from_whole_schema,
};
use lance_io::ReadBatchParams;

use super::{access, locate};
use crate::error::{Error, Result, code};
use crate::fault;
use crate::last_use::LastUse;
use crate::panics::{contained, panic_error};
use crate::place::Place;
use crate::read::Yield;
use crate::read::columns::columns;
use crate::settings::{AccessSettings, ReadFileSettings};
use crate::stored_file;
use crate::task::Task;

/// A file that is open: its metadata are read.
pub struct FileReader {
    pub schema: SchemaRef,
    pub(super) engine: EngineReader,
    /// Behind what uses stores.
    _last_use: LastUse,
}

pub fn open(place: Place, settings: AccessSettings) -> Task<FileReader> {
    Box::pin(async move {
        fault::point()?;
        let access = access(settings).await?;
        let (store, path) = locate(&place, &access, access.store_params()).await?;
        let size = store.size(&path).await.map_err(|error| {
            let error = Error::from(error);
            match error.code() {
                code::NOT_FOUND => Error::new(code::NOT_FOUND, format!("there is no file {place}")),
                _ => error,
            }
        })?;
        let options = FileReaderOptions::default();
        let opening = contained(stored_file::open(store, path, size, options)).await;
        let engine = opening.map_err(|error| {
            let error = error.while_reading();
            match error.code() {
                code::CORRUPT | code::NOT_SUPPORTED => error.context(&place.to_string()),
                _ => error,
            }
        })?;
        Ok(FileReader {
            schema: Arc::new(Schema::from(engine.schema().as_ref())),
            engine,
            _last_use: LastUse,
        })
    })
}

type Batches = BoxStream<'static, Result<RecordBatch>>;

impl FileReader {
    fn rows(&self) -> u64 {
        self.engine.num_rows()
    }

    fn projection(&self, names: Option<&[String]>) -> Result<ReaderProjection> {
        let (schema, version) = (self.engine.schema(), self.engine.version());
        if names.is_none() {
            return Ok(reader_projection_from_whole_schema(schema, version));
        }
        let columns = columns(schema, names)?;
        if columns.is_empty() {
            return Err(Error::invalid_argument("there is no column to read"));
        }
        let paths: Vec<_> = columns.iter().map(|column| column.path()).collect();
        Ok(reader_projection_from_column_names(
            version, schema, &paths,
        )?)
    }

    /// What is read: None where that is nothing.
    fn selection(&self, settings: &ReadFileSettings) -> Result<Option<ReadBatchParams>> {
        let rows = self.rows();
        let Some(numbers) = &settings.rows else {
            let range = self.range(settings)?;
            return Ok((!range.is_empty()).then(|| ReadBatchParams::Range(range)));
        };
        if settings.first_row != 0 || settings.row_count.is_some() {
            return Err(Error::invalid_argument(
                "rows cannot be combined with first_row or row_count",
            ));
        }
        if let Some(pair) = numbers.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(Error::invalid_argument(format!(
                "rows must ascend, but {} comes before {}",
                pair[0], pair[1]
            )));
        }
        if let Some(wrong) = numbers.last().filter(|number| **number >= rows) {
            return Err(Error::invalid_argument(format!(
                "row {wrong} is out of range: the file has {rows} rows"
            )));
        }
        let numbers: std::result::Result<Vec<u32>, _> = numbers
            .iter()
            .map(|number| u32::try_from(*number))
            .collect();
        let numbers = numbers.map_err(|_| {
            Error::new(
                code::NOT_SUPPORTED,
                "rows beyond 4294967295 are read as ranges only",
            )
        })?;
        Ok((!numbers.is_empty()).then(|| ReadBatchParams::Indices(UInt32Array::from(numbers))))
    }

    fn range(&self, settings: &ReadFileSettings) -> Result<Range<usize>> {
        let (first, rows) = (settings.first_row, self.rows());
        let count = settings
            .row_count
            .unwrap_or_else(|| rows.saturating_sub(first));
        match first.checked_add(count) {
            Some(end) if first <= rows && end <= rows => Ok(first as usize..end as usize),
            _ => Err(Error::invalid_argument(format!(
                "{count} rows from row {first} on are out of range: the file has {rows} rows"
            ))),
        }
    }

    /// Read rows of some columns, in their order.
    pub fn read(self: Arc<Self>, settings: ReadFileSettings) -> Task<(SchemaRef, Yield)> {
        Box::pin(async move {
            let projection = self.projection(settings.columns.as_deref())?;
            let schema: SchemaRef = Arc::new(Schema::from(projection.schema.as_ref()));
            let batches = match self.selection(&settings)? {
                Some(selected) => self.start(selected, projection, &settings).await?,
                None => stream::empty().boxed(),
            };
            Ok((schema, batches.into()))
        })
    }

    async fn start(
        self: Arc<Self>,
        selected: ReadBatchParams,
        projection: ReaderProjection,
        settings: &ReadFileSettings,
    ) -> Result<Batches> {
        let reading = self.engine.read_stream_projected(
            selected,
            settings.batch_rows,
            settings.batches_ahead,
            projection,
            FilterExpression::no_filter(),
        );
        let batches = contained(async { Ok(reading.await?) }).await;
        let batches = batches.map_err(Error::while_reading)?;
        let batches = AssertUnwindSafe(batches).catch_unwind();
        let batches = batches.map(move |batch| {
            // The file is open as long as it is read.
            let _reader = &self;
            let batch = batch.unwrap_or_else(|panic| {
                let error = panic_error(panic);
                Err(lance_core::Error::external(Box::new(error)))
            });
            batch.map_err(|error| Error::from(error).while_reading())
        });
        Ok(batches.boxed())
    }

    /// The bytes of a buffer that the writer has added.
    pub fn global_buffer(self: Arc<Self>, index: u64) -> Task<Vec<u8>> {
        Box::pin(async move {
            let count = self.engine.metadata().file_buffers.len() as u64;
            if index == 0 || index >= count {
                return Err(Error::invalid_argument(format!(
                    "there is no global buffer {index}: the file has {}, counted from 1",
                    count.saturating_sub(1)
                )));
            }
            let reading = async { Ok(self.engine.read_global_buffer(index as u32).await?) };
            let bytes = contained(reading).await.map_err(Error::while_reading)?;
            Ok(bytes.to_vec())
        })
    }
}
