//! Rows changed where they are: deleted, updated.

mod assignments;
pub(crate) mod attempts;
mod blobs;
mod delete;
mod deletions;
mod filter;
mod update;

pub use delete::{
    delete, delete_addresses, delete_row_ids, delete_row_ids_uncommitted, delete_uncommitted,
    truncate,
};
pub use update::{update, update_uncommitted};
