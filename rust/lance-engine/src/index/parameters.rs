//! Parameters of the kinds of indices: which there are, and what they may be. docs/indices.md lists the same.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::kind;
use crate::error::{Error, Result, nearest_hint};
use crate::settings::IndexType;

/// Values by their names, each of the type that it should have.
pub type Checked = Map<String, Value>;

enum Shape {
    Count(u64, u64),
    Number(&'static [u64]),
    /// Between 0 and 1, neither of them.
    Fraction,
    Flag,
    Word(&'static [&'static str]),
    /// The name of a field of JSON. The engine takes paths as well, and finds other rows by them than without an index.
    Key,
    /// A JSON array, or words with commas between them.
    Words,
    /// As `Count`, or "none".
    Limit(u64),
    Json,
}

struct Parameter(&'static str, Shape);

use Shape::{Count, Flag, Fraction, Json, Key, Limit, Number, Word, Words};

/// So many rows or values that no file has as many.
const MANY: u64 = u32::MAX as u64;
/// More partitions, or rows to learn from for each, would only take memory.
const MOST_PARTITIONS: u64 = 1 << 24;
const MOST_SAMPLES: u64 = 1 << 20;

/// Which the engine does not know.
pub const NUM_SEGMENTS: &str = "num_segments";

const IVF: &[Parameter] = &[
    Parameter("metric", Word(&["l2", "cosine", "dot", "hamming"])),
    Parameter("num_partitions", Count(1, MOST_PARTITIONS)),
    Parameter("target_partition_size", Count(1, MANY)),
    Parameter("sample_rate", Count(1, MOST_SAMPLES)),
    Parameter("max_iters", Count(1, 100_000)),
    Parameter("streaming_sample_rate", Count(1, MOST_SAMPLES)),
    Parameter("streaming_coreset_rate", Count(1, MOST_SAMPLES)),
    Parameter("streaming_refine_passes", Count(0, 1000)),
    Parameter("shuffle_partition_batches", Count(1, MANY)),
    Parameter("shuffle_partition_concurrency", Count(1, 1024)),
];
const PQ: &[Parameter] = &[
    Parameter("num_sub_vectors", Count(1, MANY)),
    Parameter("num_bits", Number(&[4, 8])),
    Parameter("kmeans_redos", Count(1, 1000)),
];
const SQ: &[Parameter] = &[Parameter("num_bits", Number(&[8]))];
const RQ: &[Parameter] = &[
    Parameter("num_bits", Count(1, 9)),
    Parameter("rotation_type", Word(&["fast", "matrix"])),
];
const TRANSPOSED: &[Parameter] = &[Parameter("skip_transpose", Flag)];
const HNSW: &[Parameter] = &[
    Parameter("m", Count(4, 4096)),
    Parameter("ef_construction", Count(4, 1 << 20)),
    Parameter("max_level", Count(1, 64)),
    Parameter("prefetch_distance", Count(0, 1024)),
];
const TOKENIZER: &[Parameter] = &[
    Parameter("analyzer", Word(&["text", "code"])),
    Parameter(
        "base_tokenizer",
        Word(&[
            "simple",
            "whitespace",
            "raw",
            "ngram",
            "code",
            "icu",
            "icu/split",
        ]),
    ),
    Parameter(
        "language",
        Word(&[
            "Arabic",
            "Danish",
            "Dutch",
            "English",
            "Finnish",
            "French",
            "German",
            "Greek",
            "Hungarian",
            "Italian",
            "Norwegian",
            "Portuguese",
            "Romanian",
            "Russian",
            "Spanish",
            "Swedish",
            "Tamil",
            "Turkish",
        ]),
    ),
    Parameter("max_token_length", Limit(MANY)),
    Parameter("lower_case", Flag),
    Parameter("stem", Flag),
    Parameter("remove_stop_words", Flag),
    Parameter("ascii_folding", Flag),
    Parameter("min_ngram_length", Count(1, 1000)),
    Parameter("max_ngram_length", Count(1, 1000)),
    Parameter("prefix_only", Flag),
    Parameter("split_identifiers", Flag),
    Parameter("split_on_numerics", Flag),
    Parameter("preserve_original", Flag),
    Parameter("index_operators", Flag),
];
const INVERTED: &[Parameter] = &[
    Parameter("document_granularity", Word(&["row", "list_element"])),
    Parameter("lance_tokenizer", Word(&["text", "json"])),
    Parameter("with_position", Flag),
    Parameter("custom_stop_words", Words),
    Parameter("block_size", Number(&[128, 256])),
    Parameter("memory_limit", Count(1, MANY)),
    Parameter("num_workers", Count(1, 1024)),
    Parameter("format_version", Count(1, 3)),
];
const BTREE: &[Parameter] = &[Parameter("zone_size", Count(1, MANY))];
const ZONEMAP: &[Parameter] = &[
    Parameter("rows_per_zone", Count(1, MANY)),
    Parameter("use_seeds", Flag),
];
const BLOOM_FILTER: &[Parameter] = &[
    Parameter("number_of_items", Count(1, MANY)),
    Parameter("probability", Fraction),
];
const SEGMENTS: &[Parameter] = &[Parameter(NUM_SEGMENTS, Count(1, MANY))];
const JSON: &[Parameter] = &[
    Parameter("path", Key),
    Parameter(
        "target_index_type",
        Word(&["btree", "bitmap", "ngram", "zonemap", "bloomfilter"]),
    ),
    Parameter("target_index_parameters", Json),
];
const RTREE: &[Parameter] = &[Parameter("page_size", Count(2, MANY))];
const MINHASH: &[Parameter] = &[
    Parameter("num_hashes", Count(1, 4096)),
    Parameter("num_bands", Count(1, 256)),
    Parameter("shingle_size", Count(1, 1000)),
];

/// The parameters of a kind, in groups.
fn known(kind: IndexType) -> &'static [&'static [Parameter]] {
    match kind {
        IndexType::Btree => &[BTREE],
        IndexType::Bitmap | IndexType::LabelList | IndexType::Ngram => &[],
        IndexType::Zonemap => &[ZONEMAP],
        IndexType::BloomFilter => &[BLOOM_FILTER],
        IndexType::Inverted => &[INVERTED, SEGMENTS, TOKENIZER],
        IndexType::Fm => &[SEGMENTS],
        IndexType::Json => &[JSON],
        IndexType::Rtree => &[RTREE],
        IndexType::Minhash => &[MINHASH, TOKENIZER],
        IndexType::IvfFlat => &[IVF],
        IndexType::IvfSq => &[IVF, SQ],
        IndexType::IvfPq => &[IVF, PQ, TRANSPOSED],
        IndexType::IvfRq => &[IVF, RQ, TRANSPOSED],
        IndexType::IvfHnswFlat => &[IVF, HNSW],
        IndexType::IvfHnswSq => &[IVF, HNSW, SQ],
        IndexType::IvfHnswPq => &[IVF, HNSW, PQ],
    }
}

