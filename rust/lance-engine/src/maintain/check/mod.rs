//! Checking a dataset for damage.

mod decode;
mod deletion_file;
mod files;
mod index_file;
mod places;
mod progress;
mod refs;
mod run;

pub use run::{Findings, check};
