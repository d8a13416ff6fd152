//! Encodings for columns of which nobody has said how to encode them: by the profile of the write, and by what a lane's
//! first load shows of them.
//!
//! The engine takes hints from the schema it writes by. That is not the one that is committed: users would see the hints,
//! and below the top level they make a type another one, which the engine refuses in updates and misses in indices.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, GenericByteArray, GenericByteViewArray, RecordBatch};
use arrow::datatypes::{
    ArrowNativeType, BinaryType, BinaryViewType, ByteArrayType, ByteViewType, DataType,
    Decimal128Type, LargeBinaryType, LargeUtf8Type, StringViewType, Utf8Type,
};
use lance::datatypes::{Field, Schema};
use lance_arrow::DataTypeExt;

use super::hints::ENCODING_PREFIX;
use crate::settings::EncodingProfile;

/// What becomes of the dictionary that the engine makes of a page, if it pays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dictionary {
    /// It is tried where at most one value of so many differs.
    IfOneOf(u64),
    /// It cannot pay, so it is not tried.
    Never,
    /// Many values differ, which are compressed instead.
    Compressed,
}

use Dictionary::{Compressed, IfOneOf, Never};

/// What the engine does by itself.
const BY_DEFAULT: Dictionary = IfOneOf(2);
/// The engine's own pages, and the most values of a dictionary. What has more on pages so long is read faster without.
const ENGINE_PAGE_BYTES: u64 = 8 << 20;
const ENGINE_PAGE_ROWS: u64 = 1 << 20;
const LONGEST_DICTIONARY: u64 = 100_000;
/// A load with less is taken for a whole table, which would be one page of the engine's.
const SMALL_LOAD_ROWS: usize = 1 << 15;
/// The engine's bytes of an index while it makes a dictionary, whose bytes must be at most four fifths of the values'.
const INDEX_BYTES: u64 = 4;

/// How the columns of one lane are encoded.
pub struct Tuning {
    profile: EncodingProfile,
    /// With the hints of the caller only.
    schema: Schema,
    /// Of the columns in order, those inside of others too; None before the first load.
    dictionaries: Option<Vec<Dictionary>>,
}

impl Tuning {
    /// None where the choice is the engine's.
    pub fn new(profile: EncodingProfile, schema: Schema) -> Option<Self> {
        (profile != EncodingProfile::Engine).then_some(Self {
            profile,
            schema,
            dictionaries: None,
        })
    }

    /// Whether a load can be encoded like those before it.
    pub fn suits(&self, load: &RecordBatch) -> bool {
        let Some(chosen) = &self.dictionaries else {
            return false;
        };
        let mut both = chosen.iter().zip(self.look_at(load));
        both.all(|(chosen, best)| holds(*chosen, best))
    }

    /// Choose anew for the columns that are otherwise in this load, and return the schema to encode by. Each column
    /// changes once at most.
    pub fn adopt(&mut self, load: &RecordBatch) -> Schema {
        let best = self.look_at(load);
        let chosen = match self.dictionaries.take() {
            None => best,
            Some(chosen) => {
                let both = chosen.into_iter().zip(best);
                both.map(|(chosen, best)| if holds(chosen, best) { chosen } else { best })
                    .collect()
            }
        };
        let mut schema = self.schema.clone();
        let mut remaining = chosen.iter().copied();
        for field in &mut schema.fields {
            give_hints(field, self.profile, &mut remaining);
        }
        self.dictionaries = Some(chosen);
        schema
    }

    fn look_at(&self, load: &RecordBatch) -> Vec<Dictionary> {
        let mut found = Vec::new();
        for field in &self.schema.fields {
            let values = load.column_by_name(&field.name);
            look(field, values, self.profile, &mut found);
        }
        found
    }
}

/// Whether what was chosen does no harm to a load for which something is best.
fn holds(chosen: Dictionary, best: Dictionary) -> bool {
    !matches!(
        (chosen, best),
        (Never, IfOneOf(_)) | (IfOneOf(_), Compressed)
    )
}

fn has_hints(field: &Field) -> bool {
    let mut keys = field.metadata.keys();
    keys.any(|key| key.starts_with(ENCODING_PREFIX))
}

/// A column with hints of the caller is left alone with all it holds, and a map with its keys and values.
fn is_left_alone(field: &Field) -> bool {
    has_hints(field) || matches!(field.data_type(), DataType::Map(..))
}

