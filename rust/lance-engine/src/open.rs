//! Opening datasets.

use std::collections::HashMap;
use std::sync::Arc;

use lance::Dataset;
use lance::dataset::builder::DatasetBuilder;
use lance::session::Session;

use crate::error::{Result, code};
use crate::panics::contained;
use crate::runtime::session;

/// How a caller reaches datasets: with credentials, and through caches.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub storage_options: HashMap<String, String>,
    /// None: the default one.
    pub session: Option<Arc<Session>>,
}

/// Through which caches a dataset is read makes no difference to it.
impl PartialEq for Access {
    fn eq(&self, other: &Self) -> bool {
        self.storage_options == other.storage_options
    }
}

impl Access {
    pub fn session(&self) -> Result<Arc<Session>> {
        self.session.clone().map_or_else(session, Ok)
    }
}

/// A builder with the caller's session and credentials.
pub fn builder(uri: &str, access: &Access) -> Result<DatasetBuilder> {
    let builder = DatasetBuilder::from_uri(uri).with_session(access.session()?);
    Ok(if access.storage_options.is_empty() {
        builder
    } else {
        builder.with_storage_options(access.storage_options.clone())
    })
}

/// Load what the builder describes. All that the engine gets is a place, so it panics on a manifest only.
pub async fn load(builder: DatasetBuilder) -> Result<lance_core::Result<Dataset>> {
    contained(async { Ok(builder.load().await) })
        .await
        .map_err(|error| match error.code() {
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
