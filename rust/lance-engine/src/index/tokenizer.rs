//! How an index cuts texts into words.

use std::collections::HashMap;

use lance_index::scalar::InvertedIndexParams;
use serde_json::Value;

use super::parameters::check;
use crate::error::{Error, Result};
use crate::panics::contain;
use crate::settings::{IndexType, TextToken};

/// Words of one text. n-grams of a long one would fill the memory.
const MOST_TOKENS: usize = 1_000_000;

/// The words of a text, as an index with these parameters has them.
pub fn tokenize(text: &str, parameters: &HashMap<String, String>) -> Result<Vec<TextToken>> {
    let parameters = check(IndexType::Inverted, parameters)?;
    if parameters.get("lance_tokenizer") == Some(&Value::from("json")) {
        let checked = serde_json::from_str::<Value>(text);
        checked.map_err(|error| {
            Error::invalid_argument(format!(
                "the text is no JSON, as lance_tokenizer has it: {error}"
            ))
        })?;
    }
    let parameters: InvertedIndexParams = serde_json::from_value(parameters.into())
        .map_err(|error| Error::invalid_argument(format!("parameters: {error}")))?;
    let mut tokenizer = parameters.build()?;
    contain(|| {
        let mut stream = tokenizer.token_stream_for_doc(text);
        let mut tokens = Vec::new();
        while let Some(token) = stream.try_next().map_err(Error::invalid_argument)? {
            if tokens.len() == MOST_TOKENS {
                return Err(Error::invalid_argument(format!(
                    "the text has more than {MOST_TOKENS} words"
                )));
            }
            tokens.push(TextToken {
                text: token.text.clone(),
                position: token.position as u64,
                start: token.offset_from as u64,
                end: token.offset_to as u64,
            });
        }
        Ok(tokens)
    })
}
