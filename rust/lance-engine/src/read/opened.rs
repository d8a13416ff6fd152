//! A dataset version that is open.

use std::sync::Arc;

use lance::Dataset;

use super::row_widths::RowWidths;

/// A version, and what was learnt of it. Both never change what they tell.
pub struct Opened {
    pub dataset: Arc<Dataset>,
    pub widths: RowWidths,
}

impl Opened {
    pub fn new(dataset: Dataset) -> Self {
        Self {
            dataset: Arc::new(dataset),
            widths: RowWidths::default(),
        }
    }
}