fn look(
    field: &Field,
    values: Option<&ArrayRef>,
    profile: EncodingProfile,
    found: &mut Vec<Dictionary>,
) {
    if is_left_alone(field) {
        return;
    }
    found.push(best(profile, &field.data_type(), values));
    for child in &field.children {
        let inside = values.and_then(|values| match values.data_type() {
            DataType::Struct(_) => values.as_struct().column_by_name(&child.name),
            DataType::List(_) => Some(values.as_list::<i32>().values()),
            DataType::LargeList(_) => Some(values.as_list::<i64>().values()),
            _ => None,
        });
        look(child, inside, profile, found);
    }
}

/// In the order of `look`.
fn give_hints(
    field: &mut Field,
    profile: EncodingProfile,
    dictionaries: &mut impl Iterator<Item = Dictionary>,
) {
    if is_left_alone(field) {
        return;
    }
    let dictionary = dictionaries.next().unwrap_or(BY_DEFAULT);
    let hints = hints(profile, &field.data_type(), dictionary).into_iter();
    let hints = hints.map(|(key, value)| (format!("{ENCODING_PREFIX}{key}"), value));
    field.metadata.extend(hints);
    for child in &mut field.children {
        give_hints(child, profile, dictionaries);
    }
}

fn hints(
    profile: EncodingProfile,
    data_type: &DataType,
    dictionary: Dictionary,
) -> Vec<(&'static str, String)> {
    let mut hints = Vec::new();
    let is_text = data_type.is_binary_like();
    if is_text || data_type.is_primitive() {
        // Runs take less than the values themselves where these are shorter than that, so nothing else comes of it. But
        // the engine would count all runs a second time to see.
        let longest = match data_type.primitive_width() {
            Some(8) => "0.889",
            _ => "0.8",
        };
        hints.push(("rle-threshold", longest.to_string()));
    }
    if is_text && profile == EncodingProfile::Size {
        // Of one letter, by a hair the engine makes none: it takes four bytes for an index, which becomes a few bits.
        hints.push(("dict-size-ratio", "1.0".to_string()));
    }
    match dictionary {
        BY_DEFAULT => {}
        IfOneOf(values) => hints.push(("dict-divisor", values.to_string())),
        Never | Compressed => hints.push(("dict-divisor", u32::MAX.to_string())),
    }
    if dictionary == Compressed {
        hints.push(("compression", "lz4".to_string()));
    }
    hints
}

/// What is best for a column; `values` are those of a load, where they can be had.
fn best(profile: EncodingProfile, data_type: &DataType, values: Option<&ArrayRef>) -> Dictionary {
    let rows = values.map_or(0, |values| values.len());
    match (profile, data_type) {
        (EncodingProfile::Size, DataType::Decimal128(..)) if differ(values) => Compressed,
        (EncodingProfile::Size, DataType::Decimal256(..)) => Compressed,
        // Keys in runs just pass for a dictionary: it saves little more than the runs do.
        (EncodingProfile::Size, DataType::Int64 | DataType::UInt64) => IfOneOf(5),
        (EncodingProfile::Read, data_type) => {
            let width = data_type.primitive_width().map(|width| width as u64);
            let bytes = width.map(|width| width * rows as u64);
            match bytes.or_else(|| values.and_then(text_bytes)) {
                Some(bytes) => worth_reading(bytes, rows, data_type.is_binary_like()),
                None => BY_DEFAULT,
            }
        }
        _ => BY_DEFAULT,
    }
}

/// Where the engine would make a dictionary on pages of its own length.
fn worth_reading(bytes: u64, rows: usize, is_text: bool) -> Dictionary {
    if rows < SMALL_LOAD_ROWS || bytes == 0 {
        return BY_DEFAULT;
    }
    let rows = rows as u64;
    if is_text && bytes * 4 / 5 <= rows * INDEX_BYTES {
        return Never;
    }
    let rows_of_page = (ENGINE_PAGE_BYTES * rows / bytes).min(ENGINE_PAGE_ROWS);
    IfOneOf((rows_of_page / LONGEST_DICTIONARY).max(2))
}

