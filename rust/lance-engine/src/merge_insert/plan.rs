//! An upsert as it was asked for, checked before anything is read.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use lance::Dataset;
use lance::dataset::{
    MergeInsertBuilder, MergeInsertJob, MergeInsertWriteMode as EngineMode,
    WhenMatched as EngineMatched, WhenNotMatched as EngineNotMatched,
    WhenNotMatchedBySource as EngineBySource,
};
use lance::datatypes::Schema as LanceSchema;
use lance_file::version::LanceFileVersion;

use super::columns::Columns;
use super::keys::{self, Keys};
use super::source::Gathering;
use crate::error::{Error, Result, check_options, code};
use crate::mutate::attempts::Attempts;
use crate::read::columns::{check_distinct, no_such_column};
use crate::read::expression::{self, blame};
use crate::settings::{
    MergeInsertSettings, MergeInsertWriteMode, WhenMatched, WhenNotMatched, WhenNotMatchedBySource,
};
use crate::write::storage_version;

/// What messages call the conditions.
const MATCHED: &str = "when_matched_condition";
const BY_SOURCE: &str = "by_source_condition";

/// How the engine says that a key of the source is in the dataset.
const IS_THERE: &str = "found matching row";

const SOURCE_BYTES: u64 = 100 << 20;

/// A checked upsert of one source.
#[derive(Debug)]
pub struct Plan {
    pub settings: MergeInsertSettings,
    pub columns: Columns,
    /// The columns of the key.
    pub on: Vec<String>,
    /// The source as it is given.
    source: Schema,
    /// The conditions as the engine is to have them.
    matched: Option<String>,
    by_source: Option<String>,
    version: Option<LanceFileVersion>,
}

impl Plan {
    /// For a thread of the runtime, whose stack is large.
    pub fn new(dataset: &Dataset, source: &Schema, settings: MergeInsertSettings) -> Result<Self> {
        check_rules(&settings)?;
        check_deletes(&settings)?;
        let stored = dataset.schema();
        check_names(stored)?;
        let on = key(stored, &settings)?;
        let columns = Columns::new(stored, source)?;
        check_key(&columns.schema, &on)?;
        check_missing(stored, &columns, &settings)?;
        let condition = |what, text: &Option<String>, schema: &LanceSchema| {
            let checked = text
                .as_ref()
                .map(|text| expression::check(what, text, schema));
            checked.transpose().map(|checked| checked.map(|it| it.sql))
        };
        let version = settings.data_storage_version.as_deref();
        let sides = sides(&columns.schema, stored)?;
        Ok(Self {
            matched: condition(MATCHED, &settings.when_matched_condition, &sides)?,
            by_source: condition(BY_SOURCE, &settings.by_source_condition, stored)?,
            version: version.map(storage_version).transpose()?,
            source: source.clone(),
            settings,
            columns,
            on,
        })
    }

    pub fn inserts(&self) -> bool {
        self.settings.when_not_matched == WhenNotMatched::Insert
    }

    /// Check that it means the same in another version.
    pub fn check_still(&self, dataset: &Dataset) -> Result<()> {
        let now = Self::new(dataset, &self.source, self.settings.clone())?;
        match now.columns == self.columns && now.on == self.on {
            true => Ok(()),
            false => Err(Error::new(
                code::INCOMPATIBLE_TRANSACTION,
                "columns of the dataset were changed meanwhile: begin the upsert again",
            )),
        }
    }

    pub fn attempts(&self) -> Attempts {
        Attempts {
            retries: self.settings.conflict_retries,
            timeout: self.settings.retry_timeout,
            commit_retries: self.settings.commit_retries,
            properties: self.settings.transaction_properties.clone(),
            allow_empty: self.settings.allow_empty,
        }
    }

    pub fn gathering(&self) -> Result<Gathering> {
        let schema = self.columns.schema.clone();
        let keys = Keys::new(&schema, &self.on, self.settings.source_duplicates)?;
        let limit = self.settings.max_source_bytes.unwrap_or(SOURCE_BYTES);
        Ok(Gathering::new(schema, keys, limit, self.settings.spill))
    }

    /// The numbers of the key's columns.
    pub fn field_ids(&self, dataset: &Dataset) -> Vec<i32> {
        let fields = &dataset.schema().fields;
        let of = |name: &String| fields.iter().find(|field| field.name == *name);
        let key = self.on.iter().filter_map(of);
        key.map(|field| field.id).collect()
    }

