//! Versions: checked out, restored, named by tags, continued on branches, cloned, and compared.
//!
//! A tag or branch points to the version that is open, so that it is found in one way, `checkout`. `version` sees to it that
//! what is pointed to is there, also when a cleanup removes it at that moment.

mod branches;
mod checkout;
mod clones;
mod delta;
mod gate;
mod history;
mod names;
mod restore;
mod tags;
mod version;

pub use branches::{
    create as create_branch, delete as delete_branch, list as branches,
    replace_metadata as replace_branch_metadata,
};
pub use checkout::checkout;
pub use clones::{deep as deep_clone, shallow as shallow_clone};
pub use delta::delta;
pub use history::transactions;
pub use restore::restore;
pub use tags::{
    create as create_tag, delete as delete_tag, list as tags,
    replace_metadata as replace_tag_metadata, update as update_tag,
};
