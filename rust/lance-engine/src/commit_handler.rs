//! Standing before the engine's own handler of commits.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use lance_io::object_store::ObjectStore;
use lance_table::format::{IndexMetadata, Manifest, Transaction};
use lance_table::io::commit::{
    CommitError, CommitHandler, ManifestLocation, ManifestNamingScheme, ManifestWriter,
};
use object_store::ObjectStore as Store;
use object_store::path::Path;

/// Has a handler, and does some of its work in another way.
#[async_trait]
pub trait Before: Debug + Send + Sync {
    fn inner(&self) -> &dyn CommitHandler;

    async fn resolve_version_location(
        &self,
        base: &Path,
        version: u64,
        store: &dyn Store,
    ) -> lance_core::Result<ManifestLocation> {
        self.inner()
            .resolve_version_location(base, version, store)
            .await
    }

    /// Called with a manifest that is about to be put in its place. Failing is the end of the commit.
    async fn check(
        &self,
        _manifest: &Manifest,
        _base: &Path,
        _store: &ObjectStore,
    ) -> lance_core::Result<()> {
        Ok(())
    }
}

/// Such a one in the place of the handler.
#[derive(Debug)]
pub struct InPlace<T>(pub Arc<T>);

#[async_trait]
impl<T: Before> CommitHandler for InPlace<T> {
    fn is_version_not_found_definitive(&self) -> bool {
        self.0.inner().is_version_not_found_definitive()
    }

    fn propagate_commit_error_after_success(&self) -> bool {
        self.0.inner().propagate_commit_error_after_success()
    }

    async fn resolve_latest_location(
        &self,
        base: &Path,
        store: &ObjectStore,
    ) -> lance_core::Result<ManifestLocation> {
        self.0.inner().resolve_latest_location(base, store).await
    }

    async fn resolve_version_location(
        &self,
        base: &Path,
        version: u64,
        store: &dyn Store,
    ) -> lance_core::Result<ManifestLocation> {
        self.0.resolve_version_location(base, version, store).await
    }

    async fn version_exists(
        &self,
        base: &Path,
        version: u64,
        store: &dyn Store,
        naming: ManifestNamingScheme,
    ) -> lance_core::Result<bool> {
        let inner = self.0.inner();
        inner.version_exists(base, version, store, naming).await
    }

    fn list_manifest_locations<'a>(
        &self,
        base: &Path,
        store: &'a ObjectStore,
        sorted_descending: bool,
    ) -> BoxStream<'a, lance_core::Result<ManifestLocation>> {
        let inner = self.0.inner();
        inner.list_manifest_locations(base, store, sorted_descending)
    }

    fn list_manifest_locations_since<'a>(
        &self,
        base: &Path,
        store: &'a ObjectStore,
        since: u64,
    ) -> BoxStream<'a, lance_core::Result<ManifestLocation>> {
        let inner = self.0.inner();
        inner.list_manifest_locations_since(base, store, since)
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
        let checked = self.0.check(manifest, base, store).await;
        checked.map_err(CommitError::OtherError)?;
        let inner = self.0.inner();
        inner
            .commit(manifest, indices, base, store, writer, naming, transaction)
            .await
    }
}
