//! The C ABI of lance-cpp: the only place that knows the `lance` crate.
//!
//! The contract is `include/lance/c/lance.h`. Every exported function has the same three steps: unwrap
//! the arguments, call the engine, wrap the result. `guard` contains panics, `arrow_io` moves Arrow
//! structs in and out, `handle` turns Rust values into opaque pointers.

#[cfg(not(panic = "unwind"))]
compile_error!("lance-ffi contains panics by unwinding: build it with panic = \"unwind\"");

mod absent;
mod amplifiers;
pub mod arrow_io;
mod attempt;
mod callers;
pub mod check;
pub mod cleanup;
mod column_path;
mod columns;
mod count;
pub mod dataset;
mod engine_error;
mod engine_text;
pub mod error;
mod fault;
mod filter;
mod fork;
pub mod fragments;
mod guard;
pub mod handle;
mod inventory;
mod item_names;
mod ledger;
mod leftovers;
mod live;
mod local_store;
mod materialization;
mod open_files;
pub mod params;
mod place;
mod preflight;
mod redact;
mod references;
mod refs;
mod row_widths;
pub mod runtime;
mod scan;
pub mod scanner;
mod session;
mod source;
mod store;
mod stream;
mod sync;
mod take;
mod tasks;
mod text;
mod threads;
pub mod transaction;
mod types;
mod values;
pub mod version;
mod version_files;
pub mod versions;
pub mod writer;

#[cfg(feature = "fault-injection")]
pub use fault::{lance_testing_fail_at, lance_testing_points_hit};
