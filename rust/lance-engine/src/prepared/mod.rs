//! Searches that are prepared once and run many times: nothing is planned, opened or read twice.

mod admitted;
mod found;
mod gather;
mod held;
mod index;
mod prepared;
mod probes;
mod rows;
mod searcher;

pub use searcher::{Searcher, open};
