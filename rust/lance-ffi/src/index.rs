//! Indices: made, listed, optimised, dropped, and built in segments.

pub use lance_engine::index::{
    build_segment as build_index_segment, commit_optimize as commit_optimize_indices,
    commit_segments as commit_index_segments, create as create_index, drop_index,
    execute_optimize as execute_optimize_indices, list as indices, list_segments as index_segments,
    merge_segments as merge_index_segments, optimize as optimize_indices,
    plan_optimize as plan_optimize_indices, prewarm as prewarm_index,
    statistics as index_statistics, train as train_index,
};
