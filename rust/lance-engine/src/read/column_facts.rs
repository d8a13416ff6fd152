//! What is known of columns without a scan: the bytes they take, and between which values they are.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_empty_array};
use lance::dataset::statistics::DatasetStatisticsExt;

use super::columns::{column, no_such_column};
use super::opened::Opened;
use crate::error::{Error, code};
use crate::settings::ColumnSize;
use crate::task::Task;

/// All columns and their fields, each before what is in it.
pub fn column_sizes(opened: Arc<Opened>) -> Task<Vec<ColumnSize>> {
    Box::pin(async move {
        let dataset = &opened.dataset;
        let statistics = dataset.calculate_data_stats().await;
        let statistics = statistics.map_err(|error| Error::from(error).while_reading())?;
        let schema = dataset.schema();
        let told = statistics.fields.into_iter().map(|field| {
            let id = field.id as i32;
            let known = schema.field_by_id(id).ok_or_else(|| {
                Error::new(code::INTERNAL, format!("the schema has no field {id}"))
            })?;
            Ok(ColumnSize {
                column: schema.field_path(id)?,
                field_id: field.id,
                data_type: known.data_type().to_string(),
                bytes: field.bytes_on_disk,
            })
        });
        told.collect()
    })
}

/// The least and the greatest value that a column may have, by its zone maps: a row, or none where they do not say.
pub fn column_range(opened: Arc<Opened>, name: String) -> Task<RecordBatch> {
    Box::pin(async move {
        let dataset = &opened.dataset;
        let column = column(dataset.schema(), &name)?;
        let field = dataset.schema().field(column.path());
        let field = field.ok_or_else(|| no_such_column(dataset.schema(), &name))?;
        let range = dataset
            .statistics()
            .column_value_range(column.path())
            .await?;
        let columns: [(&str, ArrayRef); 2] = match range {
            Some((least, greatest)) => [("min", least.to_array()?), ("max", greatest.to_array()?)],
            None => ["min", "max"].map(|name| (name, new_empty_array(&field.data_type()))),
        };
        let columns = columns
            .into_iter()
            .map(|(name, values)| (name, values, true));
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    })
}
