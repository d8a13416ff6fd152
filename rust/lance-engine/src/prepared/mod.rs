//! Searches and look-ups that are prepared once and run many times: nothing is planned, opened or read twice.

mod admitted;
mod found;
mod gather;
mod held;
mod index;
mod lookup;
mod probes;
mod rows;
mod search;
mod searcher;

pub use lookup::{Lookup, Values, open as open_lookup};
pub use searcher::{Searcher, open};
