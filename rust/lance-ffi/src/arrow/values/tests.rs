//! Random nested batches through the import: sound ones come in as they are, and one that was spoilt in one place is
//! refused, with the column and the row of that place.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::compute::concat;
use arrow::datatypes::*;
use arrow::ffi::FFI_ArrowArray;

use lance_engine::Result;
use lance_engine::error::code;
use lance_engine::write::Live;

use crate::arrow::import_ffi_batch;

/// Well mixed numbers, the same for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

fn random_field(random: &mut Random, name: &str, depth: usize) -> Field {
    let nullable = !random.one_in(3);
    Field::new(name, random_type(random, depth), nullable)
}

fn random_type(random: &mut Random, depth: usize) -> DataType {
    let flat = [
        DataType::Int32,
        DataType::Boolean,
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Binary,
        DataType::LargeBinary,
        DataType::Utf8View,
        DataType::BinaryView,
        DataType::FixedSizeBinary(3),
    ];
    if depth == 0 || random.one_in(3) {
        return random.pick(&flat);
    }
    let item = |random: &mut Random| Arc::new(random_field(random, "item", depth - 1));
    match random.below(6) {
        0 => DataType::List(item(random)),
        1 => DataType::LargeList(item(random)),
        2 => {
            let nullable = !random.one_in(3);
            DataType::FixedSizeList(Arc::new(Field::new("item", DataType::Int32, nullable)), 2)
        }
        3 => {
            let fields =
                (0..1 + random.below(3)).map(|i| random_field(random, &format!("f{i}"), depth - 1));
            DataType::Struct(fields.collect())
        }
        4 => {
            let key = Field::new("key", random.pick(&flat), false);
            let value = random_field(random, "value", depth - 1);
            let pair = DataType::Struct(vec![key, value].into());
            DataType::Map(Arc::new(Field::new("entries", pair, false)), false)
        }
        _ => {
            let key = random.pick(&[
                DataType::Int8,
                DataType::Int32,
                DataType::UInt16,
                DataType::UInt64,
            ]);
            let value = random.pick(&[
                DataType::Utf8,
                DataType::LargeUtf8,
                DataType::Binary,
                DataType::Int32,
            ]);
            DataType::Dictionary(Box::new(key), Box::new(value))
        }
    }
}

fn random_nulls(random: &mut Random, rows: usize, nullable: bool) -> Option<NullBuffer> {
    let has_nulls = nullable && random.one_in(2);
    has_nulls.then(|| (0..rows).map(|_| !random.one_in(3)).collect())
}

fn random_text(random: &mut Random) -> String {
    let words = [
        "",
        "a",
        "é",
        "名前",
        "🚀",
        "a text that does not fit into a view",
        "ünï-数据",
    ];
    random.pick(&words).to_string() + random.pick(&words)
}

fn random_lengths(random: &mut Random, rows: usize) -> Vec<usize> {
    (0..rows).map(|_| random.below(4)).collect()
}

/// An array, as it is or cut out of a longer one.
fn random_array(random: &mut Random, field: &Field, rows: usize) -> ArrayRef {
    let (before, after) = match random.one_in(2) {
        true => (random.below(4), random.below(3)),
        false => (0, 0),
    };
    let whole = whole_array(random, field, before + rows + after);
    whole.slice(before, rows)
}

