//! Removing the files of a plan.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path as LocalPath;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, future};
use lance_io::local::to_local_path;
use object_store::path::Path;

use super::plan::Plan;
use super::removal::Removal;
use crate::error::{Error, Result, code};
use crate::local::store::is_local;
use crate::maintain::listing::{Home, if_found};
use crate::maintain::orphans::Place;

/// Remove the manifests, and if that succeeds the other files. From then on nobody begins to read a version that
/// has gone; who had read it before may have made another of it.
pub async fn remove(home: &Home, plan: &mut Plan) -> Result<()> {
    remove_all(home, &plan.manifests).await?;
    plan.spare_new_versions(home).await?;
    remove_all(home, &plan.files).await?;
    remove_empty_directories(home, &plan.files);
    Ok(())
}

/// Remove as many as possible. A file that is gone already is fine.
async fn remove_all(home: &Home, removals: &[Removal]) -> Result<()> {
    let failures: Vec<String> = failures(home, removals).collect().await;
    match failures.first() {
        None => Ok(()),
        Some(first) => Err(Error::new(
            code::IO,
            format!(
                "{} of {} files could not be removed, for example {first}",
                failures.len(),
                removals.len()
            ),
        )),
    }
}

fn failures<'a>(home: &'a Home, removals: &'a [Removal]) -> BoxStream<'a, String> {
    stream::iter(removals)
        .map(|removal| async {
            let (path, outcome) = match &removal.place {
                Place::Stored(path) => (home.shown(path), home.store.delete(path).await),
                Place::Hidden(path) => (path.display().to_string(), remove_hidden(path)),
            };
            tracing::info!(target: "lance_cpp::file_audit", mode = "delete", path);
            Some(format!("{path}: {}", if_found(outcome).err()?))
        })
        .buffer_unordered(home.store.io_parallelism())
        .filter_map(future::ready)
        .boxed()
}

fn remove_hidden(path: &LocalPath) -> lance_core::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// A local store keeps the directory of an index or of blobs when its files are gone.
fn remove_empty_directories(home: &Home, removals: &[Removal]) {
    if !is_local(&home.store) {
        return;
    }
    let parents: HashSet<Path> = removals
        .iter()
        .filter_map(|removal| match &removal.place {
            Place::Stored(path) => path.parent(),
            Place::Hidden(_) => None,
        })
        .collect();
    for directory in parents {
        let is_own = directory
            .prefix_match(&home.base)
            .is_some_and(|parts| parts.count() > 1);
        if is_own {
            // Fails where there is something in it, which is the point.
            let _ = fs::remove_dir(to_local_path(&directory));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::time::Duration;

    use arrow::array::{Int32Array, RecordBatch, RecordBatchIterator};
    use lance::Dataset;
    use lance::dataset::{WriteMode, WriteParams};

    use super::*;
    use crate::runtime::block_on;
    use crate::settings::CleanupSettings;

    fn keep_one() -> CleanupSettings {
        CleanupSettings {
            keep_versions: Some(1),
            orphan_min_age: Duration::ZERO,
            ..CleanupSettings::default()
        }
    }

    async fn overwrite(uri: &str, value: i32) -> lance_core::Result<Dataset> {
        let values = Arc::new(Int32Array::from(vec![value]));
        let batch = RecordBatch::try_from_iter([("i", values as _)])?;
        let schema = batch.schema();
        let params = WriteParams {
            mode: WriteMode::Overwrite,
            ..WriteParams::default()
        };
        let batches = RecordBatchIterator::new([Ok(batch)], schema);
        Dataset::write(batches, uri, Some(params)).await
    }

    /// A dataset whose first version holds 1 and whose second one 2, with a plan that keeps only the second.
    async fn planned(name: &str) -> Result<(Dataset, Home, Plan)> {
        let root = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        let uri = root.display().to_string();
        overwrite(&uri, 1).await?;
        let dataset = overwrite(&uri, 2).await?;
        let home = Home::open(crate::place::Place::of(&uri)?, HashMap::new()).await?;
        let plan = Plan::make(&home, "", &keep_one()).await?;
        assert_eq!(plan.manifests.len(), 1);
        assert!(plan.is_current(&home).await?);
        Ok((dataset, home, plan))
    }

    #[test]
    fn a_version_restored_meanwhile_keeps_its_files() {
        let left = block_on(async {
            let (dataset, home, mut plan) = planned("restored-meanwhile").await?;
            let mut first = dataset.checkout_version(1).await?;
            first.restore().await?;
            remove(&home, &mut plan).await?;
            let restored = Dataset::open(&home.place.uri).await?;
            assert_eq!(restored.version().version, 3);
            assert!(restored.checkout_version(1).await.is_err());
            let batch = restored.scan().try_into_batch().await?;
            fs::remove_dir_all(&home.place.uri).ok();
            Ok(batch)
        });
        let expected: Arc<Int32Array> = Arc::new(vec![1].into());
        assert_eq!(left.unwrap().column(0).as_ref(), expected.as_ref());
    }

    #[test]
    fn a_tag_or_branch_made_meanwhile_asks_for_another_plan() {
        let outcome = block_on(async {
            let (mut dataset, home, plan) = planned("tagged-meanwhile").await?;
            dataset.tags().create("newest", 2).await?;
            assert!(plan.is_current(&home).await?);
            dataset.tags().create("stable", 1).await?;
            assert!(!plan.is_current(&home).await?);
            dataset.tags().delete("stable").await?;
            assert!(plan.is_current(&home).await?);
            dataset.create_branch("trial", 1, None).await?;
            assert!(!plan.is_current(&home).await?);
            fs::remove_dir_all(&home.place.uri).ok();
            Ok(())
        });
        assert!(outcome.is_ok());
    }
}
