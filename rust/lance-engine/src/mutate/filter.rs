//! Which rows an operation is about.

use crate::settings::ScanSettings;

/// A filter of a scan: SQL, or a Substrait message. Without either it is all rows.
#[derive(Clone, Debug)]
pub struct Filter {
    pub sql: Option<String>,
    pub substrait: Option<Vec<u8>>,
}

impl Filter {
    pub fn is_none(&self) -> bool {
        self.sql.is_none() && self.substrait.is_none()
    }

    /// A scan of the rows, with their addresses.
    pub fn scan(&self) -> ScanSettings {
        ScanSettings {
            filter: self.sql.clone(),
            filter_substrait: self.substrait.clone(),
            with_row_address: true,
            ..ScanSettings::default()
        }
    }
}
