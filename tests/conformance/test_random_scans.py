"""Random scans with everything that one can be asked for, beside what pylance returns of the same dataset.

pylance reads all rows that pass the filter, with what is computed of them; what is left of these, in which order and in
which groups, is found in Python.
"""

import decimal
import random

import lance
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from conditions import random_condition
from support.scale import pick

ROWS = 2500
SCANS = pick(push=24, long=100)
SEEDS = range(pick(push=6, long=15))

# By their names, and whether they may be sorted and grouped by.
EXPRESSIONS = {
    "twice": ("n * 2", True),
    "rest": ("id % 7", True),
    "word": ("coalesce(upper(`Text`), 'none')", True),
    "gross": ("d * 1.19", True),
    "inner": ("st.x + id", True),
    "is cheap": ("d < 0.25 or d is null", True),
    "same": ("`sp ace`", True),
    "list": ("l", False),
}
SORTABLE = ["id", "n", "f", "Text", "sp ace", "d", "k", "st.x", "st.y", "_rowid", "_rowaddr"]


def random_table(rng, first, rows):
    def some(make):
        return [None if rng.random() < 0.1 else make() for _ in range(rows)]

    def number():
        return rng.randrange(-40, 40)

    def text():
        return rng.choice(["", "a", "bb", "ccc", "ünï"]) * rng.randrange(1, 4)

    return pa.table(
        {
            "id": pa.array(range(first, first + rows), pa.int64()),
            "n": pa.array(some(number), pa.int32()),
            "f": pa.array(some(lambda: number() / 4), pa.float64()),
            "Text": pa.array(some(text), pa.string()),
            "sp ace": pa.array(some(number), pa.int16()),
            "d": pa.array(some(lambda: decimal.Decimal(number()) / 100), pa.decimal128(15, 2)),
            "k": pa.array(some(lambda: rng.choice("xyz"))).dictionary_encode(),
            "st": pa.array(some(lambda: {"x": number(), "y": text()}), pa.struct([("x", pa.int64()), ("y", pa.string())])),
            "l": pa.array(some(lambda: [number() for _ in range(rng.randrange(3))]), pa.list_(pa.int32())),
        }
    )


