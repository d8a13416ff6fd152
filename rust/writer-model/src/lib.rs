//! The hand-over inside a writer, checked as a model: loom runs the code of `lance-engine` itself, with locks of its own, in
//! every order its threads can take, and reports a panic, a deadlock or a leak in any of them.
//!
//! The number of times that a thread is interrupted in one order is bounded: by two, or three with
//! `LANCE_TEST_SCALE=long`, or by `LOOM_MAX_PREEMPTIONS`.

#![cfg(test)]

mod error;
mod models;
mod operations;
mod sync;
mod threads;
mod write;

// The library uses more of them than the models do.
#[allow(dead_code)]
#[path = "../../lance-engine/src/callers.rs"]
mod callers;
#[allow(dead_code)]
#[path = "../../lance-engine/src/write/lanes.rs"]
mod lanes;
#[allow(dead_code)]
#[path = "../../lance-engine/src/write/live.rs"]
mod live;
#[allow(dead_code)]
#[path = "../../lance-engine/src/operation.rs"]
mod operation;
