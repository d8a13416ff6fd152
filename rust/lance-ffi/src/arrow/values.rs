//! Whether the values of an imported batch are what their types say. arrow-rs and the engine take that on trust: text
//! that is no UTF-8 and keys of no word would be acknowledged and could not be read back, and offsets and views that
//! point elsewhere would read foreign memory.
//!
//! Only the rows in use are looked at, each once.

use std::cell::Cell;
use std::fmt::Display;
use std::ops::Range;

use arrow::array::{Array, ArrayData, ArrowNativeTypeOp, OffsetSizeTrait, UInt64Array, make_array};
use arrow::buffer::{Buffer, MutableBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;

use lance_engine::column_path::ColumnPath;
use lance_engine::{Error, Result};

/// Longer values of a view are in a buffer.
const LONGEST_INLINE: usize = 12;
const IS_NULL: &str = "it is NULL, which the schema does not allow";

/// Check a batch as it came over the boundary, without NULL rows of its own; a refusal names the column and the row.
/// True says that something lies under NULLs that is not what its type says. Arrow permits that, but the engine
/// looks at it: it has to be cleared.
pub fn check(batch: &ArrayData) -> Result<bool> {
    let has_garbage = Cell::new(false);
    let root = Node {
        data: batch,
        rows: 0..batch.len(),
        nullable: true,
        path: &ColumnPath::Batch,
        parent: None,
        has_garbage: &has_garbage,
    };
    root.check()?;
    Ok(has_garbage.get())
}

/// An array of a batch and what of it is in use.
struct Node<'a> {
    data: &'a ArrayData,
    rows: Range<usize>,
    nullable: bool,
    path: &'a ColumnPath<'a>,
    /// None for the batch itself.
    parent: Option<&'a Node<'a>>,
    has_garbage: &'a Cell<bool>,
}

