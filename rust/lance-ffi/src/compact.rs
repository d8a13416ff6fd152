//! Compaction: at once, or planned, executed in tasks and committed.

pub use lance_engine::compact::{
    commit as commit_compaction, compact, execute as execute_compaction, plan as plan_compaction,
};
