//! Which rows a scan looks at, before any filter.

use std::collections::{HashMap, HashSet};

use lance::Dataset;
use lance::dataset::scanner::{FragmentSlice, RowAddrMask, RowAddrTreeMap, Scanner};
use lance_table::format::Fragment;

use super::found::searches;
use super::live_ids::live_ids;
use crate::error::{Error, Result};
use crate::settings::{self, ScanSettings};

/// Whether a scan looks at some rows only, or at more than there are.
pub fn restricts(settings: &ScanSettings) -> bool {
    restricts_more_than_fragments(settings) || settings.fragments.is_some()
}

/// Whether it looks at some rows of a fragment only, or at more than it has.
pub fn restricts_more_than_fragments(settings: &ScanSettings) -> bool {
    !settings.slices.is_empty()
        || settings.row_ids.is_some()
        || !settings.excluded_row_ids.is_empty()
        || settings.include_deleted_rows
}

/// The fragments that a scan looks at.
pub fn fragments(dataset: &Dataset, settings: &ScanSettings) -> Result<Vec<Fragment>> {
    let all = dataset.fragments();
    if let Some(ids) = &settings.fragments {
        let known: HashMap<_, _> = all.iter().map(|fragment| (fragment.id, fragment)).collect();
        let found = |id| known.get(id).map(|fragment| (*fragment).clone());
        let fragments = ids
            .iter()
            .map(|id| found(id).ok_or_else(|| no_such_fragment(dataset, *id)));
        return fragments.collect();
    }
    let slices = settings.slices.iter();
    let cut: HashSet<_> = slices.map(|slice| slice.fragment).collect();
    let fragments = all
        .iter()
        .filter(|fragment| cut.is_empty() || cut.contains(&fragment.id));
    Ok(fragments.cloned().collect())
}

pub fn no_such_fragment(dataset: &Dataset, id: u64) -> Error {
    Error::invalid_argument(format!(
        "version {} of the dataset has no fragment {id}",
        dataset.version().version
    ))
}

/// Have the scanner look at no other rows.
pub async fn restrict(
    scanner: &mut Scanner,
    dataset: &Dataset,
    settings: &ScanSettings,
) -> Result<()> {
    if let Some(ids) = &settings.fragments {
        let mut seen = HashSet::new();
        if let Some(twice) = ids.iter().find(|id| !seen.insert(**id)) {
            return Err(Error::invalid_argument(format!(
                "fragment {twice} is named twice"
            )));
        }
        scanner.with_fragments(fragments(dataset, settings)?);
    }
    if !settings.slices.is_empty() {
        let mut slices = Vec::with_capacity(settings.slices.len());
        for slice in &settings.slices {
            slices.push(checked(dataset, slice).await?);
        }
        scanner.with_fragment_slices(&slices).await?;
    }
    if let Some(mask) = mask(dataset, settings).await? {
        scanner.with_row_id_prefilter(mask);
    }
    if settings.include_deleted_rows {
        scanner.include_deleted_rows();
    }
    Ok(())
}

/// The row ids that are looked at; None: all.
async fn mask(dataset: &Dataset, settings: &ScanSettings) -> Result<Option<RowAddrMask>> {
    let excluded = settings.excluded_row_ids.iter().copied();
    let excluded = RowAddrTreeMap::from_iter(excluded);
    let chosen = match &settings.row_ids {
        Some(ids) => {
            let ids = RowAddrTreeMap::from_iter(ids.iter().copied());
            Some(RowAddrMask::from_allowed(ids).also_block(excluded))
        }
        None if !settings.excluded_row_ids.is_empty() => Some(RowAddrMask::from_block(excluded)),
        None => None,
    };
    if !searches(settings) {
        return Ok(chosen);
    }
    let live = live_ids(dataset).await?;
    let live = live.map(|live| live.as_ref().clone());
    Ok(chosen
        .into_iter()
        .chain(live)
        .reduce(|all, some| all & some))
}

async fn checked(dataset: &Dataset, slice: &settings::FragmentSlice) -> Result<FragmentSlice> {
    let id = slice.fragment;
    let found = u32::try_from(id)
        .ok()
        .zip(dataset.get_fragment(id as usize));
    let Some((fragment_id, fragment)) = found else {
        return Err(no_such_fragment(dataset, id));
    };
    let rows = fragment.physical_rows().await? as u64;
    let end = slice.first_row.checked_add(slice.row_count);
    if end.is_none_or(|end| end > rows) {
        return Err(Error::invalid_argument(format!(
            "a slice of fragment {id} has {} rows from row {}, and {rows} rows are stored there",
            slice.row_count, slice.first_row
        )));
    }
    Ok(FragmentSlice {
        fragment_id,
        row_offset: slice.first_row,
        row_count: slice.row_count,
    })
}
