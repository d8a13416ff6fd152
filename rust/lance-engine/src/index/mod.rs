//! Indices: made, listed, optimised and dropped, in one go or in segments.
//!
//! `kind` says what each kind takes, `parameters` what it may be told; `create`, `optimize` and `segments` let the engine
//! build, `change` sees to it that what comes to nothing leaves no file.

mod change;
mod create;
mod definition;
mod kind;
mod list;
mod model;
mod optimize;
mod optimize_parts;
mod parameters;
mod progress;
mod segments;
mod tokenizer;
mod train;
mod vector;

pub use create::{create, drop_index};
pub use kind::name_of as name_of_kind;
pub use list::{list, prewarm, segments as list_segments, statistics};
pub use optimize::optimize;
pub use optimize_parts::{
    commit as commit_optimize, execute as execute_optimize, plan as plan_optimize,
};
pub use segments::{build as build_segment, commit as commit_segments, merge as merge_segments};
pub use tokenizer::tokenize;
pub use train::train;
