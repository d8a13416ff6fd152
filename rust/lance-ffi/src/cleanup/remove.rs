//! Removing the files of a plan.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path as LocalPath;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, future};
use lance_io::local::to_local_path;
use object_store::path::Path;

use super::plan::{Plan, Removal};
use crate::error::{LanceError, Result, code};
use crate::inventory::{Home, if_found};
use crate::leftovers::Place;
use crate::local_store::is_local;

/// Remove the manifests, and if that succeeds the other files.
pub async fn remove(home: &Home, plan: &Plan) -> Result<()> {
    remove_all(home, &plan.manifests).await?;
    remove_all(home, &plan.files).await?;
    remove_empty_directories(home, &plan.files);
    Ok(())
}

/// Remove as many as possible. A file that is gone already is fine.
async fn remove_all(home: &Home, removals: &[Removal]) -> Result<()> {
    let failures: Vec<String> = failures(home, removals).collect().await;
    match failures.first() {
        None => Ok(()),
        Some(first) => Err(LanceError::new(
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