fn whole_array(random: &mut Random, field: &Field, rows: usize) -> ArrayRef {
    let nulls = random_nulls(random, rows, field.is_nullable());
    let is_valid = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    let texts = (0..rows).map(|row| {
        let text = random_text(random);
        is_valid(row).then_some(text)
    });
    match field.data_type() {
        DataType::Int32 => Arc::new(Int32Array::new((0..rows as i32).collect(), nulls)),
        DataType::Boolean => {
            let values = (0..rows).map(|row| row % 3 == 0).collect();
            Arc::new(BooleanArray::new(values, nulls))
        }
        DataType::Utf8 => Arc::new(texts.collect::<StringArray>()),
        DataType::LargeUtf8 => Arc::new(texts.collect::<LargeStringArray>()),
        DataType::Binary => Arc::new(texts.collect::<BinaryArray>()),
        DataType::LargeBinary => Arc::new(texts.collect::<LargeBinaryArray>()),
        DataType::Utf8View => Arc::new(texts.collect::<StringViewArray>()),
        DataType::BinaryView => Arc::new(texts.collect::<BinaryViewArray>()),
        DataType::FixedSizeBinary(width) => {
            let values = vec![7u8; rows * *width as usize];
            Arc::new(FixedSizeBinaryArray::new(*width, values.into(), nulls))
        }
        DataType::List(item) => {
            let lengths = random_lengths(random, rows);
            let values = random_array(random, item, lengths.iter().sum());
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(ListArray::new(item.clone(), offsets, values, nulls))
        }
        DataType::LargeList(item) => {
            let lengths = random_lengths(random, rows);
            let values = random_array(random, item, lengths.iter().sum());
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(LargeListArray::new(item.clone(), offsets, values, nulls))
        }
        DataType::FixedSizeList(item, size) => {
            let values = random_array(random, item, rows * *size as usize);
            Arc::new(FixedSizeListArray::new(item.clone(), *size, values, nulls))
        }
        DataType::Struct(fields) => {
            let children = fields.iter().map(|field| random_array(random, field, rows));
            Arc::new(StructArray::new(fields.clone(), children.collect(), nulls))
        }
        DataType::Map(entries, sorted) => {
            let lengths = random_lengths(random, rows);
            let pairs = random_array(random, entries, lengths.iter().sum());
            let offsets = OffsetBuffer::from_lengths(lengths);
            let pairs = pairs.as_struct().clone();
            Arc::new(MapArray::new(
                entries.clone(),
                offsets,
                pairs,
                nulls,
                *sorted,
            ))
        }
        DataType::Dictionary(key, value) => {
            let words = 1 + random.below(5);
            let words = random_array(
                random,
                &Field::new("", value.as_ref().clone(), false),
                words,
            );
            let keys = (0..rows).map(|row| is_valid(row).then(|| random.below(words.len()) as i32));
            let keys = arrow::compute::cast(&keys.collect::<Int32Array>(), key).unwrap();
            let builder = keys
                .to_data()
                .into_builder()
                .data_type(field.data_type().clone());
            make_array(builder.child_data(vec![words.to_data()]).build().unwrap())
        }
        other => panic!("no values of {other}"),
    }
}

/// The same values as C may have them, where structs and fixed-size lists have offsets too.
fn with_offsets(random: &mut Random, field: &Field, array: &ArrayRef) -> ArrayData {
    let (fields, size) = match field.data_type() {
        DataType::Struct(fields) => (fields.clone(), 1),
        DataType::FixedSizeList(item, size) => (vec![item.clone()].into(), *size as usize),
        _ => return array.to_data(),
    };
    let before = random.below(3);
    let plain = array.to_data();
    let children: Vec<ArrayRef> = match array.as_struct_opt() {
        Some(array) => array.columns().to_vec(),
        None => vec![array.as_fixed_size_list().values().clone()],
    };
    let children = children.iter().zip(&fields).map(|(child, field)| {
        let stray = random_array(random, field, before * size);
        let child = concat(&[&stray, child]).unwrap();
        with_offsets(random, field, &child)
    });
    let children = children.collect();
    let nulls = plain.nulls().map(|nulls| {
        let stray = std::iter::repeat_n(true, before);
        stray
            .chain(nulls.iter())
            .collect::<NullBuffer>()
            .slice(before, nulls.len())
    });
    let builder = ArrayData::builder(field.data_type().clone())
        .len(plain.len())
        .offset(before);
    // SAFETY: the rows of the plain array, behind some others.
    unsafe { builder.nulls(nulls).child_data(children).build_unchecked() }
}

struct Sample {
    batch: RecordBatch,
    columns: Vec<ArrayData>,
}

