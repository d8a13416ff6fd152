//! A recursive check of Arrow C headers before arrow-rs sees them: it trusts them, and a wrong count or a
//! missing child would be a wild read or a panic.
//!
//! Lengths that lie about memory cannot be detected, here as in Arrow C++.

use std::ffi::{CStr, c_char};
use std::fmt::Display;

use arrow::array::{DataTypeLayout, layout};
use arrow::datatypes::{DataType, Fields, UnionMode};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::util::bit_chunk_iterator::UnalignedBitChunk;

use lance_engine::column_path::ColumnPath;
use lance_engine::{Error, Result};

const MAX_DEPTH: usize = 64;
/// Far beyond any real table, and small enough to refuse a count that is garbage.
const MAX_CHILDREN: i64 = 1 << 20;
/// A row count beyond this overflows the size of a buffer of 16-byte values.
const MAX_LENGTH: i64 = i64::MAX / 64;

fn refuse<T>(path: &ColumnPath, what: impl Display) -> Result<T> {
    Err(Error::invalid_argument(format!(
        "malformed Arrow struct: {path}: {what}"
    )))
}

/// # Safety
/// `text` is NULL or NUL-terminated.
unsafe fn utf8<'a>(text: *const c_char, path: &ColumnPath, what: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: NUL-terminated by this function's contract.
    match unsafe { CStr::from_ptr(text) }.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => refuse(path, format!("the {what} is not UTF-8")),
    }
}

/// The `n` children, each live. Where the type says how many there must be, that is checked first.
///
/// # Safety
/// `children` is NULL or points to `n` pointers, each NULL or to a live struct.
unsafe fn checked_children<'a, T>(
    children: *mut *mut T,
    n: i64,
    expected: Option<usize>,
    path: &ColumnPath,
    is_released: impl Fn(&T) -> bool,
) -> Result<Vec<&'a T>> {
    if !(0..=MAX_CHILDREN).contains(&n) {
        return refuse(path, format!("n_children is {n}"));
    }
    if let Some(expected) = expected.filter(|expected| *expected != n as usize) {
        return refuse(path, format!("its type has {expected} children, got {n}"));
    }
    if n > 0 && children.is_null() {
        return refuse(path, format!("children is NULL but n_children is {n}"));
    }
    (0..n as usize)
        .map(|i| {
            // SAFETY: in range of the array, by this function's contract.
            match unsafe { (*children.add(i)).as_ref() } {
                None => refuse(path, format!("child {i} is NULL")),
                Some(child) if is_released(child) => {
                    refuse(path, format!("child {i} is already released"))
                }
                Some(child) => Ok(child),
            }
        })
        .collect()
}

/// Check a schema.
///
/// # Safety
/// Pointers in `schema` are NULL or point to what the C Data Interface says.
pub unsafe fn check_schema(schema: &FFI_ArrowSchema) -> Result<()> {
    if schema.release.is_none() {
        return Err(Error::invalid_argument(
            "the ArrowSchema is already released",
        ));
    }
    // SAFETY: forwarded contract.
    unsafe { check_schema_at(schema, &ColumnPath::Batch, 0) }
}

/// # Safety
/// As `check_schema`.
unsafe fn check_schema_at(schema: &FFI_ArrowSchema, path: &ColumnPath, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return refuse(path, format!("nested more than {MAX_DEPTH} deep"));
    }
    // SAFETY: strings are NULL or NUL-terminated by contract.
    let format = unsafe { utf8(schema.format, path, "format") }?;
    let Some(format) = format.filter(|format| !format.is_empty()) else {
        return refuse(path, "the format is missing");
    };
    // SAFETY: as above.
    unsafe { utf8(schema.name, path, "name") }?;
    // SAFETY: metadata is NULL or encoded as the specification says.
    unsafe { check_metadata(schema.metadata, path) }?;
    let expected = match format {
        "+l" | "+L" | "+vl" | "+vL" | "+m" => Some(1),
        "+r" => Some(2),
        "+s" => None,
        _ if format.starts_with("+w:") => Some(1),
        _ if format.starts_with("+u") => Some(union_members(format)),
        _ => Some(0),
    };
    // SAFETY: forwarded contract.
    let children = unsafe {
        checked_children(
            schema.children,
            schema.n_children,
            expected,
            path,
            |child| child.release.is_none(),
        )
    }?;
    // SAFETY: NULL or live by contract.
    if let Some(dictionary) = unsafe { schema.dictionary.as_ref() } {
        if dictionary.release.is_none() {
            return refuse(path, "the dictionary is already released");
        }
        // SAFETY: forwarded contract.
        unsafe { check_schema_at(dictionary, path, depth + 1) }?;
    }
    for child in children {
        // SAFETY: as above.
        let name = unsafe { utf8(child.name, path, "name of a child") }?.unwrap_or_default();
        // SAFETY: forwarded contract.
        unsafe { check_schema_at(child, &ColumnPath::Child(path, name), depth + 1) }?;
    }
    Ok(())
}