impl Node<'_> {
    fn check(&self) -> Result<()> {
        // Where there are no rows there still is an offset, and arrow-rs looks where it points to.
        let is_empty = self.rows.is_empty();
        match self.data.data_type() {
            DataType::Null if !self.nullable && !is_empty => {
                return self.refuse(self.rows.start, IS_NULL);
            }
            DataType::Dictionary(..) if is_empty => {}
            DataType::Null | DataType::Boolean | DataType::FixedSizeBinary(_) => {}
            data_type if data_type.is_primitive() => {}
            DataType::Utf8 => self.check_text::<i32>()?,
            DataType::LargeUtf8 => self.check_text::<i64>()?,
            DataType::Binary => self.check_binary::<i32>()?,
            DataType::LargeBinary => self.check_binary::<i64>()?,
            DataType::Utf8View => self.check_views(is_utf8)?,
            DataType::BinaryView => self.check_views(|_| true)?,
            DataType::List(item) | DataType::Map(item, _) => self.check_list::<i32>(item)?,
            DataType::LargeList(item) => self.check_list::<i64>(item)?,
            DataType::FixedSizeList(item, size) => {
                let (rows, size) = (self.slots(), *size as usize);
                self.check_child(0, item, rows.start * size..rows.end * size)?;
            }
            DataType::Struct(fields) => {
                for (child, field) in fields.iter().enumerate() {
                    self.check_child(child, field, self.slots())?;
                }
            }
            DataType::Dictionary(keys, _) => self.check_dictionary(keys)?,
            // A writer is not opened with such a column.
            unknown => {
                return Err(Error::invalid_argument(format!(
                    "{}: Lance has no type {unknown}",
                    self.path
                )));
            }
        }
        self.check_nullability()
    }

    /// The rows in use as places of the buffers and, of a struct, of the children.
    fn slots(&self) -> Range<usize> {
        self.data.offset() + self.rows.start..self.data.offset() + self.rows.end
    }

    fn check_child(&self, child: usize, field: &Field, rows: Range<usize>) -> Result<()> {
        let is_map = |node: &Node| matches!(node.data.data_type(), DataType::Map(..));
        // Entries and keys of maps are never NULL, whatever their fields say.
        let is_required = is_map(self) || (child == 0 && self.parent.is_some_and(is_map));
        let node = Node {
            data: &self.data.child_data()[child],
            rows,
            nullable: field.is_nullable() && !is_required,
            path: &ColumnPath::Child(self.path, field.name()),
            parent: Some(self),
            has_garbage: self.has_garbage,
        };
        node.check()
    }

    /// The offsets of the rows in use, which rise and end within `limit`.
    fn offsets<O: OffsetSizeTrait>(&self, limit: usize) -> Result<&[O]> {
        let slots = self.slots();
        let offsets = &self.data.buffers()[0].typed_data::<O>()[slots.start..=slots.end];
        let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
        let pairs = offsets.iter().zip(&offsets[1..]);
        // Without an early end, so that the compiler makes it several at a time.
        let rise = pairs.clone().fold(true, |rise, (a, b)| rise & (a <= b));
        if rise && first >= O::zero() && last.as_usize() <= limit {
            return Ok(offsets);
        }
        let falls = |(a, b): (&O, &O)| *a < O::zero() || a > b;
        let is_beyond = |(_, b): (&O, &O)| b.as_usize() > limit;
        let row = pairs.clone().position(falls);
        let row = row.or_else(|| pairs.clone().position(is_beyond));
        let row = row.unwrap_or_default();
        let (a, b) = (offsets[row], *offsets.get(row + 1).unwrap_or(&last));
        self.refuse(
            self.rows.start + row,
            format!(
                "its offsets {} to {} are not in order or beyond what they point into",
                a.as_usize(),
                b.as_usize()
            ),
        )
    }

    fn check_binary<O: OffsetSizeTrait>(&self) -> Result<()> {
        self.offsets::<O>(self.data.buffers()[1].len())?;
        Ok(())
    }

    fn check_text<O: OffsetSizeTrait>(&self) -> Result<()> {
        let values = &self.data.buffers()[1];
        let offsets = self.offsets::<O>(values.len())?;
        let first = offsets[0].as_usize();
        let text = &values[first..offsets[offsets.len() - 1].as_usize()];
        if text.is_ascii() {
            return Ok(());
        }
        let begins_a_char = |text: &str| {
            let mut starts = offsets.iter().map(|offset| offset.as_usize() - first);
            starts.all(|start| text.is_char_boundary(start))
        };
        if std::str::from_utf8(text).is_ok_and(begins_a_char) {
            return Ok(());
        }
        let value = |row: usize| offsets[row].as_usize()..offsets[row + 1].as_usize();
        self.check_each(|row| match is_utf8(&values[value(row)]) {
            true => Ok(()),
            false => Err("its text is not UTF-8".to_string()),
        })
    }

    fn check_views(&self, is_value: fn(&[u8]) -> bool) -> Result<()> {
        let (views, values) = (&self.data.buffers()[0], &self.data.buffers()[1..]);
        let views = &views.typed_data::<u128>()[self.slots()];
        self.check_each(|row| check_view(views[row], values, is_value))
    }

    fn check_list<O: OffsetSizeTrait>(&self, item: &Field) -> Result<()> {
        let offsets = self.offsets::<O>(self.data.child_data()[0].len())?;
        let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
        self.check_child(0, item, first.as_usize()..last.as_usize())
    }

    fn check_dictionary(&self, keys: &DataType) -> Result<()> {
        match keys {
            DataType::Int8 => self.check_keys::<i8>(),
            DataType::Int16 => self.check_keys::<i16>(),
            DataType::Int32 => self.check_keys::<i32>(),
            DataType::Int64 => self.check_keys::<i64>(),
            DataType::UInt8 => self.check_keys::<u8>(),
            DataType::UInt16 => self.check_keys::<u16>(),
            DataType::UInt32 => self.check_keys::<u32>(),
            DataType::UInt64 => self.check_keys::<u64>(),
            other => self.refuse(self.rows.start, format!("its keys are of type {other}")),
        }?;
        let words = Node {
            data: self.words(),
            rows: 0..self.words().len(),
            nullable: true,
            path: self.path,
            parent: Some(self),
            has_garbage: self.has_garbage,
        };
        words.check()
    }

    fn words(&self) -> &ArrayData {
        &self.data.child_data()[0]
    }

    fn check_keys<K: ArrowNativeTypeOp>(&self) -> Result<()> {
        let keys = &self.data.buffers()[0].typed_data::<K>()[self.slots()];
        let words = self.words().len();
        // There may be more words than keys of this type.
        let last = K::from_usize(words.saturating_sub(1)).unwrap_or(K::MAX_TOTAL_ORDER);
        let names_a_word = |key: K| (words > 0) & (K::ZERO <= key) & (key <= last);
        let mut all = true;
        for key in keys {
            all &= names_a_word(*key);
        }
        if all {
            return Ok(());
        }
        self.check_each(|row| match names_a_word(keys[row]) {
            true => Ok(()),
            false => Err(format!(
                "its key {:?} is beyond the dictionary of {words} values",
                keys[row]
            )),
        })
    }

    /// Check row by row, counted from the first one in use. What is under a NULL is nobody's value.
    fn check_each(&self, check: impl Fn(usize) -> std::result::Result<(), String>) -> Result<()> {
        for row in 0..self.rows.len() {
            let Err(why) = check(row) else {
                continue;
            };
            let row = self.rows.start + row;
            if self.data.is_valid(row) {
                return self.refuse(row, why);
            }
            self.has_garbage.set(true);
        }
        Ok(())
    }

    fn check_nullability(&self) -> Result<()> {
        if self.nullable || self.rows.is_empty() || !self.has_nulls() {
            return Ok(());
        }
        let mut nulls = self.rows.clone().filter(|row| self.is_null(*row));
        if let Some(row) = nulls.find(|row| self.is_reachable(*row)) {
            return self.refuse(row, IS_NULL);
        }
        // The engine looks at all items there are, whichever lists they are in.
        if self.is_in_a_list() {
            self.has_garbage.set(true);
        }
        Ok(())
    }

    fn has_nulls(&self) -> bool {
        let has_null_words = || {
            matches!(self.data.data_type(), DataType::Dictionary(..))
                && self.words().null_count() > 0
        };
        self.data.null_count() > 0 || has_null_words()
    }

    /// A key may also name a word that is NULL. Keys are checked before.
    fn is_null(&self, row: usize) -> bool {
        match self.data.data_type() {
            _ if self.data.is_null(row) => true,
            DataType::Dictionary(..) => self.words().is_null(self.key(row)),
            _ => false,
        }
    }

    /// The key in a row, which is not negative.
    fn key(&self, row: usize) -> usize {
        let keys = &self.data.buffers()[0];
        let width = match self.data.data_type() {
            DataType::Dictionary(key, _) => key.primitive_width().unwrap_or_default(),
            _ => 0,
        };
        let mut key = [0; size_of::<usize>()];
        key[..width].copy_from_slice(&keys[(self.data.offset() + row) * width..][..width]);
        usize::from_le_bytes(key)
    }

    /// Whether a row is a part of a row of the batch, and not of what is NULL there.
    fn is_reachable(&self, row: usize) -> bool {
        let Some(parent) = self.parent else {
            return true;
        };
        let owner = parent.owner_of(row);
        owner.is_some_and(|owner| parent.data.is_valid(owner) && parent.is_reachable(owner))
    }

    fn is_in_a_list(&self) -> bool {
        let is_in_a_list = |parent: &Node| match parent.data.data_type() {
            DataType::Struct(_) => parent.is_in_a_list(),
            _ => true,
        };
        self.parent.is_some_and(is_in_a_list)
    }

    /// The row that a row of a child is a part of. A word of a dictionary may be in none.
    fn owner_of(&self, child_row: usize) -> Option<usize> {
        match self.data.data_type() {
            DataType::List(_) | DataType::Map(..) => Some(self.list_of::<i32>(child_row)),
            DataType::LargeList(_) => Some(self.list_of::<i64>(child_row)),
            DataType::FixedSizeList(_, 0) => None,
            DataType::FixedSizeList(_, size) => {
                Some(child_row / *size as usize - self.data.offset())
            }
            DataType::Dictionary(..) => {
                let mut rows = self.rows.clone();
                rows.find(|row| self.data.is_valid(*row) && self.key(*row) == child_row)
            }
            _ => Some(child_row - self.data.offset()),
        }
    }

    fn list_of<O: OffsetSizeTrait>(&self, item: usize) -> usize {
        let offsets = &self.data.buffers()[0].typed_data::<O>()[self.slots()];
        let lists = offsets.partition_point(|offset| offset.as_usize() <= item);
        self.rows.start + lists.saturating_sub(1)
    }

    fn row_of_the_batch(&self, row: usize) -> Option<usize> {
        match self.parent {
            None => Some(row),
            Some(parent) => parent.row_of_the_batch(parent.owner_of(row)?),
        }
    }

    fn refuse<T>(&self, row: usize, why: impl Display) -> Result<T> {
        let place = match self.row_of_the_batch(row) {
            Some(row) => format!("row {row} of the batch"),
            None => format!("value {row} of its dictionary"),
        };
        Err(Error::invalid_argument(format!(
            "{}, {place}: {why}",
            self.path
        )))
    }
}

