//! Searches: what a scan looks for in place of all rows.

mod text;
mod text_json;
mod tokenizer;
mod vector;
mod vectors;

pub use text::TextQuery;
pub use tokenizer::tokenize;
pub use vector::VectorQuery;
