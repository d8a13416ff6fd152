//! Reading: datasets, scans, takes, counts.

pub mod amplifiers;
pub mod attempt;
mod batches;
mod columns;
mod count;
mod data_bytes;
pub mod dataset;
pub mod filter;
pub mod fragments;
mod opened;
mod row_widths;
pub mod scan;
pub mod scan_strategy;
mod take;
pub mod versions;

pub use batches::Batches;
pub use opened::Opened;
pub use scan::{Query, count_rows};
pub use take::{TakeBy, take};
