"""DuckDB as the oracle of SQL: its answers, and whether ours are the same."""

import math
import subprocess
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb_extension_tpch
import pyarrow as pa

from conftest import LANCE

# Of numbers that are not exact.
RELATIVE = 1e-9


def tpch_extension():
    """The file of DuckDB's extension, which is loaded from its wheel."""
    return next(Path(duckdb_extension_tpch.__file__).parent.glob("extensions/*/tpch.duckdb_extension"))


def our_answer(text, data):
    """What `lance sql` answers."""
    command = [str(LANCE), "sql", text, "--data", str(data), "--format", "arrow"]
    done = subprocess.run(command, capture_output=True, timeout=600)
    assert done.returncode == 0, f"{done.stderr.decode()}\n{text}"
    with pa.ipc.open_stream(done.stdout) as reader:
        return reader.read_all()


def their_answer(text, connection):
    return connection.execute(text).arrow().read_all()


def plain(value):
    """Integers, decimals, dates and texts are compared as they are."""
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date()
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def is_same(ours, theirs):
    # An average of decimals is a decimal here, of so many digits, and a double there.
    digit = 10.0 ** ours.as_tuple().exponent if isinstance(ours, Decimal) else 0.0
    ours, theirs = plain(ours), plain(theirs)
    if ours is None or theirs is None:
        return ours is theirs
    if isinstance(ours, float) or isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=RELATIVE, abs_tol=digit)
    exact = (int, Decimal)
    return (type(ours) is type(theirs) or isinstance(ours, exact) and isinstance(theirs, exact)) and ours == theirs


def assert_same_answer(text, data, connection):
    """The same rows in the same order."""
    ours, theirs = our_answer(text, data), their_answer(text, connection)
    assert ours.num_columns == theirs.num_columns, text
    assert ours.num_rows == theirs.num_rows, text
    columns = zip(ours.columns, theirs.columns)
    for name, (mine, other) in zip(ours.column_names, columns):
        for row, pair in enumerate(zip(mine.to_pylist(), other.to_pylist())):
            assert is_same(*pair), f"{name}, row {row}: {pair[0]!r}, and DuckDB says {pair[1]!r}\n{text}"
    return ours
