//! What a scan looks for.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use lance_engine::settings::{
    TextClause, TextField, TextMatchSettings, TextOperator, TextPhraseSettings, TextQuerySettings,
    TextToken, VectorQuerySettings,
};
use lance_engine::{Result, TextQuery, VectorQuery, index};

use crate::arrow::import_array;
use crate::handle::Handle;

/// A search for the nearest vectors.
pub type LanceVectorQuery = Handle<VectorQuery>;
/// A search for words.
pub type LanceTextQuery = Handle<TextQuery>;

pub fn query_new(
    column: String,
    vectors: FFI_ArrowArray,
    vector_type: FFI_ArrowSchema,
    settings: VectorQuerySettings,
) -> Result<VectorQuery> {
    let vectors = import_array(vectors, &vector_type)?;
    VectorQuery::new(column, &vectors, settings)
}

pub fn query_match(words: String, settings: TextMatchSettings) -> Result<TextQuery> {
    TextQuery::with_words(words, settings)
}

pub fn query_phrase(words: String, settings: TextPhraseSettings) -> Result<TextQuery> {
    TextQuery::with_phrase(words, settings)
}

pub fn query_boost(
    positive: Arc<TextQuery>,
    negative: Arc<TextQuery>,
    negative_boost: f64,
) -> Result<TextQuery> {
    TextQuery::with_boost(&positive, &negative, negative_boost)
}

pub fn query_multi_match(queries: Vec<Arc<TextQuery>>) -> Result<TextQuery> {
    TextQuery::with_best_of(&queries)
}

pub fn query_combined_fields(
    words: String,
    fields: Vec<TextField>,
    term_operator: TextOperator,
) -> Result<TextQuery> {
    TextQuery::with_fields(words, fields, term_operator)
}

pub fn query_boolean(clauses: Vec<TextClause>) -> Result<TextQuery> {
    TextQuery::with_clauses(&clauses)
}

pub fn query_from_json(json: String) -> Result<TextQuery> {
    TextQuery::from_json(&json)
}

pub fn query_to_json(query: Arc<TextQuery>) -> Result<String> {
    query.to_json()
}

pub fn query_with(query: Arc<TextQuery>, settings: TextQuerySettings) -> Result<TextQuery> {
    query.with(settings)
}

pub fn tokenize(text: String, parameters: HashMap<String, String>) -> Result<Vec<TextToken>> {
    index::tokenize(&text, &parameters)
}
