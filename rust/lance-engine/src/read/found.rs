//! What a search adds to a scan: where its rows come from, and columns that the dataset has not.

use std::borrow::Cow;

use arrow::datatypes::{DataType, Field as ArrowField};
use lance::Dataset;
use lance::dataset::scanner::{QueryFilter, Scanner};
use lance::datatypes::{Field, Schema};
use lance::index::DatasetIndexExt;
use lance::io::exec::QUERY_INDEX_COL;
use lance_index::IndexCriteria;
use lance_index::scalar::FullTextSearchQuery;
use lance_index::scalar::inverted::SCORE_COL;
use lance_index::scalar::minhash_lsh::MinHashQuery;
use lance_index::vector::DIST_COL;

use super::columns::column;
use crate::error::{Error, Result, check_options, code};
use crate::search::{TextQuery, VectorQuery};
use crate::settings::{ScanSettings, SearchFilter, SortKey};

/// The columns that a search adds.
#[derive(Clone, Copy, Default)]
pub struct Found {
    /// How near, how good or how similar a row is.
    rank: Option<&'static str>,
    /// For which of several vectors. It always comes, and first.
    query_index: bool,
}

impl Found {
    pub fn of(dataset: &Dataset, settings: &ScanSettings) -> Result<Self> {
        let found = match ranking(settings) {
            Ranking::None => Self::default(),
            Ranking::Nearest(query) => Self {
                rank: Some(DIST_COL),
                query_index: query.is_batch(dataset, &path(dataset, query)?)?,
            },
            Ranking::FullText => Self {
                rank: Some(SCORE_COL),
                query_index: false,
            },
            Ranking::SimilarText(_) => Self {
                rank: Some(DIST_COL),
                query_index: false,
            },
        };
        match found
            .rank
            .filter(|name| dataset.schema().field(name).is_some())
        {
            Some(name) => Err(Error::invalid_argument(format!(
                "the dataset has a column {name:?} of its own, and a search makes one"
            ))),
            None => Ok(found),
        }
    }

    pub fn is_any(&self) -> bool {
        self.rank.is_some()
    }

    /// Whether the column comes whatever is asked for.
    pub fn always_has(&self, name: &str) -> bool {
        self.query_index && name == QUERY_INDEX_COL
    }

    /// Whether the column is none of the dataset.
    pub fn adds(&self, name: &str) -> bool {
        self.rank == Some(name) || self.always_has(name)
    }

    /// The columns that may be asked for.
    pub fn columns<'a>(&self, schema: &'a Schema) -> Result<Cow<'a, Schema>> {
        with(schema, self.rank.map(|name| (name, DataType::Float32)))
    }

    /// The columns of rows that were found.
    pub fn rows<'a>(&self, schema: &'a Schema) -> Result<Cow<'a, Schema>> {
        let rank = self.rank.map(|name| (name, DataType::Float32));
        let index = self
            .query_index
            .then_some((QUERY_INDEX_COL, DataType::Int32));
        with(schema, rank.into_iter().chain(index))
    }
}

fn with<'a>(
    schema: &'a Schema,
    added: impl IntoIterator<Item = (&'static str, DataType)>,
) -> Result<Cow<'a, Schema>> {
    let mut schema = Cow::Borrowed(schema);
    for (name, data_type) in added {
        let field = Field::try_from(&ArrowField::new(name, data_type, true))?;
        schema.to_mut().fields.push(field);
    }
    Ok(schema)
}

/// What puts the rows in an order.
enum Ranking<'a> {
    None,
    Nearest(&'a VectorQuery),
    FullText,
    SimilarText(&'a str),
}

fn ranking(settings: &ScanSettings) -> Ranking<'_> {
    match (&settings.nearest, &settings.full_text) {
        (Some(_), Some(_)) if settings.search_filter == SearchFilter::Nearest => Ranking::FullText,
        (Some(query), _) => Ranking::Nearest(query),
        (None, Some(_)) => Ranking::FullText,
        (None, None) => match &settings.similar_text {
            Some(text) => Ranking::SimilarText(text),
            None => Ranking::None,
        },
    }
}