    /// What the engine is to do. Its joins by an index leave out rows whose key has a NULL, and do not see all columns in
    /// conditions.
    pub fn job(&self, dataset: Arc<Dataset>, keys_have_nulls: bool) -> Result<MergeInsertJob> {
        let settings = &self.settings;
        let by_source = match (settings.when_not_matched_by_source, &self.by_source) {
            (WhenNotMatchedBySource::DeleteIf, Some(condition)) => {
                EngineBySource::delete_if(&dataset, condition)
                    .map_err(|error| self.blame(error.into()))?
            }
            (WhenNotMatchedBySource::Delete, _) => EngineBySource::Delete,
            _ => EngineBySource::Keep,
        };
        let matched = match (settings.when_matched, &self.matched) {
            (WhenMatched::UpdateIf, Some(condition)) => EngineMatched::UpdateIf(condition.clone()),
            (WhenMatched::DoNothing, _) => EngineMatched::DoNothing,
            (WhenMatched::Fail, _) => EngineMatched::Fail,
            (WhenMatched::Delete, _) => EngineMatched::Delete,
            _ => EngineMatched::UpdateAll,
        };
        let mut builder = MergeInsertBuilder::try_new(dataset, self.on.clone())?;
        builder
            .when_matched(matched)
            .when_not_matched(match self.inserts() {
                true => EngineNotMatched::InsertAll,
                false => EngineNotMatched::DoNothing,
            })
            .when_not_matched_by_source(by_source)
            .write_mode(match settings.write_mode {
                MergeInsertWriteMode::Auto => EngineMode::Auto,
                MergeInsertWriteMode::RewriteRows => EngineMode::RewriteRows,
                MergeInsertWriteMode::RewriteColumns => EngineMode::RewriteColumns,
            })
            .use_index(settings.use_index && !keys_have_nulls && self.matched.is_none());
        if let Some(version) = &self.version {
            builder.data_storage_version(*version);
        }
        Ok(builder.try_build()?)
    }

    /// The plan of a join that the engine tells nothing of.
    pub fn by_index(&self) -> String {
        format!(
            "MergeInsert: on={:?}, rows are looked up in the scalar indices of these columns",
            self.on
        )
    }

    /// What a failure of the engine tells about what was asked for.
    pub fn blame(&self, error: Error) -> Error {
        let fails = self.settings.when_matched == WhenMatched::Fail;
        if fails && error.message().contains(IS_THERE) {
            return error.with_code(code::FAILED_PRECONDITION);
        }
        match self.matched.is_some() || self.by_source.is_some() {
            true => blame("a condition of the upsert", error),
            false => error,
        }
    }
}

/// Rules between options.
fn check_rules(settings: &MergeInsertSettings) -> Result<()> {
    let updates_if = settings.when_matched == WhenMatched::UpdateIf;
    let updates = updates_if || settings.when_matched == WhenMatched::UpdateAll;
    let deletes_if = settings.when_not_matched_by_source == WhenNotMatchedBySource::DeleteIf;
    let keeps = settings.when_not_matched_by_source == WhenNotMatchedBySource::Keep;
    let inserts = settings.when_not_matched == WhenNotMatched::Insert;
    let has_matched = settings.when_matched_condition.is_some();
    let has_by_source = settings.by_source_condition.is_some();
    let patches = settings.write_mode == MergeInsertWriteMode::RewriteColumns;
    check_options([
        (
            updates_if && !has_matched,
            "when_matched UPDATE_IF needs when_matched_condition",
        ),
        (
            !updates_if && has_matched,
            "when_matched_condition is only for when_matched UPDATE_IF",
        ),
        (
            deletes_if && !has_by_source,
            "when_not_matched_by_source DELETE_IF needs by_source_condition",
        ),
        (
            !deletes_if && has_by_source,
            "by_source_condition is only for when_not_matched_by_source DELETE_IF",
        ),
        (
            settings.when_matched == WhenMatched::DoNothing && keeps && !inserts,
            "the upsert would change nothing: update, insert or delete something",
        ),
        (
            settings.when_matched == WhenMatched::Fail && keeps && !inserts,
            "the upsert would change nothing: insert or delete something",
        ),
        (
            patches && !(updates && keeps && !inserts),
            "write_mode REWRITE_COLUMNS can only update: set when_not_matched to DO_NOTHING, and keep what is not matched",
        ),
    ])
}

