//! Data files by themselves, outside of any dataset: what other formats embed.

mod describe;
mod reader;
mod writer;

use std::sync::Arc;

use lance_io::object_store::{ObjectStore, ObjectStoreParams};
use object_store::path::Path;

pub use reader::{FileReader, open};
pub use writer::{FileWriter, open as create};

use crate::error::Result;
use crate::open::Access;
use crate::place::Place;
use crate::settings::AccessSettings;

async fn access(settings: AccessSettings) -> Result<Access> {
    let access = Access {
        storage_options: settings.storage_options,
        session: settings.session,
        ..Access::default()
    };
    access.renewed_by(settings.credentials).await
}

/// The store of a file, and its path in there.
async fn locate(
    place: &Place,
    access: &Access,
    params: ObjectStoreParams,
) -> Result<(Arc<ObjectStore>, Path)> {
    let registry = access.session()?.store_registry();
    Ok(ObjectStore::from_uri_and_params(registry, &place.uri, &params).await?)
}
