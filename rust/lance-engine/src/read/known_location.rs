//! Opening a version whose manifest came along, without asking where that is stored.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::BoxStream;
use lance_io::object_store::ObjectStore;
use lance_table::format::{IndexMetadata, Manifest, Transaction};
use lance_table::io::commit::{
    CommitError, CommitHandler, ManifestLocation, ManifestNamingScheme, ManifestWriter,
};
use object_store::ObjectStore as Store;
use object_store::path::Path;

use crate::sync::lock;

/// What is known of the file of a manifest.
#[derive(Debug)]
pub struct ManifestFile {
    pub version: u64,
    pub naming: ManifestNamingScheme,
    pub bytes: Option<u64>,
    pub e_tag: Option<String>,
}

/// Stands before the engine's own handler of commits, and answers its first question: where the version is.
#[derive(Debug)]
pub struct KnownLocation {
    inner: Arc<dyn CommitHandler>,
    known: Mutex<Option<ManifestFile>>,
}

impl KnownLocation {
    pub fn new(inner: Arc<dyn CommitHandler>, known: ManifestFile) -> Self {
        Self {
            inner,
            known: Mutex::new(Some(known)),
        }
    }

    fn first_answer(&self, base: &Path, version: u64) -> Option<ManifestLocation> {
        let known = lock(&self.known).take();
        let known = known.filter(|known| known.version == version)?;
        Some(ManifestLocation {
            version,
            path: known.naming.manifest_path(base, version),
            size: known.bytes,
            naming_scheme: known.naming,
            e_tag: known.e_tag,
            identity: None,
        })
    }
}

#[async_trait]
impl CommitHandler for KnownLocation {
    fn is_version_not_found_definitive(&self) -> bool {
        self.inner.is_version_not_found_definitive()
    }

    fn propagate_commit_error_after_success(&self) -> bool {
        self.inner.propagate_commit_error_after_success()
    }

    async fn resolve_latest_location(
        &self,
        base: &Path,
        store: &ObjectStore,
    ) -> lance_core::Result<ManifestLocation> {
        self.inner.resolve_latest_location(base, store).await
    }

    async fn resolve_version_location(
        &self,
        base: &Path,
        version: u64,
        store: &dyn Store,
    ) -> lance_core::Result<ManifestLocation> {
        match self.first_answer(base, version) {
            Some(location) => Ok(location),
            None => {
                self.inner
                    .resolve_version_location(base, version, store)
                    .await
            }
        }
    }

    async fn version_exists(
        &self,
        base: &Path,
        version: u64,
        store: &dyn Store,
        naming: ManifestNamingScheme,
    ) -> lance_core::Result<bool> {
        self.inner
            .version_exists(base, version, store, naming)
            .await
    }

    fn list_manifest_locations<'a>(
        &self,
        base: &Path,
        store: &'a ObjectStore,
        sorted_descending: bool,
    ) -> BoxStream<'a, lance_core::Result<ManifestLocation>> {
        self.inner
            .list_manifest_locations(base, store, sorted_descending)
    }

    fn list_manifest_locations_since<'a>(
        &self,
        base: &Path,
        store: &'a ObjectStore,
        since: u64,
    ) -> BoxStream<'a, lance_core::Result<ManifestLocation>> {
        self.inner.list_manifest_locations_since(base, store, since)
    }

    async fn commit(
        &self,
        manifest: &mut Manifest,
        indices: Option<Vec<IndexMetadata>>,
        base: &Path,
        store: &ObjectStore,
        writer: ManifestWriter,
        naming: ManifestNamingScheme,
        transaction: Option<Transaction>,
    ) -> std::result::Result<ManifestLocation, CommitError> {
        self.inner
            .commit(manifest, indices, base, store, writer, naming, transaction)
            .await
    }
}
