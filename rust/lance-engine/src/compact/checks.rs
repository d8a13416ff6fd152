//! What tasks and results say, compared with the dataset: texts come from anywhere.

use std::collections::HashMap;

use futures::future::try_join_all;
use lance::Dataset;
use lance::dataset::optimize::RewriteResult;
use lance_table::format::Fragment;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result, code};
use crate::panics::contain;

pub fn read<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    contain(|| {
        serde_json::from_str(text)
            .map_err(|error| Error::invalid_argument(format!("not {what}: {error}")))
    })
}

pub fn write(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::new(code::INTERNAL, error.to_string()))
}

/// The version that a task was planned from.
pub async fn planned(dataset: &Dataset, version: u64) -> Result<Dataset> {
    if dataset.manifest().version == version {
        return Ok(dataset.clone());
    }
    let planned = dataset.checkout_version(version).await;
    planned.map_err(|error| {
        let context =
            format!("version {version}, from which the compaction was planned, cannot be opened");
        Error::from(error).context(&context)
    })
}

/// The fragments of a version that a text names, which has to know them as they are.
pub fn fragments(planned: &Dataset, named: &[Fragment]) -> Result<Vec<Fragment>> {
    let there: HashMap<u64, &Fragment> = planned
        .fragments()
        .iter()
        .map(|fragment| (fragment.id, fragment))
        .collect();
    let mut found = Vec::with_capacity(named.len());
    for fragment in named {
        match there.get(&fragment.id) {
            Some(known) if is_same(known, fragment) => found.push((*known).clone()),
            _ => {
                return Err(Error::invalid_argument(format!(
                    "version {} has no fragment {} with these files: the compaction is of another dataset or version",
                    planned.manifest().version,
                    fragment.id
                )));
            }
        }
    }
    if found.is_empty() {
        return Err(Error::invalid_argument("the compaction has no fragments"));
    }
    if found.windows(2).any(|pair| pair[0].id >= pair[1].id) {
        return Err(Error::invalid_argument(
            "the fragments of a compaction are not in the order of their ids",
        ));
    }
    Ok(found)
}

/// Names of files are unique in the world.
fn is_same(known: &Fragment, named: &Fragment) -> bool {
    let paths = |fragment: &Fragment| {
        let files = fragment.referenced_lance_files();
        files.map(|file| file.path.clone()).collect::<Vec<_>>()
    };
    let deletions = |fragment: &Fragment| {
        let file = fragment.deletion_file.as_ref();
        file.map(|file| (file.read_version, file.id))
    };
    paths(known) == paths(named) && deletions(known) == deletions(named)
}

/// Whether results have all rows of what they replace.
pub fn rows(result: &RewriteResult, replaced: &[Fragment]) -> Result<()> {
    let count = |fragments: &[Fragment]| {
        let rows = fragments.iter().map(Fragment::num_rows);
        rows.sum::<Option<usize>>()
    };
    // Early versions did not note how many rows there are.
    let Some(before) = count(replaced) else {
        return Ok(());
    };
    match count(&result.new_fragments) {
        Some(after) if after == before => Ok(()),
        _ => Err(Error::invalid_argument(format!(
            "a result of a compaction does not have the {before} rows that it replaces"
        ))),
    }
}

/// Whether the new files are there, as long as they were written.
pub async fn files(dataset: &Dataset, results: &[RewriteResult]) -> Result<()> {
    let store = dataset.object_store(None).await?;
    let new = results.iter().flat_map(|result| &result.new_fragments);
    let new = new.flat_map(|fragment| &fragment.files);
    try_join_all(new.map(|file| {
        let store = store.clone();
        let path = dataset.data_dir().join(file.path.as_str());
        async move {
            let size = store.size(&path).await;
            let expected = file.file_size_bytes.get().map(|size| size.get());
            match size {
                Ok(size) if expected.is_none_or(|expected| expected == size) => Ok(()),
                Ok(size) => Err(Error::new(
                    code::NOT_FOUND,
                    format!(
                        "file {} of a compaction has {size} bytes, not the {} that were written",
                        file.path,
                        expected.unwrap_or_default()
                    ),
                )),
                Err(error) => Err(missing(&file.path, error.into())),
            }
        }
    }))
    .await?;
    Ok(())
}

fn missing(path: &str, error: Error) -> Error {
    match error.code() {
        code::NOT_FOUND => Error::new(
            code::NOT_FOUND,
            format!(
                "file {path} of a compaction is not there: it is of another dataset, or a cleanup removed it"
            ),
        ),
        _ => error,
    }
}