@pytest.fixture(params=SEEDS)
def world(request, tmp_path):
    """A random generator, and a dataset with a history that pylance has made."""
    rng = random.Random(request.param)
    uri = tmp_path / "d"
    storage = rng.choice(["2.0", "2.1", "2.2"])
    table = random_table(rng, 0, ROWS)
    if storage == "2.0":
        table = table.set_column(7, "st", pc.if_else(table["st"].is_null(), pa.scalar({"x": 1, "y": "a"}, table["st"].type), table["st"]))
    written = {"data_storage_version": storage, "enable_stable_row_ids": rng.random() < 0.5}
    cut = rng.choice([ROWS, ROWS // 2])
    dataset = lance.write_dataset(table[:cut], uri, max_rows_per_file=rng.choice([300, 700, ROWS]), **written)
    if rng.random() < 0.5:
        dataset.create_scalar_index("n", "BTREE")
    if rng.random() < 0.5:
        dataset.create_scalar_index("Text", "BITMAP")
    if cut < ROWS:
        dataset = lance.write_dataset(table[cut:], uri, mode="append")
    if rng.random() < 0.7:
        dataset.delete(f"id % {rng.randrange(2, 9)} = 1")
    if rng.random() < 0.3:
        lance.dataset(uri).delete("id between 320 and 900")
    if rng.random() < 0.3:
        lance.dataset(uri).optimize.compact_files(target_rows_per_fragment=1000)
    return rng, lance.dataset(uri)


def own_conditions(rng):
    return [
        f"k <> '{rng.choice('xy')}'",
        f"d < cast('0.{rng.randrange(100):02}' as decimal(15,2))",
        f"d IS {rng.choice(['', 'NOT '])}NULL",
    ]


def random_expression(rng):
    """A condition in Arrow's own terms."""
    if rng.random() < 0.4:
        left, right = random_expression(rng), random_expression(rng)
        return left & right if rng.random() < 0.5 else left | right
    return rng.choice(
        [
            lambda: pc.field("id") < rng.randrange(ROWS),
            lambda: pc.field("n") >= rng.randrange(-40, 40),
            lambda: pc.field("f") != 0.25,
            lambda: pc.field("Text") == rng.choice(["a", "bb", ""]),
            lambda: pc.field("n").is_null(),
            lambda: ~pc.field("sp ace").is_valid(),
            lambda: pc.field("id").isin([rng.randrange(ROWS) for _ in range(9)]),
        ]
    )()


def quoted(name):
    return "`sp ace`" if name == "sp ace" else name


class Scan:
    """A random scan: as dump_ipc takes it, and the rows it is to return."""

    def __init__(self, rng, dataset, tmp_path):
        self.rng, self.dataset = rng, dataset
        self.ours = {}
        self.expressions = rng.sample([*EXPRESSIONS], rng.randrange(1, 4)) if rng.random() < 0.5 else []
        if self.expressions:
            self.ours["expressions"] = "\n".join(f"{name}\t{EXPRESSIONS[name][0]}" for name in self.expressions)
        condition = None
        if rng.random() < 0.6:
            condition = self.ours["filter"] = random_condition(rng, ROWS, own_conditions)
        elif rng.random() < 0.4:
            condition = random_expression(rng)
            message = tmp_path / "filter.substrait"
            message.write_bytes(condition.to_substrait(dataset.schema))
            self.ours["substrait"] = message
        self.rows = self.passing(condition)
        self.restrict()
        if rng.random() < 0.25:
            self.group()
        else:
            self.project()
        self.sort()
        self.cut()
        if rng.random() < 0.3:
            self.ours["batch_size"] = rng.choice([1, 13, 700])
        if rng.random() < 0.3:
            self.ours["materialization"] = rng.choice(["early", "late"])
        for key in ("scalar_index", "statistics"):
            if rng.random() < 0.1:
                self.ours[key] = 0

    def passing(self, condition):
        """All columns, paths and expressions of the rows that pass."""
        names = {name: quoted(name) for name in ["id", "n", "f", "Text", "sp ace", "d", "k", "st", "l", "st.x", "st.y"]}
        sql = {name: EXPRESSIONS[name][0].replace("1.19", "cast('1.19' as decimal(3,2))").replace("0.25", "cast('0.25' as decimal(15,2))")
               for name in self.expressions}
        columns = names | sql | {"_rowid": "_rowid", "_rowaddr": "_rowaddr"}
        return self.dataset.scanner(columns=columns, filter=condition).to_table().to_pylist()

    def restrict(self):
        rng = self.rng
        fragments = self.dataset.get_fragments()
        choice = rng.random()
        fragment_of = lambda row: row["_rowaddr"] >> 32
        if choice < 0.25:
            ids = rng.sample([f.fragment_id for f in fragments], rng.randrange(len(fragments) + 1))
            self.ours["fragments"] = ",".join(map(str, ids))
            self.rows = [row for id in ids for row in self.rows if fragment_of(row) == id]
        elif choice < 0.5:
            slices = []
            for _ in range(rng.randrange(1, 5)):
                fragment = rng.choice(fragments)
                first = rng.randrange(fragment.physical_rows + 1)
                slices.append((fragment.fragment_id, first, rng.randrange(fragment.physical_rows - first + 1)))
            self.ours["slices"] = "\n".join(",".join(map(str, slice)) for slice in slices)
            within = lambda row: any(
                fragment_of(row) == id and first <= (row["_rowaddr"] & 0xFFFFFFFF) < first + count for id, first, count in slices
            )
            self.rows = [row for row in self.rows if within(row)]
        if rng.random() < 0.2:
            ids = self.some_row_ids()
            self.ours["row_ids"] = ",".join(map(str, ids))
            self.rows = [row for row in self.rows if row["_rowid"] in ids]
        if rng.random() < 0.2:
            ids = self.some_row_ids()
            self.ours["excluded_row_ids"] = ",".join(map(str, ids))
            self.rows = [row for row in self.rows if row["_rowid"] not in ids]

    def some_row_ids(self):
        """Of rows that pass, and of others or none."""
        ids = [row["_rowid"] for row in self.rows]
        chosen = self.rng.sample(ids, self.rng.randrange(min(len(ids), 300) + 1))
        return {*chosen, *(self.rng.randrange(ROWS) for _ in range(50)), 1 << 40}

    def project(self):
        rng = self.rng
        names = [name for name in ["id", "n", "f", "Text", "sp ace", "d", "k", "st", "st.x", "st.y", "l", "_rowid", "_rowaddr"]
                 if name not in self.expressions]
        self.names = ["id", "n", "f", "Text", "sp ace", "d", "k", "st", "l"]
        if self.expressions or rng.random() < 0.7:
            named = rng.sample(names, rng.randrange(0 if self.expressions else 1, len(names)))
            if named:
                self.ours["columns"] = "\n".join(named)
            self.names = [*named, *self.expressions]
        self.keys = [*SORTABLE, *(name for name in self.expressions if EXPRESSIONS[name][1])]
        self.total = "id"
        self.sorts = rng.random() < 0.4

    def group(self):
        """Replace the rows by groups."""
        rng = self.rng
        able = ["n", "Text", "k", "st.x", *(name for name in self.expressions if EXPRESSIONS[name][1])]
        by = rng.sample(able, rng.randrange(0, min(3, len(able))))
        if by:
            self.ours["group_by"] = "\n".join(by)
        groups = {} if by else {(): []}
        for row in self.rows:
            groups.setdefault(tuple(row[name] for name in by), []).append(row)
        aggregates = [("count", "*", "rows")]
        for i in range(rng.randrange(4)):
            function = rng.choice(["count", "sum", "avg", "min", "max"])
            numbers = ["id", "n", "f", "sp ace", "st.x", *(name for name in self.expressions if name in ("twice", "rest", "inner"))]
            others = ["Text", "d"] if function in ("count", "min", "max") else ["d"] if function == "sum" else []
            aggregates.append((function, rng.choice(numbers + others), f"a{i}"))
        self.ours["aggregates"] = "\n".join("\t".join(aggregate) for aggregate in aggregates)
        self.rows = [
            dict(zip(by, group)) | {name: self.aggregate(function, column, rows) for function, column, name in aggregates}
            for group, rows in groups.items()
        ]
        self.names = [*by, *(name for _, _, name in aggregates)]
        self.keys = self.names
        self.total = None
        # Groups come in no order of their own.
        self.sorts = True
        self.by = by

    @staticmethod
    def aggregate(function, column, rows):
        if column == "*":
            return len(rows)
        values = [row[column] for row in rows if row[column] is not None]
        if function == "count":
            return len(values)
        if not values:
            return None
        return {"sum": sum, "min": min, "max": max, "avg": lambda all: float(sum(all)) / len(all)}[function](values)

    def sort(self):
        if not self.sorts:
            return
        names = self.rng.sample(self.keys, self.rng.randrange(1, min(4, len(self.keys) + 1)))
        # One more, or all groups, so that no two rows are equal.
        names += [name for name in ([self.total] if self.total else self.by) if name not in names]
        keys = [(name, self.rng.choice(["asc", "desc"]), self.rng.choice(["first", "last"])) for name in names]
        self.ours["order_by"] = "\n".join("\t".join(key) for key in keys)
        for name, direction, nulls in reversed(keys):
            nothing = [row for row in self.rows if row[name] is None]
            something = [row for row in self.rows if row[name] is not None]
            something.sort(key=lambda row: row[name], reverse=direction == "desc")
            self.rows = nothing + something if nulls == "first" else something + nothing

    def cut(self):
        rng = self.rng
        if rng.random() < 0.3:
            self.ours["offset"] = offset = rng.choice([0, 1, 450, ROWS])
            self.rows = self.rows[offset:]
        if rng.random() < 0.3:
            self.ours["limit"] = limit = rng.choice([0, 1, 7, 400, ROWS * 2])
            self.rows = self.rows[:limit]

    def expected(self):
        return [{name: row[name] for name in self.names} for row in self.rows]


def test_random_scans(world, tmp_path, read_with_us):
    rng, dataset = world
    for _ in range(SCANS):
        scan = Scan(rng, dataset, tmp_path)
        ours = read_with_us(dataset.uri, **scan.ours)
        assert ours.schema.names == scan.names, scan.ours
        assert ours.to_pylist() == scan.expected(), scan.ours


def test_deleted_rows_are_returned_when_they_are_asked_for(world, read_with_us):
    rng, dataset = world
    for _ in range(6):
        names = ["id", *rng.sample(["n", "Text", "st", "l"], rng.randrange(4))]
        condition = random_condition(rng, ROWS, own_conditions) if rng.random() < 0.6 else None
        columns = [*names, "_rowaddr"]
        theirs = dataset.scanner(
            columns=columns, filter=condition, with_row_id=True, include_deleted_rows=True, use_scalar_index=False, late_materialization=False
        ).to_table()
        options = {"columns": "\n".join(columns), "row_id": 1, "deleted": 1}
        if condition is not None:
            options["filter"] = condition
        ours = read_with_us(dataset.uri, **options)
        assert ours.to_pylist() == theirs.to_pylist(), options
        some = read_with_us(dataset.uri, **options, limit=7, offset=3)
        assert some.to_pylist() == theirs.to_pylist()[3:10], options
        backwards = read_with_us(dataset.uri, **options, order_by="id\tdesc\tlast", limit=9)
        expected = sorted(theirs.to_pylist(), key=lambda row: row["id"], reverse=True)
        assert backwards.to_pylist() == expected[:9], options


@pytest.mark.parametrize("rows", [1, 64, 1000])
def test_strict_batches_have_so_many_rows(world, read_with_us, rows):
    _, dataset = world
    ours = read_with_us(dataset.uri, columns="id", filter="n > -20", batch_size=rows, strict=1)
    lengths = [len(chunk) for chunk in ours["id"].chunks]
    assert all(length == rows for length in lengths[:-1])
    assert ours["id"].to_pylist() == dataset.scanner(columns=["id"], filter="n > -20").to_table()["id"].to_pylist()


def test_blobs_come_as_they_are_wanted(tmp_path, read_with_us):
    values = [None if i % 5 == 4 else bytes([i]) * (i * 1000) for i in range(40)]
    blob = pa.field("blob", pa.large_binary(), metadata={"lance-encoding:blob": "true"})
    table = pa.table([pa.array(range(40)), pa.array(values, pa.large_binary())], schema=pa.schema([pa.field("id", pa.int64()), blob]))
    dataset = lance.write_dataset(table, tmp_path / "d", max_rows_per_file=16, data_storage_version="2.1")
    described = read_with_us(dataset.uri)
    assert described.to_pylist() == dataset.to_table().to_pylist()
    assert set(described["blob"].type.names) >= {"position", "size"}
    assert read_with_us(dataset.uri, blobs="bytes")["blob"].to_pylist() == values
    some = read_with_us(dataset.uri, blobs="bytes", filter="id > 30", columns="blob")
    assert some["blob"].to_pylist() == values[31:]
