//! What lance-cpp adds to the engine, the `lance` crate: a store that loses nothing, reads and writes on all cores,
//! maintenance. Safe Rust that exports nothing; `lance-ffi` is the boundary over it.
//!
//! Rooms, each of which knows only those before it:
//! - `settings`, `text`, `redact`, `error`, `engine_error`, `namespace_error`, `sync`, `fault`, `threads`, `callers`, `process`, `panics`,
//!   `task`, `operation`, `incoming`, `column_path`, `batch_bytes`, `commit_handler`, `credentials`, `reporting`: the ground
//! - `telemetry`: events for the caller's logger, and counts
//! - `local`: files of the machine; `session`, `runtime`, `parallel`, `place`, `identity`, `absent`, `open`: where all
//!   runs
//! - `maintain`: what lies in a dataset's directories, checks and cleanups
//! - `search`: what a scan looks for
//! - `read`: scans and their parts, takes, counts
//! - `prepared`: searches that are prepared once and run many times
//! - `sql`: queries over one and several datasets
//! - `write`: the writer, and commits
//! - `change`: changes that leave nothing when they fail
//! - `refs`, `stored_refs`: tags, branches, clones, what has changed between versions
//! - `mutate`: rows deleted and updated
//! - `fragment`: what is done to one fragment
//! - `file`: data files by themselves
//! - `compact`: fragments that are written anew
//! - `index`: indices, made, listed, optimised and dropped
//! - `evolve`: columns added, changed and dropped, metadata, migrations
//! - `merge_insert`: rows merged by their keys
//! - `namespace`: datasets by name

mod absent;
mod batch_bytes;
pub mod callers;
pub mod cancel;
mod change;
mod checksum;
pub mod column_path;
mod commit_handler;
pub mod compact;
pub mod credentials;
mod engine_error;
pub mod error;
pub mod evolve;
pub mod fault;
pub mod file;
pub mod fragment;
mod identity;
pub mod incoming;
pub mod index;
mod last_use;
mod local;
pub mod maintain;
pub mod merge_insert;
pub mod mutate;
pub mod namespace;
mod namespace_error;
mod open;
pub mod operation;
pub mod panics;
mod parallel;
pub mod place;
pub mod prepared;
pub mod process;
pub mod read;
mod redact;
pub mod refs;
mod reporting;
pub mod runtime;
pub mod search;
mod session;
pub mod settings;
pub mod sql;
mod stored_file;
mod stored_refs;
pub mod sync;
pub mod task;
pub mod telemetry;
mod text;
pub mod threads;
pub mod write;

pub use credentials::CredentialsProvider;
pub use error::{Error, Result};
pub use evolve::ColumnFunction;
pub use lance::session::Session;
pub use search::{TextQuery, VectorQuery};
