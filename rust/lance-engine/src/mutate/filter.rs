//! Which rows an operation is about.

use lance::Dataset;
use lance_file::version::ConcreteFileVersion;

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
    pub fn scan(&self, dataset: &Dataset) -> ScanSettings {
        let format = &dataset.manifest().data_storage_format;
        ScanSettings {
            // The engine cannot add addresses to what an index has found in files of the first format.
            use_scalar_index: format.lance_file_format() != ConcreteFileVersion::V1,
            filter: self.sql.clone(),
            filter_substrait: self.substrait.clone(),
            with_row_address: true,
            ..ScanSettings::default()
        }
    }
}