fn sample(seed: u64) -> (Random, Sample) {
    let mut random = Random(seed);
    let fields: Vec<_> = (0..1 + random.below(3))
        .map(|i| random_field(&mut random, &format!("c{i}"), 3))
        .collect();
    let rows = random.below(12);
    let arrays: Vec<_> = fields
        .iter()
        .map(|field| random_array(&mut random, field, rows))
        .collect();
    let columns = fields
        .iter()
        .zip(&arrays)
        .map(|(field, array)| with_offsets(&mut random, field, array));
    let columns = columns.collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new_with_options(schema, arrays, &options).unwrap();
    (random, Sample { batch, columns })
}

/// Send columns through C.
fn import(schema: &SchemaRef, rows: usize, columns: Vec<ArrayData>) -> Result<RecordBatch> {
    let data_type = DataType::Struct(schema.fields().clone());
    let builder = ArrayData::builder(data_type).len(rows).child_data(columns);
    // SAFETY: what is wrong with it is to be found.
    let data = unsafe { builder.build_unchecked() };
    let live = Arc::new(Live::default());
    let imported = import_ffi_batch(FFI_ArrowArray::new(&data), schema, &live);
    if imported.is_err() {
        live.wait_until_none();
    }
    imported
}

#[test]
fn sound_batches_come_in_as_they_are() {
    for seed in 0..3000 {
        let (_, Sample { batch, columns }) = sample(seed);
        let imported = import(&batch.schema(), batch.num_rows(), columns)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(imported, batch, "seed {seed}");
        for column in imported.columns() {
            column
                .to_data()
                .validate_full()
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }
}

/// A row of an array at some depth, and the row of the batch that it belongs to.
#[derive(Clone, Copy)]
struct Row {
    row: usize,
    of_batch: usize,
    /// No parent is NULL.
    is_reachable: bool,
}

/// How to spoil one place: the children on the way, the path that is told, the row that is told, and what is done.
struct Fault {
    way: Vec<usize>,
    path: String,
    of_batch: usize,
    spoil: Box<dyn Fn(ArrayData) -> ArrayData>,
}

fn with_buffer<T: ArrowNativeType>(
    data: ArrayData,
    buffer: usize,
    at: usize,
    value: T,
) -> ArrayData {
    let mut buffers = data.buffers().to_vec();
    let mut values = buffers[buffer].typed_data::<T>().to_vec();
    values[at] = value;
    buffers[buffer] = Buffer::from_vec(values);
    // SAFETY: spoilt on purpose.
    unsafe { data.into_builder().buffers(buffers).build_unchecked() }
}

fn with_null(data: ArrayData, row: usize) -> ArrayData {
    let slots = (0..data.offset() + data.len()).map(|slot| slot != data.offset() + row);
    let nulls = slots
        .collect::<NullBuffer>()
        .slice(data.offset(), data.len());
    // SAFETY: spoilt on purpose.
    unsafe { data.into_builder().nulls(Some(nulls)).build_unchecked() }
}

fn key_beyond(data: ArrayData, at: usize) -> ArrayData {
    let words = data.child_data()[0].len();
    match data.data_type() {
        DataType::Dictionary(key, _) => match key.as_ref() {
            DataType::Int8 => with_buffer(data, 0, at, -1i8),
            DataType::Int32 => with_buffer(data, 0, at, words as i32),
            DataType::UInt16 => with_buffer(data, 0, at, words as u16),
            _ => with_buffer(data, 0, at, u64::MAX),
        },
        other => panic!("{other} has no keys"),
    }
}

/// Everything that can go wrong in one row.
fn faults_of(
    data: &ArrayData,
    nullable: bool,
    rows: &[Row],
    way: &[usize],
    path: &str,
    out: &mut Vec<Fault>,
) {
    let mut add = |row: &Row, spoil: Box<dyn Fn(ArrayData) -> ArrayData>| {
        out.push(Fault {
            way: way.to_vec(),
            path: path.to_string(),
            of_batch: row.of_batch,
            spoil,
        })
    };
    let is_text = matches!(data.data_type(), DataType::Utf8 | DataType::LargeUtf8);
    // The last offset of strings says how long their values are: a negative one is found before.
    let is_nested = data.data_type().is_nested();
    let end = data.offset() + data.len();
    let mut offsets = None;
    for row in rows {
        let (at, is_valid) = (data.offset() + row.row, data.is_valid(row.row));
        if !nullable && row.is_reachable && is_valid {
            let row_of_data = row.row;
            add(row, Box::new(move |data| with_null(data, row_of_data)));
        }
        match data.data_type() {
            DataType::Utf8 | DataType::Binary | DataType::List(_) | DataType::Map(..) => {
                let values = data.buffers()[0].typed_data::<i32>();
                offsets
                    .get_or_insert_with(|| values.iter().map(|o| *o as usize).collect::<Vec<_>>());
                let less = values[at] - 1;
                if less >= 0 || is_nested || at + 1 < end {
                    add(
                        row,
                        Box::new(move |data| with_buffer(data, 0, at + 1, less)),
                    );
                }
            }
            DataType::LargeUtf8 | DataType::LargeBinary | DataType::LargeList(_) => {
                let values = data.buffers()[0].typed_data::<i64>();
                offsets.get_or_insert_with(|| values.iter().map(|o| *o as usize).collect());
                let less = values[at] - 1;
                if less >= 0 || is_nested || at + 1 < end {
                    add(
                        row,
                        Box::new(move |data| with_buffer(data, 0, at + 1, less)),
                    );
                }
            }
            DataType::Utf8View | DataType::BinaryView if is_valid => {
                let view = data.buffers()[0].typed_data::<u128>()[at];
                if view as u32 > 12 {
                    for bad in [
                        view | 0xff << 64,
                        view | 0xffff << 96,
                        view ^ 1 << 32,
                        view | 1 << 31,
                    ] {
                        add(row, Box::new(move |data| with_buffer(data, 0, at, bad)));
                    }
                } else if view as u32 > 0 && data.data_type() == &DataType::Utf8View {
                    add(
                        row,
                        Box::new(move |data| with_buffer(data, 0, at, view | 0xff << 32)),
                    );
                }
            }
            DataType::Dictionary(..) if is_valid => {
                add(row, Box::new(move |data| key_beyond(data, at)))
            }
            _ => {}
        }
        if let Some(offsets) = offsets.as_ref().filter(|_| is_text && is_valid) {
            let (first, last) = (offsets[at], offsets[at + 1]);
            if first < last {
                add(
                    row,
                    Box::new(move |data| with_buffer(data, 1, first, 0xffu8)),
                );
                // Cut a letter at its end.
                let letter = data.buffers()[1][first..last].to_vec();
                if letter[letter.len() - 1] >= 0x80 {
                    add(
                        row,
                        Box::new(move |data| with_buffer(data, 1, last - 1, b'a')),
                    );
                }
            }
        }
    }
    let inside = |child: usize, field: &Field, rows: Vec<Row>, out: &mut Vec<Fault>| {
        let way = [way, &[child]].concat();
        let path = format!("{path}.{}", field.name());
        faults_of(
            &data.child_data()[child],
            field.is_nullable(),
            &rows,
            &way,
            &path,
            out,
        );
    };
    let spread = |range: &dyn Fn(usize) -> std::ops::Range<usize>| -> Vec<Row> {
        let rows = rows.iter().flat_map(|row| {
            let is_reachable = row.is_reachable && data.is_valid(row.row);
            range(data.offset() + row.row).map(move |child| Row {
                row: child,
                is_reachable,
                ..*row
            })
        });
        rows.collect()
    };
    match data.data_type() {
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
            let offsets = offsets.unwrap_or_default();
            inside(0, item, spread(&|at| offsets[at]..offsets[at + 1]), out);
        }
        DataType::FixedSizeList(item, size) => {
            let size = *size as usize;
            inside(0, item, spread(&|at| at * size..(at + 1) * size), out);
        }
        DataType::Struct(fields) => {
            for (child, field) in fields.iter().enumerate() {
                inside(child, field, spread(&|at| at..at + 1), out);
            }
        }
        _ => {}
    }
}

