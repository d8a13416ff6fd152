//! Searches for words in texts: how they are made, and what they mean for a dataset.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use lance::datatypes::{Field, Schema};
use lance_core::datatypes::{LogicalType, format_field_path, parse_field_path};
use lance_index::scalar::FullTextSearchQuery;
use lance_index::scalar::inverted::DocumentGranularity as Granularity;
use lance_index::scalar::inverted::parser::from_json;
use lance_index::scalar::inverted::query::{
    BooleanQuery, BoostQuery, CombinedFieldsQuery, FtsQuery, MatchQuery, MultiMatchQuery, Operator,
    PhraseQuery, fill_fts_query_column,
};

use super::text_json;
use crate::error::{Error, Result, code};
use crate::settings::{
    DocumentGranularity, TextClause, TextField, TextMatchSettings, TextOccur, TextOperator,
    TextPhraseSettings, TextQuerySettings,
};

/// How deep queries may be within each other: they are planned and dropped by recursion.
const DEEPEST: usize = 32;
/// Searches for words within one query. Each is planned and run.
const MOST_LEAVES: usize = 1_024;

/// A search for words, which any dataset with such columns can be asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct TextQuery(FullTextSearchQuery);

impl TextQuery {
    fn of(query: FtsQuery) -> Result<Self> {
        check(&query)?;
        Ok(Self(FullTextSearchQuery::new_query(query)))
    }

    pub fn from_json(json: &str) -> Result<Self> {
        text_json::check(json)?;
        Self::of(from_json(json)?)
    }

    /// The JSON form of the words and how they are combined, which all is but for `with`.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(&self.0.query)
            .map_err(|error| Error::new(code::INTERNAL, error.to_string()))
    }

    pub fn with_words(words: String, settings: TextMatchSettings) -> Result<Self> {
        let of_words = |words: String, letters| -> FtsQuery {
            let mut query = MatchQuery::new(words)
                .with_column(settings.column.clone())
                .with_boost(settings.boost as f32)
                .with_fuzziness(Some(letters))
                .with_max_expansions(settings.max_expansions as usize)
                .with_prefix_length(settings.prefix_length)
                .with_operator(operator(settings.term_operator));
            query.document_granularity = granularity(settings.document_granularity);
            query.into()
        };
        if !settings.auto_fuzziness {
            return Self::of(of_words(words, settings.fuzziness));
        }
        if settings.fuzziness > 0 {
            return refused("auto_fuzziness takes the place of fuzziness: set one of them");
        }
        let parts = by_letters(&words);
        if parts.len() < 2 {
            let letters = parts.into_keys().next().unwrap_or_default();
            return Self::of(of_words(words, letters));
        }
        let parts = parts.into_iter();
        let parts = parts.map(|(letters, words)| of_words(words.join(" "), letters));
        let mut query = BooleanQuery::new([]);
        match settings.term_operator {
            TextOperator::Or => query.should = parts.collect(),
            TextOperator::And => query.must = parts.collect(),
        }
        Self::of(FtsQuery::Boolean(query))
    }

    pub fn with_phrase(words: String, settings: TextPhraseSettings) -> Result<Self> {
        let mut query = PhraseQuery::new(words)
            .with_column(settings.column)
            .with_slop(settings.slop);
        query.document_granularity = granularity(settings.document_granularity);
        Self::of(query.into())
    }

    pub fn with_boost(positive: &Self, negative: &Self, negative_boost: f64) -> Result<Self> {
        check_leaves([positive, negative])?;
        let (positive, negative) = (positive.as_part()?, negative.as_part()?);
        Self::of(BoostQuery::new(positive, negative, Some(negative_boost as f32)).into())
    }

    pub fn with_best_of(queries: &[Arc<Self>]) -> Result<Self> {
        check_leaves(queries.iter().map(AsRef::as_ref))?;
        let queries = queries.iter().map(|query| match query.as_part()? {
            FtsQuery::Match(query) => Ok(query),
            _ => refused("multi_match takes queries of the kind match"),
        });
        let match_queries = queries.collect::<Result<_>>()?;
        Self::of(MultiMatchQuery { match_queries }.into())
    }

    pub fn with_fields(
        words: String,
        fields: Vec<TextField>,
        term_operator: TextOperator,
    ) -> Result<Self> {
        let boosts = fields.iter().map(|field| field.boost as f32).collect();
        let columns = fields.into_iter().map(|field| field.column).collect();
        let query = CombinedFieldsQuery::try_new(words, columns)?
            .try_with_boosts(boosts)?
            .with_operator(operator(term_operator));
        Self::of(query.into())
    }

    pub fn with_clauses(clauses: &[TextClause]) -> Result<Self> {
        check_leaves(clauses.iter().map(|clause| clause.query.as_ref()))?;
        let mut query = BooleanQuery::new([]);
        for clause in clauses {
            let part = clause.query.as_part()?;
            query = match clause.occur {
                TextOccur::Should => query.with_should(part),
                TextOccur::Must => query.with_must(part),
                TextOccur::MustNot => query.with_must_not(part),
            };
        }
        Self::of(FtsQuery::Boolean(query))
    }

    /// The same search, in these columns or with these bounds.
    pub fn with(&self, settings: TextQuerySettings) -> Result<Self> {
        let mut search = self.0.clone();
        if !settings.columns.is_empty() {
            search.query = fill_fts_query_column(&search.query, &settings.columns, true)?;
            check(&search.query)?;
        }
        if let Some(factor) = settings.wand_factor {
            let factor = factor as f32;
            if !factor.is_finite() || factor <= 0.0 {
                return refused("wand_factor must be greater than 0 and finite");
            }
            search.wand_factor = Some(factor);
        }
        search.limit = settings.limit.or(search.limit);
        Ok(Self(search))
    }

    /// What may be a part of another query.
    fn as_part(&self) -> Result<FtsQuery> {
        match self.0.limit.is_none() && self.0.wand_factor.is_none() {
            true => Ok(self.0.query.clone()),
            false => refused("limit and wand_factor are of a whole query: set them last"),
        }
    }

    /// The search as the engine runs it over a dataset. Its columns are looked up.
    pub fn over(&self, schema: &Schema) -> Result<FullTextSearchQuery> {
        let mut search = self.0.clone();
        search.query = resolved(search.query, schema)?;
        Ok(search)
    }
}

