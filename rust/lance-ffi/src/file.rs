//! Data files by themselves.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use lance_engine::Result;
use lance_engine::file::{self, FileReader, FileWriter};
use lance_engine::place::Place;
use lance_engine::settings::{
    FileColumn, FileInfo, FilePage, FileWriteResult, ReadFileSettings, WriteFileSettings,
};
use lance_engine::task::Task;

use crate::arrow::{check_same_columns, import_ffi_batch, import_schema};
use crate::handle::Handle;
use crate::out::Batches;

/// A data file that is open for reading.
pub type LanceFileReader = Handle<FileReader>;
/// A data file on its way.
pub type LanceFileWriter = Handle<FileWriter>;

pub use lance_engine::file::open as reader_open;

pub fn reader_schema(reader: Arc<FileReader>) -> Result<SchemaRef> {
    Ok(reader.schema.clone())
}

pub fn reader_info(reader: Arc<FileReader>) -> Result<FileInfo> {
    Ok(reader.info())
}

pub fn reader_columns(reader: Arc<FileReader>) -> Result<Vec<FileColumn>> {
    Ok(reader.columns())
}

pub fn reader_pages(reader: Arc<FileReader>) -> Result<Vec<FilePage>> {
    reader.pages()
}

pub fn reader_read(reader: Arc<FileReader>, settings: ReadFileSettings) -> Task<Batches> {
    reader.read(settings)
}

pub fn reader_global_buffer(reader: Arc<FileReader>, index: u64) -> Task<Vec<u8>> {
    reader.global_buffer(index)
}

pub async fn writer_open(
    place: Place,
    schema: FFI_ArrowSchema,
    settings: WriteFileSettings,
) -> Result<FileWriter> {
    file::create(place, import_schema(&schema)?, settings).await
}

pub fn writer_write_batch(
    writer: Arc<FileWriter>,
    array: FFI_ArrowArray,
    schema: Option<FFI_ArrowSchema>,
) -> Result<()> {
    if let Some(schema) = schema {
        check_same_columns(&import_schema(&schema)?, &writer.schema)?;
    }
    writer.write(import_ffi_batch(array, &writer.schema, &Arc::default())?)
}

pub fn writer_add_schema_metadata(
    writer: Arc<FileWriter>,
    key: String,
    value: String,
) -> Result<()> {
    writer.add_schema_metadata(key, value)
}

pub fn writer_add_global_buffer(writer: Arc<FileWriter>, bytes: Vec<u8>) -> Result<u64> {
    writer.add_global_buffer(bytes)
}

pub fn writer_tell(writer: Arc<FileWriter>) -> Result<u64> {
    writer.tell()
}

pub fn writer_finish(writer: Arc<FileWriter>) -> Result<FileWriteResult> {
    writer.finish()
}

pub fn writer_abort(writer: Arc<FileWriter>) -> Result<()> {
    writer.abort()
}
