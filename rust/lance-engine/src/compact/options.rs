//! What the engine is asked for: what the caller gives, over what the dataset is configured for.

use std::collections::HashMap;
use std::sync::Arc;

use lance::Dataset;
use lance::dataset::optimize::{CompactionMode as EngineMode, CompactionOptions, IndexRemapMode};
use lance_file::version::LanceFileVersion;

use crate::error::Result;
use crate::settings::{CommitCompactionSettings, CompactSettings, CompactionMode, IndexRemap};

pub fn of_compaction(dataset: &Dataset, settings: &CompactSettings) -> Result<CompactionOptions> {
    let mut options = configured(dataset)?;
    let size = |value: u64| value as usize;
    if let Some(rows) = settings.target_rows_per_fragment {
        options.target_rows_per_fragment = size(rows);
    }
    if let Some(rows) = settings.max_rows_per_group {
        options.max_rows_per_group = size(rows);
    }
    if let Some(part) = settings.materialize_deletions_threshold {
        options.materialize_deletions = true;
        options.materialize_deletions_threshold = part as f32;
    }
    let over = |given: Option<u64>, configured: Option<usize>| given.map(size).or(configured);
    options.max_bytes_per_file = over(settings.max_bytes_per_file, options.max_bytes_per_file);
    options.max_overlays_per_fragment = over(
        settings.max_overlays_per_fragment,
        options.max_overlays_per_fragment,
    );
    options.max_source_fragments =
        over(settings.max_source_fragments, options.max_source_fragments);
    options.max_source_rows = over(settings.max_source_rows, options.max_source_rows);
    options.max_source_bytes = settings.max_source_bytes.or(options.max_source_bytes);
    options.binary_copy_read_batch_bytes = over(
        settings.binary_copy_read_bytes,
        options.binary_copy_read_batch_bytes,
    );
    options.batch_size = over(settings.batch_size.map(u64::from), options.batch_size);
    options.io_buffer_size = settings.io_buffer_bytes.or(options.io_buffer_size);
    // Ids are of 32 bits: there is no fragment of a greater one.
    let excluded = settings.excluded_fragments.iter().flatten();
    options.excluded_fragment_ids = excluded.filter_map(|id| u32::try_from(*id).ok()).collect();
    if let Some(version) = &settings.data_storage_version {
        options.data_storage_version = Some(version.parse::<LanceFileVersion>()?);
    }
    match settings.mode {
        CompactionMode::AsConfigured => {}
        CompactionMode::Reencode => options.compaction_mode = Some(EngineMode::Reencode),
        CompactionMode::TryBinaryCopy => options.compaction_mode = Some(EngineMode::TryBinaryCopy),
        CompactionMode::ForceBinaryCopy => {
            options.compaction_mode = Some(EngineMode::ForceBinaryCopy);
        }
    }
    set_remap(&mut options, settings.index_remap);
    set_properties(&mut options, &settings.transaction_properties);
    Ok(options)
}

/// Those that a commit looks at.
pub fn of_commit(
    dataset: &Dataset,
    settings: &CommitCompactionSettings,
) -> Result<CompactionOptions> {
    let mut options = configured(dataset)?;
    set_remap(&mut options, settings.index_remap);
    set_properties(&mut options, &settings.transaction_properties);
    Ok(options)
}

fn configured(dataset: &Dataset) -> Result<CompactionOptions> {
    let mut options = CompactionOptions {
        // The engine's own keeps a table of all rows that move.
        index_remap_mode: IndexRemapMode::Compact,
        ..CompactionOptions::default()
    };
    options.apply_dataset_config(&dataset.manifest().config)?;
    Ok(options)
}

fn set_remap(options: &mut CompactionOptions, remap: IndexRemap) {
    let (deferred, mode) = match remap {
        IndexRemap::AsConfigured => return,
        IndexRemap::Compact => (false, IndexRemapMode::Compact),
        IndexRemap::Direct => (false, IndexRemapMode::Direct),
        IndexRemap::Deferred => (true, options.index_remap_mode),
    };
    options.defer_index_remap = deferred;
    options.index_remap_mode = mode;
}

fn set_properties(options: &mut CompactionOptions, properties: &HashMap<String, String>) {
    options.transaction_properties = (!properties.is_empty()).then(|| Arc::new(properties.clone()));
}