/// The engine's plan of an upsert that only deletes leaves out columns that it then misses.
fn check_deletes(settings: &MergeInsertSettings) -> Result<()> {
    let deletes_both = settings.when_matched == WhenMatched::Delete
        && settings.when_not_matched_by_source != WhenNotMatchedBySource::Keep;
    match deletes_both && settings.when_not_matched == WhenNotMatched::DoNothing {
        true => Err(Error::new(
            code::NOT_SUPPORTED,
            "the engine deletes no rows that match, and others, in one upsert that inserts nothing: make two of it",
        )),
        false => Ok(()),
    }
}

/// The engine looks columns up by names in which it takes a backtick for a quote.
fn check_names(stored: &LanceSchema) -> Result<()> {
    match stored.fields.iter().find(|field| field.name.contains('`')) {
        Some(field) => Err(Error::new(
            code::NOT_SUPPORTED,
            format!(
                "the engine merges no rows where a column has a backtick in its name: {:?}",
                field.name
            ),
        )),
        None => Ok(()),
    }
}

/// The columns of the key.
fn key(stored: &LanceSchema, settings: &MergeInsertSettings) -> Result<Vec<String>> {
    let Some(on) = &settings.on else {
        let primary = stored.unenforced_primary_key();
        if primary.is_empty() {
            return Err(Error::invalid_argument(
                "the dataset has no primary key: name the columns of the key in `on`",
            ));
        }
        // Whole columns by their names, others by their paths, which quote odd names.
        let names = primary.iter().map(|field| match field.parent_id {
            -1 => Ok(field.name.clone()),
            _ => Ok(stored.field_path(field.id)?),
        });
        let names = names.collect::<Result<Vec<_>>>()?;
        return check_whole(stored, names);
    };
    if on.is_empty() {
        return Err(Error::invalid_argument("`on` names no column"));
    }
    check_distinct(on.iter().map(String::as_str))?;
    check_whole(stored, on.clone())
}

/// Check that these are columns, and not fields of some.
fn check_whole(stored: &LanceSchema, names: Vec<String>) -> Result<Vec<String>> {
    for name in &names {
        if stored.fields.iter().any(|field| field.name == *name) {
            // The engine writes the names of columns into SQL, in double quotes.
            if name.contains('"') {
                return Err(Error::new(
                    code::NOT_SUPPORTED,
                    format!("the engine takes no key with a double quote in its name: {name:?}"),
                ));
            }
            continue;
        }
        return Err(match stored.field(name) {
            Some(_) => Error::invalid_argument(format!(
                "{name:?} is a field of a column: a key has whole columns"
            )),
            None => no_such_column(stored, name),
        });
    }
    Ok(names)
}

fn check_key(source: &Schema, on: &[String]) -> Result<()> {
    for name in on {
        if source.field_with_name(name).is_err() {
            let names = source.fields().iter().map(|field| field.name());
            return Err(
                Error::no_such_column(name, names).context("the source lacks a column of the key")
            );
        }
    }
    keys::check_types(source, on)
}

/// Check what columns that the source lacks mean.
fn check_missing(
    stored: &LanceSchema,
    columns: &Columns,
    settings: &MergeInsertSettings,
) -> Result<()> {
    let missing = columns.missing(stored);
    if missing.is_empty() && settings.write_mode == MergeInsertWriteMode::RewriteColumns {
        return Err(Error::invalid_argument(
            "write_mode REWRITE_COLUMNS needs a source that lacks a column of the dataset",
        ));
    }
    let inserts = settings.when_not_matched == WhenNotMatched::Insert;
    match missing.iter().find(|field| inserts && !field.nullable) {
        Some(field) => Err(Error::new(
            code::SCHEMA_MISMATCH,
            format!(
                "the source lacks column {:?}, which may not be NULL: rows cannot be inserted without it",
                field.name
            ),
        )),
        None => Ok(()),
    }
}

/// The columns that a condition on matched rows sees.
fn sides(source: &Schema, stored: &LanceSchema) -> Result<LanceSchema> {
    let target = Schema::from(stored);
    let side = |name, schema: &Schema| {
        // What is said of a column, such as that it is a key, does not hold of a part of one.
        let fields = schema.fields().iter().map(|field| {
            let field = Field::clone(field);
            field.with_metadata(Default::default())
        });
        Field::new_struct(name, fields.collect::<Vec<_>>(), false)
    };
    let both = Schema::new(vec![side("source", source), side("target", &target)]);
    Ok(LanceSchema::try_from(&both)?)
}
