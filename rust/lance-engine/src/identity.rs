//! Which version it is.

use lance_table::format::Manifest;
use serde::{Deserialize, Serialize};

/// Tells a version from one of the same number in a dataset that was made anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub version: u64,
    timestamp_nanos: u128,
    transaction_file: Option<String>,
}

impl Identity {
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            version: manifest.version,
            timestamp_nanos: manifest.timestamp_nanos,
            transaction_file: manifest.transaction_file.clone(),
        }
    }
}
