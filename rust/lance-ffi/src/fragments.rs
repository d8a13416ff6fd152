//! The fragments of a dataset version, as a list.

use std::sync::Arc;

use lance::Dataset;
use lance_table::format::Fragment;

use crate::dataset::LanceDataset;
use crate::error::{LanceError, Result};
use crate::guard::guard;
use crate::handle::free_plain;
use crate::params::{List, Versioned};
use crate::runtime::block_on;

/// Mirrors `LanceFragmentInfo`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceFragmentInfo {
    pub struct_size: usize,
    pub id: u64,
    pub rows: u64,
    pub deleted_rows: u64,
    pub data_files: u64,
    pub data_bytes: u64,
}

// SAFETY: repr(C), begins with struct_size, plain integers.
unsafe impl Versioned for LanceFragmentInfo {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        id: 0,
        rows: 0,
        deleted_rows: 0,
        data_files: 0,
        data_bytes: 0,
    };
}

/// The bytes of a fragment's data files, as far as their sizes are recorded.
pub fn data_bytes(fragment: &Fragment) -> u64 {
    fragment
        .files
        .iter()
        .filter_map(|file| file.file_size_bytes.get())
        .map(|size| size.get())
        .sum()
}

async fn describe_fragments(dataset: Arc<Dataset>) -> Result<Vec<LanceFragmentInfo>> {
    let mut infos = Vec::new();
    for fragment in dataset.get_fragments() {
        let metadata = fragment.metadata();
        infos.push(LanceFragmentInfo {
            id: metadata.id,
            rows: fragment.count_rows(None).await? as u64,
            deleted_rows: fragment.count_deletions().await? as u64,
            data_files: metadata.files.len() as u64,
            data_bytes: data_bytes(metadata),
            ..LanceFragmentInfo::INIT
        });
    }
    Ok(infos)
}

/// The fragments of one version.
pub struct LanceFragmentList(List<LanceFragmentInfo>);

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_fragments(
    dataset: *const LanceDataset,
    out: *mut *mut LanceFragmentList,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let infos = LanceDataset::read(dataset, |opened| {
                block_on(describe_fragments(opened.dataset.clone()))
            })?;
            List::give(infos, out, LanceFragmentList)
        }
    })
}

/// # Safety
/// `list` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_fragment_list_length(list: *const LanceFragmentList) -> usize {
    // SAFETY: by this function's contract.
    unsafe { list.as_ref() }.map_or(0, |list| list.0.length())
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_fragment_list_get(
    list: *const LanceFragmentList,
    index: usize,
    out: *mut LanceFragmentInfo,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: by this function's contract.
    unsafe { List::get(list.as_ref().map(|list| &list.0), index, out, error) }
}

/// # Safety
/// `list` is NULL or live, used here for the last time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_fragment_list_free(list: *mut LanceFragmentList) {
    // SAFETY: by this function's contract.
    unsafe { free_plain(list) }
}
