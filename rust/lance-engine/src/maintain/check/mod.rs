//! Checking a dataset for damage.

mod data_file;
mod decode;
mod deletion_file;
mod files;
mod places;
mod progress;
mod refs;
mod run;

pub(crate) use data_file::check_current;
pub use run::{Findings, check};
