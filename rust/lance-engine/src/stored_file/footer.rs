//! The end of a Lance file: its footer and its number of rows.

use std::ops::Range;
use std::sync::Arc;

use lance_file::reader::FileReader;
use lance_file::version::ConcreteFileVersion;
use lance_io::object_store::ObjectStore;
use lance_io::scheduler::{ScanScheduler, SchedulerConfig};
use lance_io::utils::CachedFileSize;
use object_store::path::Path;

use crate::error::{Error, Result, code};

const MAGIC: &[u8] = b"LANC";
const FOOTER_BYTES: u64 = 40;
/// The position of the metadata, two numbers of the version, and the magic.
const LEGACY_FOOTER_BYTES: usize = 16;
/// A position and a size.
const TABLE_ENTRY_BYTES: u64 = 2 * POSITION_BYTES;
const POSITION_BYTES: u64 = 8;

/// Where the metadata of the columns begins, where the table of their positions does, and how many there are.
#[derive(Debug)]
struct Columns {
    start: u64,
    table: u64,
    count: u64,
}

/// Check what the engine believes of a file in a current format.
pub async fn check_current(store: &ObjectStore, path: &Path, size: u64) -> Result<()> {
    let columns = check_footer(&read_end(store, path, size).await?, size)?;
    check_first_column(store, path, size, &columns).await
}

/// Read the number of rows that the file says it has.
pub async fn read_row_count(store: &Arc<ObjectStore>, path: &Path, size: u64) -> Result<u64> {
    check_current(store, path, size).await?;
    let scheduler = ScanScheduler::new(store.clone(), SchedulerConfig::max_bandwidth(store));
    let file = scheduler
        .open_file(path, &CachedFileSize::new(size))
        .await?;
    Ok(FileReader::read_all_metadata(&file).await?.num_rows)
}

/// Check a file of whichever format it says.
pub async fn check(store: &ObjectStore, path: &Path, size: u64) -> Result<()> {
    let end = read_end(store, path, size).await?;
    match version(&end)? {
        ConcreteFileVersion::V1 => check_legacy_footer(&end, size),
        _ => {
            let columns = check_footer(&end, size)?;
            check_first_column(store, path, size, &columns).await
        }
    }
}

