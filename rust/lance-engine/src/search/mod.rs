//! Searches: what a scan looks for in place of all rows.

mod text;
mod text_json;
mod vector;
mod vector_column;
mod vectors;

pub use text::TextQuery;
pub use vector::VectorQuery;
pub use vector_column::VectorColumn;
