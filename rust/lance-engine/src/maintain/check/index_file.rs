//! One file of an index by itself. All of them are Lance files, of whichever format was current.

use std::sync::Arc;

use futures::StreamExt;
use lance_encoding::decoder::FilterExpression;
use lance_file::reader::FileReaderOptions;
use lance_io::ReadBatchParams;
use lance_io::object_store::ObjectStore;
use object_store::path::Path;

use super::progress::Progress;
use crate::error::{Result, code};
use crate::stored_file;

/// Rows may be long, as the lists of a text index are.
const BATCH_ROWS: u32 = 1024;
/// The bound for those.
const BATCH_BYTES: u64 = 8 << 20;

/// Decode all of it. One of format 0.1 has no columns.
pub async fn decode(
    store: &Arc<ObjectStore>,
    path: &Path,
    size: u64,
    progress: &mut Progress,
) -> Result<()> {
    let mut options = FileReaderOptions::default();
    options.decoder_config.validate_on_decode = true;
    options.batch_size_bytes = Some(BATCH_BYTES);
    let reader = match stored_file::open(store.clone(), path.clone(), size, options).await {
        Err(error) if error.code() == code::NOT_SUPPORTED => return Ok(()),
        opened => opened?,
    };
    if reader.num_rows() == 0 {
        return Ok(());
    }
    let whole = ReadBatchParams::RangeFull;
    let everything = FilterExpression::no_filter();
    let mut batches = reader.read_stream(whole, BATCH_ROWS, 1, everything).await?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        progress.advance(|so_far| so_far.bytes_decoded += batch.get_array_memory_size() as u64);
    }
    Ok(())
}
