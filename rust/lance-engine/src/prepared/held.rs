//! Vectors that are held in memory, and compared one by one.
//!
//! To read them for each query takes memory that was not used before, and most of the time.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;
use lance_core::ROW_ID;
use lance_linalg::distance::DistanceType;
use tokio::task::yield_now;

use super::found::{Found, Nearest, Range, nearest};
use crate::error::{Error, Result, code};
use crate::parallel::{cores, run_all};
use crate::read::Opened;
use crate::read::scan;
use crate::settings::ScanSettings;

/// Vectors whose distances are computed at once: these and the vectors stay in the cache of a core.
const ROWS_AT_ONCE: usize = 1024;

/// Rows that are kept at once, of all keys and cores.
const MOST_FOUND: usize = 1 << 22;

/// The vectors of some rows.
pub struct Held {
    parts: Vec<Part>,
}

struct Part {
    rows: ArrayRef,
    vectors: FixedSizeListArray,
}

impl Held {
    /// What a scan of one column yields, with row ids. None where it takes more than so many bytes.
    pub async fn load(
        opened: Arc<Opened>,
        scanned: ScanSettings,
        most_bytes: u64,
    ) -> Result<Option<Self>> {
        let (_, batches) = scan::prepare(opened, scanned).await?.run().await?;
        let mut batches = batches.into_stream();
        let mut parts = Vec::new();
        let mut bytes = 0;
        while let Some(batch) = batches.try_next().await? {
            if batch.num_rows() == 0 {
                continue;
            }
            let part = Part::of(&batch)?;
            bytes += part.bytes();
            if bytes > most_bytes {
                return Ok(None);
            }
            parts.push(part);
        }
        Ok(Some(Self { parts }))
    }

    /// The nearest of each key, the nearest first.
    pub async fn nearest(
        self: &Arc<Self>,
        keys: &[ArrayRef],
        metric: DistanceType,
        k: usize,
        range: Range,
    ) -> Result<Vec<Vec<Found>>> {
        let mut found = Vec::with_capacity(keys.len());
        let at_once = MOST_FOUND / cores() / k.max(1);
        for keys in keys.chunks(at_once.max(1)) {
            found.extend(self.nearest_of_some(keys, metric, k, range).await?);
        }
        Ok(found)
    }

    async fn nearest_of_some(
        self: &Arc<Self>,
        keys: &[ArrayRef],
        metric: DistanceType,
        k: usize,
        range: Range,
    ) -> Result<Vec<Vec<Found>>> {
        let none = vec![Nearest::new(k, range); keys.len()];
        let count = self.parts.len().div_ceil(cores()).max(1);
        let parts = (0..self.parts.len()).step_by(count).map(|first| {
            let (held, keys, mut nearest) = (self.clone(), keys.to_vec(), none.clone());
            async move {
                for part in held.parts[first..].iter().take(count) {
                    part.show(&keys, metric, &mut nearest).await?;
                }
                let found = nearest.into_iter().map(Nearest::into_found);
                Ok(found.collect::<Vec<_>>())
            }
        });
        let mut found = vec![Vec::new(); keys.len()];
        for part in run_all(parts).await? {
            for (all, some) in found.iter_mut().zip(part) {
                all.extend(some);
            }
        }
        let found = found.into_iter();
        Ok(found.map(|found| nearest(found, k)).collect())
    }
}

impl Part {
    fn of(batch: &RecordBatch) -> Result<Self> {
        let vectors = batch.column(0).as_fixed_size_list_opt();
        let vectors = vectors
            .ok_or_else(|| Error::new(code::NOT_SUPPORTED, "only single vectors are held"))?;
        Ok(Self {
            rows: batch[ROW_ID].clone(),
            vectors: vectors.clone(),
        })
    }

    /// Of the rows in use; batches may share their buffers.
    fn bytes(&self) -> u64 {
        let numbers = self.vectors.values();
        let width = numbers.data_type().primitive_width().unwrap_or_default();
        (numbers.len() * width + self.rows.len() * size_of::<u64>()) as u64
    }

    async fn show(
        &self,
        keys: &[ArrayRef],
        metric: DistanceType,
        nearest: &mut [Nearest],
    ) -> Result<()> {
        let compare = metric.arrow_batch_func();
        let rows = self.rows.as_primitive::<UInt64Type>().values();
        for first in (0..rows.len()).step_by(ROWS_AT_ONCE) {
            let count = ROWS_AT_ONCE.min(rows.len() - first);
            let vectors = self.vectors.slice(first, count);
            for (key, nearest) in keys.iter().zip(&mut *nearest) {
                let distances = compare(key.as_ref(), &vectors)?;
                nearest.show(&rows[first..first + count], &distances);
            }
            // Others are to run meanwhile, and who cancels the search is to be heard.
            yield_now().await;
        }
        Ok(())
    }
}
