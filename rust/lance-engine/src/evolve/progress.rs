//! How far new columns are, and the callback that is told.

use std::sync::Arc;

use crate::reporting::Reporter;
use crate::settings::{AddColumnsProgress, Callback};
use crate::sync::{Mutex, lock};

/// Tells the caller until it is dropped. Tasks may outlive the work that began them.
pub struct Telling(pub Arc<Progress>);

impl Telling {
    pub fn new(callback: Option<Callback<AddColumnsProgress>>, begin: AddColumnsProgress) -> Self {
        Self(Arc::new(Progress {
            reporter: Reporter::new(callback),
            so_far: Mutex::new(begin),
        }))
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.reporter.stop();
    }
}

pub struct Progress {
    reporter: Reporter<AddColumnsProgress>,
    so_far: Mutex<AddColumnsProgress>,
}

impl Progress {
    pub fn add_rows(&self, rows: u64) {
        lock(&self.so_far).rows += rows;
        self.reporter.report(|| self.so_far());
    }

    pub fn add_fragment(&self) {
        lock(&self.so_far).fragments += 1;
        self.reporter.report_now(|| self.so_far());
    }

    /// One that is finished already.
    pub fn resume(&self, rows: u64) {
        let mut so_far = lock(&self.so_far);
        so_far.rows += rows;
        so_far.resumed_fragments += 1;
        drop(so_far);
        self.add_fragment();
    }

    fn so_far(&self) -> AddColumnsProgress {
        lock(&self.so_far).clone()
    }
}