/// More rows are yielded as they come.
const FEW: i64 = 1000;

/// The column that ranks the rows, where few of them are looked for.
pub fn ranks_few(settings: &ScanSettings) -> Option<&'static str> {
    let is_few = settings.limit.is_some_and(|rows| (1..=FEW).contains(&rows));
    match ranking(settings) {
        Ranking::FullText if is_few => Some(SCORE_COL),
        _ => None,
    }
}

pub fn searches(settings: &ScanSettings) -> bool {
    settings.nearest.is_some() || settings.full_text.is_some() || settings.similar_text.is_some()
}

/// The settings of a scan, with the order that its rows have. The engine sorts texts that were found only where it looks
/// for some of them, but no 0, and not where vectors chose the rows.
pub fn in_order(mut settings: ScanSettings) -> ScanSettings {
    let is_some = settings.limit.is_some_and(|rows| rows > 0);
    let is_sorted = is_some && settings.search_filter != SearchFilter::Nearest;
    let has_order = is_sorted || !settings.order_by.is_empty();
    let is_plain = settings.ordered && !has_order && settings.aggregates.is_empty();
    let column = match ranking(&settings) {
        Ranking::FullText if is_plain => Some(SCORE_COL),
        // The limit of the scanner is how many it looks for, so ours comes behind an order of ours.
        Ranking::SimilarText(_)
            if settings.order_by.is_empty() && settings.aggregates.is_empty() =>
        {
            Some(DIST_COL)
        }
        _ => None,
    };
    if let Some(column) = column {
        settings.order_by.push(SortKey {
            column: column.to_string(),
            descending: column == SCORE_COL,
            nulls_first: false,
        });
    }
    settings
}

/// How many rows the scanner has to be told to look for.
pub fn told(settings: &ScanSettings) -> Option<i64> {
    matches!(ranking(settings), Ranking::SimilarText(_)).then_some(settings.similar_text_rows)
}

/// Options that do not go together.
pub fn check_rules(settings: &ScanSettings) -> Result<()> {
    let searches = searches(settings);
    let both = settings.nearest.is_some() && settings.full_text.is_some();
    let no_index = settings
        .nearest
        .as_ref()
        .is_some_and(|query| !query.uses_index());
    check_options([
        (
            both != (settings.search_filter != SearchFilter::None),
            "nearest and full_text together need a search_filter that says which of them chooses rows, and that needs both",
        ),
        (
            settings.similar_text.is_some()
                && (settings.nearest.is_some() || settings.full_text.is_some()),
            "similar_text does not go with nearest and full_text",
        ),
        (
            settings.similar_text.is_some() != settings.similar_text_column.is_some(),
            "similar_text and similar_text_column need each other",
        ),
        (
            settings.similar_text.is_some() && settings.fast_search,
            "fast_search does not go with similar_text, which compares all rows",
        ),
        (
            searches && settings.include_deleted_rows,
            "include_deleted_rows does not go with a search, which finds none",
        ),
        (
            searches && !settings.slices.is_empty(),
            "slices do not go with a search, which fragments do",
        ),
        (
            settings.nearest.is_some() && settings.fragments.is_some() && !settings.prefilter,
            "nearest in fragments needs prefilter",
        ),
        (
            no_index && settings.fast_search,
            "fast_search needs a nearest that uses an index",
        ),
        (
            !settings.index_segments.is_empty() && settings.nearest.is_none(),
            "index_segments need nearest",
        ),
    ])
}

fn path(dataset: &Dataset, query: &VectorQuery) -> Result<String> {
    searched(dataset, query.column())
}

/// The path of a column that is searched.
fn searched(dataset: &Dataset, name: &str) -> Result<String> {
    let column = column(dataset.schema(), name)?;
    // The engine would find no row.
    match column.expression.contains("``") {
        true => Err(Error::new(
            code::NOT_SUPPORTED,
            format!(
                "column {:?} has a backtick in its name, and such a one is not searched",
                column.name
            ),
        )),
        false => Ok(column.path().to_string()),
    }
}

