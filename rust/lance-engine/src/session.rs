//! Sessions: shared caches with byte budgets, and the object stores.

use std::collections::HashMap;
use std::sync::Arc;

use lance::session::Session;
use lance_io::object_store::providers::shared_memory::SharedMemoryStoreProvider;
use lance_io::object_store::{ObjectStoreParams, ObjectStoreRegistry, StorageOptionsAccessor};

use crate::local::memory;
use crate::local::store::LocalStoreProvider;
use crate::settings::{RuntimeSettings, SessionSettings};
use crate::telemetry::metered_store::meter;

/// The engine's own defaults add up to 7 GiB per dataset.
const METADATA_CACHE_BYTES: u64 = 128 << 20;
/// An index of which a part does not fit is read again for each search.
const LEAST_INDEX_CACHE_BYTES: u64 = 256 << 20;
/// Of the memory.
const INDEX_CACHE_SHARE: u64 = 8;

/// Make the session of the process.
pub fn default_session(settings: &RuntimeSettings) -> Arc<Session> {
    let registry = ObjectStoreRegistry::default();
    // The engine's own memory store forgets everything between two calls.
    registry.insert("memory", Arc::new(SharedMemoryStoreProvider::default()));
    registry.insert("file", Arc::new(LocalStoreProvider));
    meter(&registry);
    Arc::new(with_budgets(
        settings.index_cache_bytes,
        settings.metadata_cache_bytes,
        Arc::new(registry),
    ))
}

/// Make a session that shares the stores of another one.
pub fn session_beside(other: &Session, settings: &SessionSettings) -> Session {
    with_budgets(
        settings.index_cache_bytes,
        settings.metadata_cache_bytes,
        other.store_registry(),
    )
}

fn with_budgets(
    index_cache_bytes: Option<u64>,
    metadata_cache_bytes: Option<u64>,
    stores: Arc<ObjectStoreRegistry>,
) -> Session {
    Session::new(
        index_cache_bytes.unwrap_or_else(default_index_cache_bytes) as usize,
        metadata_cache_bytes.unwrap_or(METADATA_CACHE_BYTES) as usize,
        stores,
    )
}

fn default_index_cache_bytes() -> u64 {
    let share = memory::total().map_or(0, |bytes| bytes / INDEX_CACHE_SHARE);
    share.max(LEAST_INDEX_CACHE_BYTES)
}

/// Store parameters from a caller's storage options.
pub fn store_params(options: &HashMap<String, String>) -> ObjectStoreParams {
    let mut params = ObjectStoreParams::default();
    if !options.is_empty() {
        params.storage_options_accessor = Some(Arc::new(
            StorageOptionsAccessor::with_static_options(options.clone()),
        ));
    }
    params
}
