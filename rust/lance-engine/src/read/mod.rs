//! Reading: datasets, scans and their parts, takes, counts.

pub mod amplifiers;
pub mod attempt;
mod batches;
mod columns;
mod count;
mod cut;
mod data_bytes;
pub mod dataset;
pub mod expression;
mod finish;
pub mod fragments;
pub mod handover;
mod known_location;
mod literals;
mod opened;
mod projection;
mod ranges;
mod restriction;
mod rewording;
pub mod row_sample;
mod row_widths;
mod sample;
pub mod scan;
pub mod scan_strategy;
mod shrink;
pub mod split;
mod statistics;
mod substrait;
mod take;
pub mod versions;

pub use batches::{Batches, Yield};
pub use opened::Opened;
pub use ranges::take_ranges;
pub use sample::sample;
pub use scan::{Query, count_rows};
pub use take::{TakeBy, take};
