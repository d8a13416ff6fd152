//! The versions of a dataset, as a list.

use std::ffi::CString;

use crate::dataset::LanceDataset;
use crate::error::LanceError;
use crate::guard::guard;
use crate::handle::free_plain;
use crate::params::{LanceKeyValue, List, Versioned};
use crate::runtime::block_on;

/// Mirrors `LanceVersionInfo`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceVersionInfo {
    pub struct_size: usize,
    pub version: u64,
    pub timestamp_micros: i64,
    pub metadata: *const LanceKeyValue,
    pub metadata_count: usize,
}

// SAFETY: repr(C), begins with struct_size, integers and a pointer.
unsafe impl Versioned for LanceVersionInfo {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        version: 0,
        timestamp_micros: 0,
        metadata: std::ptr::null(),
        metadata_count: 0,
    };
}

/// The versions of a dataset, with the memory that their metadata points into.
pub struct LanceVersionList {
    infos: List<LanceVersionInfo>,
    _metadata: Vec<VersionMetadata>,
}

struct VersionMetadata {
    pairs: Vec<LanceKeyValue>,
    _strings: Vec<(CString, CString)>,
}

impl VersionMetadata {
    fn new(metadata: impl IntoIterator<Item = (String, String)>) -> Self {
        let strings: Vec<_> = metadata
            .into_iter()
            .filter_map(|(key, value)| Some((CString::new(key).ok()?, CString::new(value).ok()?)))
            .collect();
        let pairs = strings
            .iter()
            .map(|(key, value)| LanceKeyValue {
                key: key.as_ptr(),
                value: value.as_ptr(),
            })
            .collect();
        Self {
            pairs,
            _strings: strings,
        }
    }
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_dataset_versions(
    dataset: *const LanceDataset,
    out: *mut *mut LanceVersionList,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        let versions = unsafe {
            LanceDataset::read(dataset, |opened| {
                let dataset = opened.dataset.clone();
                block_on(async move { Ok(dataset.versions().await?) })
            })
        }?;
        let mut infos = Vec::with_capacity(versions.len());
        let mut kept = Vec::with_capacity(versions.len());
        for version in versions {
            let metadata = VersionMetadata::new(version.metadata);
            infos.push(LanceVersionInfo {
                version: version.version,
                timestamp_micros: version.timestamp.timestamp_micros(),
                metadata: metadata.pairs.as_ptr(),
                metadata_count: metadata.pairs.len(),
                ..LanceVersionInfo::INIT
            });
            kept.push(metadata);
        }
        // SAFETY: by this function's contract.
        unsafe {
            List::give(infos, out, |infos| LanceVersionList {
                infos,
                _metadata: kept,
            })
        }
    })
}

/// # Safety
/// `list` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_version_list_length(list: *const LanceVersionList) -> usize {
    // SAFETY: by this function's contract.
    unsafe { list.as_ref() }.map_or(0, |list| list.infos.length())
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_version_list_get(
    list: *const LanceVersionList,
    index: usize,
    out: *mut LanceVersionInfo,
    error: *mut *mut LanceError,
) -> i32 {
    // SAFETY: by this function's contract.
    unsafe { List::get(list.as_ref().map(|list| &list.infos), index, out, error) }
}

/// # Safety
/// `list` is NULL or live, used here for the last time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_version_list_free(list: *mut LanceVersionList) {
    // SAFETY: by this function's contract.
    unsafe { free_plain(list) }
}
