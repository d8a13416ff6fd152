//! Searches that are prepared once and run many times: nothing is planned, opened or read twice.

mod admitted;
mod found;
mod gather;
mod held;
mod index;
mod probes;
mod rows;
mod search;
mod searcher;

pub use searcher::{Searcher, open};
