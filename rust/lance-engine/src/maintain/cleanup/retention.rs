//! Which versions of a branch stay.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use lance_table::format::{Manifest, is_detached_version};

use crate::error::{Error, Result, code};
use crate::maintain::listing::Home;
use crate::maintain::refs::{Ref, branch_name, read_refs};
use crate::settings::CleanupSettings;

pub struct Retention {
    /// This version and newer ones stay, whatever their age.
    newest_kept_from: u64,
    latest: u64,
    /// Younger versions stay, too.
    older_than: Option<Duration>,
    now: SystemTime,
    referenced: References,
}

/// The versions that something points to, each with what that is.
pub type References = HashMap<u64, Vec<String>>;

impl Retention {
    /// `versions` are those of the branch, in any order.
    pub fn new(
        versions: impl IntoIterator<Item = u64>,
        settings: &CleanupSettings,
        now: SystemTime,
        referenced: References,
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
            latest: versions.first().copied().unwrap_or(0),
            older_than: settings.older_than,
            now,
            referenced,
        }
    }

    /// Why a version stays, if it does.
    pub fn why_kept(&self, manifest: &Manifest) -> Option<String> {
        let is_young = |age: &Duration| !is_old_enough(self.now, *age, manifest.timestamp().into());
        let version = manifest.version;
        // Nothing tells who needs a detached version; numbers of such are beyond all others.
        if is_detached_version(version) {
            return Some("it is detached".to_string());
        }
        if version == self.latest {
            return Some("it is the latest".to_string());
        }
        if let Some(pointing) = self.referenced.get(&version) {
            return Some(pointing.join(", "));
        }
        if self.newest_kept_from == 0 {
            return Some("no limit that was given lets it go".to_string());
        }
        if version >= self.newest_kept_from {
            return Some("it is among the newest".to_string());
        }
        let young = self.older_than.filter(is_young)?;
        Some(format!("it is younger than {} s", young.as_secs()))
    }
}

/// Whether something was made that long before `now`.
pub fn is_old_enough(now: SystemTime, age: Duration, made: SystemTime) -> bool {
    // The clock of the store may be ahead.
    age.is_zero() || now.checked_sub(age).is_some_and(|latest| made <= latest)
}

/// The versions of a branch that tags point to, or where other branches began.
pub async fn referenced_versions(home: &Home, branch: &str) -> Result<References> {
    let mut referenced = References::new();
    for file in read_refs(home).await? {
        let content = file.content.map_err(|error| {
            let path = home.shown(&file.path);
            let message = format!("nothing was removed: {path} cannot be read: {error}");
            Error::new(code::CORRUPT, message)
        })?;
        let (of, version, pointing) = match &content {
            Ref::Tag(name, tag) => (
                tag.branch.as_deref(),
                tag.version,
                format!("tag {name:?} points to it"),
            ),
            Ref::Branch(name, other) => (
                other.parent_branch.as_deref(),
                other.parent_version,
                format!("branch {name:?} began at it"),
            ),
        };
        if branch_name(of) == branch {
            referenced.entry(version).or_default().push(pointing);
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
        let tags = tagged
            .iter()
            .map(|version| (*version, vec!["a tag".to_string()]));
        let retention = Retention::new(1..=5, &settings, now, tags.collect());
        let mut manifest = Manifest::new(
            Schema::default(),
            Arc::default(),
            DataStorageFormat::default(),
            HashMap::new(),
        );
        let mut is_kept = |version: &u64| {
            manifest.version = *version;
            manifest.timestamp_nanos = (DAY * (994 + *version as u32)).as_nanos();
            retention.why_kept(&manifest).is_some()
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
