//! Reading: datasets, scans, takes, counts.

mod amplifiers;
mod attempt;
mod batches;
mod columns;
mod count;
mod data_bytes;
pub mod dataset;
mod expression;
mod finish;
pub mod fragments;
mod literals;
mod opened;
mod projection;
mod restriction;
mod row_widths;
pub mod scan;
mod scan_strategy;
mod shrink;
mod statistics;
mod substrait;
mod take;
pub mod versions;

pub use batches::{Batches, Yield};
pub use opened::Opened;
pub use scan::{Query, count_rows};
pub use take::{TakeBy, take};
