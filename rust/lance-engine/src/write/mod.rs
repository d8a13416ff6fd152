//! Writing: the push-based writer, from any number of batches to one atomic commit, and transactions.

mod booleans;
mod branch;
mod dictionaries;
mod encoder;
mod hints;
mod lane_source;
mod lanes;
mod legacy;
mod live;
mod nested;
pub(crate) mod plan;
mod progress;
pub(crate) mod removal;
pub mod transaction;
pub(crate) mod tuning;
pub(crate) mod types;
pub(crate) mod whole;
mod writer;
pub(crate) mod written_files;

use arrow::array::RecordBatch;
use lance::dataset::transaction::Transaction;

pub use live::Live;
pub(crate) use plan::storage_version;
pub(crate) use types::check_storable;
pub use writer::Write;

/// What is between its producers and its encoders.
type Lanes = lanes::Lanes<RecordBatch, Transaction>;
type Credit = lanes::Credit<RecordBatch, Transaction>;