/// The bytes of strings as the engine stores them, with their offsets; None if there is not any value, or of other types.
fn text_bytes(values: &ArrayRef) -> Option<u64> {
    fn of<T: ByteArrayType>(values: &GenericByteArray<T>) -> u64 {
        let offsets = values.value_offsets();
        let bytes = offsets[values.len()].as_usize() - offsets[0].as_usize();
        (bytes + values.len() * size_of::<T::Offset>()) as u64
    }
    fn of_views<T: ByteViewType>(values: &GenericByteViewArray<T>) -> u64 {
        let bytes: u64 = values.lengths().map(u64::from).sum();
        bytes + (values.len() * size_of::<i32>()) as u64
    }
    if values.null_count() == values.len() {
        return None;
    }
    Some(match values.data_type() {
        DataType::Utf8 => of(values.as_bytes::<Utf8Type>()),
        DataType::LargeUtf8 => of(values.as_bytes::<LargeUtf8Type>()),
        DataType::Binary => of(values.as_bytes::<BinaryType>()),
        DataType::LargeBinary => of(values.as_bytes::<LargeBinaryType>()),
        DataType::Utf8View => of_views(values.as_byte_view::<StringViewType>()),
        DataType::BinaryView => of_views(values.as_byte_view::<BinaryViewType>()),
        _ => return None,
    })
}

