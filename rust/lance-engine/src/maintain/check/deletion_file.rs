//! A deletion file: which rows of a fragment are deleted.

use arrow::ipc::{Block, root_as_footer, root_as_message};
use lance_io::object_store::ObjectStore;
use lance_table::format::{DeletionFile, DeletionFileType};
use lance_table::io::deletion::read_deletion_file;
use object_store::path::Path;

use crate::error::{Error, Result, code};

/// Rows are numbered by 32 bits.
const ROW_BYTES: u64 = 4;
/// Buffers are padded to this.
const ALIGNMENT: u64 = 64;

/// The rows that a file deletes.
pub struct Deleted {
    pub count: u64,
    pub last: Option<u32>,
}

/// Read the file of a fragment that has, as far as is known, so many rows.
pub async fn read_deleted(
    store: &ObjectStore,
    path: &Path,
    fragment: u64,
    fragment_rows: Option<u64>,
    file: &DeletionFile,
) -> Result<Deleted> {
    if file.file_type == DeletionFileType::Array {
        let bytes = store.read_one_all(path).await?;
        let most_rows = fragment_rows.unwrap_or(u32::MAX.into());
        check_sizes(&bytes, most_rows)
            .ok_or_else(|| Error::new(code::CORRUPT, "it asks for more bytes than it can have"))?;
    }
    let root = path.parent().and_then(|directory| directory.parent());
    let rows = read_deletion_file(fragment, file, &root.unwrap_or_default(), store).await?;
    Ok(Deleted {
        count: rows.len() as u64,
        last: rows.iter().max(),
    })
}

/// Check the lengths in an Arrow IPC file, which its reader believes: it reserves the memory they ask for, and
/// where there is none the process ends.
fn check_sizes(bytes: &[u8], most_rows: u64) -> Option<()> {
    let (rest, end) = bytes.split_last_chunk::<10>()?;
    let footer_size = u32::from_le_bytes(*end.first_chunk()?) as usize;
    let footer = root_as_footer(rest.get(rest.len().checked_sub(footer_size)?..)?).ok()?;
    if footer
        .dictionaries()
        .is_some_and(|blocks| !blocks.is_empty())
    {
        return None;
    }
    let blocks = footer.recordBatches().into_iter().flatten();
    blocks
        .map(|block| check_block(rest, block, most_rows))
        .collect()
}

fn check_block(bytes: &[u8], block: &Block, most_rows: u64) -> Option<()> {
    let start = usize::try_from(block.offset()).ok()?;
    let body_start = start.checked_add(usize::try_from(block.metaDataLength()).ok()?)?;
    let body_end = body_start.checked_add(usize::try_from(block.bodyLength()).ok()?)?;
    let (header, body) = (
        bytes.get(start..body_start)?,
        bytes.get(body_start..body_end)?,
    );
    // A mark and a length come before the message.
    let message = root_as_message(header.get(8..)?).ok()?;
    let batch = message.header_as_record_batch()?;
    if u64::try_from(batch.length()).ok()? > most_rows {
        return None;
    }
    let is_compressed = batch.compression().is_some();
    for buffer in batch.buffers().into_iter().flatten() {
        let start = usize::try_from(buffer.offset()).ok()?;
        let end = start.checked_add(usize::try_from(buffer.length()).ok()?)?;
        let content = body.get(start..end)?;
        if is_compressed && let Some(size) = content.first_chunk() {
            // -1 says that it is not compressed after all.
            let size = i64::from_le_bytes(*size);
            let limit = most_rows * ROW_BYTES + ALIGNMENT;
            if size != -1 && u64::try_from(size).ok()? > limit {
                return None;
            }
        }
    }
    Some(())
}
