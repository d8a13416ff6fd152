//! Files of this machine.

mod open_files;
pub mod store;
mod version_files;
