//! Compaction: small fragments and those with deleted rows are written anew, at once or in parts.

mod checks;
mod commit;
mod options;
mod progress;
mod remap;
mod rewrite;
mod tasks;

pub use commit::commit;
pub use rewrite::compact;
pub use tasks::{execute, plan};