/// Whether more than half of some decimals differ, by a sample of up to 32 times 128 values.
fn differ(values: Option<&ArrayRef>) -> bool {
    const BLOCK: usize = 128;
    let decimals = values.and_then(|values| values.as_primitive_opt::<Decimal128Type>());
    let Some(decimals) = decimals else {
        return true;
    };
    let decimals = decimals.values().as_ref();
    let step = (decimals.len() / 32).max(BLOCK);
    let blocks = decimals
        .chunks(step)
        .map(|part| &part[..part.len().min(BLOCK)]);
    let count: usize = blocks.clone().map(<[i128]>::len).sum();
    let different: HashSet<_> = blocks.flatten().collect();
    different.len() * 2 > count
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow::array::{
        Decimal128Array, Int64Array, ListArray, StringArray, StringViewArray, StructArray,
    };
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{Field as ArrowField, Schema as ArrowSchema};

    use super::*;

    const ROWS: usize = 100_000;

    fn letters(rows: usize) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(
            (0..rows).map(|row| ["A", "N", "R"][row % 3]),
        ))
    }

    fn words(rows: usize) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(
            (0..rows).map(|row| format!("word {}", row % 10)),
        ))
    }

    fn decimals(rows: usize, different: usize) -> ArrayRef {
        let values = (0..rows).map(|row| (row * 7919 % different) as i128);
        Arc::new(Decimal128Array::from_iter_values(values))
    }

    fn load(columns: &[(&str, ArrayRef)]) -> RecordBatch {
        let nullable = columns
            .iter()
            .map(|(name, values)| (*name, values.clone(), true));
        RecordBatch::try_from_iter_with_nullable(nullable).unwrap()
    }

    fn tuning(profile: EncodingProfile, load: &RecordBatch) -> Tuning {
        let schema = Schema::try_from(load.schema().as_ref()).unwrap();
        Tuning::new(profile, schema).unwrap()
    }

    fn hint<'a>(field: &'a Field, key: &str) -> Option<&'a str> {
        let value = field.metadata.get(&format!("{ENCODING_PREFIX}{key}"));
        value.map(String::as_str)
    }

    /// A hint for a column on its own.
    fn hint_for(profile: EncodingProfile, values: ArrayRef, key: &str) -> Option<String> {
        let load = load(&[("c", values)]);
        let schema = tuning(profile, &load).adopt(&load);
        hint(&schema.fields[0], key).map(str::to_string)
    }

    fn never() -> Option<String> {
        Some(u32::MAX.to_string())
    }

    #[test]
    fn the_engine_is_left_to_itself() {
        let schema = Schema::try_from(&ArrowSchema::empty()).unwrap();
        assert!(Tuning::new(EncodingProfile::Engine, schema).is_none());
    }

    #[test]
    fn dictionaries_are_tried_where_they_can_pay() {
        let divisor = |values| hint_for(EncodingProfile::Read, values, "dict-divisor");
        assert_eq!(divisor(letters(ROWS)), never());
        assert_eq!(divisor(words(ROWS)).as_deref(), Some("8"));
        let views = StringViewArray::from_iter_values((0..ROWS).map(|row| ["A", "N"][row % 2]));
        assert_eq!(divisor(Arc::new(views)), never());
        let long = StringArray::from_iter_values((0..ROWS).map(|row| format!("{row:060}")));
        assert_eq!(divisor(Arc::new(long)), None);
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
        assert_eq!(divisor(ids.clone()).as_deref(), Some("10"));
        assert_eq!(divisor(decimals(ROWS, ROWS)).as_deref(), Some("5"));
        // The engine would make one page of it, too.
        assert_eq!(divisor(ids.slice(0, 100)), None);
        // It may have strings of any length.
        assert_eq!(divisor(Arc::new(StringArray::new_null(ROWS))), None);
    }

    #[test]
    fn decimals_are_compressed_for_size_if_they_differ() {
        let compression = |profile, values| hint_for(profile, values, "compression");
        let size = EncodingProfile::Size;
        assert_eq!(
            compression(size, decimals(ROWS, ROWS)).as_deref(),
            Some("lz4")
        );
        assert_eq!(compression(size, decimals(ROWS, 50)), None);
        assert_eq!(
            compression(EncodingProfile::Read, decimals(ROWS, ROWS)),
            None
        );
        assert_eq!(
            hint_for(size, letters(ROWS), "dict-size-ratio").as_deref(),
            Some("1.0")
        );
    }

    #[test]
    fn columns_inside_of_others_are_looked_at() {
        let fields = vec![ArrowField::new("letter", DataType::Utf8, true)];
        let structs = StructArray::new(fields.into(), vec![letters(ROWS)], None);
        let item = Arc::new(ArrowField::new("item", structs.data_type().clone(), true));
        let two_each = OffsetBuffer::from_lengths(std::iter::repeat_n(2, ROWS / 2));
        let lists = ListArray::new(item, two_each, Arc::new(structs), None);
        let load = load(&[("l", Arc::new(lists))]);
        let schema = tuning(EncodingProfile::Read, &load).adopt(&load);
        let letter = &schema.fields[0].children[0].children[0];
        assert_eq!(hint(letter, "dict-divisor").map(str::to_string), never());
    }

    #[test]
    fn a_column_with_a_hint_is_left_alone_with_all_it_holds() {
        let hints = HashMap::from([("lance-encoding:packed".to_string(), "true".to_string())]);
        let fields = vec![ArrowField::new("price", DataType::Decimal128(38, 10), true)];
        let structs = StructArray::new(fields.into(), vec![decimals(ROWS, ROWS)], None);
        let field = ArrowField::new("s", structs.data_type().clone(), true).with_metadata(hints);
        let schema = Arc::new(ArrowSchema::new(vec![field]));
        let load = RecordBatch::try_new(schema, vec![Arc::new(structs)]).unwrap();
        let mut tuning = tuning(EncodingProfile::Size, &load);
        assert_eq!(tuning.adopt(&load), tuning.schema);
        assert!(tuning.suits(&load));
    }

    #[test]
    fn a_load_that_is_otherwise_changes_its_column_and_for_good() {
        let of = |text, decimals| load(&[("t", text), ("d", decimals)]);
        let first = of(letters(ROWS), decimals(ROWS, 50));
        let second = of(words(ROWS), decimals(ROWS, 50));
        let third = of(letters(ROWS), decimals(ROWS, ROWS));
        for (profile, parts) in [(EncodingProfile::Read, 2), (EncodingProfile::Size, 2)] {
            let mut tuning = tuning(profile, &first);
            let mut begun = 0;
            for load in [&first, &first, &second, &third, &first, &second, &third] {
                if !tuning.suits(load) {
                    tuning.adopt(load);
                    begun += 1;
                }
                assert!(tuning.suits(load));
            }
            assert_eq!(begun, parts, "{profile:?}");
        }
    }

    #[test]
    fn a_dataset_may_have_its_columns_in_another_order() {
        let load = load(&[("n", words(ROWS)), ("t", letters(ROWS))]);
        let text = |name| ArrowField::new(name, DataType::Utf8, true);
        let schema = ArrowSchema::new(vec![text("missing"), text("t"), text("n")]);
        let schema = Schema::try_from(&schema).unwrap();
        let mut tuning = Tuning::new(EncodingProfile::Read, schema).unwrap();
        let schema = tuning.adopt(&load);
        let divisors: Vec<_> = schema
            .fields
            .iter()
            .map(|field| hint(field, "dict-divisor").map(str::to_string))
            .collect();
        assert_eq!(divisors, [None, never(), Some("8".to_string())]);
    }
}
