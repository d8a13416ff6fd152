//! Searches: what a scan looks for in place of all rows.

mod text;
mod text_json;
mod vector;
mod vectors;

pub use text::TextQuery;
pub use vector::VectorQuery;