/// Check the types of a schema that could be read: the specification has rules about what goes inside what
/// that arrow-rs insists on, by panicking, only when it makes arrays.
pub fn check_types(fields: &Fields) -> Result<()> {
    fields.iter().try_for_each(|field| {
        check_type(
            field.data_type(),
            &ColumnPath::Child(&ColumnPath::Batch, field.name()),
        )
    })
}

fn check_type(data_type: &DataType, path: &ColumnPath) -> Result<()> {
    match data_type {
        DataType::Dictionary(index, _) if !index.is_dictionary_key_type() => {
            return refuse(path, format!("a dictionary has indices of type {index}"));
        }
        DataType::RunEndEncoded(ends, _) if !ends.data_type().is_run_ends_type() => {
            return refuse(path, format!("run ends are of type {}", ends.data_type()));
        }
        DataType::Map(entries, _) if !is_pair(entries.data_type()) => {
            return refuse(path, "the entries of a map are not a struct of two fields");
        }
        DataType::FixedSizeBinary(width) | DataType::FixedSizeList(_, width) if *width < 0 => {
            return refuse(path, format!("its width is {width}"));
        }
        _ => {}
    }
    if let DataType::Dictionary(_, values) = data_type {
        check_type(values, path)?;
    }
    child_fields(data_type)
        .into_iter()
        .try_for_each(|(name, child)| check_type(child, &ColumnPath::Child(path, name)))
}

fn is_pair(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Struct(fields) if fields.len() == 2)
}

fn union_members(format: &str) -> usize {
    match format.split_once(':') {
        Some((_, "")) | None => 0,
        Some((_, ids)) => ids.split(',').count(),
    }
}

/// # Safety
/// `metadata` is NULL or a count, then as many length-prefixed pairs.
unsafe fn check_metadata(metadata: *const c_char, path: &ColumnPath) -> Result<()> {
    if metadata.is_null() {
        return Ok(());
    }
    // SAFETY: the block begins with the number of pairs.
    let pairs = unsafe { metadata.cast::<i32>().read_unaligned() };
    if pairs < 0 {
        return refuse(path, format!("the metadata has {pairs} pairs"));
    }
    // SAFETY: the pairs follow.
    let mut at = unsafe { metadata.cast::<u8>().add(4) };
    for _ in 0..2 * i64::from(pairs) {
        // SAFETY: within the block by the counts read so far.
        let length = unsafe { at.cast::<i32>().read_unaligned() };
        if length < 0 {
            return refuse(path, format!("a metadata string has length {length}"));
        }
        // SAFETY: as above; the block holds `length` bytes after the length.
        let (text, after) = unsafe {
            let start = at.add(4);
            (
                std::slice::from_raw_parts(start, length as usize),
                start.add(length as usize),
            )
        };
        if std::str::from_utf8(text).is_err() {
            return refuse(path, "the metadata is not UTF-8");
        }
        at = after;
    }
    Ok(())
}

/// Check an array against the type it is imported as.
///
/// # Safety
/// Pointers in `array` are NULL or point to what the C Data Interface says.
pub unsafe fn check_array(array: &FFI_ArrowArray, data_type: &DataType) -> Result<()> {
    if array.release.is_none() {
        return Err(Error::invalid_argument(
            "the ArrowArray is already released",
        ));
    }
    // SAFETY: forwarded contract.
    unsafe { check_array_at(array, data_type, &ColumnPath::Batch, 0) }
}

