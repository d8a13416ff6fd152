//! Indices whose rows move.

use std::collections::HashSet;

use async_trait::async_trait;
use lance::Dataset;
use lance::dataset::index::DatasetIndexRemapperOptions;
use lance::dataset::optimize::{
    CompactionOptions, IndexRemapper, IndexRemapperOptions, RemappedIndex,
};
use lance::index::DatasetIndexExt;
use lance_core::Result;
use lance_core::utils::row_addr_remap::RowAddrRemap;
use lance_table::system_index::is_system_index;
use uuid::Uuid;

use crate::error::{self, Error, code};
use crate::index::name_of_kind;

/// Kinds that the engine does not read with a note of where rows have gone.
const NEED_THEIR_ROWS: [&str; 4] = ["FM", "IVF_HNSW_FLAT", "IVF_HNSW_SQ", "IVF_HNSW_PQ"];

/// Refuse to leave it for later where an index could not be asked until then.
pub async fn check_deferral(dataset: &Dataset, options: &CompactionOptions) -> error::Result<()> {
    if !options.defer_index_remap {
        return Ok(());
    }
    let described = dataset.describe_indices(None).await?;
    let kinds = described.iter();
    let mut kinds = kinds.map(|index| (index.name(), name_of_kind(index.index_type())));
    match kinds.find(|(_, kind)| NEED_THEIR_ROWS.contains(kind)) {
        Some((name, kind)) => Err(Error::new(
            code::NOT_SUPPORTED,
            format!(
                "the index {name:?} is of the kind {kind}, which has to learn at once where rows have gone: use another index_remap than DEFERRED"
            ),
        )),
        None => Ok(()),
    }
}

/// The engine's own, but for the indices that a branch or a clone has of its origin. What the engine writes for these lies
/// here, but it would look for it there. So they stay as they are, without the fragments that are written anew, until they
/// are optimised.
pub struct OwnIndices;

#[async_trait]
impl IndexRemapperOptions for OwnIndices {
    async fn create_remapper(&self, dataset: &Dataset) -> Result<Option<Box<dyn IndexRemapper>>> {
        let indices = dataset.load_indices().await?;
        let users = indices.iter().filter(|index| !is_system_index(index));
        let (inherited, own): (Vec<_>, Vec<_>) = users.partition(|index| index.base_id.is_some());
        if own.is_empty() {
            return Ok(None);
        }
        let engine = DatasetIndexRemapperOptions::default();
        let engine = engine.create_remapper(dataset).await?;
        let inherited = inherited.iter().map(|index| index.uuid).collect();
        let dataset = dataset.clone();
        Ok(engine.map(|engine| -> Box<dyn IndexRemapper> {
            Box::new(Remapper {
                dataset,
                inherited,
                engine,
            })
        }))
    }
}

struct Remapper {
    dataset: Dataset,
    inherited: HashSet<Uuid>,
    engine: Box<dyn IndexRemapper>,
}

#[async_trait]
impl IndexRemapper for Remapper {
    async fn remap_indices(
        &self,
        moved: RowAddrRemap,
        fragments: &[u64],
    ) -> Result<Vec<RemappedIndex>> {
        let remapped = self.engine.remap_indices(moved, fragments).await?;
        let is_misplaced = |index: &RemappedIndex| {
            index.new_id != index.old_id && self.inherited.contains(&index.old_id)
        };
        let (misplaced, own): (Vec<_>, Vec<_>) = remapped.into_iter().partition(is_misplaced);
        let store = self.dataset.object_store(None).await?;
        for index in misplaced {
            let directory = self.dataset.indices_dir().join(index.new_id.to_string());
            store.remove_dir_all(directory).await?;
        }
        Ok(own)
    }
}
