//! One Lance file, whatever it belongs to: how it ends, and the engine's reader of it.

pub mod footer;

use std::sync::Arc;

use lance_core::cache::LanceCache;
use lance_file::determine_file_version;
use lance_file::reader::{FileReader, FileReaderOptions};
use lance_file::version::ConcreteFileVersion;
use lance_io::object_store::ObjectStore;
use lance_io::scheduler::{ScanScheduler, SchedulerConfig};
use lance_io::utils::CachedFileSize;
use object_store::path::Path;

use crate::error::{Error, Result, code};

/// Open a file of a current format, of which nothing is believed that was not checked.
pub async fn open(
    store: Arc<ObjectStore>,
    path: Path,
    size: u64,
    options: FileReaderOptions,
) -> Result<FileReader> {
    let bytes = usize::try_from(size).ok();
    let version = determine_file_version(&store, &path, bytes).await;
    let version = version.map_err(|error| {
        let error = Error::from(error);
        match error.code() {
            code::INVALID_ARGUMENT => Error::new(code::CORRUPT, "it is no Lance file"),
            _ => error,
        }
    })?;
    if version == ConcreteFileVersion::V1 {
        return Err(Error::new(
            code::NOT_SUPPORTED,
            "files of format 0.1 cannot be read by themselves",
        ));
    }
    footer::check_current(&store, &path, size).await?;
    let scheduler = ScanScheduler::new(store.clone(), SchedulerConfig::max_bandwidth(&store));
    let file = scheduler
        .open_file(&path, &CachedFileSize::new(size))
        .await?;
    let cache = LanceCache::no_cache();
    Ok(FileReader::try_open(file, None, Arc::default(), &cache, options).await?)
}
