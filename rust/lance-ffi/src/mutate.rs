//! Rows deleted and updated.

pub use lance_engine::mutate::{
    delete, delete_addresses, delete_row_ids, delete_row_ids_uncommitted, delete_uncommitted,
    truncate, update, update_uncommitted,
};