/// Have the scanner search.
pub async fn search(
    scanner: &mut Scanner,
    dataset: &Dataset,
    settings: &ScanSettings,
) -> Result<()> {
    if !searches(settings) {
        return Ok(());
    }
    // What it adds comes where it is asked for, as all columns do.
    scanner.disable_scoring_autoprojection();
    scanner.prefilter(settings.prefilter);
    match (ranking(settings), &settings.nearest, &settings.full_text) {
        (Ranking::Nearest(query), _, text) => {
            check_fast(query, dataset, settings)?;
            query
                .apply(scanner, dataset, &path(dataset, query)?)
                .await?;
            if let Some(text) = text {
                scanner.filter_query(QueryFilter::Fts(words(text, dataset, settings)?))?;
            }
        }
        (Ranking::FullText, nearest, Some(text)) => {
            scanner.full_text_search(words(text, dataset, settings)?)?;
            if let Some(query) = nearest {
                scanner.filter_query(vector_filter(dataset, query).await?)?;
            }
        }
        (Ranking::SimilarText(text), ..) => {
            scanner.minhash_search(similar(text, dataset, settings).await?)?;
            scanner.limit(told(settings), None)?;
        }
        _ => {}
    }
    if !settings.index_segments.is_empty() {
        let segments = settings.index_segments.iter().map(|text| segment(text));
        scanner.with_index_segments(segments.collect::<Result<_>>()?)?;
    }
    if settings.fast_search {
        scanner.fast_search();
    }
    Ok(())
}

/// The search for words of a scan. The engine cannot look for no row at all.
fn words(
    text: &TextQuery,
    dataset: &Dataset,
    settings: &ScanSettings,
) -> Result<FullTextSearchQuery> {
    let mut words = text.over(dataset.schema())?;
    if settings.limit == Some(0) {
        words.limit.get_or_insert(1);
    }
    Ok(words)
}

/// The engine would ask the index after all.
fn check_fast(query: &VectorQuery, dataset: &Dataset, settings: &ScanSettings) -> Result<()> {
    match settings.fast_search && query.compares_all(dataset, &path(dataset, query)?)? {
        true => Err(Error::new(
            code::NOT_SUPPORTED,
            "options: fast_search does not go with bounds for rows of several vectors, which are compared one by one",
        )),
        false => Ok(()),
    }
}

/// The engine says of a column without an index to make one, in words of its own.
async fn similar(text: &str, dataset: &Dataset, settings: &ScanSettings) -> Result<MinHashQuery> {
    let name = settings.similar_text_column.as_deref().unwrap_or_default();
    // As an index has it: quoted where it must be alone.
    let id = dataset.schema().field_id(&searched(dataset, name)?)?;
    let path = dataset.schema().field_path(id)?;
    let wanted = IndexCriteria::default()
        .for_column(&path)
        .supports_minhash();
    match dataset.load_scalar_index(wanted).await? {
        Some(_) => Ok(MinHashQuery::new(text, path)),
        None => Err(Error::new(
            code::INDEX_NOT_FOUND,
            format!(
                "column {name:?} has no index of the type MINHASH, through which similar_text finds rows"
            ),
        )),
    }
}

async fn vector_filter(dataset: &Dataset, query: &VectorQuery) -> Result<QueryFilter> {
    let path = path(dataset, query)?;
    match query.is_batch(dataset, &path)? {
        true => Err(Error::invalid_argument(
            "options: a nearest that chooses rows has one vector, and no list of vectors",
        )),
        false => Ok(QueryFilter::Vector(query.engines(dataset, &path).await?)),
    }
}

fn segment(text: &str) -> Result<uuid::Uuid> {
    text.parse().map_err(|error| {
        Error::invalid_argument(format!(
            "options.index_segments: {text:?} is no UUID: {error}"
        ))
    })
}
