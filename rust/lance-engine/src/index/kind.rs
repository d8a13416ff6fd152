//! What each kind of index is called, here and by the engine, and which columns it takes.

use arrow::datatypes::{DataType, Field};
use lance_arrow::ARROW_EXT_NAME_KEY;
use lance_index::IndexType as EngineType;

use crate::error::{Error, Result};
pub use crate::search::VectorColumn;
use crate::settings::IndexType;

pub struct Kind {
    pub name: &'static str,
    pub engine: EngineType,
    /// How the engine calls it where it describes one.
    word: &'static str,
}

const KINDS: [(IndexType, Kind); 18] = {
    const fn kind(name: &'static str, engine: EngineType, word: &'static str) -> Kind {
        Kind { name, engine, word }
    }
    const fn vector(name: &'static str, engine: EngineType) -> Kind {
        kind(name, engine, name)
    }
    use IndexType as T;
    [
        (T::Btree, kind("BTREE", EngineType::BTree, "BTree")),
        (T::Bitmap, kind("BITMAP", EngineType::Bitmap, "Bitmap")),
        (
            T::LabelList,
            kind("LABEL_LIST", EngineType::LabelList, "LabelList"),
        ),
        (T::Ngram, kind("NGRAM", EngineType::NGram, "NGram")),
        (T::Zonemap, kind("ZONEMAP", EngineType::ZoneMap, "ZoneMap")),
        (
            T::BloomFilter,
            kind("BLOOM_FILTER", EngineType::BloomFilter, "BloomFilter"),
        ),
        (
            T::Inverted,
            kind("INVERTED", EngineType::Inverted, "Inverted"),
        ),
        (T::Fm, kind("FM", EngineType::Fm, "Fm")),
        // The engine finds it by its word.
        (T::Json, kind("JSON", EngineType::Scalar, "Json")),
        (T::Rtree, kind("RTREE", EngineType::RTree, "RTree")),
        (
            T::Minhash,
            kind("MINHASH", EngineType::MinHashLsh, "MinHashLsh"),
        ),
        (T::IvfFlat, vector("IVF_FLAT", EngineType::IvfFlat)),
        (T::IvfSq, vector("IVF_SQ", EngineType::IvfSq)),
        (T::IvfPq, vector("IVF_PQ", EngineType::IvfPq)),
        (T::IvfRq, vector("IVF_RQ", EngineType::IvfRq)),
        (
            T::IvfHnswFlat,
            vector("IVF_HNSW_FLAT", EngineType::IvfHnswFlat),
        ),
        (T::IvfHnswSq, vector("IVF_HNSW_SQ", EngineType::IvfHnswSq)),
        (T::IvfHnswPq, vector("IVF_HNSW_PQ", EngineType::IvfHnswPq)),
    ]
};

pub fn of(kind: IndexType) -> &'static Kind {
    // Its values count from 1 in this order, which a test checks.
    &KINDS[kind as usize - 1].1
}

/// Our name for what the engine calls so.
pub fn name_of(word: &str) -> &str {
    let known = KINDS.iter().find(|(_, kind)| kind.word == word);
    known.map_or(word, |(_, kind)| kind.name)
}

/// Our name for the kind whose details are such a message; None of vectors, whose kinds share one.
pub fn name_of_details(message: &str) -> Option<&'static str> {
    let word = message.strip_suffix("IndexDetails")?;
    let known = KINDS
        .iter()
        .find(|(_, kind)| kind.word.eq_ignore_ascii_case(word));
    known.map(|(_, kind)| kind.name)
}

pub fn is_vector(kind: IndexType) -> bool {
    of(kind).engine.is_vector()
}

