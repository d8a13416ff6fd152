//! Contexts: tables under names, and bounds on what queries over them take.

use std::fs::read_to_string;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::optimizer::{Analyzer, Optimizer};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::{SessionConfig, SessionContext};
use lance_datafusion::udf::register_functions;

use super::catalog::Tables;
use super::floats::FloatsDecide;
use super::lists::NullsStayUnknown;
use super::names::ExactNames;
use super::parameters::Parameters;
use super::query::SqlQuery;
use super::source::Source;
use super::statement::{DEEPEST_NESTING, Statement};
use super::system_columns::{self, WithSystemColumns};
use super::table::Table;
use crate::error::{Error, Result};
use crate::parallel;
use crate::read::Opened;
use crate::read::amplifiers;
use crate::settings::{SqlSettings, SqlTable};
use crate::task::Task;

const CATALOG: &str = "lance";
const SCHEMA: &str = "public";
/// The same tables, for queries that name system columns.
const WITH_SYSTEM_COLUMNS: &str = "with_system_columns";

/// A build side of so many values is a list of what rows of the other side may have, which Lance filters by.
const MOST_JOIN_VALUES: usize = 10_000;
const MOST_JOIN_BYTES: usize = 1 << 20;

/// How many operators are named where memory has run out.
const CONSUMERS_TOLD: NonZeroUsize = NonZeroUsize::new(3).unwrap();

/// Tables, and where queries over them run.
pub struct SqlContext {
    context: SessionContext,
    tables: Arc<Tables>,
    parallelism: Option<i32>,
}

impl SqlContext {
    pub fn new(settings: SqlSettings) -> Result<Self> {
        let mut config = SessionConfig::new()
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_create_default_catalog_and_schema(false)
            .with_information_schema(true);
        if let Some(rows) = settings.batch_size {
            config = config.with_batch_size(rows as usize);
        }
        let options = config.options_mut();
        // As plain literals mean it: 0.05 is a decimal, and compares with decimals exactly.
        options.sql_parser.parse_float_as_decimal = true;
        options.sql_parser.collect_spans = true;
        options.sql_parser.map_string_types_to_utf8view = false;
        options.sql_parser.recursion_limit = DEEPEST_NESTING;
        options
            .optimizer
            .hash_join_inlist_pushdown_max_distinct_values = MOST_JOIN_VALUES;
        options.optimizer.hash_join_inlist_pushdown_max_size = MOST_JOIN_BYTES;
        let mut runtime = RuntimeEnvBuilder::new().with_disk_manager_builder(disk(&settings));
        if let Some(bytes) = settings.memory_bytes.or_else(most_memory) {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            let pool = TrackConsumersPool::new(FairSpillPool::new(bytes), CONSUMERS_TOLD);
            runtime = runtime.with_memory_pool(Arc::new(pool));
        }
        let mut rules = Analyzer::new().rules;
        rules.insert(0, Arc::new(FloatsDecide));
        rules.push(Arc::new(NullsStayUnknown));
        // It tells columns apart by their names, which two sides of a join may share, and scans take nothing from it.
        let mut steps = PhysicalOptimizer::new().rules;
        steps.retain(|rule| rule.name() != "FilterPushdown");
        // It drops the keys of groups that follow from others, and what is left is taken to tell rows apart by the wrong key: an
        // order is then lost.
        let mut rewriting = Optimizer::new().rules;
        rewriting.retain(|rule| rule.name() != "eliminate_group_by_constant");
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_optimizer_rules(rewriting)
            .with_runtime_env(runtime.build_arc()?)
            .with_default_features()
            .with_analyzer_rules(rules)
            .with_physical_optimizer_rules(steps)
            .build();
        let context = SessionContext::new_with_state(state);
        register_functions(&context);
        amplifiers::bound_in(&context);
        let tables = Arc::new(Tables::default());
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, tables.clone())?;
        let with_system_columns = Arc::new(WithSystemColumns(tables.clone()));
        catalog.register_schema(WITH_SYSTEM_COLUMNS, with_system_columns)?;
        context.register_catalog(CATALOG, Arc::new(catalog));
        Ok(Self {
            context,
            tables,
            parallelism: settings.parallelism,
        })
    }

    /// Queries that are prepared from now on know the dataset by this name.
    pub fn register(self: Arc<Self>, name: String, opened: Arc<Opened>) -> Task<()> {
        Box::pin(async move {
            if name.is_empty() {
                return Err(Error::invalid_argument("a table has a name"));
            }
            self.tables.refuse_taken(&name)?;
            let (source, schema) = Source::new(opened).await?;
            self.tables.insert(name, Arc::new(Table { source, schema }))
        })
    }

    /// Queries that are prepared keep the dataset.
    pub fn deregister(&self, name: &str) -> Result<()> {
        self.tables.remove(name)
    }

    /// The tables, by name.
    pub fn tables(&self) -> Vec<SqlTable> {
        let told = |(name, table): (String, Arc<Table>)| SqlTable {
            name,
            uri: table.source.opened.dataset.uri().to_string(),
            version: table.source.opened.dataset.version().version,
            rows: table.source.rows as u64,
        };
        self.tables.all().into_iter().map(told).collect()
    }

    /// Plan a query. `parameters` has a row, a column for each.
    pub fn prepare(
        self: Arc<Self>,
        text: String,
        parameters: Option<RecordBatch>,
    ) -> Task<SqlQuery> {
        Box::pin(async move {
            let parameters = Parameters::of(parameters.as_ref())?;
            let mut statement = Statement::parse(&text)?;
            let names = ExactNames::of(&statement.tables_named(&self.tables)?);
            names.write_in(&mut statement);
            let mut state = self.context.state();
            let partitions = self
                .parallelism
                .map_or_else(parallel::cores, |n| n as usize);
            let options = state.config_mut().options_mut();
            options.execution.target_partitions = partitions;
            if system_columns::are_named_in(&mut statement, &self.tables)? {
                options.catalog.default_schema = WITH_SYSTEM_COLUMNS.to_string();
            }
            SqlQuery::plan(state, statement, names, parameters).await
        })
    }
}

fn disk(settings: &SqlSettings) -> DiskManagerBuilder {
    let mode = match (&settings.spill_directory, settings.spill_bytes) {
        (_, Some(0)) => DiskManagerMode::Disabled,
        (Some(directory), _) => DiskManagerMode::Directories(vec![PathBuf::from(directory)]),
        (None, _) => DiskManagerMode::OsTmpDirectory,
    };
    let disk = DiskManagerBuilder::default().with_mode(mode);
    match settings.spill_bytes {
        Some(bytes) if bytes > 0 => disk.with_max_temp_directory_size(bytes),
        _ => disk,
    }
}

/// Three quarters of the machine's memory, as far as the system tells it.
fn most_memory() -> Option<u64> {
    let known = read_to_string("/proc/meminfo").ok()?;
    let total = known
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = total.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes.saturating_mul(1024) / 4 * 3)
}
