//! The process-wide session: shared caches with a byte budget, and the object stores.

use std::collections::HashMap;
use std::sync::Arc;

use lance::session::Session;
use lance_io::object_store::providers::shared_memory::SharedMemoryStoreProvider;
use lance_io::object_store::{ObjectStoreParams, ObjectStoreRegistry, StorageOptionsAccessor};

use crate::local_store::LocalStoreProvider;
use crate::params::nonzero;

/// The engine's own defaults add up to 7 GiB per dataset.
const INDEX_CACHE_BYTES: u64 = 256 << 20;
const METADATA_CACHE_BYTES: u64 = 128 << 20;

/// Make the session with the given budgets; 0 takes the default.
pub fn default_session(index_cache_bytes: u64, metadata_cache_bytes: u64) -> Arc<Session> {
    let registry = ObjectStoreRegistry::default();
    // The engine's own memory store forgets everything between two calls.
    registry.insert("memory", Arc::new(SharedMemoryStoreProvider::default()));
    registry.insert("file", Arc::new(LocalStoreProvider));
    Arc::new(Session::new(
        nonzero(index_cache_bytes).unwrap_or(INDEX_CACHE_BYTES) as usize,
        nonzero(metadata_cache_bytes).unwrap_or(METADATA_CACHE_BYTES) as usize,
        Arc::new(registry),
    ))
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
