//! What a fragment takes of a store.

use lance_table::format::Fragment;

/// The bytes of a fragment's data files, as far as their sizes are recorded.
pub fn data_bytes(fragment: &Fragment) -> u64 {
    fragment
        .files
        .iter()
        .filter_map(|file| file.file_size_bytes.get())
        .map(|size| size.get())
        .sum()
}
