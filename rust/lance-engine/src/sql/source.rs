//! A dataset as far as plans want to know it.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::logical_expr::Expr;
use lance::dataset::scanner::{Scanner, get_default_io_buffer_size_override};
use lance_core::datatypes::parse_field_path;

use super::filters::{index_may_answer, is_plain, only_compares};
use super::sample::{Sample, has_ends};
use crate::error::Result;
use crate::local::store::is_local;
use crate::read::Opened;
use crate::read::attempt::attempt;
use crate::read::scan::{LOCAL_IO_BUFFER_BYTES, yielded};
use crate::read::scan_strategy;

/// A dataset version, and what was learnt of it.
#[derive(Clone)]
pub struct Source {
    pub opened: Arc<Opened>,
    pub rows: usize,
    is_local: bool,
    /// The types of columns that conditions of Lance may name.
    types: Arc<HashMap<String, DataType>>,
    sample: Arc<Sample>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.opened.dataset.uri())
    }
}

impl Source {
    /// And the schema of its columns.
    pub async fn new(opened: Arc<Opened>) -> Result<(Self, SchemaRef)> {
        let dataset = &opened.dataset;
        let schema = yielded(dataset.scan().create_plan().await?.schema());
        let stored = Schema::from(dataset.schema());
        let is_simple = |name: &str| parse_field_path(name).is_ok_and(|path| path == [name]);
        let types: HashMap<_, _> = schema
            .fields()
            .iter()
            .zip(stored.fields())
            .filter(|(field, stored)| {
                field.data_type() == stored.data_type()
                    && is_plain(field.data_type())
                    && is_simple(field.name())
            })
            .map(|(field, _)| (field.name().clone(), field.data_type().clone()))
            .collect();
        let source = Self {
            rows: dataset.count_rows(None).await?,
            is_local: is_local(dataset.object_store(None).await?.as_ref()),
            types: types.into(),
            sample: Arc::default(),
            opened,
        };
        Ok((source, schema))
    }

    fn type_of(&self) -> impl Fn(&str) -> Option<DataType> {
        |name| self.types.get(name).cloned()
    }

    /// Whether Lance decides a condition.
    pub fn decides(&self, condition: &Expr) -> bool {
        only_compares(condition, &self.type_of())
    }

    /// A scanner of these columns, in batches of about so many rows; `condition` needs others.
    pub async fn scanner(
        &self,
        schema: &SchemaRef,
        condition: Option<&Expr>,
        batch_rows: usize,
    ) -> Result<Scanner> {
        let dataset = &self.opened.dataset;
        let mut scanner = dataset.scan();
        let expression = |name: &String| format!("`{}`", name.replace('`', "``"));
        let names = schema.fields().iter().map(|field| field.name());
        let columns: Vec<_> = names.map(|name| (name, expression(name))).collect();
        scanner.project_with_transform(&columns)?;
        let mut reads: BTreeSet<_> = columns.iter().map(|(name, _)| name.to_string()).collect();
        let needed = condition.into_iter().flat_map(Expr::column_refs);
        reads.extend(needed.map(|column| column.name.clone()));
        let widest = self.opened.widths.batch_rows(dataset, &reads, false);
        let widest = Box::pin(widest).await;
        scanner.batch_size(widest.map_or(batch_rows, |rows| rows.min(batch_rows)));
        if self.is_local && get_default_io_buffer_size_override().is_none() {
            scanner.io_buffer_size(LOCAL_IO_BUFFER_BYTES);
        }
        Ok(scanner)
    }

    /// The part of all rows that a condition lets pass, as far as a sample tells.
    pub async fn share(&self, condition: &Expr) -> Option<f64> {
        match self.rows {
            0 => None,
            _ => attempt(self.sample.share(&self.opened, condition)).await,
        }
    }

    /// Let Lance filter, and read the other columns when that pays.
    pub async fn filter(&self, scanner: &mut Scanner, condition: Expr, share: Option<f64>) {
        scanner.use_scalar_index(index_may_answer(&condition, &self.type_of()));
        scanner.filter_expr(condition);
        if let (true, Some(share)) = (self.is_local, share) {
            let style = scan_strategy::style(&self.opened.dataset, self.rows as u64, share);
            if let Some(style) = attempt(style).await.flatten() {
                scanner.materialization_style(style);
            }
        }
    }

    /// What planners estimate with, of `rows` with these columns.
    pub async fn statistics(&self, schema: &SchemaRef, rows: Precision<usize>) -> Statistics {
        let fields = schema.fields().iter();
        let names = fields
            .filter(|field| has_ends(field.data_type()) && self.types.contains_key(field.name()))
            .map(|field| field.name().clone())
            .collect();
        let looked_at = self.sample.statistics(&self.opened, &names, self.rows);
        let mut known = match self.rows {
            0 => HashMap::new(),
            _ => attempt(looked_at).await.unwrap_or_default(),
        };
        let mut statistics = Statistics::new_unknown(schema).with_num_rows(rows);
        let columns = schema
            .fields()
            .iter()
            .zip(&mut statistics.column_statistics);
        for (field, column) in columns {
            if let Some(known) = known.remove(field.name()) {
                *column = known;
            }
        }
        statistics.calculate_total_byte_size(schema);
        statistics
    }
}