fn spoilt(data: ArrayData, way: &[usize], spoil: &dyn Fn(ArrayData) -> ArrayData) -> ArrayData {
    let Some((child, way)) = way.split_first() else {
        return spoil(data);
    };
    let mut children = data.child_data().to_vec();
    children[*child] = spoilt(children[*child].clone(), way, spoil);
    // SAFETY: spoilt on purpose.
    unsafe { data.into_builder().child_data(children).build_unchecked() }
}

#[test]
fn one_spoilt_value_is_refused_with_its_column_and_row() {
    let mut tried = 0;
    for seed in 0..3000 {
        let (mut random, Sample { batch, columns }) = sample(seed);
        let mut faults = vec![];
        for (i, (field, column)) in batch.schema().fields().iter().zip(&columns).enumerate() {
            let rows: Vec<_> = (0..batch.num_rows())
                .map(|row| Row {
                    row,
                    of_batch: row,
                    is_reachable: true,
                })
                .collect();
            faults_of(
                column,
                field.is_nullable(),
                &rows,
                &[i],
                field.name(),
                &mut faults,
            );
        }
        if faults.is_empty() {
            continue;
        }
        let Fault {
            way,
            path,
            of_batch,
            spoil,
        } = faults.swap_remove(random.below(faults.len()));
        let mut columns = columns;
        columns[way[0]] = spoilt(columns[way[0]].clone(), &way[1..], &spoil);
        let error = match import(&batch.schema(), batch.num_rows(), columns) {
            Ok(_) => panic!("seed {seed}: accepted what is wrong in row {of_batch} of {path}"),
            Err(error) => error,
        };
        assert_eq!(error.code(), code::INVALID_ARGUMENT, "seed {seed}: {error}");
        let told = format!("column \"{path}\", row {of_batch} of the batch: ");
        assert!(
            error.message().starts_with(&told),
            "seed {seed}: {error}, not {told}"
        );
        tried += 1;
    }
    assert!(tried > 2000, "{tried}");
}

