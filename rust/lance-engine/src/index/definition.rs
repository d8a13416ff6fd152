//! What index is asked for, checked against a version.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::Field as ArrowField;
use lance::Dataset;
use lance::datatypes::Field;
use lance::index::DatasetIndexExt;
use lance::index::vector::VectorIndexParams;
use lance_core::datatypes::{format_field_path, parse_field_path};
use lance_index::IndexParams;
use lance_index::progress::IndexBuildProgress;
use lance_index::scalar::ScalarIndexParams;
use lance_table::format::IndexMetadata;
use serde_json::Value;

use super::kind::{self, VectorColumn};
use super::list::{check_new_name, check_same_column, existing, type_of};
use super::model::Model;
use super::parameters::{self, Checked};
use super::vector;
use crate::error::{Error, Result, code};
use crate::read::columns;
use crate::settings::{IndexSettings, IndexType};

/// Of JSON, these find other rows than they should where row ids are stable, as they know addresses alone.
const BY_ADDRESS: [&str; 2] = ["zonemap", "bloomfilter"];

/// What the engine calls the vectors that an index keeps whole.
const FLAT: &str = "flat";

/// Vectors of such an index are cut into bytes.
const RQ_DIMENSIONS: usize = 8;

pub struct Definition {
    pub kind: IndexType,
    /// The path of the column, as the engine parses it.
    pub column: String,
    /// As the caller wrote it.
    shown: String,
    pub field: Field,
    pub parameters: Checked,
    params: Params,
    /// None: all.
    pub fragments: Option<Vec<u32>>,
    pub train: bool,
}

enum Params {
    Scalar(ScalarIndexParams),
    Vector(Box<VectorIndexParams>),
}

impl Definition {
    /// Check all that can be checked before anything is read.
    pub fn new(
        dataset: &Dataset,
        columns: &[String],
        kind: IndexType,
        settings: &IndexSettings,
    ) -> Result<Self> {
        let (column, field) = resolve(dataset, columns)?;
        let shown = &columns[0];
        kind::check_column(kind, shown, &ArrowField::from(&field))?;
        let mut parameters = parameters::check(kind, &settings.parameters)?;
        check_row_ids(dataset, kind, &parameters)?;
        check_name(kind, &field)?;
        let params = match VectorColumn::of(&field.data_type()) {
            Some(column) if kind::is_vector(kind) => {
                let model = settings.model.as_deref().map(Model::read).transpose()?;
                if let Some(model) = &model {
                    model.check(kind, &column)?;
                    model.complete(&mut parameters)?;
                }
                check_dimension(kind, shown, &column)?;
                Params::Vector(Box::new(vector::params(kind, &parameters, &column, model)?))
            }
            _ if settings.model.is_some() => return Err(no_model(kind)),
            _ => Params::Scalar(scalar_params(kind, &parameters)?),
        };
        Ok(Self {
            kind,
            column,
            shown: shown.clone(),
            field,
            parameters,
            params,
            fragments: fragments(dataset, settings)?,
            train: settings.train,
        })
    }

    /// Build it of some fragments, or of all, and commit nothing. It may be an index without rows.
    pub async fn build(
        &self,
        dataset: &mut Dataset,
        name: &str,
        fragments: Option<Vec<u32>>,
        progress: Arc<dyn IndexBuildProgress>,
    ) -> Result<IndexMetadata> {
        let columns = [self.column.as_str()];
        let params: &dyn IndexParams = match &self.params {
            Params::Scalar(params) => params,
            Params::Vector(params) => params.as_ref(),
        };
        let mut builder = dataset
            .create_index_builder(&columns, kind::of(self.kind).engine, params)
            .name(name.to_string())
            // Whoever has the name is known to be replaced.
            .replace(true)
            .train(self.train)
            .progress(progress);
        if let Some(fragments) = fragments {
            builder = builder.fragments(fragments);
        }
        let index = builder.execute_uncommitted().await?;
        match self.train && kind::is_vector(self.kind) && covers_nothing(&index) {
            true => Err(self.too_few_rows()),
            false => Ok(index),
        }
    }

    pub fn too_few_rows(&self) -> Error {
        let kind = kind::of(self.kind).name;
        let needed = match &self.params {
            Params::Vector(_) => match self.parameters.get("num_bits").and_then(Value::as_u64) {
                _ if !kind.ends_with("_PQ") => 1,
                bits => 1_u64 << bits.unwrap_or(8),
            },
            Params::Scalar(_) => 1,
        };
        Error::new(
            code::FAILED_PRECONDITION,
            format!(
                "column {:?} has too few vectors for an index of the kind {kind}, which learns from at least {needed}: add rows, or make the index without training and optimise it later",
                self.shown
            ),
        )
    }

    /// What the index is called: as the caller says, or as the engine would call it.
    pub async fn name(&self, dataset: &Dataset, settings: &IndexSettings) -> Result<String> {
        let existing = existing(dataset).await?;
        let is_other = |index: &IndexMetadata| index.keyed_field() != Some(self.field.id);
        let named = |name: &str| {
            existing
                .iter()
                .filter(move |index| index.name == name)
                .collect::<Vec<_>>()
        };
        let name = match &settings.name {
            Some(name) => {
                check_new_name(name)?;
                name.clone()
            }
            None => {
                let base = format!("{}_idx", self.plain_column());
                let numbered = (2..).map(|number| format!("{base}_{number}"));
                let mut names = std::iter::once(base.clone()).chain(numbered);
                let of = kind::of(self.kind).name;
                let is_free = |name: &String| {
                    named(name)
                        .iter()
                        .all(|index| !is_other(index) && type_of(index).is_none_or(|it| it == of))
                };
                names.find(is_free).unwrap_or(base)
            }
        };
        check_same_column(&existing, &name, Some(self.field.id))?;
        match named(&name).is_empty() || settings.replace {
            true => Ok(name),
            false => Err(Error::new(
                code::ALREADY_EXISTS,
                format!("there is an index {name:?} already: choose another name, or replace it"),
            )),
        }
    }

