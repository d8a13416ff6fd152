//! The fragments of a dataset version.

use std::sync::Arc;

use arrow::array::RecordBatch;
use lance_table::format::Fragment;

use super::data_bytes::data_bytes;
use super::live_rows::LiveRows;
use super::opened::Opened;
use super::restriction::{fragments, no_such_fragment};
use super::take::{TakeBy, take};
use crate::error::{Error, Result, code};
use crate::settings::{FieldInfo, FragmentInfo, FragmentMetadata, ScanSettings, TakeSettings};
use crate::task::Task;

/// Describe each of them.
pub fn list(opened: Arc<Opened>) -> Task<Vec<FragmentInfo>> {
    Box::pin(async move {
        let mut infos = Vec::new();
        for fragment in opened.dataset.get_fragments() {
            let metadata = fragment.metadata();
            infos.push(FragmentInfo {
                id: metadata.id,
                rows: fragment.count_rows(None).await? as u64,
                deleted_rows: fragment.count_deletions().await? as u64,
                data_files: metadata.files.len() as u64,
                data_bytes: data_bytes(metadata),
            });
        }
        Ok(infos)
    })
}

/// What the manifest says of these, or of all.
pub fn metadata(opened: &Opened, ids: Option<Vec<u64>>) -> Result<Vec<FragmentMetadata>> {
    let settings = ScanSettings {
        fragments: ids,
        ..ScanSettings::default()
    };
    let fragments = fragments(&opened.dataset, &settings)?;
    fragments.iter().map(described).collect()
}

fn described(fragment: &Fragment) -> Result<FragmentMetadata> {
    let deletions = fragment.deletion_file.as_ref();
    Ok(FragmentMetadata {
        id: fragment.id,
        physical_rows: fragment.physical_rows.map(|rows| rows as u64),
        deleted_rows: match deletions {
            Some(file) => file.num_deleted_rows.map(|rows| rows as u64),
            None => Some(0),
        },
        metadata: serde_json::to_string(fragment)
            .map_err(|error| Error::new(code::INTERNAL, format!("cannot write JSON: {error}")))?,
    })
}

/// Take rows of a fragment by their positions among its live ones.
pub fn take_in(
    opened: Arc<Opened>,
    id: u64,
    positions: Vec<u64>,
    settings: TakeSettings,
) -> Task<RecordBatch> {
    Box::pin(async move {
        let found = usize::try_from(id).ok();
        let found = found.and_then(|id| opened.dataset.get_fragment(id));
        let fragment = found.ok_or_else(|| no_such_fragment(&opened.dataset, id))?;
        let rows = LiveRows::of(fragment).await?;
        let count = rows.count();
        if let Some(wrong) = positions.iter().find(|position| **position >= count) {
            return Err(Error::invalid_argument(format!(
                "position {wrong} is out of range: fragment {id} has {count} live rows"
            )));
        }
        let addresses = positions.into_iter().map(|position| rows.address(position));
        take(opened, TakeBy::Address, addresses.collect(), settings).await
    })
}

/// The fields of the schema, each before those in it.
pub fn fields(opened: &Opened) -> Vec<FieldInfo> {
    let fields = opened.dataset.schema().fields_pre_order();
    fields
        .map(|field| {
            let mut metadata: Vec<_> = field.metadata.clone().into_iter().collect();
            metadata.sort_unstable();
            FieldInfo {
                id: field.id,
                parent_id: (field.parent_id >= 0).then_some(field.parent_id),
                name: field.name.clone(),
                logical_type: field.logical_type.to_string(),
                nullable: field.nullable,
                metadata,
            }
        })
        .collect()
}