fn import_column(field: &Field, column: ArrayData) -> Result<ArrayRef> {
    let schema = Arc::new(Schema::new(vec![field.clone()]));
    let imported = import(&schema, column.len(), vec![column])?;
    let column = imported.column(0).clone();
    column.to_data().validate_full().unwrap();
    Ok(column)
}

fn field(data_type: &DataType) -> Field {
    Field::new("c", data_type.clone(), true)
}

fn required(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("item", data_type, false))
}

/// The second of three rows is NULL.
fn second_is_null() -> Option<NullBuffer> {
    Some(NullBuffer::from(vec![true, false, true]))
}

/// Three rows, the second of them NULL, whatever the buffers hold.
fn three_rows(data_type: &DataType, buffers: Vec<Buffer>, children: Vec<ArrayData>) -> ArrayData {
    let builder = ArrayData::builder(data_type.clone())
        .len(3)
        .nulls(second_is_null())
        .buffers(buffers)
        .child_data(children);
    // SAFETY: wrong under the NULL only, and only looked at by the import.
    unsafe { builder.build_unchecked() }
}

fn text_with_garbage() -> ArrayData {
    let offsets = Buffer::from_vec(vec![0i32, 1, 3, 4]);
    let values = Buffer::from_vec(b"a\xff\xfeb".to_vec());
    three_rows(&DataType::Utf8, vec![offsets, values], vec![])
}

