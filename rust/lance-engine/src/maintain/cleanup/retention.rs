//! Which versions of a branch stay.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use lance_table::format::{Manifest, is_detached_version};

use crate::error::{Error, Result, code};
use crate::maintain::listing::Home;
use crate::maintain::refs::{Ref, branch_name, read_refs};
use crate::settings::CleanupSettings;

pub struct Retention {
    /// This version and newer ones stay, whatever their age.
    newest_kept_from: u64,
    /// Younger versions stay, too.
    older_than: Option<Duration>,
    now: SystemTime,
    referenced: HashSet<u64>,
}

impl Retention {
    /// `versions` are those of the branch, in any order.
    pub fn new(
        versions: impl IntoIterator<Item = u64>,
        settings: &CleanupSettings,
        now: SystemTime,
        referenced: HashSet<u64>,
    ) -> Self {
        let keep = match (settings.older_than, settings.keep_versions) {
            (None, None) => usize::MAX,
            (_, keep) => usize::try_from(keep.unwrap_or(1).max(1)).unwrap_or(usize::MAX),
        };
        let mut versions: Vec<_> = versions
            .into_iter()
            .filter(|version| !is_detached_version(*version))
            .collect();
        versions.sort_unstable_by(|a, b| b.cmp(a));
        versions.dedup();
        Self {
            newest_kept_from: versions.get(keep - 1).copied().unwrap_or(0),
            older_than: settings.older_than,
            now,
            referenced,
        }
    }

    pub fn keeps(&self, manifest: &Manifest) -> bool {
        let is_young = |age| !is_old_enough(self.now, age, manifest.timestamp().into());
        // Nothing tells who needs a detached version; numbers of such are beyond all others.
        manifest.version >= self.newest_kept_from
            || self.referenced.contains(&manifest.version)
            || self.older_than.is_some_and(is_young)
    }
}

/// Whether something was made that long before `now`.
pub fn is_old_enough(now: SystemTime, age: Duration, made: SystemTime) -> bool {
    // The clock of the store may be ahead.
    age.is_zero() || now.checked_sub(age).is_some_and(|latest| made <= latest)
}

/// The versions of a branch that tags point to, or where other branches began.
pub async fn referenced_versions(home: &Home, branch: &str) -> Result<HashSet<u64>> {
    let mut referenced = HashSet::new();
    for file in read_refs(home).await? {
        let content = file.content.map_err(|error| {
            let path = home.shown(&file.path);
            let message = format!("nothing was removed: {path} cannot be read: {error}");
            Error::new(code::CORRUPT, message)
        })?;
        let (of, version) = match &content {
            Ref::Tag(tag) => (tag.branch.as_deref(), tag.version),
            Ref::Branch(_, other) => (other.parent_branch.as_deref(), other.parent_version),
        };
        if branch_name(of) == branch {
            referenced.insert(version);
        }
    }
    Ok(referenced)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use lance_core::datatypes::Schema;
    use lance_table::format::{DETACHED_VERSION_MASK, DataStorageFormat};

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// Of the versions 1 to 5, which are as many days old as they are from 6, those that stay.
    fn kept(older_than: Option<Duration>, keep_versions: Option<u64>, tagged: &[u64]) -> Vec<u64> {
        let now = SystemTime::UNIX_EPOCH + 1000 * DAY;
        let settings = CleanupSettings {
            older_than,
            keep_versions,
            ..CleanupSettings::default()
        };
        let retention = Retention::new(1..=5, &settings, now, tagged.iter().copied().collect());
        let mut manifest = Manifest::new(
            Schema::default(),
            Arc::default(),
            DataStorageFormat::default(),
            HashMap::new(),
        );
        let mut is_kept = |version: &u64| {
            manifest.version = *version;
            manifest.timestamp_nanos = (DAY * (994 + *version as u32)).as_nanos();
            retention.keeps(&manifest)
        };
        let kept = (1..=5).filter(&mut is_kept).collect();
        assert!(is_kept(&(DETACHED_VERSION_MASK | 7)));
        kept
    }

    #[test]
    fn without_limits_all_stay() {
        assert_eq!(kept(None, None, &[]), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn the_latest_stays_and_limits_hold_together() {
        assert_eq!(kept(None, Some(1), &[]), [5]);
        assert_eq!(kept(None, Some(3), &[]), [3, 4, 5]);
        assert_eq!(kept(None, Some(9), &[]), [1, 2, 3, 4, 5]);
        assert_eq!(kept(Some(Duration::ZERO), None, &[]), [5]);
        assert_eq!(kept(Some(4 * DAY), None, &[]), [3, 4, 5]);
        assert_eq!(kept(Some(4 * DAY), Some(1), &[]), [3, 4, 5]);
        assert_eq!(kept(Some(4 * DAY), Some(4), &[]), [2, 3, 4, 5]);
        assert_eq!(kept(Some(Duration::MAX), Some(1), &[]), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_is_pointed_to_stays() {
        assert_eq!(kept(None, Some(1), &[2, 4]), [2, 4, 5]);
        assert_eq!(kept(Some(Duration::ZERO), None, &[1]), [1, 5]);
    }
}
