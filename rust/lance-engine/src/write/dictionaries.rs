//! The dictionary columns of batches that are encoded together.
//!
//! A page has one dictionary. The engine makes it of those of its batches by appending them, or by a merge that may take a
//! value twice; where that is more than the keys can count it stores wider ones, and then nobody can read the page. So a
//! load is joined here, exactly, and is a page of its own.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex};

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, DictionaryArray, PrimitiveArray, RecordBatch,
    UInt64Array, downcast_dictionary_array, new_empty_array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{concat, interleave, take};
use arrow::datatypes::{
    ArrowDictionaryKeyType, ArrowNativeType, DataType, Field, Schema, SchemaRef,
};
use arrow::row::{RowConverter, Rows, SortField};
use lance::datatypes::{Field as LanceField, Schema as LanceSchema};
use lance_file::version::ConcreteFileVersion;

use super::nested::{rewrite, with_dictionary};
use crate::error::{Error, Result, code};
use crate::sync::lock;

/// A dictionary of this length, or as long as a load has rows, is kept with all it holds; of a longer one, what is used.
const KEPT_WHOLE: usize = 1 << 10;

/// In place of a key.
const NULL: u32 = u32::MAX;

/// The dictionary columns of one write, for all of its lanes.
pub struct Dictionaries {
    schema: SchemaRef,
    columns: Vec<Column>,
}

/// One dictionary column, at any depth.
struct Column {
    path: String,
    value_type: DataType,
    /// How many values the keys can count, if a column can have more.
    room: Option<usize>,
    /// NULL is stored as a value.
    null_is_a_value: bool,
    /// The one dictionary that the whole dataset has.
    fixed: Option<ArrayRef>,
    seen: Mutex<Seen>,
}

/// The different values of a write so far, by their hashes.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    values: HashSet<u64>,
    null: bool,
}

/// Several batches as one.
pub struct Joined {
    pub batch: RecordBatch,
    /// The lengths of its dictionaries, of the columns with narrow keys.
    pub lengths: Vec<usize>,
}

fn room_of(keys: &DataType) -> Option<usize> {
    match keys {
        DataType::Int8 => Some(1 << 7),
        DataType::UInt8 => Some(1 << 8),
        DataType::Int16 => Some(1 << 15),
        DataType::UInt16 => Some(1 << 16),
        _ => None,
    }
}

/// Whether a dictionary can have more values than its keys can count.
pub fn is_narrow(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Dictionary(keys, _) if room_of(keys).is_some())
}

/// Whether some column is such a dictionary, or has one inside.
pub fn has_narrow_keys(schema: &Schema) -> bool {
    let mut types = schema.flattened_fields().into_iter().map(Field::data_type);
    types.any(is_narrow)
}

impl Dictionaries {
    /// `existing` is the dataset's schema, if its format is the legacy one, which has one dictionary for all of a column.
    pub fn new(
        schema: SchemaRef,
        version: ConcreteFileVersion,
        existing: Option<&LanceSchema>,
    ) -> Self {
        let mut columns = Vec::new();
        for field in schema.fields() {
            let existing = existing.and_then(|schema| named(&schema.fields, field.name()));
            find_columns(field, field.name().clone(), version, existing, &mut columns);
        }
        Self { schema, columns }
    }

    /// How many values each column with narrow keys can have.
    pub fn rooms(&self) -> Vec<usize> {
        let rooms = self.columns.iter().filter_map(|column| column.room);
        rooms.collect()
    }

