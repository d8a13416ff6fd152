//! Arrays with arrays of certain types somewhere inside, taken apart and put together again.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericListArray, MapArray, OffsetSizeTrait, StructArray, make_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};

use crate::error::Result;

/// Whether a type is one of those that `is_meant` tells, or has such a type inside.
pub fn contains(data_type: &DataType, is_meant: fn(&DataType) -> bool) -> bool {
    if is_meant(data_type) {
        return true;
    }
    match data_type {
        DataType::Struct(fields) => fields
            .iter()
            .any(|field| contains(field.data_type(), is_meant)),
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
            contains(item.data_type(), is_meant)
        }
        _ => false,
    }
}

/// An array of type `original`, or of that with keys for dictionaries, with what `replace` makes of the arrays inside whose
/// types are meant. Lists are cut to the items they use.
pub fn rewrite(
    array: &ArrayRef,
    original: &DataType,
    is_meant: fn(&DataType) -> bool,
    replace: &mut impl FnMut(&ArrayRef) -> Result<ArrayRef>,
) -> Result<ArrayRef> {
    if !contains(original, is_meant) {
        return Ok(array.clone());
    }
    let nulls = array.nulls().cloned();
    Ok(match original {
        DataType::Struct(fields) => {
            let children = fields.iter().zip(array.as_struct().columns());
            let children: Vec<_> = children
                .map(|(field, child)| rewrite(child, field.data_type(), is_meant, replace))
                .collect::<Result<_>>()?;
            let fields = fields.iter().zip(&children);
            let fields = fields.map(|(field, child)| retyped(field, child)).collect();
            Arc::new(StructArray::try_new(fields, children, nulls)?)
        }
        DataType::List(item) => rewrite_list::<i32>(array, item, is_meant, replace)?,
        DataType::LargeList(item) => rewrite_list::<i64>(array, item, is_meant, replace)?,
        DataType::Map(entries, sorted) => {
            let map = array.as_map();
            let (used, offsets) = cut(map.entries(), map.offsets());
            let used = rewrite(&used, entries.data_type(), is_meant, replace)?;
            let field = retyped(entries, &used);
            let used = used.as_struct().clone();
            Arc::new(MapArray::try_new(field, offsets, used, nulls, *sorted)?)
        }
        _ => replace(array)?,
    })
}

fn rewrite_list<O: OffsetSizeTrait>(
    array: &ArrayRef,
    item: &FieldRef,
    is_meant: fn(&DataType) -> bool,
    replace: &mut impl FnMut(&ArrayRef) -> Result<ArrayRef>,
) -> Result<ArrayRef> {
    let list = array.as_list::<O>();
    let (used, offsets) = cut(list.values(), list.offsets());
    let used = rewrite(&used, item.data_type(), is_meant, replace)?;
    let (field, nulls) = (retyped(item, &used), list.nulls().cloned());
    Ok(Arc::new(GenericListArray::try_new(
        field, offsets, used, nulls,
    )?))
}

/// The items between the first and the last offset, and their offsets.
fn cut<O: OffsetSizeTrait>(
    items: &dyn Array,
    offsets: &OffsetBuffer<O>,
) -> (ArrayRef, OffsetBuffer<O>) {
    let (first, last) = (offsets[0].as_usize(), offsets[offsets.len() - 1].as_usize());
    let offsets = OffsetBuffer::from_lengths(offsets.lengths());
    (items.slice(first, last - first), offsets)
}

fn retyped(field: &FieldRef, array: &ArrayRef) -> FieldRef {
    let field = Field::clone(field);
    Arc::new(field.with_data_type(array.data_type().clone()))
}

/// The array that has these keys into these values.
pub fn with_dictionary(keys: &ArrayRef, values: &ArrayRef) -> Result<ArrayRef> {
    let types = [keys, values].map(|array| Box::new(array.data_type().clone()));
    let [key_type, value_type] = types;
    let data = keys.to_data().into_builder();
    let data = data.data_type(DataType::Dictionary(key_type, value_type));
    Ok(make_array(data.add_child_data(values.to_data()).build()?))
}
