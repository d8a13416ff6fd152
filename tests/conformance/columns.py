"""Columns of every type that Lance stores, by name.

A fixed-size list of structs is missing: the engine writes one, but cannot read it together with other columns.
"""

import datetime
import decimal

import pyarrow as pa

ROWS = 1000


def _types():
    types = {
        name: getattr(pa, name)()
        for name in (
            "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 date32 date64 "
            "string large_string binary large_binary null"
        ).split()
    }
    for unit in ("s", "ms", "us", "ns"):
        types[f"timestamp_{unit}"] = pa.timestamp(unit)
        types[f"duration_{unit}"] = pa.duration(unit)
    types["timestamp_tz"] = pa.timestamp("us", "Europe/Berlin")
    types["time32_s"] = pa.time32("s")
    types["time32_ms"] = pa.time32("ms")
    types["time64_us"] = pa.time64("us")
    types["time64_ns"] = pa.time64("ns")
    types["decimal128"] = pa.decimal128(38, 2)
    types["decimal256"] = pa.decimal256(76, 2)
    types["fixed_size_binary"] = pa.binary(5)
    types["list"] = pa.list_(pa.int32())
    types["large_list"] = pa.large_list(pa.string())
    types["fixed_size_list"] = pa.list_(pa.float32(), 4)
    types["struct"] = pa.struct([("a", pa.int32()), ("b", pa.string())])
    types["map"] = pa.map_(pa.string(), pa.int32())
    for index in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()):
        types[f"dictionary_{index}"] = pa.dictionary(index, pa.string())
    types["list_of_struct_of_list"] = pa.list_(pa.struct([("x", pa.list_(pa.int32())), ("y", pa.string())]))
    types["struct_of_map"] = pa.struct([("m", pa.map_(pa.string(), pa.struct([("q", pa.int64())])))])
    types["uuid"] = pa.uuid()
    return types


TYPES = _types()

# What older file formats cannot hold.
UNSUPPORTED = {
    "2.0": {"struct", "map", "struct_of_map"},
    "2.1": {"map", "struct_of_map"},
    "2.2": set(),
}


def supported(storage_version):
    """The names of the types that a storage version can hold."""
    return [name for name in TYPES if name not in UNSUPPORTED[storage_version]]


def _value(of, i):
    """The i-th value of a type."""
    t = pa.types
    if isinstance(of, pa.UuidType):
        return i.to_bytes(16, "big")
    if t.is_boolean(of):
        return i % 3 == 0
    if t.is_integer(of):
        return i % 100
    if t.is_floating(of):
        return (i % 100) / 4
    if t.is_decimal(of):
        return decimal.Decimal(i) / 4
    if t.is_date(of):
        return datetime.date(2020, 1, 1) + datetime.timedelta(days=i)
    if t.is_time(of):
        return datetime.time(i % 24, i % 60, 5)
    if t.is_timestamp(of):
        return datetime.datetime(2020, 1, 1) + datetime.timedelta(seconds=i)
    if t.is_duration(of):
        return datetime.timedelta(seconds=i)
    if t.is_fixed_size_binary(of):
        return bytes([i % 256]) * of.byte_width
    if t.is_string(of) or t.is_large_string(of):
        return f"välue {i % 50}" * (i % 3)
    if t.is_binary(of) or t.is_large_binary(of):
        return bytes([i % 256]) * (i % 7)
    if t.is_null(of):
        return None
    if t.is_fixed_size_list(of):
        return [_value(of.value_type, i + j) for j in range(of.list_size)]
    if t.is_map(of):
        return [(f"key {j}", _value(of.item_type, i + j)) for j in range(i % 3)]
    if t.is_list(of) or t.is_large_list(of):
        return [_value(of.value_type, i + j) for j in range(i % 4)]
    if t.is_struct(of):
        return {field.name: _value(field.type, i) for field in of}
    raise NotImplementedError(str(of))


def column(name, nulls, rows=ROWS):
    """An array of a named type; every fifth value is NULL if `nulls`."""
    of = TYPES[name]
    values_of = of.value_type if pa.types.is_dictionary(of) else of
    values = [None if nulls and i % 5 == 3 else _value(values_of, i) for i in range(rows)]
    if isinstance(of, pa.UuidType):
        return pa.ExtensionArray.from_storage(of, pa.array(values, of.storage_type))
    array = pa.array(values, values_of)
    return array.dictionary_encode().cast(of) if pa.types.is_dictionary(of) else array


def table(storage_version, nulls, rows=ROWS):
    """A table with a column of every type that the storage version holds, and a running `id`."""
    columns = {"id": pa.array(range(rows), pa.int64())}
    for name in supported(storage_version):
        columns[name] = column(name, nulls, rows)
    return pa.table(columns)


def plain(read):
    """A table whose dictionaries, which may be laid out anew, are replaced by their values."""
    for i, field in enumerate(read.schema):
        if pa.types.is_dictionary(field.type):
            read = read.set_column(i, field.name, read.column(i).cast(field.type.value_type))
    return read


def assert_equal(actual, expected):
    """Compares column by column, so that a failure names the column."""
    assert actual.column_names == expected.column_names
    assert [field.type for field in actual.schema] == [field.type for field in expected.schema]
    assert actual.num_rows == expected.num_rows
    actual, expected = plain(actual), plain(expected)
    for name in expected.column_names:
        assert actual.column(name).combine_chunks().equals(expected.column(name).combine_chunks()), name
