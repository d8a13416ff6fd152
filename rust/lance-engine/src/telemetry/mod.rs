//! What the library tells about itself: events, as they happen, and counts of what it has done.

pub mod log;
pub mod metered_store;
pub mod metrics;
mod retries;
pub mod stores;