/// # Safety
/// As `check_array`.
unsafe fn check_array_at(
    array: &FFI_ArrowArray,
    data_type: &DataType,
    path: &ColumnPath,
    depth: usize,
) -> Result<()> {
    if depth > MAX_DEPTH {
        return refuse(path, format!("nested more than {MAX_DEPTH} deep"));
    }
    let layout = layout(data_type);
    check_counts(array, data_type, &layout, path)?;
    // SAFETY: forwarded contract.
    unsafe { check_buffers(array, data_type, &layout, path) }?;

    let fields = child_fields(data_type);
    // SAFETY: forwarded contract.
    let children = unsafe {
        checked_children(
            array.children,
            array.n_children,
            Some(fields.len()),
            path,
            |child| child.release.is_none(),
        )
    }?;
    let needed = needed_child_rows(array, data_type, path)?;
    for (child, (name, child_type)) in children.into_iter().zip(fields) {
        let path = ColumnPath::Child(path, name);
        if child.length < needed {
            let rows = child.length;
            return refuse(
                &path,
                format!("it has {rows} rows, its parent needs {needed}"),
            );
        }
        // SAFETY: forwarded contract.
        unsafe { check_array_at(child, child_type, &path, depth + 1) }?;
    }
    // The children bear the length out.
    // SAFETY: forwarded contract.
    unsafe { check_null_count(array, &layout, path) }?;

    // SAFETY: NULL or live by contract.
    match (unsafe { array.dictionary.as_ref() }, data_type) {
        (Some(dictionary), DataType::Dictionary(_, value_type)) => {
            if dictionary.release.is_none() {
                return refuse(path, "the dictionary is already released");
            }
            // SAFETY: forwarded contract.
            unsafe { check_array_at(dictionary, value_type, path, depth + 1) }
        }
        (None, DataType::Dictionary(..)) => refuse(path, "the dictionary is missing"),
        (Some(_), _) => refuse(
            path,
            format!("type {data_type} has no dictionary, but one is given"),
        ),
        (None, _) => Ok(()),
    }
}

/// How many rows each child must have, where that does not depend on values.
fn needed_child_rows(
    array: &FFI_ArrowArray,
    data_type: &DataType,
    path: &ColumnPath,
) -> Result<i64> {
    let rows = match array.length {
        0 => return Ok(0),
        length => length + array.offset,
    };
    match data_type {
        DataType::Struct(_) | DataType::Union(_, UnionMode::Sparse) => Ok(rows),
        DataType::FixedSizeList(_, size) => match rows.checked_mul(i64::from(*size)) {
            Some(values) => Ok(values),
            None => refuse(path, format!("{rows} lists of {size} values")),
        },
        _ => Ok(0),
    }
}

fn check_counts(
    array: &FFI_ArrowArray,
    data_type: &DataType,
    layout: &DataTypeLayout,
    path: &ColumnPath,
) -> Result<()> {
    let (length, offset) = (array.length, array.offset);
    if length < 0 || offset < 0 || length > MAX_LENGTH || offset > MAX_LENGTH - length {
        return refuse(path, format!("length {length} and offset {offset}"));
    }
    if array.null_count < -1 || array.null_count > length {
        return refuse(
            path,
            format!("null_count {} of {length} rows", array.null_count),
        );
    }
    let fixed = i64::from(layout.can_contain_null_mask) + layout.buffers.len() as i64;
    let fits = if layout.variadic {
        // The C Data Interface adds a buffer with the lengths of the variadic ones.
        (fixed + 1..=MAX_CHILDREN).contains(&array.n_buffers)
    } else {
        array.n_buffers == fixed
    };
    if !fits {
        return refuse(
            path,
            format!("type {data_type} has not {} buffers", array.n_buffers),
        );
    }
    Ok(())
}

/// # Safety
/// As `check_array`, with `n_buffers` checked.
unsafe fn check_buffers(
    array: &FFI_ArrowArray,
    data_type: &DataType,
    layout: &DataTypeLayout,
    path: &ColumnPath,
) -> Result<()> {
    if array.n_buffers > 0 && array.buffers.is_null() {
        return refuse(path, "buffers is NULL");
    }
    for i in 0..array.n_buffers as usize {
        // SAFETY: in range of the array of buffers.
        if !unsafe { *array.buffers.add(i) }.is_null() {
            continue;
        }
        if layout.can_contain_null_mask && i == 0 {
            if array.null_count > 0 {
                return refuse(
                    path,
                    format!(
                        "null_count is {} but there is no validity buffer",
                        array.null_count
                    ),
                );
            }
            continue;
        }
        // Values may be missing where all of them are empty; everything before them may not.
        let may_be_missing = match data_type {
            DataType::Utf8 | DataType::Binary | DataType::LargeUtf8 | DataType::LargeBinary => {
                i == 2
            }
            DataType::Utf8View | DataType::BinaryView => {
                i >= 2 && (i + 1 < array.n_buffers as usize || array.n_buffers == 3)
            }
            DataType::FixedSizeBinary(0) => true,
            _ => false,
        };
        if !may_be_missing && array.length + array.offset > 0 {
            return refuse(path, format!("buffer {i} is NULL"));
        }
    }
    // SAFETY: forwarded contract, with the pointers checked above.
    unsafe {
        check_last_offset(array, data_type, path)?;
        check_variadic_lengths(array, data_type, path)
    }
}