#[test]
fn text_under_null_may_be_anything() {
    let expected: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("b")]));
    let column = import_column(&field(&DataType::Utf8), text_with_garbage()).unwrap();
    assert_eq!(&column, &expected);

    let lists = DataType::new_list(DataType::Utf8, true);
    let offsets = Buffer::from_vec(vec![0i32, 2, 2, 3]);
    let column = three_rows(&lists, vec![offsets], vec![text_with_garbage()]);
    let column = import_column(&field(&lists), column).unwrap();
    assert_eq!(&column.as_list::<i32>().values().slice(0, 3), &expected);
}

/// There are no texts, but garbage under a NULL elsewhere has all lists copied, and so their offsets followed.
#[test]
fn the_place_of_no_items_is_in_what_they_point_into() {
    let texts = DataType::new_list(DataType::Utf8, true);
    let lists = DataType::new_list(texts.clone(), true);
    let no_texts = |place: i32| {
        let children = vec![new_empty_array(&DataType::Utf8).to_data()];
        let texts = three_rows(
            &texts,
            vec![Buffer::from_vec(vec![0, 0, 0, place])],
            children,
        );
        let column = three_rows(&lists, vec![Buffer::from_vec(vec![3i32; 4])], vec![texts]);
        import_column(&field(&lists), column)
    };
    no_texts(0).unwrap();
    let error = no_texts(9).unwrap_err();
    assert_eq!(error.code(), code::INVALID_ARGUMENT);
    assert!(error.message().contains("offsets 9 to 9"), "{error}");
}

#[test]
fn keys_under_null_may_be_anything() {
    let words: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
    for garbage in [-5, 2, 77] {
        let keys = Buffer::from_vec(vec![0i32, garbage, 1]);
        let data_type = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let column = three_rows(&data_type, vec![keys], vec![words.to_data()]);
        let column = import_column(&field(&data_type), column).unwrap();
        let keys = column.as_dictionary::<Int32Type>().keys();
        assert_eq!(keys, &Int32Array::from(vec![Some(0), None, Some(1)]));
        assert_eq!(keys.values()[1], 0);
    }
}

#[test]
fn views_under_null_may_be_anything() {
    let inline = |letter: u8| 1 | u128::from(letter) << 32;
    for garbage in [100, 1 | 0xffff << 32, 13 | 7 << 64, u128::MAX] {
        let views = Buffer::from_vec(vec![inline(b'a'), garbage, inline(b'b')]);
        let column = three_rows(&DataType::Utf8View, vec![views], vec![]);
        let column = import_column(&field(&DataType::Utf8View), column).unwrap();
        assert_eq!(column.as_string_view().views()[1], 0);
        let expected = StringViewArray::from(vec![Some("a"), None, Some("b")]);
        assert_eq!(column.as_string_view(), &expected);
    }
}

#[test]
fn nulls_of_required_items_are_allowed_where_nobody_sees_them() {
    let item: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
    let lists = DataType::List(required(DataType::Int32));
    let offsets = Buffer::from_vec(vec![0i32, 1, 2, 3]);
    let column = three_rows(&lists, vec![offsets], vec![item.to_data()]);
    let column = import_column(&field(&lists), column).unwrap();
    assert_eq!(column.as_list::<i32>().values().null_count(), 0);
    assert_eq!(column.as_list::<i32>().value_offsets(), [0, 1, 1, 2]);

    let lists = DataType::FixedSizeList(required(DataType::Int32), 1);
    let column = three_rows(&lists, vec![], vec![item.to_data()]);
    let column = import_column(&field(&lists), column).unwrap();
    assert_eq!(column.as_fixed_size_list().values().null_count(), 0);
    assert!(column.is_null(1) && column.null_count() == 1);

    let record = DataType::Struct(vec![required(DataType::Int32)].into());
    let column = three_rows(&record, vec![], vec![item.to_data()]);
    let column = import_column(&field(&record), column).unwrap();
    assert_eq!(column.as_struct().column(0), &item);
}

