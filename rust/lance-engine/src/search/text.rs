//! Searches for words in texts.

use lance_index::scalar::FullTextSearchQuery;
use lance_index::scalar::inverted::parser;

use crate::error::{Error, Result};

/// A search for words.
#[derive(Clone, Debug)]
pub struct TextQuery {
    query: FullTextSearchQuery,
}

impl TextQuery {
    pub fn from_json(json: &str) -> Result<Self> {
        let query = parser::from_json(json)
            .map_err(|error| Error::from(error).context("the search for words"))?;
        Ok(Self {
            query: FullTextSearchQuery::new_query(query),
        })
    }

    /// As the engine has it.
    pub fn engines(&self) -> FullTextSearchQuery {
        self.query.clone()
    }
}