/// Whether a parameter says how texts become words.
pub fn is_of_tokenizer(name: &str) -> bool {
    TOKENIZER.iter().any(|parameter| parameter.0 == name)
}

/// Read what the caller has given.
pub fn check(kind: IndexType, given: &HashMap<String, String>) -> Result<Checked> {
    let names = || known(kind).iter().flat_map(|group| *group);
    let of = kind::of(kind).name;
    // In one order, so that the same mistakes are told each time.
    let mut given: Vec<_> = given.iter().collect();
    given.sort_unstable();
    let mut checked = Checked::new();
    for (name, text) in given {
        let Some(parameter) = names().find(|parameter| parameter.0 == *name) else {
            let hint = match known(kind) {
                [] => "; it has none".to_string(),
                _ => nearest_hint(name, names().map(|parameter| parameter.0)),
            };
            return Err(Error::invalid_argument(format!(
                "an index of the kind {of} has no parameter {name:?}{hint}"
            )));
        };
        let value = read(&parameter.1, text).ok_or_else(|| {
            let wanted = describe(&parameter.1);
            Error::invalid_argument(format!(
                "parameter {name:?} of an index of the kind {of} must be {wanted}, got {text:?}"
            ))
        })?;
        checked.insert(name.clone(), value);
    }
    Ok(checked)
}

