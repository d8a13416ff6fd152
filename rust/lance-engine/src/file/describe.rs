//! What a data file is made of.

use lance_file::reader::describe_encoding;

use super::FileReader;
use crate::error::{Error, Result};
use crate::panics::contain;
use crate::settings::{FileColumn, FileInfo, FilePage};

impl FileReader {
    pub fn info(&self) -> FileInfo {
        let metadata = self.engine.metadata();
        let (major, minor) = metadata.version.to_data_file_numbers();
        FileInfo {
            rows: metadata.num_rows,
            columns: metadata.column_metadatas.len() as u64,
            // The first is the schema.
            global_buffers: (metadata.file_buffers.len() as u64).saturating_sub(1),
            bytes: metadata.file_size_bytes,
            data_bytes: metadata.num_data_bytes,
            column_metadata_bytes: metadata.num_column_metadata_bytes,
            global_buffer_bytes: metadata.num_global_buffer_bytes,
            storage_version_major: major,
            storage_version_minor: minor,
        }
    }

    pub fn columns(&self) -> Vec<FileColumn> {
        let statistics = self.engine.file_statistics();
        let columns = (0..).zip(statistics.columns);
        columns
            .map(|(column, of_column)| FileColumn {
                column,
                pages: of_column.num_pages as u64,
                bytes: of_column.size_bytes,
            })
            .collect()
    }

    pub fn pages(&self) -> Result<Vec<FilePage>> {
        let mut pages = Vec::new();
        for (column, of_column) in (0..).zip(&self.engine.metadata().column_metadatas) {
            for (page, of_page) in (0..).zip(&of_column.pages) {
                let encoding = contain(|| Ok(describe_encoding(of_page)));
                pages.push(FilePage {
                    column,
                    page,
                    rows: of_page.length,
                    bytes: of_page.buffer_sizes.iter().sum(),
                    encoding: encoding.map_err(Error::while_reading)?,
                });
            }
        }
        Ok(pages)
    }
}
