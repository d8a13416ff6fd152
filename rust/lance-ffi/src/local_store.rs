//! Local paths, through `object_store`'s file system.
//!
//! The engine's own local writer drops an error of its last write and never syncs. Under the scheme
//! `file-object-store` the engine leaves everything to the store, as it does for remote ones.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use lance_core::Result;
use lance_io::object_store::providers::local::FileStoreProvider;
use lance_io::object_store::{ObjectStore, ObjectStoreParams, ObjectStoreProvider};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use url::Url;

/// What the engine calls a local store that is used like a remote one.
const SCHEME: &str = "file-object-store";

/// The storage option by which a write asks for fsync of files and directories before they count. Other
/// stores are durable by nature and ignore it.
const DURABLE: &str = "lance_cpp_durable";

pub fn make_durable(options: &mut HashMap<String, String>) {
    options.insert(DURABLE.to_string(), "true".to_string());
}

pub fn is_durable(options: &HashMap<String, String>) -> bool {
    options.contains_key(DURABLE)
}

pub fn is_local(store: &ObjectStore) -> bool {
    store.scheme() == SCHEME
}

/// Whether the prefix, which tells stores apart, is that of local ones.
pub fn is_prefix(prefix: &str) -> bool {
    prefix == SCHEME
}

/// Stands in for the engine's provider of `file`.
#[derive(Debug, Default)]
pub struct LocalStoreProvider;

#[async_trait]
impl ObjectStoreProvider for LocalStoreProvider {
    async fn new_store(&self, _base: Url, params: &ObjectStoreParams) -> Result<ObjectStore> {
        let root = Url::parse(&format!("{SCHEME}:///"))
            .map_err(|error| lance_core::Error::internal(error.to_string()))?;
        let mut store = FileStoreProvider.new_store(root, params).await?;
        let durable = params.storage_options().is_some_and(is_durable);
        store.inner = Arc::new(LocalFileSystem::new().with_fsync(durable));
        Ok(store)
    }

    fn extract_path(&self, url: &Url) -> Result<Path> {
        FileStoreProvider.extract_path(url)
    }

    fn calculate_object_store_prefix(
        &self,
        _url: &Url,
        _storage_options: Option<&HashMap<String, String>>,
    ) -> Result<String> {
        Ok(SCHEME.to_string())
    }
}