fn is_utf8(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok()
}

/// A view is a length, then the value, or its first four bytes, the number of a buffer and the place in it.
fn check_view(
    view: u128,
    values: &[Buffer],
    is_value: fn(&[u8]) -> bool,
) -> std::result::Result<(), String> {
    let bytes = view.to_le_bytes();
    let length = view as u32 as usize;
    let inline;
    let value = if length <= LONGEST_INLINE {
        inline = &bytes[4..];
        if inline[length..].iter().any(|byte| *byte != 0) {
            return Err("its view is not padded with zeros".into());
        }
        &inline[..length]
    } else {
        let (buffer, start) = ((view >> 64) as u32 as usize, (view >> 96) as u32 as usize);
        let Some(buffer) = values.get(buffer) else {
            let count = values.len();
            return Err(format!("its view is into buffer {buffer} of {count}"));
        };
        let Some(value) = buffer.get(start..start + length) else {
            return Err(format!(
                "its view of {length} bytes at {start} is beyond its buffer of {} bytes",
                buffer.len()
            ));
        };
        if value[..4] != bytes[4..8] {
            return Err("its view does not begin as its value does".into());
        }
        value
    };
    match is_value(value) {
        true => Ok(()),
        false => Err("its text is not UTF-8".into()),
    }
}