    pub fn join(&self, batches: Vec<RecordBatch>) -> Result<Joined> {
        let mut arrays = vec![Vec::with_capacity(batches.len()); self.columns.len()];
        let mut cut = Vec::with_capacity(batches.len());
        for batch in &batches {
            let mut columns = arrays.iter_mut();
            cut.push(self.rewrite(batch.columns(), &mut |dictionary| {
                columns
                    .next()
                    .ok_or_else(mismatch)?
                    .push(dictionary.clone());
                Ok(dictionary.clone())
            })?);
        }
        let columns = self.columns.iter().zip(&arrays);
        let pages: Vec<_> = columns
            .map(|(column, arrays)| column.page(arrays))
            .collect::<Result<_>>()?;
        let lengths = self.columns.iter().zip(&pages);
        let lengths = lengths.filter(|(column, _)| column.room.is_some());
        let lengths = lengths.map(|(_, page)| page.length).collect();
        if let [only] = batches.as_slice()
            && pages.iter().all(|page| page.unchanged)
        {
            let batch = only.clone();
            return Ok(Joined { batch, lengths });
        }
        drop(batches);
        // Joined are the keys, to which the dictionaries are added afterwards.
        for (batch, columns) in cut.iter_mut().enumerate() {
            let mut keys = pages.iter().map(|page| page.keys[batch].clone());
            *columns = self.rewrite(columns, &mut |_| keys.next().ok_or_else(mismatch))?;
        }
        let joined = (0..self.schema.fields().len()).map(|column| {
            let parts: Vec<_> = cut.iter().map(|columns| columns[column].as_ref()).collect();
            concat(&parts)
        });
        let joined = joined.collect::<std::result::Result<Vec<_>, _>>()?;
        let mut values = pages.iter().map(|page| &page.values);
        let columns = self.rewrite(&joined, &mut |keys| {
            with_dictionary(keys, values.next().ok_or_else(mismatch)?)
        })?;
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        Ok(Joined { batch, lengths })
    }

    fn rewrite(
        &self,
        columns: &[ArrayRef],
        replace: &mut impl FnMut(&ArrayRef) -> Result<ArrayRef>,
    ) -> Result<Vec<ArrayRef>> {
        let fields = self.schema.fields().iter().zip(columns);
        fields
            .map(|(field, column)| rewrite(column, field.data_type(), is_dictionary, replace))
            .collect()
    }
}

fn is_dictionary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Dictionary(..))
}

fn mismatch() -> Error {
    Error::invalid_argument("a batch has other columns than the schema")
}

fn named<'a>(fields: &'a [LanceField], name: &str) -> Option<&'a LanceField> {
    fields.iter().find(|field| field.name == name)
}

fn find_columns(
    field: &Field,
    path: String,
    version: ConcreteFileVersion,
    existing: Option<&LanceField>,
    found: &mut Vec<Column>,
) {
    let mut inside = |child: &Field| {
        let existing = existing.and_then(|field| named(&field.children, child.name()));
        let path = format!("{path}.{}", child.name());
        find_columns(child, path, version, existing, found);
    };
    match field.data_type() {
        DataType::Dictionary(keys, values) => {
            let fixed = existing.and_then(|field| field.dictionary.as_ref()?.values.clone());
            found.push(Column {
                path,
                value_type: values.as_ref().clone(),
                room: room_of(keys).filter(|_| fixed.is_none()),
                null_is_a_value: version == ConcreteFileVersion::V2_0,
                fixed,
                seen: Mutex::default(),
            });
        }
        DataType::Struct(fields) => fields.iter().for_each(|child| inside(child)),
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => inside(item),
        _ => {}
    }
}

/// What a column's arrays become.
struct Page {
    values: ArrayRef,
    /// The keys of each array.
    keys: Vec<ArrayRef>,
    /// The length of the dictionary as it is stored.
    length: usize,
    unchanged: bool,
}

