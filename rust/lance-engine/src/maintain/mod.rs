//! Maintenance: what lies in a dataset's directories, what it takes, checks for damage, cleanups.

pub mod check;
pub mod cleanup;
pub(crate) mod clones;
pub(crate) mod listing;
pub(crate) mod needed_files;
mod orphans;
mod refs;
mod usage;

pub use check::check;
pub use cleanup::{clean_up, explain as explain_cleanup};
pub use usage::disk_usage;
