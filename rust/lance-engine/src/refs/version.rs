//! The version that is open, as something that others point to.

use lance_table::format::is_detached_version;
use lance_table::io::manifest::read_manifest;

use crate::error::{Error, Result, code};
use crate::identity::Identity;
use crate::maintain::listing::if_found;
use crate::read::Opened;
use crate::stored_refs::MAIN;

/// Fail where the version is not there any more. After something was made that points to it: a cleanup that comes later
/// sees that.
pub async fn require(opened: &Opened) -> Result<()> {
    let dataset = &opened.plain;
    let manifest = dataset.manifest();
    if is_detached_version(manifest.version) {
        return Err(Error::invalid_argument(
            "the version is a detached one, to which nothing can point",
        ));
    }
    let store = dataset.object_store(None).await?;
    let path = &dataset.manifest_location().path;
    let found = if_found(read_manifest(&store, path, None).await)?;
    match found {
        Some(found) if Identity::of(&found) == Identity::of(manifest) => Ok(()),
        _ => Err(Error::new(
            code::VERSION_NOT_FOUND,
            format!(
                "version {} of branch {:?} is gone: it was cleaned up, or the dataset made anew",
                manifest.version,
                branch(opened)
            ),
        )),
    }
}

/// The name of the branch it is on.
pub fn branch(opened: &Opened) -> &str {
    opened.plain.manifest().branch.as_deref().unwrap_or(MAIN)
}

/// Bytes of its manifest.
pub async fn manifest_size(opened: &Opened) -> Result<usize> {
    let location = opened.plain.manifest_location();
    Ok(match location.size {
        Some(size) => size as usize,
        None => {
            let store = opened.plain.object_store(None).await?;
            store.size(&location.path).await? as usize
        }
    })
}
