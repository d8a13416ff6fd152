//! Prints the layout of every transparent struct and its initial values as Rust sees them, in the form that
//! tests/c_api/abi_layout.c describes.

use std::mem::{align_of, offset_of, size_of};
use std::ptr::null;

use lance_ffi::check::{
    LanceCheckOptions, LanceCheckProblem, LanceCheckProgress, LanceCheckSummary,
};
use lance_ffi::cleanup::{LanceCleanupOptions, LanceCleanupResult};
use lance_ffi::dataset::{LanceDatasetInfo, LanceOpenOptions};
use lance_ffi::fragments::LanceFragmentInfo;
use lance_ffi::params::{LanceKeyValue, Versioned};
use lance_ffi::runtime::LanceRuntimeOptions;
use lance_ffi::scanner::LanceScanOptions;
use lance_ffi::transaction::LanceCommitResult;
use lance_ffi::versions::LanceVersionInfo;
use lance_ffi::writer::{LanceColumnHint, LanceWriteOptions, LanceWriteStats};

fn print_field<F>(name: &str, offset: usize, field: &F) {
    // SAFETY: a field is an integer or a pointer, all bytes of which have a value.
    let bytes = unsafe {
        std::slice::from_raw_parts(std::ptr::from_ref(field).cast::<u8>(), size_of::<F>())
    };
    let bytes: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{name} {offset} {} {bytes}", size_of::<F>());
}

macro_rules! layout {
    ($name:ident: $($field:ident),+ $(,)?) => {
        layout!($name = $name::INIT; $($field),+);
    };
    ($name:ident = $initial:expr; $($field:ident),+ $(,)?) => {
        let initial: $name = $initial;
        println!("{} {} {}", stringify!($name), size_of::<$name>(), align_of::<$name>());
        $(print_field(
            concat!(stringify!($name), ".", stringify!($field)),
            offset_of!($name, $field),
            &initial.$field,
        );)+
    };
}

fn main() {
    layout!(LanceKeyValue = LanceKeyValue { key: null(), value: null() }; key, value);
    layout!(LanceRuntimeOptions: struct_size, io_threads, cpu_threads, index_cache_bytes, metadata_cache_bytes);
    layout!(LanceOpenOptions: struct_size, version, tag, branch, storage_options, storage_options_count);
    layout!(LanceDatasetInfo: struct_size, version, fragments, rows, deleted_rows, data_bytes, data_files, storage_version_major, storage_version_minor, stable_row_ids, reserved);
    layout!(LanceFragmentInfo: struct_size, id, rows, deleted_rows, data_files, data_bytes);
    layout!(LanceVersionInfo: struct_size, version, timestamp_micros, metadata, metadata_count);
    layout!(LanceScanOptions: struct_size, columns, column_count, filter, limit, offset, batch_size, with_row_id, with_row_address, ordered, batch_readahead, io_buffer_bytes);
    layout!(LanceCommitResult: struct_size, version);
    layout!(LanceWriteStats: struct_size, batches, rows, bytes, bytes_in_flight, peak_bytes_in_flight, rows_written, bytes_written, files_written);
    layout!(LanceColumnHint = LanceColumnHint { column: null(), key: null(), value: null() }; column, key, value);
    layout!(LanceWriteOptions: struct_size, mode, lanes, preserve_order, stable_row_ids, max_bytes_in_flight, max_rows_per_file, max_bytes_per_file, data_storage_version, encoder_cache_bytes, max_page_bytes, transaction_properties, transaction_properties_count, storage_options, storage_options_count, column_hints, column_hints_count, progress, progress_context, durable, tuned_encodings);
    layout!(LanceCheckProgress: struct_size, manifests, files, rows_decoded, bytes_decoded);
    layout!(LanceCheckOptions: struct_size, version, storage_options, storage_options_count, progress, progress_context, deep, reserved);
    layout!(LanceCheckSummary: struct_size, problems, manifests, versions, data_files, deletion_files, index_files, rows, bytes, missing_transactions, orphans, orphan_bytes, temporary_files, temporary_bytes);
    layout!(LanceCheckProblem: struct_size, version, path, message, kind, reserved);
    layout!(LanceCleanupOptions: struct_size, older_than_seconds, keep_versions, orphan_min_age_seconds, storage_options, storage_options_count, dry_run, reserved);
    layout!(LanceCleanupResult: struct_size, versions, data_files, other_files, temporary_files, bytes);
}