impl Column {
    fn page(&self, arrays: &[ArrayRef]) -> Result<Page> {
        let has_nulls = (self.null_is_a_value || self.fixed.is_some())
            && arrays.iter().any(|array| array.logical_null_count() > 0);
        let null_entry = usize::from(self.null_is_a_value && has_nulls);
        let room = self.room.unwrap_or(NULL as usize) - null_entry;
        let rows: usize = arrays.iter().map(|array| array.len()).sum();
        let first = arrays.first().ok_or_else(mismatch)?;
        let first = first.as_any_dictionary().values();
        let is_shared = arrays.iter().all(|array| has_values(array, first));
        let keeps_first =
            self.fixed.is_none() && first.len() <= room && first.len() <= rows.max(KEPT_WHOLE);
        if is_shared && keeps_first && self.room.is_none() {
            return Ok(Page::unchanged(arrays, first, null_entry));
        }
        let converter = RowConverter::new(vec![SortField::new(self.value_type.clone())])?;
        let sources = Source::all(arrays, &converter)?;
        self.note(&sources, has_nulls)?;
        if is_shared && keeps_first {
            return Ok(Page::unchanged(arrays, first, null_entry));
        }
        let union = |start: Option<&ArrayRef>, room| {
            let page = Page::union(arrays, &sources, start, &converter, room)?;
            Ok::<_, Error>(page.map(|page| Page {
                length: page.length + null_entry,
                ..page
            }))
        };
        if let Some(fixed) = &self.fixed {
            let known = if has_nulls {
                None
            } else {
                union(Some(fixed), fixed.len())?
            };
            return known.ok_or_else(|| {
                Error::new(
                    code::NOT_SUPPORTED,
                    format!(
                        "column {:?} has NULL or a value that is not in its dictionary, which cannot grow in format 0.1",
                        self.path
                    ),
                )
            });
        }
        let kept = if keeps_first {
            union(Some(first), room)?
        } else {
            None
        };
        match kept {
            Some(page) => Ok(page),
            None => union(None, room)?.ok_or_else(|| self.too_many()),
        }
    }

    /// Count the different values of the write: readers put any of its rows into one array.
    fn note(&self, sources: &[Source], has_nulls: bool) -> Result<()> {
        let Some(room) = self.room else {
            return Ok(());
        };
        let mut seen = lock(&self.seen);
        let Seen {
            hasher,
            values,
            null,
        } = &mut *seen;
        for row in sources.iter().flat_map(|source| &source.rows) {
            values.insert(hasher.hash_one(row.as_ref()));
        }
        *null |= has_nulls;
        match values.len() + usize::from(self.null_is_a_value && *null) > room {
            true => Err(self.too_many()),
            false => Ok(()),
        }
    }

    fn too_many(&self) -> Error {
        Error::invalid_argument(format!(
            "column {:?} has more different values than its dictionary keys can count: use wider keys or plain values",
            self.path
        ))
    }
}

/// The dictionary of one array, or of several that follow each other.
struct Source {
    values: ArrayRef,
    arrays: usize,
    /// The values that rows have, without NULL.
    used: UInt64Array,
    /// These values, in a form that can be compared.
    rows: Rows,
}

impl Source {
    fn all(arrays: &[ArrayRef], converter: &RowConverter) -> Result<Vec<Self>> {
        let shared = |a: &ArrayRef, b: &ArrayRef| has_values(b, a.as_any_dictionary().values());
        let groups = arrays.chunk_by(shared);
        groups.map(|group| Self::new(group, converter)).collect()
    }

    fn new(arrays: &[ArrayRef], converter: &RowConverter) -> Result<Self> {
        let values = arrays[0].as_any_dictionary().values().clone();
        let used = arrays.iter().map(|array| occupancy(array));
        let used = used.reduce(|a, b| &a | &b);
        let used = used.iter().flat_map(BooleanBuffer::set_indices);
        let used = used.filter(|index| values.is_valid(*index));
        let used = UInt64Array::from_iter_values(used.map(|index| index as u64));
        let rows = converter.convert_columns(&[take(&values, &used, None)?])?;
        Ok(Self {
            values,
            arrays: arrays.len(),
            used,
            rows,
        })
    }
}

impl Page {
    fn unchanged(arrays: &[ArrayRef], values: &ArrayRef, null_entry: usize) -> Self {
        let keys = arrays.iter().map(|array| array.as_any_dictionary().keys());
        Self {
            values: values.clone(),
            keys: keys.map(|keys| keys.slice(0, keys.len())).collect(),
            length: values.len() + null_entry,
            unchanged: true,
        }
    }

