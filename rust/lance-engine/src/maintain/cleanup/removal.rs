//! A file that a cleanup removes, or leaves.

use crate::maintain::orphans::{Kind, Place};

pub struct Removal {
    pub place: Place,
    /// None: the manifest of a version.
    pub kind: Option<Kind>,
    pub size: u64,
    pub why: Why,
}

/// Why it is removed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// It is the manifest of this version, which nothing keeps.
    Version(u64),
    /// Only versions that go name it.
    Freed,
    /// No version names it, and it is old.
    Orphan,
}

/// A manifest that stays, or a file that no version names and that is too young to go.
pub struct Staying {
    pub place: Place,
    /// None: the manifest of a version.
    pub kind: Option<Kind>,
    pub version: Option<u64>,
    pub size: u64,
    pub reason: String,
}
