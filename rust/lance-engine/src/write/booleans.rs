//! Booleans inside of structs, as the engine can take them. It gives the fields of a struct the struct's NULLs, and for
//! that an array must begin with its first bit; that of a slice begins somewhere inside.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use futures::{StreamExt, TryStreamExt, stream};
use lance::deps::datafusion::execution::SendableRecordBatchStream;
use lance::deps::datafusion::physical_plan::stream::RecordBatchStreamAdapter;

use super::nested::{contains, rewrite};
use crate::engine_error::as_engine_error;
use crate::error::Result;

fn is_boolean(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Boolean)
}

/// Whether it has booleans in a struct, or in a list.
pub fn is_concerned(data_type: &DataType) -> bool {
    !is_boolean(data_type) && contains(data_type, is_boolean)
}

/// Align the booleans of batches, and cut these before where the engine would, at the end of each file.
pub fn aligned(
    batches: SendableRecordBatchStream,
    max_rows_per_file: usize,
) -> SendableRecordBatchStream {
    let schema = batches.schema();
    let mut types = schema.fields().iter().map(|field| field.data_type());
    if !types.any(is_concerned) {
        return batches;
    }
    let mut rows_of_file = 0;
    let parts = batches.map_ok(move |batch| {
        let parts = cut(&batch, max_rows_per_file - rows_of_file, max_rows_per_file);
        rows_of_file = (rows_of_file + batch.num_rows()) % max_rows_per_file;
        stream::iter(
            parts
                .into_iter()
                .map(|part| align(&part).map_err(as_engine_error)),
        )
    });
    let parts = parts.try_flatten().boxed();
    Box::pin(RecordBatchStreamAdapter::new(schema, parts))
}

/// The `first` rows of a batch, and then so many at a time.
fn cut(batch: &RecordBatch, first: usize, step: usize) -> Vec<RecordBatch> {
    let rows = batch.num_rows();
    let starts = std::iter::once(0).chain((first..rows).step_by(step));
    let ends = (first..rows).step_by(step).chain([rows]);
    starts
        .zip(ends)
        .map(|(start, end)| batch.slice(start, end - start))
        .collect()
}

/// Have all of them begin with their first bit.
pub fn align(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(|column| {
        let data_type = column.data_type();
        match is_concerned(data_type) {
            true => rewrite(column, data_type, is_boolean, &mut |array| {
                Ok(from_first_bit(array))
            }),
            false => Ok(column.clone()),
        }
    });
    let columns = columns.collect::<Result<_>>()?;
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

fn from_first_bit(array: &ArrayRef) -> ArrayRef {
    let booleans = array.as_boolean();
    let bits = booleans.values();
    if bits.offset() == 0 {
        return array.clone();
    }
    let bits = BooleanBuffer::new(bits.sliced(), 0, bits.len());
    Arc::new(BooleanArray::new(bits, booleans.nulls().cloned()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, ListArray, StructArray};
    use arrow::buffer::{NullBuffer, OffsetBuffer};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    /// Rows with NULL, a boolean in a struct, and one in a struct in a list.
    fn batch(rows: usize) -> RecordBatch {
        let booleans: ArrayRef = Arc::new(BooleanArray::from_iter(
            (0..rows).map(|row| (row % 5 != 2).then_some(row % 3 == 0)),
        ));
        let fields = vec![Field::new("b", DataType::Boolean, true)];
        let nulls = NullBuffer::from_iter((0..rows).map(|row| row % 4 != 1));
        let structs = StructArray::new(fields.into(), vec![booleans], Some(nulls));
        let item = Field::new("item", structs.data_type().clone(), true);
        let one_each = OffsetBuffer::from_lengths(std::iter::repeat_n(1, rows));
        let lists = ListArray::new(Arc::new(item), one_each, Arc::new(structs.clone()), None);
        let ids = Int32Array::from_iter_values(0..rows as i32);
        let columns: [(&str, ArrayRef); 3] = [
            ("id", Arc::new(ids)),
            ("s", Arc::new(structs)),
            ("l", Arc::new(lists)),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn offsets(batch: &RecordBatch) -> [usize; 2] {
        let of = |structs: &StructArray| structs.column(0).as_boolean().values().offset();
        let lists = batch.column(2).as_list::<i32>();
        [
            of(batch.column(1).as_struct()),
            of(lists.values().as_struct()),
        ]
    }

    #[test]
    fn slices_begin_with_their_first_bit_and_keep_their_values() {
        let whole = batch(40);
        for (start, length) in [(0, 40), (3, 20), (8, 8), (39, 1), (5, 0)] {
            let slice = whole.slice(start, length);
            let aligned = align(&slice).unwrap();
            assert_eq!(aligned, slice);
            assert_eq!(offsets(&aligned), [0, 0]);
        }
    }

    #[test]
    fn batches_are_cut_where_a_file_ends() {
        let schema = batch(0).schema();
        let batches = [3, 5, 8, 0, 3, 25].map(|rows| Ok(batch(rows)));
        let batches = RecordBatchStreamAdapter::new(schema, stream::iter(batches));
        let parts: Vec<_> =
            futures::executor::block_on(aligned(Box::pin(batches), 10).try_collect()).unwrap();
        let sizes: Vec<_> = parts.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(sizes, [3, 5, 2, 6, 0, 3, 1, 10, 10, 4]);
        assert!(parts.iter().all(|part| offsets(part) == [0, 0]));
    }

    #[test]
    fn only_booleans_inside_are_looked_at() {
        let fields = |data_type| DataType::Struct(vec![Field::new("a", data_type, true)].into());
        let schema = |data_type| Schema::new(vec![Field::new("c", data_type, true)]);
        let concerned = |schema: Schema| is_concerned(schema.field(0).data_type());
        assert!(concerned(schema(fields(DataType::Boolean))));
        assert!(!concerned(schema(DataType::Boolean)));
        assert!(!concerned(schema(fields(DataType::Int8))));
    }
}
