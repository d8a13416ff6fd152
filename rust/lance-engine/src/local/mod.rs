//! Files of this machine.

pub mod memory;
mod open_files;
pub mod store;
mod version_files;
