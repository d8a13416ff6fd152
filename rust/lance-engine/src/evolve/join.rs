//! Rows of a stream, found by their keys.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use futures::TryStreamExt;

use super::computing::labelled;
use crate::error::{Error, Result};
use crate::incoming::Incoming;

/// The columns of a stream by one of them.
pub struct Join {
    /// Of the columns without the keys.
    schema: SchemaRef,
    /// Each column, in the pieces that came, and a NULL behind them.
    columns: Vec<Vec<ArrayRef>>,
    rows: HashMap<OwnedRow, (usize, usize)>,
    none: (usize, usize),
}

impl Join {
    /// The schema without the column of the keys, which has this type.
    pub fn schema(incoming: &Schema, key: &str, key_type: &DataType) -> Result<SchemaRef> {
        let at = position(incoming, key)?;
        let found = incoming.field(at).data_type();
        if found != key_type {
            return Err(Error::invalid_argument(format!(
                "the keys of the dataset are {key_type}, those of the stream {found}: cast them"
            )));
        }
        let fields = incoming.fields().iter().enumerate();
        let others = fields.filter(|(i, _)| *i != at);
        let others: Vec<_> = others.map(|(_, field)| field.clone()).collect();
        Ok(Arc::new(Schema::new(others)))
    }

    /// Read the stream to its end.
    pub async fn read(incoming: Incoming, key: &str, schema: SchemaRef) -> Result<Self> {
        let at = position(&incoming.schema, key)?;
        let batches: Vec<RecordBatch> = incoming.try_collect().await?;
        let mut rows = HashMap::new();
        let mut columns = vec![Vec::with_capacity(batches.len() + 1); schema.fields().len()];
        for (i, batch) in batches.iter().enumerate() {
            for (k, row) in keys(batch.column(at))?.iter().enumerate() {
                if rows.insert(row.owned(), (i, k)).is_some() {
                    return Err(Error::invalid_argument(format!(
                        "a key comes twice in column {key:?} of the stream, again in row {k} of batch {i}"
                    )));
                }
            }
            let others = batch.columns().iter().enumerate();
            let others = others.filter(|(k, _)| *k != at);
            for (pieces, (_, column)) in columns.iter_mut().zip(others) {
                pieces.push(column.clone());
            }
        }
        for (pieces, field) in columns.iter_mut().zip(schema.fields()) {
            pieces.push(new_null_array(field.data_type(), 1));
        }
        Ok(Self {
            schema,
            columns,
            rows,
            none: (batches.len(), 0),
        })
    }

    /// The columns of the rows whose keys are the one column of a batch.
    pub fn find(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let wanted = keys(batch.column(0))?;
        let found = wanted.iter().map(|row| self.rows.get(&row.owned()));
        let found: Vec<_> = found.map(|at| *at.unwrap_or(&self.none)).collect();
        let take = |pieces: &Vec<ArrayRef>| {
            let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| piece.as_ref()).collect();
            interleave(&pieces, &found)
        };
        let columns: std::result::Result<Vec<_>, _> = self.columns.iter().map(take).collect();
        labelled(&self.schema, columns?)
    }
}

fn position(schema: &Schema, key: &str) -> Result<usize> {
    let names = schema.fields().iter().map(|field| field.name());
    schema
        .index_of(key)
        .map_err(|_| Error::no_such_column(key, names))
}

fn keys(column: &ArrayRef) -> Result<Rows> {
    let converter = RowConverter::new(vec![SortField::new(column.data_type().clone())]);
    let unusable = |error: arrow::error::ArrowError| {
        Error::invalid_argument(format!("the keys cannot be compared: {error}"))
    };
    let rows = converter.and_then(|it| it.convert_columns(std::slice::from_ref(column)));
    rows.map_err(unusable)
}