fn read(shape: &Shape, text: &str) -> Option<Value> {
    let text = text.trim();
    match shape {
        Count(least, most) => {
            let number: u64 = text.parse().ok()?;
            (*least..=*most).contains(&number).then(|| number.into())
        }
        Number(numbers) => {
            let number: u64 = text.parse().ok()?;
            numbers.contains(&number).then(|| number.into())
        }
        Limit(_) if text.eq_ignore_ascii_case("none") => Some(Value::Null),
        Limit(most) => read(&Count(1, *most), text),
        Fraction => {
            let number: f64 = text.parse().ok()?;
            (number > 0.0 && number < 1.0).then(|| number.into())
        }
        Flag => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true.into()),
            "false" | "0" => Some(false.into()),
            _ => None,
        },
        Word(words) => {
            let word = words.iter().find(|word| word.eq_ignore_ascii_case(text));
            word.map(|word| Value::from(*word))
        }
        Key => is_plain(text).then(|| text.into()),
        Words if text.starts_with('[') => serde_json::from_str::<Vec<String>>(text)
            .ok()
            .map(Value::from),
        Words => Some(
            text.split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .collect(),
        ),
        // It is a text to the engine.
        Json => serde_json::from_str::<Checked>(text)
            .ok()
            .map(|_| text.into()),
    }
}

fn is_plain(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn describe(shape: &Shape) -> String {
    match shape {
        Number(numbers) => {
            let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
            numbers.join(" or ")
        }
        Count(least, most) => format!("a whole number from {least} to {most}"),
        Limit(most) => format!("a whole number from 1 to {most}, or \"none\""),
        Fraction => "a number between 0 and 1".to_string(),
        Flag => "true or false".to_string(),
        Word(words) => {
            let (last, others) = words.split_last().unwrap_or((&"", &[]));
            format!("{} or {last}", others.join(", "))
        }
        Key => "the name of a field, of letters, digits and _, as json_get_int(a, 'name') has it"
            .to_string(),
        Words => "words with commas between them, or a JSON array of texts".to_string(),
        Json => "a JSON object".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::code;

    fn checked(kind: IndexType, given: &[(&str, &str)]) -> Result<Checked> {
        let given = given
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        check(kind, &given.collect())
    }

    #[test]
    fn values_get_their_types() {
        let given = [
            ("with_position", "True"),
            ("max_token_length", "none"),
            ("language", "german"),
            ("custom_stop_words", "a, b"),
            ("block_size", " 256 "),
        ];
        let expected = serde_json::json!({
            "with_position": true,
            "max_token_length": null,
            "language": "German",
            "custom_stop_words": ["a", "b"],
            "block_size": 256,
        });
        assert_eq!(
            Value::from(checked(IndexType::Inverted, &given).unwrap()),
            expected
        );
        let words = checked(IndexType::Inverted, &[("custom_stop_words", r#"["a,b"]"#)]).unwrap();
        assert_eq!(words["custom_stop_words"], serde_json::json!(["a,b"]));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        for (kind, name, value, message) in [
            (
                IndexType::IvfPq,
                "num_partition",
                "1",
                r#"an index of the kind IVF_PQ has no parameter "num_partition"; the nearest names are "num_partitions""#,
            ),
            (IndexType::Bitmap, "zone_size", "1", "; it has none"),
            (
                IndexType::IvfHnswSq,
                "m",
                "3",
                "must be a whole number from 4 to 4096, got \"3\"",
            ),
            (IndexType::IvfSq, "num_bits", "4", "must be 8, got"),
            (
                IndexType::IvfFlat,
                "metric",
                "L3",
                "must be l2, cosine, dot or hamming, got \"L3\"",
            ),
            (
                IndexType::BloomFilter,
                "probability",
                "NaN",
                "must be a number between 0 and 1",
            ),
            (
                IndexType::BloomFilter,
                "probability",
                "1",
                "must be a number between 0 and 1",
            ),
            (
                IndexType::Json,
                "target_index_parameters",
                "[]",
                "must be a JSON object",
            ),
            (
                IndexType::Json,
                "path",
                "$.a",
                "must be the name of a field",
            ),
            (IndexType::Inverted, "stem", "yes", "must be true or false"),
            (
                IndexType::Btree,
                "zone_size",
                "-1",
                "must be a whole number",
            ),
        ] {
            let error = checked(kind, &[(name, value)]).unwrap_err();
            assert_eq!(error.code(), code::INVALID_ARGUMENT);
            assert!(error.message().contains(message), "{error}");
        }
    }

    #[test]
    fn no_name_is_given_twice_in_a_kind() {
        for kind in [
            IndexType::Inverted,
            IndexType::Minhash,
            IndexType::IvfPq,
            IndexType::IvfRq,
            IndexType::IvfHnswPq,
            IndexType::IvfHnswSq,
        ] {
            let mut names: Vec<_> = known(kind)
                .iter()
                .flat_map(|group| *group)
                .map(|it| it.0)
                .collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        }
    }
}
