//! Rows deleted and updated.

pub use lance_engine::mutate::{delete, delete_addresses, delete_row_ids, truncate, update};
