//! SQL over one and several datasets, read-only.
//!
//! A context has tables, each a dataset under a name; a query is text that was planned over them. DataFusion plans and
//! runs it; the tables are read by a provider of ours, which cuts them into parts, tells their sizes, and lets Lance
//! filter early.

mod catalog;
mod context;
mod dialect;
mod errors;
mod filters;
mod floats;
mod join_filters;
mod lists;
mod names;
mod parameters;
mod parts;
mod places;
mod query;
mod sample;
mod scan;
mod source;
mod statement;
mod system_columns;
mod table;
mod turns;

pub use context::SqlContext;
pub use query::SqlQuery;
