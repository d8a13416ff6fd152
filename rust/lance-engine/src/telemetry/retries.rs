//! Requests that a store tries again, which it tells nobody but the log.
//!
//! `object_store` and the engine's throttle repeat failed HTTP requests by themselves, below any store that could be
//! wrapped, and the engine takes no HTTP client of ours. Each repetition is an event of `tracing` on the thread that drives
//! the request; whoever drives one says for which store.

use std::cell::Cell;

use tracing_core::{Level, LevelFilter, Metadata};

use super::stores::Store;

/// The most detailed level of these events.
pub const LEVEL: LevelFilter = LevelFilter::DEBUG;

thread_local! {
    /// The store whose request is driven by this thread.
    static STORE: Cell<Option<Store>> = const { Cell::new(None) };
}

/// Drive a request of a store.
pub fn driving<T>(store: Store, step: impl FnOnce() -> T) -> T {
    let outer = STORE.replace(Some(store));
    let result = step();
    STORE.set(outer);
    result
}

/// Whether events of this kind say that a request is repeated.
pub fn is_told_by(metadata: &Metadata<'_>) -> bool {
    if !metadata.is_event() {
        return false;
    }
    match metadata.target() {
        // A request, and the rest of an answer that broke off.
        "object_store::client::retry" | "object_store::client::get" => {
            *metadata.level() == Level::INFO
        }
        "lance::object_store::throttle" => metadata.fields().field("backoff_ms").is_some(),
        _ => false,
    }
}

/// Count one for the store whose request this thread drives.
pub fn count() {
    if let Some(store) = STORE.get() {
        store.retried();
    }
}
