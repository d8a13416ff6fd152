//! Rows changed where they are: deleted, updated.

mod assignments;
mod attempts;
mod delete;
mod deletions;
mod filter;
mod update;

pub use delete::{delete, delete_addresses, delete_row_ids, truncate};
pub use update::update;
