//! Tags: names of versions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use lance::dataset::refs::TagContents;

use super::{names, version};
use crate::read::Opened;
use crate::settings::{TagInfo, TagSettings};
use crate::stored_refs::{MAIN, StoredRefs};
use crate::task::Task;

/// The tags of the dataset, by name.
pub fn list(opened: Arc<Opened>) -> Task<Vec<TagInfo>> {
    Box::pin(async move {
        let tags = StoredRefs::of(&opened.plain).await?.tags().await?;
        let tags = tags.into_iter().map(|(name, tag)| TagInfo {
            name,
            branch: tag.branch.unwrap_or_else(|| MAIN.to_string()),
            version: tag.version,
            manifest_bytes: tag.manifest_size as u64,
            created_micros: tag.created_at.map(|time| time.timestamp_micros()),
            updated_micros: tag.updated_at.map(|time| time.timestamp_micros()),
            metadata: sorted(tag.metadata),
        });
        Ok(tags.collect())
    })
}

pub fn sorted(metadata: HashMap<String, String>) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = metadata.into_iter().collect();
    pairs.sort_unstable();
    pairs
}

/// Have a new tag point to this version.
pub fn create(opened: Arc<Opened>, name: String, settings: TagSettings) -> Task<()> {
    Box::pin(async move {
        names::check_new_tag(&name)?;
        version::require(&opened).await?;
        let refs = StoredRefs::of(&opened.plain).await?;
        let now = Some(SystemTime::now().into());
        let tag = TagContents {
            branch: opened.plain.manifest().branch.clone(),
            version: opened.plain.manifest().version,
            created_at: now,
            updated_at: now,
            manifest_size: version::manifest_size(&opened).await?,
            metadata: settings.metadata,
        };
        let file = refs.tag_file(&name);
        refs.put_new(&file, &tag, format!("tag {name:?}")).await?;
        let is_there = version::require(&opened).await;
        if is_there.is_err() {
            refs.remove(&file).await?;
        }
        is_there
    })
}

/// Have a tag point to this version from now on.
pub fn update(opened: Arc<Opened>, name: String) -> Task<()> {
    Box::pin(async move {
        version::require(&opened).await?;
        let refs = StoredRefs::of(&opened.plain).await?;
        let before = refs.tag(&name).await?;
        let tag = TagContents {
            branch: opened.plain.manifest().branch.clone(),
            version: opened.plain.manifest().version,
            updated_at: Some(SystemTime::now().into()),
            manifest_size: version::manifest_size(&opened).await?,
            ..before.clone()
        };
        let file = refs.tag_file(&name);
        refs.put(&file, &tag).await?;
        let is_there = version::require(&opened).await;
        if is_there.is_err() {
            refs.put(&file, &before).await?;
        }
        is_there
    })
}

/// Replace what is kept with a tag.
pub fn replace_metadata(
    opened: Arc<Opened>,
    name: String,
    metadata: HashMap<String, String>,
) -> Task<()> {
    Box::pin(async move {
        let refs = StoredRefs::of(&opened.plain).await?;
        let tag = TagContents {
            metadata,
            ..refs.tag(&name).await?
        };
        refs.put(&refs.tag_file(&name), &tag).await
    })
}

pub fn delete(opened: Arc<Opened>, name: String) -> Task<()> {
    Box::pin(async move {
        let refs = StoredRefs::of(&opened.plain).await?;
        refs.tag(&name).await?;
        refs.remove(&refs.tag_file(&name)).await
    })
}
