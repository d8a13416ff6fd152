//! Transactions: what was done to a version and belongs to none yet.

use std::collections::HashMap;
use std::sync::Arc;

use lance_engine::Result;
use lance_engine::runtime::block_on;
use lance_engine::settings::{CommitResult, CommitSettings};
use lance_engine::task::Task;
use lance_engine::write::transaction::Pending;

use crate::handle::Handle;

/// What was done to a version and belongs to none yet.
pub type LanceTransaction = Handle<Pending>;

pub use lance_engine::write::transaction::commit_all as commit_with;

pub fn commit(transactions: Vec<Arc<Pending>>) -> Task<CommitResult> {
    commit_with(transactions, CommitSettings::default())
}

/// To its end, also when it is cancelled.
pub fn discard(transaction: Arc<Pending>) -> Result<()> {
    block_on(transaction.discard())
}

pub fn to_json(transaction: Arc<Pending>) -> Result<String> {
    transaction.to_json()
}

pub fn from_json(json: String, storage_options: HashMap<String, String>) -> Result<Pending> {
    Pending::from_json(&json, storage_options)
}
