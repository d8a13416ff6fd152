//! A recursive check of Arrow C headers before arrow-rs sees them: it trusts them, and a wrong count or a
//! missing child would be a wild read or a panic.
//!
//! Lengths that lie about memory cannot be detected, here as in Arrow C++.

use std::ffi::{CStr, c_char};
use std::fmt::{self, Display, Formatter};

use arrow::array::{DataTypeLayout, layout};
use arrow::datatypes::{DataType, Fields, UnionMode};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};

use crate::error::{LanceError, Result};

const MAX_DEPTH: usize = 64;
/// Far beyond any real table, and small enough to refuse a count that is garbage.
const MAX_CHILDREN: i64 = 1 << 20;
/// A row count beyond this overflows the size of a buffer of 16-byte values.
const MAX_LENGTH: i64 = i64::MAX / 64;

/// Where something is, put into words only when it is refused.
enum Place<'a> {
    Batch,
    Child(&'a Place<'a>, &'a str),
}

impl Display for Place<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch => out.write_str("the batch"),
            Self::Child(Self::Batch, name) => write!(out, "column {name:?}"),
            Self::Child(parent, name) => write!(out, "{parent}.{name:?}"),
        }
    }
}

fn refuse<T>(place: &Place, what: impl Display) -> Result<T> {
    Err(LanceError::invalid_argument(format!(
        "malformed Arrow struct: {place}: {what}"
    )))
}

/// # Safety
/// `text` is NULL or NUL-terminated.
unsafe fn utf8<'a>(text: *const c_char, place: &Place, what: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: NUL-terminated by this function's contract.
    match unsafe { CStr::from_ptr(text) }.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => refuse(place, format!("the {what} is not UTF-8")),
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
    place: &Place,
    is_released: impl Fn(&T) -> bool,
) -> Result<Vec<&'a T>> {
    if !(0..=MAX_CHILDREN).contains(&n) {
        return refuse(place, format!("n_children is {n}"));
    }
    if let Some(expected) = expected.filter(|expected| *expected != n as usize) {
        return refuse(place, format!("its type has {expected} children, got {n}"));
    }
    if n > 0 && children.is_null() {
        return refuse(place, format!("children is NULL but n_children is {n}"));
    }
    (0..n as usize)
        .map(|i| {
            // SAFETY: in range of the array, by this function's contract.
            match unsafe { (*children.add(i)).as_ref() } {
                None => refuse(place, format!("child {i} is NULL")),
                Some(child) if is_released(child) => {
                    refuse(place, format!("child {i} is already released"))
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
        return Err(LanceError::invalid_argument(
            "the ArrowSchema is already released",
        ));
    }
    // SAFETY: forwarded contract.
    unsafe { check_schema_at(schema, &Place::Batch, 0) }
}

/// # Safety
/// As `check_schema`.
unsafe fn check_schema_at(schema: &FFI_ArrowSchema, place: &Place, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return refuse(place, format!("nested more than {MAX_DEPTH} deep"));
    }
    // SAFETY: strings are NULL or NUL-terminated by contract.
    let format = unsafe { utf8(schema.format, place, "format") }?;
    let Some(format) = format.filter(|format| !format.is_empty()) else {
        return refuse(place, "the format is missing");
    };
    // SAFETY: as above.
    unsafe { utf8(schema.name, place, "name") }?;
    // SAFETY: metadata is NULL or encoded as the specification says.
    unsafe { check_metadata(schema.metadata, place) }?;
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
            place,
            |child| child.release.is_none(),
        )
    }?;
    // SAFETY: NULL or live by contract.
    if let Some(dictionary) = unsafe { schema.dictionary.as_ref() } {
        if dictionary.release.is_none() {
            return refuse(place, "the dictionary is already released");
        }
        // SAFETY: forwarded contract.
        unsafe { check_schema_at(dictionary, place, depth + 1) }?;
    }
    for child in children {
        // SAFETY: as above.
        let name = unsafe { utf8(child.name, place, "name of a child") }?.unwrap_or_default();
        // SAFETY: forwarded contract.
        unsafe { check_schema_at(child, &Place::Child(place, name), depth + 1) }?;
    }
    Ok(())
}

/// Check the types of a schema that could be read: the specification has rules about what goes inside what
/// that arrow-rs insists on, by panicking, only when it makes arrays.
pub fn check_types(fields: &Fields) -> Result<()> {
    fields.iter().try_for_each(|field| {
        check_type(
            field.data_type(),
            &Place::Child(&Place::Batch, field.name()),
        )
    })
}

