//! How an index cuts texts into words.

use std::collections::HashMap;

use lance_index::scalar::InvertedIndexParams;
use serde_json::{Map, Value};

use crate::error::{Error, Result, code, nearest_hint};
use crate::panics::contain;
use crate::settings::TextToken;

/// Words of one text. n-grams of a long one would fill the memory.
const MOST_TOKENS: usize = 1_000_000;

/// Parameters of an index that are texts, and the one that is a list of them. The others are numbers and flags.
const TEXTS: &[&str] = &[
    "analyzer",
    "base_tokenizer",
    "language",
    "lance_tokenizer",
    "document_granularity",
];
const LIST: &str = "custom_stop_words";
const OTHERS: &[&str] = &[
    "with_position",
    "max_token_length",
    "lower_case",
    "stem",
    "remove_stop_words",
    "ascii_folding",
    "min_ngram_length",
    "max_ngram_length",
    "prefix_only",
    "block_size",
    "split_identifiers",
    "split_on_numerics",
    "preserve_original",
    "index_operators",
    "memory_limit",
    "num_workers",
    "format_version",
];

/// The words of a text, as an index with these parameters has them.
pub fn tokenize(text: &str, parameters: &HashMap<String, String>) -> Result<Vec<TextToken>> {
    let parameters = parsed(parameters)?;
    if parameters
        .get("lance_tokenizer")
        .is_some_and(|it| it == "json")
    {
        let checked = serde_json::from_str::<Value>(text);
        checked.map_err(|error| {
            Error::invalid_argument(format!(
                "the text is no JSON, as lance_tokenizer has it: {error}"
            ))
        })?;
    }
    let parameters: InvertedIndexParams = serde_json::from_value(Value::Object(parameters))
        .map_err(|error| Error::invalid_argument(format!("parameters: {error}")))?;
    let mut tokenizer = parameters.build()?;
    contain(|| {
        let mut stream = tokenizer.token_stream_for_doc(text);
        let mut tokens = Vec::new();
        while let Some(token) = stream.try_next().map_err(Error::invalid_argument)? {
            if tokens.len() == MOST_TOKENS {
                return Err(Error::new(
                    code::INVALID_ARGUMENT,
                    format!("the text has more than {MOST_TOKENS} words"),
                ));
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

fn parsed(parameters: &HashMap<String, String>) -> Result<Map<String, Value>> {
    let parameters = parameters.iter();
    parameters
        .map(|(name, text)| Ok((name.clone(), value(name, text)?)))
        .collect()
}

fn value(name: &str, text: &str) -> Result<Value> {
    if TEXTS.contains(&name) {
        return Ok(text.into());
    }
    if name == LIST {
        let words = text.split(',').map(str::trim);
        return Ok(words.filter(|word| !word.is_empty()).collect());
    }
    if !OTHERS.contains(&name) {
        let names = TEXTS.iter().chain(OTHERS).chain([&LIST]);
        return Err(Error::invalid_argument(format!(
            "there is no parameter {name:?} of an index of the type INVERTED{}",
            nearest_hint(name, names)
        )));
    }
    serde_json::from_str(text).map_err(|_| {
        Error::invalid_argument(format!(
            "the parameter {name:?} is {text:?}, which is neither a number nor true or false"
        ))
    })
}
