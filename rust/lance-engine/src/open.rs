//! Opening datasets.

use std::collections::HashMap;
use std::sync::Arc;

use lance::Dataset;
use lance::dataset::builder::DatasetBuilder;
use lance::io::commit::namespace_manifest::LanceNamespaceExternalManifestStore;
use lance::session::Session;
use lance_io::object_store::{ObjectStoreParams, StorageOptionsAccessor, StorageOptionsProvider};
use lance_namespace::LanceNamespace;
use lance_table::io::commit::external_manifest::ExternalManifestCommitHandler;
use lance_table::io::commit::{CommitHandler, commit_handler_from_url};

use crate::credentials::{Callback, CredentialsProvider, EXPIRES_AT, Renewal, Source};
use crate::error::{Result, code};
use crate::panics::contained;
use crate::runtime::session;
use crate::session::store_params;

/// How a caller reaches datasets: with credentials, and through caches.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub storage_options: HashMap<String, String>,
    /// None: the default one.
    pub session: Option<Arc<Session>>,
    /// Where storage options come from when these expire.
    pub renewal: Option<Arc<Renewal>>,
    /// Who keeps the versions, if it is not the store.
    pub keeper: Option<Keeper>,
}

/// A table whose versions are committed through its namespace.
#[derive(Debug, Clone)]
pub struct Keeper {
    pub client: Arc<dyn LanceNamespace>,
    pub table: Vec<String>,
}

/// Through which caches a dataset is read makes no difference to it.
impl PartialEq for Access {
    fn eq(&self, other: &Self) -> bool {
        match (&self.renewal, &other.renewal) {
            // What they have fetched differs each time.
            (Some(renewal), Some(other)) => renewal.provider_id() == other.provider_id(),
            (None, None) => self.storage_options == other.storage_options,
            _ => false,
        }
    }
}

impl Access {
    /// Renewed by the caller's provider, if there is one, which is asked now.
    pub async fn renewed_by(self, provider: Option<Arc<CredentialsProvider>>) -> Result<Self> {
        let Some(provider) = provider else {
            return Ok(self);
        };
        let source = Callback(provider);
        let first = source.fetch().await?;
        let mut access = self;
        // What is put over the options says when they expire.
        access.storage_options.remove(EXPIRES_AT);
        Ok(access.renewed_from(first, Arc::new(source)))
    }

    /// Renewed by a source that gave `first`.
    pub fn renewed_from(self, first: HashMap<String, String>, source: Arc<dyn Source>) -> Self {
        let renewal = Renewal::new(self.storage_options, source);
        Self {
            storage_options: renewal.over_given(first),
            renewal: Some(Arc::new(renewal)),
            ..self
        }
    }

    pub fn session(&self) -> Result<Arc<Session>> {
        self.session.clone().map_or_else(session, Ok)
    }

    pub fn store_params(&self) -> ObjectStoreParams {
        let Some(renewal) = &self.renewal else {
            return store_params(&self.storage_options);
        };
        let accessor = StorageOptionsAccessor::with_initial_and_provider(
            self.storage_options.clone(),
            renewal.clone(),
        );
        ObjectStoreParams {
            storage_options_accessor: Some(Arc::new(accessor)),
            ..ObjectStoreParams::default()
        }
    }

    /// Options that do not expire soon.
    pub async fn fresh_options(&self) -> Result<HashMap<String, String>> {
        match &self.renewal {
            Some(renewal) => renewal.fetch().await,
            None => Ok(self.storage_options.clone()),
        }
    }

    /// What commits the versions of the dataset at `uri`, and finds them.
    pub async fn commit_handler(&self, uri: &str) -> Result<Arc<dyn CommitHandler>> {
        match self.kept_elsewhere(uri)? {
            Some(handler) => Ok(handler),
            None => Ok(commit_handler_from_url(uri, &Some(self.store_params())).await?),
        }
    }

    /// The same, where it is not the store.
    pub fn kept_elsewhere(&self, uri: &str) -> Result<Option<Arc<dyn CommitHandler>>> {
        let Some(Keeper { client, table }) = &self.keeper else {
            return Ok(None);
        };
        let store =
            LanceNamespaceExternalManifestStore::for_table_uri(client.clone(), table.clone(), uri)?;
        Ok(Some(Arc::new(ExternalManifestCommitHandler {
            external_manifest_store: Arc::new(store),
        })))
    }
}

/// A builder with the caller's session and credentials.
pub fn builder(uri: &str, access: &Access) -> Result<DatasetBuilder> {
    let builder = DatasetBuilder::from_uri(uri)
        .with_session(access.session()?)
        .with_store_params(access.store_params());
    Ok(match access.kept_elsewhere(uri)? {
        Some(handler) => builder.with_commit_handler(handler),
        None => builder,
    })
}

/// Load what the builder describes. All that the engine gets is a place, so it panics on a manifest only.
pub async fn load(builder: DatasetBuilder) -> Result<lance_core::Result<Dataset>> {
    reading_manifest(async { Ok(builder.load().await) }).await
}

/// What reads a manifest, at which the engine may panic.
pub async fn reading_manifest<T>(task: impl Future<Output = Result<T>>) -> Result<T> {
    contained(task).await.map_err(|error| match error.code() {
        code::PANIC => error
            .with_code(code::CORRUPT)
            .context("a manifest is damaged"),
        _ => error,
    })
}

/// Open the latest version, or None when there is no dataset.
pub async fn load_latest(uri: &str, access: &Access) -> Result<Option<Dataset>> {
    load_if_exists(builder(uri, access)?).await
}

/// What the builder describes, or None when there is no dataset.
pub async fn load_if_exists(builder: DatasetBuilder) -> Result<Option<Dataset>> {
    match load(builder).await? {
        Ok(dataset) => Ok(Some(dataset)),
        Err(lance_core::Error::DatasetNotFound { .. } | lance_core::Error::NotFound { .. }) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
