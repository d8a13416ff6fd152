//! Rows of a fragment deleted.

use std::collections::BTreeSet;
use std::sync::Arc;

use lance::dataset::fragment::FileFragment;
use lance::dataset::scanner::RowAddrTreeMap;
use lance::dataset::transaction::Operation;
use lance_core::utils::address::RowAddress;

use super::{change, fragment, staged};
use crate::error::{Error, Result};
use crate::read::{Opened, scan};
use crate::settings::ScanSettings;
use crate::task::Task;
use crate::write::transaction::{Pending, Staged};

/// Delete those that pass a filter.
pub fn delete(opened: Arc<Opened>, id: u64, filter: String) -> Task<Pending> {
    Box::pin(async move {
        fragment(&opened.dataset, id)?;
        let settings = ScanSettings {
            columns: Some(Vec::new()),
            filter: Some(filter.clone()),
            fragments: Some(vec![id]),
            with_row_address: true,
            ..ScanSettings::default()
        };
        let addresses = scan::numbers(opened.clone(), settings).await?;
        let offsets = addresses.iter().map(|address| *address as u32).collect();
        change(opened, id, |fragment| without(fragment, offsets, filter)).await
    })
}

/// Delete those that are stored at these places of the fragment. Some may be deleted already.
pub fn delete_offsets(opened: Arc<Opened>, id: u64, offsets: Vec<u64>) -> Task<Pending> {
    Box::pin(async move {
        let fragment = fragment(&opened.dataset, id)?;
        let rows = fragment.physical_rows().await? as u64;
        if let Some(wrong) = offsets.iter().find(|offset| **offset >= rows) {
            return Err(Error::invalid_argument(format!(
                "row {wrong} is out of range: fragment {id} has {rows} rows"
            )));
        }
        let deleted = fragment.get_deletion_vector().await?;
        let is_live = |offset: &u32| deleted.as_ref().is_none_or(|rows| !rows.contains(*offset));
        let offsets = offsets.into_iter().map(|offset| offset as u32);
        let offsets: BTreeSet<u32> = offsets.filter(is_live).collect();
        let told = format!("{} rows of fragment {id}", offsets.len());
        change(opened, id, |fragment| without(fragment, offsets, told)).await
    })
}

async fn without(
    fragment: FileFragment,
    offsets: BTreeSet<u32>,
    predicate: String,
) -> Result<Staged> {
    let id = fragment.id() as u64;
    let addresses = offsets
        .iter()
        .map(|offset| RowAddress::new_from_parts(id as u32, *offset).into());
    let affected_rows: RowAddrTreeMap = addresses.collect::<Vec<u64>>().into_iter().collect();
    let (mut updated_fragments, mut deleted_fragment_ids) = (Vec::new(), Vec::new());
    if !offsets.is_empty() {
        match fragment.clone().extend_deletions(offsets).await? {
            Some(left) => updated_fragments.push(left.metadata().clone()),
            None => deleted_fragment_ids.push(id),
        }
    }
    let operation = Operation::Delete {
        updated_fragments,
        deleted_fragment_ids,
        predicate,
    };
    Ok(Staged {
        affected_rows: Some(affected_rows),
        ..staged(&fragment, operation)
    })
}