fn refused<T>(why: &str) -> Result<T> {
    Err(Error::invalid_argument(why))
}

/// Words by how many of their letters may differ. The engine has a setting for that, and compares exactly then.
fn by_letters(words: &str) -> BTreeMap<u32, Vec<String>> {
    let mut parts = BTreeMap::<_, Vec<_>>::new();
    let words = words.split(|letter: char| !letter.is_alphanumeric());
    for word in words.filter(|word| !word.is_empty()) {
        parts
            .entry(MatchQuery::auto_fuzziness(word))
            .or_default()
            .push(word.to_string());
    }
    parts
}

fn operator(operator: TextOperator) -> Operator {
    match operator {
        TextOperator::Or => Operator::Or,
        TextOperator::And => Operator::And,
    }
}

fn granularity(granularity: DocumentGranularity) -> Option<Granularity> {
    match granularity {
        DocumentGranularity::AsIndexed => None,
        DocumentGranularity::Row => Some(Granularity::Row),
        DocumentGranularity::ListElement => Some(Granularity::ListElement),
    }
}

/// The queries that a query is made of.
fn parts(query: &FtsQuery) -> Vec<&FtsQuery> {
    match query {
        FtsQuery::Boost(query) => vec![&query.positive, &query.negative],
        FtsQuery::Boolean(query) => {
            let all = query.must.iter().chain(&query.should);
            all.chain(&query.must_not).collect()
        }
        _ => Vec::new(),
    }
}

fn leaves(query: &FtsQuery) -> usize {
    match query {
        FtsQuery::MultiMatch(query) => query.match_queries.len(),
        FtsQuery::CombinedFields(query) => query.column_names().len(),
        _ => parts(query).into_iter().map(leaves).sum::<usize>().max(1),
    }
}

/// Before queries are copied, which might make a tree of a few of them that fills the memory.
fn check_leaves<'a>(queries: impl IntoIterator<Item = &'a TextQuery>) -> Result<()> {
    let all = queries.into_iter().map(|query| leaves(&query.0.query));
    match all.sum::<usize>() > MOST_LEAVES {
        true => Err(Error::invalid_argument(format!(
            "the query has more than {MOST_LEAVES} searches for words"
        ))),
        false => Ok(()),
    }
}

/// What the engine looks at only when it plans, or not at all.
fn check(query: &FtsQuery) -> Result<()> {
    if leaves(query) > MOST_LEAVES {
        return Err(Error::invalid_argument(format!(
            "the query has more than {MOST_LEAVES} searches for words"
        )));
    }
    check_tree(query, DEEPEST)
}