/// The last offset of strings says how long the buffer of their values is.
///
/// # Safety
/// As `check_array`, with the pointers of the buffers checked.
unsafe fn check_last_offset(
    array: &FFI_ArrowArray,
    data_type: &DataType,
    path: &ColumnPath,
) -> Result<()> {
    if array.length == 0 {
        return Ok(());
    }
    let last = (array.length + array.offset) as usize;
    // SAFETY: the second buffer has an offset for each row, and the last one.
    let last = unsafe {
        let offsets = array.buffers.add(1);
        match data_type {
            DataType::Utf8 | DataType::Binary => {
                i64::from((*offsets).cast::<i32>().add(last).read_unaligned())
            }
            DataType::LargeUtf8 | DataType::LargeBinary => {
                (*offsets).cast::<i64>().add(last).read_unaligned()
            }
            _ => return Ok(()),
        }
    };
    match last {
        0.. => Ok(()),
        _ => refuse(path, format!("the last offset is {last}")),
    }
}

/// arrow-rs believes the count: with a wrong one, values would stand for NULLs.
///
/// # Safety
/// As `check_array`, with the pointers of the buffers checked.
unsafe fn check_null_count(
    array: &FFI_ArrowArray,
    layout: &DataTypeLayout,
    path: &ColumnPath,
) -> Result<()> {
    if !layout.can_contain_null_mask || array.null_count < 0 {
        return Ok(());
    }
    // SAFETY: the first buffer is the validity bitmap.
    let bitmap = unsafe { *array.buffers }.cast::<u8>();
    if bitmap.is_null() {
        return Ok(());
    }
    let (rows, offset) = (array.length as usize, array.offset as usize);
    // SAFETY: the bitmap has a bit for each row.
    let bitmap = unsafe { std::slice::from_raw_parts(bitmap, (offset + rows).div_ceil(8)) };
    let nulls = rows - UnalignedBitChunk::new(bitmap, offset, rows).count_ones();
    match nulls as i64 == array.null_count {
        true => Ok(()),
        false => refuse(
            path,
            format!(
                "null_count is {}, but the validity buffer has {nulls} nulls",
                array.null_count
            ),
        ),
    }
}

/// The last buffer of a view array holds the lengths of the variadic ones.
///
/// # Safety
/// As `check_array`, with the pointers of the buffers checked.
unsafe fn check_variadic_lengths(
    array: &FFI_ArrowArray,
    data_type: &DataType,
    path: &ColumnPath,
) -> Result<()> {
    if !matches!(data_type, DataType::Utf8View | DataType::BinaryView) || array.n_buffers <= 3 {
        return Ok(());
    }
    let count = array.n_buffers as usize - 3;
    // SAFETY: in range of the array of buffers; not NULL unless the array is empty.
    let lengths = unsafe { (*array.buffers.add(count + 2)).cast::<i64>() };
    if lengths.is_null() {
        return refuse(path, "the lengths of the variadic buffers are NULL");
    }
    for i in 0..count {
        // SAFETY: the buffer holds one length for each variadic buffer.
        let length = unsafe { lengths.add(i).read_unaligned() };
        if length < 0 {
            return refuse(path, format!("variadic buffer {i} has length {length}"));
        }
    }
    Ok(())
}

fn child_fields(data_type: &DataType) -> Vec<(&str, &DataType)> {
    match data_type {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => vec![(field.name(), field.data_type())],
        DataType::Struct(fields) => fields
            .iter()
            .map(|field| (field.name().as_str(), field.data_type()))
            .collect(),
        DataType::Union(fields, _) => fields
            .iter()
            .map(|(_, field)| (field.name().as_str(), field.data_type()))
            .collect(),
        DataType::RunEndEncoded(ends, values) => vec![
            (ends.name(), ends.data_type()),
            (values.name(), values.data_type()),
        ],
        _ => vec![],
    }
}