#[test]
fn a_null_that_the_schema_does_not_allow_is_refused() {
    let item: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
    let offsets = OffsetBuffer::from_lengths([1, 1, 1]);
    let nullable = Arc::new(Field::new("item", DataType::Int32, true));
    let lists = ListArray::new(nullable, offsets, item.clone(), None).into_data();
    let data_type = DataType::List(required(DataType::Int32));
    let lists = lists.into_builder().data_type(data_type.clone());
    // SAFETY: all of it is sound but the NULL.
    let lists = unsafe { lists.build_unchecked() };
    let error = import_column(&field(&data_type), lists).unwrap_err();
    let told =
        r#"column "c.item", row 1 of the batch: it is NULL, which the schema does not allow"#;
    assert_eq!(error.message(), told);

    let error = import_column(&Field::new("c", DataType::Int32, false), item.to_data());
    assert!(
        error
            .unwrap_err()
            .message()
            .starts_with(r#"column "c", row 1"#)
    );

    // A key may name a word that is NULL.
    let words = StringArray::from(vec![Some("x"), None]);
    let keys = Int8Array::from(vec![0, 0, 1]);
    let column = DictionaryArray::new(keys, Arc::new(words));
    let data_type = column.data_type().clone();
    assert!(import_column(&field(&data_type), column.to_data()).is_ok());
    let error = import_column(&Field::new("c", data_type, false), column.to_data());
    assert!(
        error
            .unwrap_err()
            .message()
            .starts_with(r#"column "c", row 2"#)
    );

    let error = import_column(
        &Field::new("c", DataType::Null, false),
        NullArray::new(3).to_data(),
    );
    assert!(
        error
            .unwrap_err()
            .message()
            .starts_with(r#"column "c", row 0"#)
    );
}

#[test]
fn a_bad_word_of_a_dictionary_is_refused_with_the_row_that_uses_it() {
    let offsets = Buffer::from_vec(vec![0i32, 1, 2, 3]);
    let words = ArrayData::builder(DataType::Utf8)
        .len(3)
        .buffers(vec![offsets, Buffer::from_vec(b"a\xffc".to_vec())]);
    // SAFETY: only looked at by the import.
    let words = unsafe { words.build_unchecked() };
    let data_type = DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::Utf8));
    for (keys, told) in [
        (
            [0, 0, 1u8],
            r#"column "c", row 2 of the batch: its text is not UTF-8"#,
        ),
        (
            [0, 0, 2],
            r#"column "c", value 1 of its dictionary: its text is not UTF-8"#,
        ),
    ] {
        let column = ArrayData::builder(data_type.clone())
            .len(3)
            .buffers(vec![Buffer::from_vec(keys.to_vec())])
            .child_data(vec![words.clone()]);
        // SAFETY: only looked at by the import.
        let column = unsafe { column.build_unchecked() };
        let error = import_column(&field(&data_type), column).unwrap_err();
        assert_eq!(error.message(), told);
    }
}

#[test]
fn only_rows_in_use_are_looked_at() {
    let offsets = Buffer::from_vec(vec![7i32, 3, 0, 1, 2, -9]);
    let text = ArrayData::builder(DataType::Utf8)
        .len(2)
        .offset(2)
        .buffers(vec![offsets, Buffer::from_vec(b"xy\xff".to_vec())]);
    // SAFETY: what is wrong is outside the rows in use.
    let text = unsafe { text.build_unchecked() };
    let column = import_column(&field(&DataType::Utf8), text).unwrap();
    assert_eq!(
        column.as_string::<i32>(),
        &StringArray::from(vec!["x", "y"])
    );
}

#[test]
fn a_split_letter_is_refused() {
    let offsets = Buffer::from_vec(vec![0i32, 2, 3]);
    let text = ArrayData::builder(DataType::Utf8)
        .len(2)
        .buffers(vec![offsets, Buffer::from_vec("aé".as_bytes().to_vec())]);
    // SAFETY: only looked at by the import.
    let text = unsafe { text.build_unchecked() };
    let error = import_column(&field(&DataType::Utf8), text).unwrap_err();
    assert!(
        error.message().starts_with(r#"column "c", row 0"#),
        "{error}"
    );
}
