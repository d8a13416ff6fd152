//! What format 0.1 does not keep. It has no NULL but in strings, and there takes an empty one for NULL.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;

use crate::error::{Error, Result, code};

/// Check what is appended to a dataset in that format, which the engine would store as something else.
pub fn check_keeps(batch: &RecordBatch) -> Result<()> {
    let schema = batch.schema();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if let Some(what) = lost(column) {
            return Err(Error::new(
                code::NOT_SUPPORTED,
                format!(
                    "column {:?} has {what}, which the dataset's format 0.1 does not keep: write it anew first",
                    field.name()
                ),
            ));
        }
    }
    Ok(())
}

fn lost(array: &ArrayRef) -> Option<&'static str> {
    let empty = |mut lengths: Box<dyn Iterator<Item = usize> + '_>| {
        let is_empty = lengths.any(|length| length == 0);
        is_empty.then_some("an empty value")
    };
    match array.data_type() {
        DataType::Utf8 => empty(Box::new(
            array.as_string::<i32>().iter().flatten().map(str::len),
        )),
        DataType::LargeUtf8 => empty(Box::new(
            array.as_string::<i64>().iter().flatten().map(str::len),
        )),
        DataType::Binary => empty(Box::new(
            array.as_binary::<i32>().iter().flatten().map(<[u8]>::len),
        )),
        DataType::LargeBinary => empty(Box::new(
            array.as_binary::<i64>().iter().flatten().map(<[u8]>::len),
        )),
        // All of a column of this type is NULL, and `dictionaries` looks at those.
        DataType::Null | DataType::Dictionary(..) => None,
        _ if array.null_count() > 0 => Some("NULL"),
        DataType::Struct(_) => array.as_struct().columns().iter().find_map(lost),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let (first, last) = (list.value_offsets()[0], list.value_offsets()[list.len()]);
            lost(&list.values().slice(first as usize, (last - first) as usize))
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let (first, last) = (list.value_offsets()[0], list.value_offsets()[list.len()]);
            lost(&list.values().slice(first as usize, (last - first) as usize))
        }
        DataType::FixedSizeList(..) => lost(array.as_fixed_size_list().values()),
        _ => None,
    }
}
