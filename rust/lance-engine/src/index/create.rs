//! Indices of a column, made and dropped.

use std::sync::Arc;

use lance::Dataset;
use lance::index::DatasetIndexExt;
use lance_core::utils::tokio::get_num_compute_intensive_cpus;
use lance_index::progress::IndexBuildProgress;
use lance_table::format::{Fragment, IndexMetadata};
use serde_json::Value;

use super::change::{commit, run_to_version};
use super::definition::Definition;
use super::list::{existing, named};
use super::parameters::NUM_SEGMENTS;
use super::progress::Telling;
use crate::error::{Error, Result};
use crate::read::Opened;
use crate::settings::{IndexSettings, IndexType};
use crate::task::Task;

/// Of fewer texts a second thread costs more than it gains.
const TEXTS_FOR_A_THREAD: usize = 1_000_000;
/// Each costs requests at the first search of a process.
const MOST_SEGMENTS_OF_TEXTS: usize = 8;

/// Make an index and commit it: the version that has it.
pub fn create(
    opened: Arc<Opened>,
    columns: Vec<String>,
    kind: IndexType,
    settings: IndexSettings,
) -> Task<Opened> {
    Box::pin(async move {
        let definition = Definition::new(&opened.dataset, &columns, kind, &settings)?;
        if definition.fragments.is_some() && settings.replace {
            return Err(Error::invalid_argument(
                "an index of some fragments cannot replace one: drop that first, or index all fragments",
            ));
        }
        let name = definition.name(&opened.dataset, &settings).await?;
        let telling = Telling::new(settings.progress);
        let progress = telling.engine();
        let making = |dataset| make(definition, name, dataset, progress);
        run_to_version(&opened, making).await
    })
}

async fn make(
    definition: Definition,
    name: String,
    mut dataset: Dataset,
    progress: Arc<dyn IndexBuildProgress>,
) -> Result<Dataset> {
    let mut made = Vec::new();
    let parts = parts(&definition, &dataset);
    let is_in_parts = parts.iter().any(Option::is_some);
    for part in parts {
        let building = definition.build(&mut dataset, &name, part, progress.clone());
        made.push(building.await?);
    }
    if is_in_parts {
        dataset
            .commit_existing_index_segments(&name, &definition.column, made)
            .await?;
        return Ok(dataset);
    }
    let mut replaced = existing(&dataset).await?;
    replaced.retain(|index| index.name == name);
    commit(dataset, made, replaced).await
}

/// The fragments of each segment; None: all of them.
fn parts(definition: &Definition, dataset: &Dataset) -> Vec<Option<Vec<u32>>> {
    if definition.fragments.is_some() {
        return vec![definition.fragments.clone()];
    }
    let fragments = dataset.fragments();
    let count = segments(definition, dataset).clamp(1, fragments.len().max(1));
    if count == 1 || !definition.train {
        return vec![None];
    }
    balanced(fragments, count).into_iter().map(Some).collect()
}

/// As many parts, of neighbours, with about as many rows each: a search takes as long as in the largest.
fn balanced(fragments: &[Fragment], count: usize) -> Vec<Vec<u32>> {
    let rows = |fragment: &Fragment| fragment.num_rows().unwrap_or(1);
    let all: usize = fragments.iter().map(rows).sum();
    let mut parts = vec![Vec::new()];
    let mut before = 0;
    for (i, fragment) in fragments.iter().enumerate() {
        let middle = before + rows(fragment) / 2;
        before += rows(fragment);
        let missing = count - parts.len();
        let is_full = middle * count >= all * parts.len();
        let begins = missing > 0 && (is_full || fragments.len() - i <= missing);
        match parts.last_mut() {
            Some(part) if part.is_empty() || !begins => part.push(fragment.id as u32),
            _ => parts.push(vec![fragment.id as u32]),
        }
    }
    parts
}

/// How many segments there should be. Each is searched by one thread.
fn segments(definition: &Definition, dataset: &Dataset) -> usize {
    let asked = definition.parameters.get(NUM_SEGMENTS);
    match asked.and_then(Value::as_u64) {
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
        None if definition.kind == IndexType::Inverted => {
            let rows: usize = dataset
                .fragments()
                .iter()
                .filter_map(Fragment::num_rows)
                .sum();
            let threads = get_num_compute_intensive_cpus().min(MOST_SEGMENTS_OF_TEXTS);
            threads.min(rows / TEXTS_FOR_A_THREAD)
        }
        None => 1,
    }
}

/// Drop an index: the version that lacks it.
pub fn drop_index(opened: Arc<Opened>, name: String) -> Task<Opened> {
    Box::pin(async move {
        let removed = named(&opened.dataset, &name).await?;
        let dropping = |dataset| drop_all(dataset, name, removed);
        run_to_version(&opened, dropping).await
    })
}

/// The engine drops what it is given, and is content when that is not there any more: a compaction or an optimisation puts
/// others in the place of the segments.
async fn drop_all(
    mut dataset: Dataset,
    name: String,
    mut removed: Vec<IndexMetadata>,
) -> Result<Dataset> {
    while !removed.is_empty() {
        dataset = commit(dataset, Vec::new(), removed).await?;
        removed = existing(&dataset).await?;
        removed.retain(|index| index.name == name);
    }
    Ok(dataset)
}

#[cfg(test)]
mod tests {
    use lance_table::format::{DeletionFile, DeletionFileType};

    use super::*;

    fn fragments(rows: &[usize]) -> Vec<Fragment> {
        let numbered = (0..).zip(rows);
        let fragment = |(id, rows): (u64, &usize)| Fragment::new(id).with_physical_rows(*rows);
        numbered.map(fragment).collect()
    }

    #[test]
    fn segments_have_about_as_many_rows_each() {
        let uneven = fragments(&[1048, 1048, 902, 1048, 1048, 876, 28]);
        assert_eq!(balanced(&uneven, 2), [vec![0, 1, 2], vec![3, 4, 5, 6]]);
        assert_eq!(
            balanced(&fragments(&[9, 1, 1, 1]), 2),
            [vec![0], vec![1, 2, 3]]
        );
        assert_eq!(
            balanced(&fragments(&[1, 1, 1, 9]), 2),
            [vec![0, 1, 2], vec![3]]
        );
    }

    #[test]
    fn deleted_rows_are_not_counted() {
        let mut some = fragments(&[9, 9, 9]);
        some[0].deletion_file = Some(DeletionFile {
            read_version: 1,
            id: 1,
            file_type: DeletionFileType::Bitmap,
            num_deleted_rows: Some(8),
            base_id: None,
        });
        assert_eq!(balanced(&some, 2), [vec![0, 1], vec![2]]);
    }

    #[test]
    fn there_are_as_many_segments_as_are_asked_for() {
        for rows in [
            [7, 7, 7, 7, 7],
            [1, 1, 1, 1, 90],
            [90, 1, 1, 1, 1],
            [0, 0, 0, 0, 0],
        ] {
            for count in 1..=rows.len() {
                let parts = balanced(&fragments(&rows), count);
                assert_eq!(parts.len(), count, "{rows:?}");
                assert_eq!(parts.concat(), [0, 1, 2, 3, 4], "{rows:?}");
                assert!(parts.iter().all(|part| !part.is_empty()), "{rows:?}");
            }
        }
    }
}