/// The format that a footer names, in its last bytes before the magic.
fn version(footer: &[u8]) -> Result<ConcreteFileVersion> {
    check_magic(footer)?;
    let Some([a, b, c, d, ..]) = footer.last_chunk::<8>() else {
        return Err(corrupt("it is too short"));
    };
    let (major, minor) = (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
    ConcreteFileVersion::from_footer_numbers(major, minor)
        .map_err(|_| corrupt("its footer is damaged"))
}

/// Check the last bytes of a file, as many as were read of it, before the engine believes them.
pub fn check_end(end: &[u8], size: u64) -> Result<()> {
    let is_cut = end.is_empty() || !end.ends_with(MAGIC) && !MAGIC.ends_with(end);
    if is_cut {
        return Err(corrupt("its end is missing"));
    }
    match (end.last_chunk::<{ FOOTER_BYTES as usize }>(), version(end)) {
        (Some(_), Ok(ConcreteFileVersion::V1)) => check_legacy_footer(end, size),
        (Some(footer), Ok(_)) => check_footer(footer, size).map(drop),
        // Of a format that is not known the engine says so.
        _ => Ok(()),
    }
}

/// Check a file of format 0.1, whose rows only a deep check can count.
pub async fn check_legacy(store: &Arc<ObjectStore>, path: &Path, size: u64) -> Result<()> {
    check_legacy_footer(&read_end(store, path, size).await?, size)
}

async fn read_end(store: &ObjectStore, path: &Path, size: u64) -> Result<Vec<u8>> {
    read(store, path, size, size.saturating_sub(FOOTER_BYTES)..size).await
}

async fn read(store: &ObjectStore, path: &Path, size: u64, range: Range<u64>) -> Result<Vec<u8>> {
    let reader = store.open_with_size(path, size as usize).await?;
    let range = range.start as usize..range.end as usize;
    let bytes = reader.get_range(range).await;
    Ok(bytes.map_err(lance_core::Error::from)?.to_vec())
}

/// Check that the metadata of the columns begins where the footer says, which the engine need not know.
async fn check_first_column(
    store: &ObjectStore,
    path: &Path,
    size: u64,
    columns: &Columns,
) -> Result<()> {
    if columns.count == 0 {
        return Ok(());
    }
    let entry = columns.table..columns.table + POSITION_BYTES;
    match read(store, path, size, entry).await? == columns.start.to_le_bytes() {
        true => Ok(()),
        false => Err(corrupt("its footer is damaged")),
    }
}

fn check_magic(footer: &[u8]) -> Result<()> {
    match footer.ends_with(MAGIC) {
        true => Ok(()),
        false => Err(corrupt("it does not end like a Lance file")),
    }
}

/// Check that the position of the metadata is in the file. A file that was cut does not end like this.
fn check_legacy_footer(footer: &[u8], size: u64) -> Result<()> {
    check_magic(footer)?;
    let Some((_, end)) = footer.split_last_chunk::<LEGACY_FOOTER_BYTES>() else {
        return Err(corrupt("it is too short"));
    };
    let position = u64::from_le_bytes(end[..8].try_into().unwrap_or_default());
    match position < size - LEGACY_FOOTER_BYTES as u64 {
        true => Ok(()),
        false => Err(corrupt("its footer is damaged")),
    }
}

/// Check the counts of the footer, which the engine believes: it reserves the memory they ask for.
fn check_footer(footer: &[u8], size: u64) -> Result<Columns> {
    check_magic(footer)?;
    let Ok(footer) = <&[u8; FOOTER_BYTES as usize]>::try_from(footer) else {
        return Err(corrupt("it is too short"));
    };
    let number = |at: usize, bytes: usize| {
        let mut value = [0; 8];
        value[..bytes].copy_from_slice(&footer[at..at + bytes]);
        u64::from_le_bytes(value)
    };
    let [start, table, buffer_table] = [0, 8, 16].map(|at| number(at, 8));
    let [buffers, count] = [24, 28].map(|at| number(at, 4));
    let table_fits = |start: u64, entries: u64, end: u64| {
        start
            .checked_add(entries * TABLE_ENTRY_BYTES)
            .is_some_and(|table_end| table_end <= end)
    };
    let fits = start <= table
        && table_fits(table, count, buffer_table)
        && table_fits(buffer_table, buffers, size - FOOTER_BYTES);
    match fits {
        true => Ok(Columns {
            start,
            table,
            count,
        }),
        false => Err(corrupt("its footer is damaged")),
    }
}

fn corrupt(message: &str) -> Error {
    Error::new(code::CORRUPT, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The footer of a file with two columns and one global buffer.
    fn footer() -> Vec<u8> {
        let mut bytes = Vec::new();
        for position in [100u64, 160, 192] {
            bytes.extend(position.to_le_bytes());
        }
        for count in [1u32, 2] {
            bytes.extend(count.to_le_bytes());
        }
        bytes.extend([2, 0, 2, 0]);
        bytes.extend(MAGIC);
        bytes
    }

    const SIZE: u64 = 192 + TABLE_ENTRY_BYTES + FOOTER_BYTES;

    #[test]
    fn a_footer_whose_tables_fit_is_accepted() {
        assert!(check_footer(&footer(), SIZE).is_ok());
    }

    #[test]
    fn no_position_or_count_may_point_beyond_its_table() {
        for at in 0..32 {
            let mut damaged = footer();
            damaged[at] = 0xff;
            assert!(check_footer(&damaged, SIZE).is_err(), "byte {at}");
        }
    }

    #[test]
    fn as_much_of_an_end_is_checked_as_is_there() {
        let mut end = [&[0; 9][..], &footer()].concat();
        assert!(check_end(&end, SIZE).is_ok());
        assert!(check_end(b"NC", SIZE).is_ok());
        assert!(check_end(b"LAN", SIZE).is_err());
        let buffers = end.len() - 16;
        end[buffers] = 0xff;
        assert!(check_end(&end, SIZE).is_err());
        assert!(check_end(&end[buffers..], SIZE).is_ok());
    }

    #[test]
    fn the_metadata_of_a_legacy_file_is_inside_it() {
        let footer = |position: u64| [&position.to_le_bytes()[..], &[0, 0, 2, 0], MAGIC].concat();
        assert!(check_legacy_footer(&footer(99), 116).is_ok());
        assert!(check_legacy_footer(&footer(100), 116).is_err());
        assert!(check_legacy_footer(&footer(u64::MAX), 116).is_err());
        assert!(check_legacy_footer(&footer(0)[1..], 15).is_err());
    }

    #[test]
    fn a_file_that_is_cut_is_refused() {
        assert!(check_footer(&footer(), SIZE - 1).is_err());
        assert!(check_footer(&footer()[1..], SIZE).is_err());
        assert!(check_footer(&footer()[..39], SIZE).is_err());
        assert!(check_footer(&[], 0).is_err());
    }
}