    /// One dictionary with all values in use, behind those of `start`; None if that is more than there is room for.
    fn union(
        arrays: &[ArrayRef],
        sources: &[Source],
        start: Option<&ArrayRef>,
        converter: &RowConverter,
        room: usize,
    ) -> Result<Option<Self>> {
        let start_rows = start
            .map(|values| converter.convert_columns(std::slice::from_ref(values)))
            .transpose()?;
        let mut known = HashMap::new();
        // Where the values of the union are: in which dictionary, and at which place.
        let mut places = Vec::new();
        for (index, row) in start_rows.iter().flatten().enumerate() {
            known.entry(row.data()).or_insert(index as u32);
            places.push((0, index));
        }
        let mut keys = Vec::with_capacity(arrays.len());
        let mut arrays = arrays.iter();
        for (number, source) in sources.iter().enumerate() {
            let mut new_keys = vec![NULL; source.values.len()];
            for (index, row) in source.used.values().iter().zip(&source.rows) {
                let index = *index as usize;
                new_keys[index] = match known.entry(row.data()) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(_) if places.len() >= room => return Ok(None),
                    Entry::Vacant(new) => {
                        places.push((number + 1, index));
                        *new.insert(places.len() as u32 - 1)
                    }
                };
            }
            let of_source = arrays.by_ref().take(source.arrays);
            keys.extend(of_source.map(|array| replace_keys(array, &new_keys)));
        }
        let nothing = new_empty_array(sources[0].values.data_type());
        let values: Vec<_> = std::iter::once(start.unwrap_or(&nothing))
            .chain(sources.iter().map(|source| &source.values))
            .map(|values| values.as_ref())
            .collect();
        Ok(Some(Self {
            values: interleave(&values, &places)?,
            keys,
            length: places.len(),
            unchanged: false,
        }))
    }
}

fn has_values(array: &ArrayRef, values: &ArrayRef) -> bool {
    let own = array.as_any_dictionary().values();
    own.to_data().ptr_eq(&values.to_data())
}

fn occupancy(array: &dyn Array) -> BooleanBuffer {
    downcast_dictionary_array!(
        array => array.occupancy(),
        _ => BooleanBuffer::new_unset(0)
    )
}

