//! Versions: checked out, restored, tagged, branched, cloned, compared.

pub use lance_engine::refs::{
    branches, checkout, create_branch, create_tag, deep_clone, delete_branch, delete_tag, delta,
    replace_branch_metadata, replace_tag_metadata, restore, shallow_clone, tags, transactions,
    update_tag,
};