/// Refuse a column whose values such an index cannot have.
pub fn check_column(kind: IndexType, name: &str, field: &Field) -> Result<()> {
    let (fits, takes) = match kind {
        IndexType::Btree | IndexType::Bitmap | IndexType::Zonemap => (
            is_ordered(field.data_type()),
            "numbers, booleans, dates and times, texts or binary values",
        ),
        IndexType::LabelList => (
            item(field.data_type()).is_some_and(is_ordered),
            "lists of numbers, booleans, dates and times, texts or binary values",
        ),
        IndexType::Ngram | IndexType::Minhash => (is_text(field.data_type()), "texts"),
        IndexType::BloomFilter => (
            has_bloom_filter(field.data_type()),
            "whole numbers, floating-point numbers of 32 or 64 bits, dates, times, timestamps, texts or binary values",
        ),
        IndexType::Inverted => (
            is_text(field.data_type())
                || item(field.data_type()).is_some_and(is_text)
                || is_json(field),
            "texts, lists of texts or JSON",
        ),
        IndexType::Fm => (
            is_text(field.data_type()) || is_binary(field.data_type()),
            "texts or binary values",
        ),
        IndexType::Json => (is_json(field) || is_binary(field.data_type()), "JSON"),
        IndexType::Rtree => (is_geometry(field), "GeoArrow geometries"),
        _ => (
            VectorColumn::of(field.data_type()).is_some(),
            "fixed-size lists of floating-point numbers or of unsigned bytes, or lists of them",
        ),
    };
    if fits {
        return Ok(());
    }
    let kind = of(kind).name;
    let data_type = field.data_type();
    Err(Error::invalid_argument(format!(
        "column {name:?} has the type {data_type}: an index of the kind {kind} takes {takes}"
    )))
}

fn is_ordered(data_type: &DataType) -> bool {
    use DataType as T;
    data_type.is_numeric()
        || is_text(data_type)
        || is_binary(data_type)
        || data_type.is_temporal()
        || matches!(data_type, T::Boolean | T::FixedSizeBinary(_))
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8)
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary)
}

fn has_bloom_filter(data_type: &DataType) -> bool {
    use DataType as T;
    data_type.is_integer()
        || is_text(data_type)
        || is_binary(data_type)
        || matches!(
            data_type,
            T::Float32
                | T::Float64
                | T::Date32
                | T::Date64
                | T::Time32(_)
                | T::Time64(_)
                | T::Timestamp(..)
        )
}

fn item(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) => Some(item.data_type()),
        _ => None,
    }
}

fn is_json(field: &Field) -> bool {
    lance_arrow::json::is_json_field(field)
}

fn is_geometry(field: &Field) -> bool {
    let extension = field.metadata().get(ARROW_EXT_NAME_KEY);
    extension.is_some_and(|name| name.starts_with("geoarrow."))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::code;

    fn list_of(data_type: DataType) -> DataType {
        DataType::List(Arc::new(Field::new("item", data_type, true)))
    }

    fn vectors(data_type: DataType, dimension: i32) -> DataType {
        DataType::FixedSizeList(Arc::new(Field::new("item", data_type, true)), dimension)
    }

    #[test]
    fn every_kind_is_found_by_its_value_and_by_its_word() {
        for (kind, described) in &KINDS {
            assert_eq!(of(*kind).name, described.name);
            assert_eq!(name_of(described.word), described.name);
        }
        assert_eq!(name_of("Later"), "Later");
    }

    #[test]
    fn a_column_fits_or_is_named_with_what_would() {
        use IndexType as T;
        for (kind, data_type, fits) in [
            (T::Btree, DataType::Int8, true),
            (T::Btree, DataType::Decimal128(9, 2), true),
            (T::Btree, list_of(DataType::Int8), false),
            (T::LabelList, list_of(DataType::Utf8), true),
            (T::LabelList, list_of(list_of(DataType::Utf8)), false),
            (T::LabelList, DataType::Utf8, false),
            (T::Ngram, DataType::LargeUtf8, true),
            (T::Ngram, DataType::Int64, false),
            (T::BloomFilter, DataType::Boolean, false),
            (T::Inverted, list_of(DataType::Utf8), true),
            (T::Fm, DataType::Binary, true),
            (T::Rtree, DataType::Binary, false),
            (T::IvfPq, vectors(DataType::Float16, 8), true),
            (T::IvfPq, list_of(vectors(DataType::Float32, 8)), true),
            (T::IvfPq, vectors(DataType::Int32, 8), false),
            (T::IvfPq, list_of(DataType::Float32), false),
        ] {
            let outcome = check_column(kind, "a", &Field::new("a", data_type.clone(), true));
            match outcome {
                Ok(()) => assert!(fits, "{kind:?} {data_type}"),
                Err(error) => {
                    assert!(!fits, "{kind:?} {data_type}: {error}");
                    assert_eq!(error.code(), code::INVALID_ARGUMENT);
                    assert!(error.message().contains(of(kind).name), "{error}");
                }
            }
        }
    }
}
