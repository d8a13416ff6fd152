//! Files that no manifest names: managed blobs, which values name, and the row maps of an index.

use std::collections::HashSet;
use std::time::SystemTime;

use lance::dataset::cleanup::CleanupPolicy;
use object_store::path::Path;

use super::removal::{Removal, Why};
use crate::error::{Error, Result, code};
use crate::maintain::listing::{BLOBS, Branch, Home, ROW_MAPS, StoredFiles};
use crate::maintain::orphans::{Kind, Place, is_temporary};

/// Find those that no version needs when some have gone. Only the engine knows; it compares places as they were
/// typed, so it must not be asked where a manifest names any.
pub async fn find(
    home: &Home,
    main: &Branch,
    listed: &StoredFiles,
    going: &HashSet<u64>,
    is_old: impl Fn(SystemTime) -> bool,
) -> Result<Vec<Removal>> {
    if !listed.keys().any(|path| is_managed(&home.base, path)) {
        return Ok(Vec::new());
    }
    let policy = CleanupPolicy {
        versions: Some(going.clone()),
        error_if_tagged_old_versions: false,
        // The ages of files are looked at here.
        delete_unverified: true,
        ..CleanupPolicy::default()
    };
    let dataset = home.open_version(main, None).await?;
    let explained = dataset
        .cleanup(policy)
        .with_max_candidate_files(usize::MAX)
        .explain()
        .await?;
    let mut found = Vec::new();
    for candidate in explained.candidate_files {
        let path = Path::parse(&candidate.path)
            .map_err(|error| Error::new(code::INTERNAL, error.to_string()))?;
        let Some(file) = listed.get(&path) else {
            continue;
        };
        let goes = !candidate.unverified || is_old(file.modified);
        if goes && is_managed(&home.base, &path) && !is_temporary(&path) {
            found.push(Removal {
                place: Place::Stored(path),
                kind: Some(Kind::Data),
                size: file.size,
                why: match candidate.unverified {
                    true => Why::Orphan,
                    false => Why::Freed,
                },
            });
        }
    }
    Ok(found)
}

pub fn is_managed(base: &Path, path: &Path) -> bool {
    let directory = path.prefix_match(base).and_then(|mut parts| parts.next());
    directory.is_some_and(|directory| [BLOBS, ROW_MAPS].contains(&directory.as_ref()))
}