fn check_type(data_type: &DataType, place: &Place) -> Result<()> {
    match data_type {
        DataType::Dictionary(index, _) if !index.is_dictionary_key_type() => {
            return refuse(place, format!("a dictionary has indices of type {index}"));
        }
        DataType::RunEndEncoded(ends, _) if !ends.data_type().is_run_ends_type() => {
            return refuse(place, format!("run ends are of type {}", ends.data_type()));
        }
        DataType::Map(entries, _) if !is_pair(entries.data_type()) => {
            return refuse(place, "the entries of a map are not a struct of two fields");
        }
        DataType::FixedSizeBinary(width) | DataType::FixedSizeList(_, width) if *width < 0 => {
            return refuse(place, format!("its width is {width}"));
        }
        _ => {}
    }
    if let DataType::Dictionary(_, values) = data_type {
        check_type(values, place)?;
    }
    child_fields(data_type)
        .into_iter()
        .try_for_each(|(name, child)| check_type(child, &Place::Child(place, name)))
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
unsafe fn check_metadata(metadata: *const c_char, place: &Place) -> Result<()> {
    if metadata.is_null() {
        return Ok(());
    }
    // SAFETY: the block begins with the number of pairs.
    let pairs = unsafe { metadata.cast::<i32>().read_unaligned() };
    if pairs < 0 {
        return refuse(place, format!("the metadata has {pairs} pairs"));
    }
    // SAFETY: the pairs follow.
    let mut at = unsafe { metadata.cast::<u8>().add(4) };
    for _ in 0..2 * i64::from(pairs) {
        // SAFETY: within the block by the counts read so far.
        let length = unsafe { at.cast::<i32>().read_unaligned() };
        if length < 0 {
            return refuse(place, format!("a metadata string has length {length}"));
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
            return refuse(place, "the metadata is not UTF-8");
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
        return Err(LanceError::invalid_argument(
            "the ArrowArray is already released",
        ));
    }
    // SAFETY: forwarded contract.
    unsafe { check_array_at(array, data_type, &Place::Batch, 0) }
}

/// # Safety
/// As `check_array`.
unsafe fn check_array_at(
    array: &FFI_ArrowArray,
    data_type: &DataType,
    place: &Place,
    depth: usize,
) -> Result<()> {
    if depth > MAX_DEPTH {
        return refuse(place, format!("nested more than {MAX_DEPTH} deep"));
    }
    let layout = layout(data_type);
    check_counts(array, data_type, &layout, place)?;
    // SAFETY: forwarded contract.
    unsafe { check_buffers(array, data_type, &layout, place) }?;

    let fields = child_fields(data_type);
    // SAFETY: forwarded contract.
    let children = unsafe {
        checked_children(
            array.children,
            array.n_children,
            Some(fields.len()),
            place,
            |child| child.release.is_none(),
        )
    }?;
    let needed = needed_child_rows(array, data_type, place)?;
    for (child, (name, child_type)) in children.into_iter().zip(fields) {
        let place = Place::Child(place, name);
        if child.length < needed {
            let rows = child.length;
            return refuse(
                &place,
                format!("it has {rows} rows, its parent needs {needed}"),
            );
        }
        // SAFETY: forwarded contract.
        unsafe { check_array_at(child, child_type, &place, depth + 1) }?;
    }

    // SAFETY: NULL or live by contract.
    match (unsafe { array.dictionary.as_ref() }, data_type) {
        (Some(dictionary), DataType::Dictionary(_, value_type)) => {
            if dictionary.release.is_none() {
                return refuse(place, "the dictionary is already released");
            }
            // SAFETY: forwarded contract.
            unsafe { check_array_at(dictionary, value_type, place, depth + 1) }
        }
        (None, DataType::Dictionary(..)) => refuse(place, "the dictionary is missing"),
        (Some(_), _) => refuse(
            place,
            format!("type {data_type} has no dictionary, but one is given"),
        ),
        (None, _) => Ok(()),
    }
}

/// How many rows each child must have, where that does not depend on values.
fn needed_child_rows(array: &FFI_ArrowArray, data_type: &DataType, place: &Place) -> Result<i64> {
    let rows = match array.length {
        0 => return Ok(0),
        length => length + array.offset,
    };
    match data_type {
        DataType::Struct(_) | DataType::Union(_, UnionMode::Sparse) => Ok(rows),
        DataType::FixedSizeList(_, size) => match rows.checked_mul(i64::from(*size)) {
            Some(values) => Ok(values),
            None => refuse(place, format!("{rows} lists of {size} values")),
        },
        _ => Ok(0),
    }
}

fn check_counts(
    array: &FFI_ArrowArray,
    data_type: &DataType,
    layout: &DataTypeLayout,
    place: &Place,
) -> Result<()> {
    let (length, offset) = (array.length, array.offset);
    if length < 0 || offset < 0 || length > MAX_LENGTH || offset > MAX_LENGTH - length {
        return refuse(place, format!("length {length} and offset {offset}"));
    }
    if array.null_count < -1 || array.null_count > length {
        return refuse(
            place,
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
            place,
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
    place: &Place,
) -> Result<()> {
    if array.n_buffers > 0 && array.buffers.is_null() {
        return refuse(place, "buffers is NULL");
    }
    for i in 0..array.n_buffers as usize {
        // SAFETY: in range of the array of buffers.
        if !unsafe { *array.buffers.add(i) }.is_null() {
            continue;
        }
        if layout.can_contain_null_mask && i == 0 {
            if array.null_count > 0 {
                return refuse(
                    place,
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
            return refuse(place, format!("buffer {i} is NULL"));
        }
    }
    // SAFETY: forwarded contract, with the pointers checked above.
    unsafe { check_variadic_lengths(array, data_type, place) }
}

/// The last buffer of a view array holds the lengths of the variadic ones.
///
/// # Safety
/// As `check_array`, with the pointers of the buffers checked.
unsafe fn check_variadic_lengths(
    array: &FFI_ArrowArray,
    data_type: &DataType,
    place: &Place,
) -> Result<()> {
    if !matches!(data_type, DataType::Utf8View | DataType::BinaryView) || array.n_buffers <= 3 {
        return Ok(());
    }
    let count = array.n_buffers as usize - 3;
    // SAFETY: in range of the array of buffers; not NULL unless the array is empty.
    let lengths = unsafe { (*array.buffers.add(count + 2)).cast::<i64>() };
    if lengths.is_null() {
        return refuse(place, "the lengths of the variadic buffers are NULL");
    }
    for i in 0..count {
        // SAFETY: the buffer holds one length for each variadic buffer.
        let length = unsafe { lengths.add(i).read_unaligned() };
        if length < 0 {
            return refuse(place, format!("variadic buffer {i} has length {length}"));
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
