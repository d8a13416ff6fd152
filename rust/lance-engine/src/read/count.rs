//! Counting the rows that pass a filter, on all cores.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use lance::Dataset;
use lance::dataset::fragment::FileFragment;
use lance::dataset::scanner::Scanner;
use lance_table::format::Fragment;

use super::attempt::attempt;
use crate::error::Result;
use crate::fault;
use crate::parallel::{cores, run_all};

/// Which of the rows are wanted.
#[derive(Clone, Copy)]
pub struct Rows {
    pub limit: Option<i64>,
    pub offset: i64,
}

impl Rows {
    /// How many are wanted of so many.
    pub fn of(self, rows: u64) -> u64 {
        let offset = self.offset.max(0) as u64;
        let limit = self.limit.map_or(u64::MAX, |limit| limit.max(0) as u64);
        rows.saturating_sub(offset).min(limit)
    }
}

/// The rows of these fragments, of which the dataset knows how many there are.
pub async fn stored(dataset: &Arc<Dataset>, fragments: &[Fragment]) -> Result<u64> {
    if fragments.len() == dataset.fragments().len() {
        return Ok(dataset.count_rows(None).await? as u64);
    }
    let mut rows = 0;
    for fragment in fragments {
        let fragment = FileFragment::new(dataset.clone(), fragment.clone());
        rows += fragment.count_rows(None).await? as u64;
    }
    Ok(rows)
}

/// Count what a scanner yields of these fragments, in whichever order. With a limit it looks at no more rows than the
/// scan does.
pub async fn passing(
    dataset: Arc<Dataset>,
    fragments: Vec<Fragment>,
    mut scanner: Scanner,
    wanted: Rows,
) -> Result<u64> {
    scanner.order_by(None)?;
    if wanted.limit.is_some() {
        scanner.limit(wanted.limit, Some(wanted.offset))?;
        scanner.project::<String>(&[])?;
        let batches = scanner.try_into_stream().await?;
        let count =
            |rows: u64, batch: RecordBatch| std::future::ready(Ok(rows + batch.num_rows() as u64));
        return Ok(batches.try_fold(0, count).await?);
    }
    scanner.limit(None, None)?;
    let rows = match attempt(apart(&dataset, &fragments, &scanner))
        .await
        .flatten()
    {
        Some(rows) => rows,
        None => scanner.count_rows().await?,
    };
    Ok(wanted.of(rows))
}

/// The engine adds up one stream of batches; here each core has one. None where there is nothing to split, or an index
/// may answer at once.
async fn apart(
    dataset: &Dataset,
    fragments: &[Fragment],
    scanner: &Scanner,
) -> Result<Option<u64>> {
    let tasks = cores().min(fragments.len());
    if tasks < 2 || dataset.manifest().index_section.is_some() {
        return Ok(None);
    }
    fault::point()?;
    let parts = fragments.chunks(fragments.len().div_ceil(tasks));
    let counts = parts.map(|part| {
        let mut scanner = scanner.clone();
        scanner.with_fragments(part.to_vec());
        async move { Ok(scanner.count_rows().await?) }
    });
    Ok(Some(run_all(counts).await?.iter().sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_offsets_of_a_count() {
        for (limit, offset, rows) in [
            (None, 0, 10),
            (Some(3), 0, 3),
            (Some(30), 0, 10),
            (None, 4, 6),
            (Some(3), 9, 1),
            (Some(0), 0, 0),
            (None, 11, 0),
            (Some(i64::MAX), i64::MAX, 0),
        ] {
            assert_eq!(Rows { limit, offset }.of(10), rows, "{limit:?} {offset}");
        }
    }
}