fn check_tree(query: &FtsQuery, depth: usize) -> Result<()> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(Error::invalid_argument(format!(
            "the query is nested more than {DEEPEST} deep"
        )));
    };
    match query {
        FtsQuery::Match(query) => check_multiplier("boost", query.boost)?,
        FtsQuery::MultiMatch(query) => {
            if query.match_queries.is_empty() {
                return refused("multi_match needs a query");
            }
            let mut boosts = query.match_queries.iter().map(|query| query.boost);
            boosts.try_for_each(|boost| check_multiplier("boost", boost))?;
        }
        FtsQuery::Boost(query) => check_multiplier("negative_boost", query.negative_boost)?,
        FtsQuery::Boolean(query) => {
            if query.must.is_empty() && query.should.is_empty() {
                return refused("a boolean query needs a query in must or in should");
            }
        }
        FtsQuery::Phrase(_) | FtsQuery::CombinedFields(_) => {}
    }
    let mut parts = parts(query).into_iter();
    parts.try_for_each(|part| check_tree(part, deeper))
}

fn check_multiplier(name: &str, value: f32) -> Result<()> {
    match value.is_finite() && value >= 0.0 {
        true => Ok(()),
        false => Err(Error::invalid_argument(format!(
            "{name} must be at least 0 and finite, got {value}"
        ))),
    }
}

/// The same query, with the paths of its columns as the engine parses them.
fn resolved(query: FtsQuery, schema: &Schema) -> Result<FtsQuery> {
    let path = |name: Option<String>| name.map(|name| text_column(schema, &name)).transpose();
    let each = |queries: Vec<FtsQuery>| -> Result<Vec<_>> {
        queries.into_iter().map(|it| resolved(it, schema)).collect()
    };
    Ok(match query {
        FtsQuery::Match(mut query) => {
            query.column = path(query.column)?;
            FtsQuery::Match(query)
        }
        FtsQuery::Phrase(mut query) => {
            query.column = path(query.column)?;
            FtsQuery::Phrase(query)
        }
        FtsQuery::MultiMatch(mut query) => {
            for query in &mut query.match_queries {
                query.column = path(query.column.take())?;
            }
            FtsQuery::MultiMatch(query)
        }
        FtsQuery::CombinedFields(query) => {
            let (columns, boosts): (Vec<_>, Vec<_>) = query.weighted_columns().unzip();
            let columns = columns.into_iter().map(|name| text_column(schema, name));
            let columns = columns.collect::<Result<_>>()?;
            CombinedFieldsQuery::try_new(query.terms().to_string(), columns)?
                .try_with_boosts(boosts)?
                .with_operator(query.operator())
                .into()
        }
        FtsQuery::Boost(query) => BoostQuery::new(
            resolved(*query.positive, schema)?,
            resolved(*query.negative, schema)?,
            Some(query.negative_boost),
        )
        .into(),
        FtsQuery::Boolean(query) => FtsQuery::Boolean(BooleanQuery {
            must: each(query.must)?,
            should: each(query.should)?,
            must_not: each(query.must_not)?,
        }),
    })
}

/// The path of a column with texts. Unlike the engine's, names keep their case.
fn text_column(schema: &Schema, name: &str) -> Result<String> {
    // What is no path is the name of a column.
    let path = parse_field_path(name).unwrap_or_else(|_| vec![name.to_string()]);
    let missing = || Error::no_such_column(name, schema.field_paths());
    let (first, rest) = path.split_first().ok_or_else(missing)?;
    let root = schema.fields.iter().find(|field| field.name == *first);
    let found = find(root.ok_or_else(missing)?, rest).ok_or_else(missing)?;
    if !is_text(found) {
        return Err(Error::new(
            code::INVALID_ARGUMENT,
            format!(
                "column {name:?} is of type {}: words are searched in strings, in lists of them and in JSON",
                found.data_type()
            ),
        ));
    }
    let path: Vec<_> = path.iter().map(String::as_str).collect();
    Ok(format_field_path(&path))
}

/// The field at a path, which goes through lists.
fn find<'a>(field: &'a Field, path: &[String]) -> Option<&'a Field> {
    match field.data_type() {
        DataType::List(_) | DataType::LargeList(_) => find(field.children.first()?, path),
        _ => match path.split_first() {
            None => Some(field),
            Some((name, rest)) => {
                let mut children = field.children.iter();
                find(children.find(|child| child.name == *name)?, rest)
            }
        },
    }
}

fn is_text(field: &Field) -> bool {
    let is_string = matches!(
        field.data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    );
    is_string || field.logical_type == LogicalType::from("json")
}