    /// The path as the engine names indices after it.
    pub fn plain_column(&self) -> String {
        let path = parse_field_path(&self.column).unwrap_or_else(|_| vec![self.column.clone()]);
        let names: Vec<_> = path.iter().map(String::as_str).collect();
        match names.iter().any(|name| name.contains('.')) {
            true => format_field_path(&names),
            false => names.join("."),
        }
    }
}

pub fn covers_nothing(index: &IndexMetadata) -> bool {
    index
        .fragment_bitmap
        .as_ref()
        .is_some_and(|fragments| fragments.is_empty())
}

pub fn no_model(kind: IndexType) -> Error {
    let kind = kind::of(kind).name;
    Error::invalid_argument(format!(
        "an index of the kind {kind} learns nothing, so it has no model"
    ))
}

/// The column, as the engine parses it.
fn resolve(dataset: &Dataset, names: &[String]) -> Result<(String, Field)> {
    let [name] = names else {
        return Err(Error::invalid_argument(format!(
            "an index is of one column, got {}",
            names.len()
        )));
    };
    let schema = dataset.schema();
    let column = columns::column(schema, name)?;
    match schema.field(&column.expression) {
        Some(field) if column.is_stored() => Ok((column.expression, field.clone())),
        _ => Err(columns::no_such_column(schema, name)),
    }
}

fn check_name(kind: IndexType, field: &Field) -> Result<()> {
    let keeps_vectors = matches!(kind, IndexType::IvfFlat | IndexType::IvfHnswFlat);
    match keeps_vectors && field.parent_id < 0 && field.name == FLAT {
        true => Err(Error::new(
            code::NOT_SUPPORTED,
            format!(
                "the engine has a column {FLAT:?} of its own in an index of the kind {}: rename the column, or use another kind",
                kind::of(kind).name
            ),
        )),
        false => Ok(()),
    }
}

fn check_row_ids(dataset: &Dataset, kind: IndexType, parameters: &Checked) -> Result<()> {
    let target = parameters.get("target_index_type").and_then(Value::as_str);
    match target.filter(|target| BY_ADDRESS.contains(target)) {
        Some(target) if kind == IndexType::Json && dataset.manifest().uses_stable_row_ids() => {
            Err(Error::new(
                code::NOT_SUPPORTED,
                format!(
                    "an index of JSON with the target_index_type {target} cannot be made where row ids are stable: use bitmap or ngram"
                ),
            ))
        }
        _ => Ok(()),
    }
}

fn fragments(dataset: &Dataset, settings: &IndexSettings) -> Result<Option<Vec<u32>>> {
    let Some(wanted) = &settings.fragments else {
        return Ok(None);
    };
    if wanted.is_empty() {
        return Err(Error::invalid_argument("there is no fragment to index"));
    }
    let known = dataset.fragment_bitmap();
    let mut fragments = BTreeSet::new();
    for id in wanted {
        match u32::try_from(*id) {
            Ok(small) if known.contains(small) => {
                if !fragments.insert(small) {
                    return Err(Error::invalid_argument(format!(
                        "fragment {id} is named twice"
                    )));
                }
            }
            _ => {
                return Err(Error::invalid_argument(format!(
                    "version {} of the dataset has no fragment {id}",
                    dataset.version().version
                )));
            }
        }
    }
    Ok(Some(fragments.into_iter().collect()))
}

fn check_dimension(kind: IndexType, shown: &str, column: &VectorColumn) -> Result<()> {
    let dimension = column.dimension;
    match kind == IndexType::IvfRq && !dimension.is_multiple_of(RQ_DIMENSIONS) {
        true => Err(Error::invalid_argument(format!(
            "column {shown:?} has {dimension} dimensions: an index of the kind IVF_RQ takes multiples of {RQ_DIMENSIONS}"
        ))),
        false => Ok(()),
    }
}

/// What the engine is told of an index that is not of vectors.
fn scalar_params(kind: IndexType, parameters: &Checked) -> Result<ScalarIndexParams> {
    let (tokenizer, own): (Checked, Checked) = parameters
        .clone()
        .into_iter()
        .partition(|(name, _)| parameters::is_of_tokenizer(name));
    let mut own = own;
    own.remove(parameters::NUM_SEGMENTS);
    match kind {
        IndexType::Minhash if !tokenizer.is_empty() => {
            own.insert("tokenizer".to_string(), tokenizer.into());
        }
        _ => own.extend(tokenizer),
    }
    if kind == IndexType::Json && !own.contains_key("path") {
        return Err(Error::invalid_argument(
            "an index of the kind JSON needs the parameter \"path\", the name of a field",
        ));
    }
    if kind == IndexType::Json {
        own.entry("target_index_type").or_insert("btree".into());
    }
    let name = match kind {
        IndexType::Json => "json",
        _ => kind::of(kind).name,
    };
    Ok(ScalarIndexParams::new(name.to_string()).with_params(&own))
}
