//! The boundary: the C ABI over `lance-engine`. The contract is `include/lance/c/`.
//!
//! Every exported function has the same three steps: unwrap the arguments, call a body with what they own, wrap the
//! result. Most are in `generated`, made from the contract. `guard` contains panics and hands errors out, `handle` turns
//! Rust values into opaque pointers, `arguments` reads what is not Arrow, `arrow` moves Arrow structs in and out, `out`
//! and `records` write results, `operation` runs what is asynchronous. Then there is one thin file of bodies for each noun.

mod arguments;
mod arrow;
mod async_stream;
mod batches;
mod compact;
mod credentials;
mod dataset;
mod error;
mod evolve;
mod exit;
mod fault;
mod file;
mod fragment;
pub mod generated;
mod guard;
mod handle;
mod incoming;
mod index;
mod leaving;
mod lookup;
mod maintain;
mod merge_insert;
mod mutate;
mod namespace;
mod operation;
mod out;
mod plain;
mod records;
mod refs;
mod runtime;
mod scanner;
mod search;
mod searcher;
mod session;
mod shuffle;
mod sql;
mod stream;
mod telemetry;
mod transaction;
mod version;
mod writer;