fn replace_keys(array: &dyn Array, new_keys: &[u32]) -> ArrayRef {
    fn replace<K: ArrowDictionaryKeyType>(
        array: &DictionaryArray<K>,
        new_keys: &[u32],
    ) -> PrimitiveArray<K> {
        let new_key = |key: <K as ArrowPrimitiveType>::Native| match new_keys[key.as_usize()] {
            NULL => None,
            key => K::Native::from_usize(key as usize),
        };
        let keys = array.keys().iter();
        keys.map(|key| key.and_then(new_key)).collect()
    }
    downcast_dictionary_array!(
        array => Arc::new(replace(array, new_keys)),
        _ => array.slice(0, array.len())
    )
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, Int8Array, ListArray, StringArray, StructArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::compute::cast;

    use super::*;

    const TODAY: ConcreteFileVersion = ConcreteFileVersion::V2_2;

    fn words(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|number| format!("word {number}")).collect()
    }

    /// An array of so many rows in turn, whose dictionary is its own.
    fn column(keys: &DataType, rows: usize, words: &[String]) -> ArrayRef {
        let indices =
            UInt64Array::from_iter_values((0..rows).map(|row| (row % words.len()) as u64));
        let keys = cast(&indices, keys).unwrap();
        with_dictionary(&keys, &(Arc::new(StringArray::from(words.to_vec())) as _)).unwrap()
    }

    fn batch(column: ArrayRef) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable([("d", column, true)]).unwrap()
    }

    fn of(batches: &[RecordBatch], version: ConcreteFileVersion) -> Dictionaries {
        Dictionaries::new(batches[0].schema(), version, None)
    }

    fn plain(array: &ArrayRef, value_type: &DataType) -> ArrayRef {
        cast(array, value_type).unwrap()
    }

    /// Join batches, and compare all values. Returns the length of the dictionary.
    fn joined_length(columns: &[ArrayRef], version: ConcreteFileVersion) -> Result<usize> {
        let batches: Vec<_> = columns.iter().cloned().map(batch).collect();
        let joined = of(&batches, version).join(batches.clone())?;
        let joined = joined.batch.column(0);
        joined.to_data().validate_full().unwrap();
        let DataType::Dictionary(_, value_type) = joined.data_type() else {
            panic!("no dictionary")
        };
        let expected: Vec<_> = columns
            .iter()
            .map(|column| plain(column, value_type))
            .collect();
        let expected: Vec<_> = expected.iter().map(|array| array.as_ref()).collect();
        assert_eq!(&plain(joined, value_type), &concat(&expected).unwrap());
        Ok(joined.as_any_dictionary().values().len())
    }

    #[test]
    fn each_value_is_in_the_dictionary_once_whatever_the_keys() {
        let mut reversed = words(0..100);
        reversed.reverse();
        let integers = [
            DataType::Int8,
            DataType::UInt8,
            DataType::Int16,
            DataType::UInt16,
        ];
        let wide = [
            DataType::Int32,
            DataType::UInt32,
            DataType::Int64,
            DataType::UInt64,
        ];
        for keys in integers.iter().chain(&wide) {
            let columns = [
                &words(0..100),
                &reversed,
                &words(0..50),
                &words(20..100),
                &reversed,
            ]
            .map(|words| column(keys, 300, words));
            assert_eq!(joined_length(&columns, TODAY).unwrap(), 100, "{keys}");
        }
    }

    #[test]
    fn keys_count_as_many_values_as_they_have_numbers() {
        for (keys, most) in [(DataType::Int8, 128), (DataType::UInt8, 256)] {
            let half = column(&keys, 400, &words(0..most / 2));
            let other = column(&keys, 400, &words(most / 2..most));
            let more = column(&keys, 400, &words(most / 2..most + 1));
            assert_eq!(joined_length(&[half.clone(), other], TODAY).unwrap(), most);
            assert_eq!(
                joined_length(&[column(&keys, 400, &words(0..most))], TODAY).unwrap(),
                most
            );
            let error = joined_length(&[half, more], TODAY).unwrap_err();
            assert_eq!(error.code(), code::INVALID_ARGUMENT);
            assert!(error.message().contains("\"d\""), "{error}");
        }
    }

    #[test]
    fn the_values_of_all_loads_and_lanes_are_counted() {
        let batches =
            [words(0..65), words(65..129)].map(|words| batch(column(&DataType::Int8, 200, &words)));
        let dictionaries = of(&batches, TODAY);
        let [first, second] = batches;
        assert_eq!(
            dictionaries.join(vec![first.clone()]).unwrap().lengths,
            [65]
        );
        assert_eq!(dictionaries.join(vec![first]).unwrap().lengths, [65]);
        assert!(dictionaries.join(vec![second]).is_err());
    }

    #[test]
    fn what_no_row_uses_is_no_reason_to_refuse() {
        let columns: Vec<_> = (0..10)
            .map(|i| column(&DataType::Int8, 5, &words(i * 100..i * 100 + 100)))
            .collect();
        assert_eq!(joined_length(&columns, TODAY).unwrap(), 50);
    }

    #[test]
    fn a_dictionary_on_its_own_stays_as_it_is() {
        let one = batch(column(&DataType::Int8, 5, &words(0..100)));
        let joined = of(std::slice::from_ref(&one), TODAY)
            .join(vec![one.clone()])
            .unwrap();
        assert_eq!(joined.batch, one);
    }

    #[test]
    fn of_a_long_dictionary_only_what_is_used_is_stored() {
        let long = column(&DataType::Int32, 100_000, &words(0..50_000));
        let few = long.slice(100, 10);
        assert_eq!(
            joined_length(std::slice::from_ref(&few), TODAY).unwrap(),
            10
        );
        assert_eq!(joined_length(&[few.clone(), few], TODAY).unwrap(), 10);
        assert_eq!(joined_length(&[long], TODAY).unwrap(), 50_000);
    }

    #[test]
    fn values_that_are_no_text_are_merged_too() {
        let values: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
        let keys: ArrayRef = Arc::new(Int8Array::from(vec![Some(1), None, Some(0)]));
        let columns: Vec<_> = (0..100)
            .map(|_| with_dictionary(&keys, &values.slice(0, 2)).unwrap())
            .collect();
        assert_eq!(joined_length(&columns, TODAY).unwrap(), 2);
    }

    #[test]
    fn nulls_duplicates_and_empty_dictionaries_keep_their_values() {
        let of = |keys: Vec<Option<i8>>, values: Vec<Option<&str>>| {
            let keys: ArrayRef = Arc::new(Int8Array::from(keys));
            with_dictionary(&keys, &(Arc::new(StringArray::from(values)) as _)).unwrap()
        };
        let columns = [
            of(vec![Some(0), None, Some(1)], vec![Some("a"), None]),
            of(
                vec![Some(2), Some(1), Some(0)],
                vec![Some("b"), Some("b"), Some("a")],
            ),
            of(vec![None, None], vec![]),
            of(vec![Some(0)], vec![None]),
            of(vec![Some(0)], vec![Some("")]),
        ];
        for first in 0..columns.len() {
            joined_length(&columns[first..], TODAY).unwrap();
        }
        assert_eq!(joined_length(&columns[2..3], TODAY).unwrap(), 0);
    }

    #[test]
    fn null_needs_a_key_in_the_oldest_format_only() {
        let full = column(&DataType::Int8, 128, &words(0..128));
        let null = with_dictionary(
            &(Arc::new(Int8Array::from(vec![None])) as _),
            full.as_any_dictionary().values(),
        )
        .unwrap();
        assert!(joined_length(&[full.clone(), null.clone()], TODAY).is_ok());
        assert!(joined_length(std::slice::from_ref(&full), ConcreteFileVersion::V2_0).is_ok());
        assert!(joined_length(&[full, null], ConcreteFileVersion::V2_0).is_err());
    }

    #[test]
    fn nested_dictionaries_are_joined_and_cut_to_what_is_used() {
        let items = column(&DataType::Int8, 300, &words(0..100));
        let item = Arc::new(Field::new("item", items.data_type().clone(), true));
        let lists = ListArray::new(item, OffsetBuffer::from_lengths([3; 100]), items, None);
        let fields = vec![Field::new("l", lists.data_type().clone(), true)];
        let nested: ArrayRef =
            Arc::new(StructArray::new(fields.into(), vec![Arc::new(lists)], None));
        let batches: Vec<_> = [nested.slice(0, 2), nested.slice(50, 2), nested.slice(98, 2)]
            .map(batch)
            .into();
        let expected: Vec<_> = batches
            .iter()
            .map(|batch| batch.column(0).as_ref())
            .collect();
        let expected = concat(&expected).unwrap();
        let joined = of(&batches, TODAY).join(batches.clone()).unwrap();
        assert_eq!(joined.batch.column(0), &expected);
        assert!(joined.lengths[0] <= 100);
    }

    #[test]
    fn a_dictionary_of_a_legacy_dataset_does_not_grow() {
        let [known, unknown] = [words(1..3), words(2..5)].map(|words| {
            let words = column(&DataType::Int8, words.len(), &words);
            batch(words)
        });
        let mut existing = LanceSchema::try_from(known.schema().as_ref()).unwrap();
        existing.fields[0].set_dictionary_values(&(Arc::new(StringArray::from(words(0..4))) as _));
        let version = ConcreteFileVersion::V1;
        let dictionaries = Dictionaries::new(known.schema(), version, Some(&existing));
        let joined = dictionaries.join(vec![known]).unwrap().batch;
        let joined = joined.column(0).as_any_dictionary();
        assert_eq!(joined.values().len(), 4);
        assert_eq!(joined.keys(), &Int8Array::from(vec![1, 2]) as &dyn Array);
        let error = dictionaries.join(vec![unknown]).err().unwrap();
        assert!(error.message().contains("\"d\""), "{error}");
    }
}
