//! What a batch holds of memory, for the bound on bytes in flight.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;

/// The bytes that the rows of a batch use. Of buffers shared with a longer parent only their own part
/// counts, at every level.
pub fn batch_bytes(batch: &RecordBatch) -> u64 {
    batch
        .columns()
        .iter()
        .map(|column| array_bytes(column))
        .sum::<usize>() as u64
}

fn array_bytes(array: &dyn Array) -> usize {
    let validity = array.nulls().map_or(0, |nulls| nulls.len().div_ceil(8));
    let list = |offset_width: usize, values: &dyn Array, first: usize, last: usize| {
        validity
            + (array.len() + 1) * offset_width
            + array_bytes(&values.slice(first, last - first))
    };
    let ends = |offsets: &[i32]| (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
    if let Some(width) = array.data_type().primitive_width() {
        return validity + array.len() * width;
    }
    match array.data_type() {
        DataType::Struct(_) => {
            let children = array.as_struct().columns().iter();
            validity + children.map(|child| array_bytes(child)).sum::<usize>()
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            let (first, last) = ends(lists.value_offsets());
            list(4, lists.values(), first, last)
        }
        DataType::LargeList(_) => {
            let lists = array.as_list::<i64>();
            let offsets = lists.value_offsets();
            list(
                8,
                lists.values(),
                offsets[0] as usize,
                offsets[array.len()] as usize,
            )
        }
        DataType::Map(..) => {
            let maps = array.as_map();
            let (first, last) = ends(maps.value_offsets());
            list(4, maps.entries(), first, last)
        }
        DataType::FixedSizeList(..) => validity + array_bytes(array.as_fixed_size_list().values()),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let (keys, values) = (dictionary.keys(), dictionary.values());
            // Rows use at most as many values as they are.
            let used = keys.len().min(values.len());
            array_bytes(keys) + array_bytes(values) * used / values.len().max(1)
        }
        DataType::Utf8View => {
            let views = array.as_string_view();
            validity + views.views().len() * 16 + views.total_buffer_bytes_used()
        }
        DataType::BinaryView => {
            let views = array.as_binary_view();
            validity + views.views().len() * 16 + views.total_buffer_bytes_used()
        }
        _ => array
            .to_data()
            .get_slice_memory_size()
            .unwrap_or_else(|_| array.get_array_memory_size()),
    }
}
