//! Reading: datasets, scans and their parts, takes, counts.

mod amplifiers;
mod attempt;
mod batches;
mod columns;
mod count;
mod cut;
mod data_bytes;
pub mod dataset;
mod filter;
pub mod fragments;
pub mod handover;
mod known_location;
mod opened;
mod ranges;
mod row_widths;
mod sample;
pub mod scan;
mod scan_strategy;
pub mod split;
pub mod statistics;
mod take;
mod taken_columns;
pub mod versions;

pub use batches::Batches;
pub use opened::Opened;
pub use ranges::take_ranges;
pub use sample::sample;
pub use scan::{Query, count_rows};
pub use take::{TakeBy, take};
