//! Checking a dataset for damage.

mod data_file;
mod decode;
mod deletion_file;
mod files;
mod places;
mod progress;
mod refs;
mod run;

pub use run::{Findings, check};
