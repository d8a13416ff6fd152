"""Random tables, each made from a seed alone: nested types, odd names and values, NULLs, dictionaries, batches of any length."""

import datetime
import decimal
import math
import random

import pyarrow as pa

NAMES = """a b A B id x1 name Name two_words _private été 名前 🚀 select from order group or and not null true end case
column item key value entries element list struct 0 1a a-b a:b a/b a+b a=b a'b a,b a;b a%b a$b a?b #hash @at (a) [a]""".split() + [
    "two words",
    " leading",
    "trailing ",
    "a" * 300,
]

WORDS = ["", "a", "Ab", "ß", "naïve", "名前", "🚀🚀", "null", "true", "1", "-0", "it's", 'say "hi"', "a,b", "tab\there", "x" * 300]

# What each storage version holds beside the types of all of them.
STRUCTS_WITH_NULLS = {"2.1", "2.2"}
MAPS = {"2.2"}
VIEWS = {"2.1", "2.2"}


def _scalar_types():
    types = [getattr(pa, name)() for name in "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()]
    types += [pa.float16(), pa.float32(), pa.float64(), pa.date32(), pa.date64()]
    types += [pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.string_view(), pa.binary_view()]
    types += [pa.decimal128(1, 0), pa.decimal128(15, 2), pa.decimal128(38, 10), pa.decimal256(76, 30), pa.decimal128(5, -2)]
    for unit in ("s", "ms", "us", "ns"):
        types += [pa.timestamp(unit), pa.timestamp(unit, "Europe/Berlin"), pa.duration(unit)]
    types += [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")]
    types += [pa.binary(1), pa.binary(7), pa.null()]
    return types


SCALARS = _scalar_types()
WITHOUT_VIEWS = [t for t in SCALARS if not pa.types.is_string_view(t) and not pa.types.is_binary_view(t)]
FIXED_WIDTH = [t for t in SCALARS if pa.types.is_primitive(t) and not pa.types.is_null(t)]
KEYS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
# Inside maps no others are stored.
WIDE_KEYS = [key for key in KEYS if key.bit_width >= 32]
DICTIONARY_VALUES = [pa.string(), pa.large_string(), pa.binary(), pa.int64()]


class Tables:
    """Makes what one seed stands for."""

    def __init__(self, seed, storage="2.2"):
        self.random = random.Random(seed)
        self.storage = storage
        self.known = {}

    # Types

    def data_type(self, depth=0, dictionary_keys=KEYS):
        kinds = ["scalar"] * 6
        if depth < 3:
            kinds += ["list", "large_list", "struct", "struct", "fixed_size_list", "dictionary"]
            if self.storage in MAPS:
                kinds += ["map"]
        kind = self.random.choice(kinds)
        if kind == "scalar":
            return self.random.choice(SCALARS if self.storage in VIEWS else WITHOUT_VIEWS)
        if kind == "dictionary":
            return pa.dictionary(self.random.choice(dictionary_keys), self.random.choice(DICTIONARY_VALUES))
        if kind == "struct":
            return pa.struct(self.fields(self.random.randint(1, 3), depth + 1, dictionary_keys))
        if kind == "fixed_size_list":
            return pa.list_(self.random.choice(FIXED_WIDTH), self.random.randint(1, 4))
        if kind == "map":
            key = self.random.choice([pa.string(), pa.int32(), pa.large_string(), pa.date32()])
            return pa.map_(key, self.data_type(depth + 1, WIDE_KEYS))
        item = self.field(self.random.choice(["item", "element", "x"]), self.data_type(depth + 1, dictionary_keys))
        return pa.list_(item) if kind == "list" else pa.large_list(item)

    def nullable(self):
        return self.random.random() < 0.8

    def fields(self, count, depth=0, dictionary_keys=KEYS):
        names = self.random.sample(NAMES, count)
        return [self.field(name, self.data_type(depth, dictionary_keys)) for name in names]

    def field(self, name, data_type):
        nullable = pa.types.is_null(data_type) or self.nullable()
        if pa.types.is_struct(data_type) and self.storage not in STRUCTS_WITH_NULLS:
            nullable = False
        return pa.field(name, data_type, nullable)

    def schema(self, columns=None):
        return pa.schema(self.fields(columns or self.random.randint(1, 6)))

    # Values

    def values(self, data_type, nullable, count):
        """Python values, which is what is compared in the end."""
        share = self.random.choice([0, 0, 0.1, 0.5, 1]) if nullable else 0
        if pa.types.is_null(data_type):
            share = 1
        few = [self.value(data_type) for _ in range(3)] if self.random.random() < 0.2 and share < 1 else None
        make = (lambda: self.random.choice(few)) if few else (lambda: self.value(data_type))
        return [None if share and self.random.random() < share else make() for _ in range(count)]

    def value(self, of):
        t, rand = pa.types, self.random
        if t.is_dictionary(of):
            # Narrow keys count so many different values and no more.
            known = self.known.setdefault(str(of), [])
            if of.index_type.bit_width > 8 or len(known) < 100:
                known.append(self.value(of.value_type))
            return rand.choice(known)
        if t.is_boolean(of):
            return rand.random() < 0.5
        if t.is_integer(of):
            low = 0 if t.is_unsigned_integer(of) else -(2 ** (of.bit_width - 1))
            high = low + 2**of.bit_width - 1
            return rand.choice([low, high, 0, 1, rand.randint(low, high), rand.randint(0, 100)])
        if t.is_float16(of):
            return rand.choice([0.0, -0.0, 1.5, -2.0, math.inf, math.nan, 65504.0])
        if t.is_floating(of):
            return rand.choice([0.0, -0.0, 1.5, -2.25, math.inf, -math.inf, math.nan, float(rand.randint(-1000, 1000)) / 4])
        if t.is_decimal(of):
            digits = rand.randint(0, 10 ** rand.randint(0, of.precision) - 1)
            with decimal.localcontext(prec=100):
                return decimal.Decimal(rand.choice([1, -1]) * digits).scaleb(-of.scale)
        if t.is_date(of):
            return datetime.date(1970, 1, 1) + datetime.timedelta(days=rand.randint(-100_000, 100_000))
        if t.is_time(of):
            whole = datetime.time(rand.randrange(24), rand.randrange(60), rand.randrange(60))
            micros = {"time32[s]": 0, "time32[ms]": 1000 * rand.randrange(1000)}.get(str(of), rand.randrange(1_000_000))
            return whole.replace(microsecond=micros)
        if t.is_timestamp(of) or t.is_duration(of):
            step = {"s": 1_000_000, "ms": 1000}.get(of.unit, 1)
            micros = rand.randint(-4 * 10**15, 4 * 10**15) // step * step
            since = datetime.timedelta(microseconds=micros)
            if t.is_duration(of):
                return since
            zone = datetime.timezone.utc if of.tz else None
            return datetime.datetime(1970, 1, 1, tzinfo=zone) + since
        if t.is_fixed_size_binary(of):
            return rand.randbytes(of.byte_width)
        if t.is_string(of) or t.is_large_string(of) or t.is_string_view(of):
            return rand.choice(WORDS)
        if t.is_binary(of) or t.is_large_binary(of) or t.is_binary_view(of):
            return rand.choice([b"", b"\0", b"\xff\xfe", rand.randbytes(rand.randint(0, 40))])
        if t.is_map(of):
            keys = {self.value(of.key_type) for _ in range(rand.randint(0, 3))}
            return list(zip(keys, self.values(of.item_type, True, len(keys))))
        if t.is_fixed_size_list(of):
            return self.values(of.value_type, of.value_field.nullable, of.list_size)
        if t.is_list(of) or t.is_large_list(of):
            return self.values(of.value_type, of.value_field.nullable, rand.choice([0, 1, 2, 5]))
        if t.is_struct(of):
            return {field.name: self.values(field.type, field.nullable, 1)[0] for field in of}
        raise NotImplementedError(str(of))

    def rows(self):
        return self.random.choice([0, 1, 2, 7, 60, 300])

    def batches(self, schema, rows):
        """Record batches of uneven lengths with so many rows in all; the dictionaries of each are its own."""
        left, batches = rows, []
        while left or not batches:
            count = min(left, self.random.choice([0, 1, 3, 50, 1000]))
            columns = [array(self.values(field.type, field.nullable, count), field.type) for field in schema]
            batches.append(pa.RecordBatch.from_arrays(columns, schema=schema))
            left -= count
        return batches


def array(values, data_type):
    """An array of Python values, for types that pa.array() does not make."""
    if not _has_dictionary(data_type):
        return pa.array(values, data_type)
    plain = pa.array(values, _plain_type(data_type))
    return _encoded(plain, data_type)


def _has_dictionary(data_type):
    if pa.types.is_dictionary(data_type):
        return True
    if pa.types.is_map(data_type):
        return _has_dictionary(data_type.item_type)
    return any(_has_dictionary(data_type.field(i).type) for i in range(data_type.num_fields))


def _plain_type(of):
    if pa.types.is_dictionary(of):
        return of.value_type
    if pa.types.is_struct(of):
        return pa.struct([field.with_type(_plain_type(field.type)) for field in of])
    if pa.types.is_map(of):
        return pa.map_(of.key_type, _plain_type(of.item_type))
    if pa.types.is_list(of):
        return pa.list_(of.value_field.with_type(_plain_type(of.value_type)))
    if pa.types.is_large_list(of):
        return pa.large_list(of.value_field.with_type(_plain_type(of.value_type)))
    return of


def _encoded(plain, of):
    mask = plain.is_null() if plain.null_count else None
    if pa.types.is_dictionary(of):
        encoded = plain.dictionary_encode()
        return pa.DictionaryArray.from_arrays(encoded.indices.cast(of.index_type), encoded.dictionary)
    if pa.types.is_struct(of):
        children = [_encoded(plain.field(i), field.type) for i, field in enumerate(of)]
        return pa.StructArray.from_arrays(children, fields=list(of), mask=mask)
    if pa.types.is_map(of):
        items = _encoded(plain.items, of.item_type)
        return pa.MapArray.from_arrays(plain.offsets, plain.keys, items, type=of, mask=mask)
    if pa.types.is_list(of):
        return pa.ListArray.from_arrays(plain.offsets, _encoded(plain.values, of.value_type), type=of, mask=mask)
    if pa.types.is_large_list(of):
        return pa.LargeListArray.from_arrays(plain.offsets, _encoded(plain.values, of.value_type), type=of, mask=mask)
    return plain


def same(actual, expected):
    """None if two tables have the same columns, types and values, NaN and the sign of zero included; else what differs."""
    if actual.column_names != expected.column_names:
        return f"columns {actual.column_names} in place of {expected.column_names}"
    if actual.num_rows != expected.num_rows:
        return f"{actual.num_rows} rows in place of {expected.num_rows}"
    for i, field in enumerate(expected.schema):
        if actual.schema.field(i).type != field.type:
            return f"column {field.name!r} is {actual.schema.field(i).type} in place of {field.type}"
        difference = same_values(actual.column(i), expected.column(i))
        if difference:
            return f"column {field.name!r} of {field.type}: {difference}"
    return None


def same_values(actual, expected):
    pairs = zip(map(repr, actual.to_pylist()), map(repr, expected.to_pylist()))
    for row, (a, b) in enumerate(pairs):
        if a != b:
            return f"row {row} is {a[:200]} in place of {b[:200]}"
    return None


def as_read(table):
    """A table with the types that Lance gives back: string and binary views become plain strings and binaries."""
    schema = pa.schema([field.with_type(_read_type(field.type)) for field in table.schema])
    columns = [array(column.to_pylist(), field.type) for column, field in zip(table.columns, schema)]
    return pa.Table.from_arrays(columns, schema=schema)


def _read_type(of):
    t = pa.types
    if t.is_string_view(of):
        return pa.string()
    if t.is_binary_view(of):
        return pa.binary()
    if t.is_struct(of):
        return pa.struct([field.with_type(_read_type(field.type)) for field in of])
    if t.is_map(of):
        return pa.map_(of.key_type, _read_type(of.item_type))
    if t.is_list(of):
        return pa.list_(of.value_field.with_type(_read_type(of.value_type)))
    if t.is_large_list(of):
        return pa.large_list(of.value_field.with_type(_read_type(of.value_type)))
    return of
