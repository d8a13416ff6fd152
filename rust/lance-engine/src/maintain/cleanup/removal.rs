//! A file that a cleanup removes.

use crate::maintain::orphans::{Kind, Place};

pub struct Removal {
    pub place: Place,
    pub kind: Kind,
    pub size: u64,
}