/// The same values of a batch that was checked, and nothing under its NULLs.
pub fn without_garbage(data: ArrayData) -> std::result::Result<ArrayData, ArrowError> {
    let has_nulls = data.null_count() > 0;
    // From the outside in: what is inside a list is in use as a whole once the list is rewritten.
    let data = match data.data_type() {
        DataType::List(_) | DataType::LargeList(_) | DataType::Map(..) => rewritten(data)?,
        DataType::Utf8 | DataType::LargeUtf8 if has_nulls => rewritten(data)?,
        DataType::Utf8View | DataType::BinaryView if has_nulls => with_zeros_under_nulls(data, 16),
        DataType::Dictionary(keys, _) if has_nulls => {
            let width = keys.primitive_width().unwrap_or_default();
            with_zeros_under_nulls(data, width)
        }
        DataType::FixedSizeList(item, _) if !item.is_nullable() => without_nulls_inside(data),
        _ => data,
    };
    let children = data.child_data().iter().cloned().map(without_garbage);
    let children = children.collect::<std::result::Result<_, _>>()?;
    // SAFETY: the same rows of the same type.
    Ok(unsafe { data.into_builder().child_data(children).build_unchecked() })
}

/// Every row, copied; of NULLs nothing is.
fn rewritten(data: ArrayData) -> std::result::Result<ArrayData, ArrowError> {
    let rows = UInt64Array::from_iter_values(0..data.len() as u64);
    Ok(take(&make_array(data), &rows, None)?.into_data())
}

fn with_zeros_under_nulls(data: ArrayData, width: usize) -> ArrayData {
    let mut buffers = data.buffers().to_vec();
    let mut values = MutableBuffer::new(data.len() * width);
    values.extend_from_slice(&buffers[0][data.offset() * width..][..data.len() * width]);
    for row in (0..data.len()).filter(|row| data.is_null(*row)) {
        values[row * width..][..width].fill(0);
    }
    buffers[0] = values.into();
    let builder = ArrayData::builder(data.data_type().clone())
        .len(data.len())
        .nulls(data.nulls().cloned())
        .buffers(buffers)
        .child_data(data.child_data().to_vec());
    // SAFETY: the same rows of the same type.
    unsafe { builder.build_unchecked() }
}

/// Values of fixed width that are NULL only where their list is.
fn without_nulls_inside(data: ArrayData) -> ArrayData {
    let item = data.child_data()[0].clone().into_builder().nulls(None);
    // SAFETY: the same rows of the same type, whatever the values nobody sees.
    unsafe {
        let item = item.build_unchecked();
        data.into_builder().child_data(vec![item]).build_unchecked()
    }
}

#[cfg(test)]
mod tests;
