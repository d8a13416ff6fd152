"""Random SQL by `lance sql`, beside DuckDB over the same rows: joins, groups, windows, NULLs, decimals, dates."""

import random
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import lance
import pyarrow as pa
import pytest

from duck import assert_same_answer
from support.scale import pick

SEEDS = range(pick(push=5, long=60))
QUERIES = 10

INTEGERS, DECIMALS, DOUBLES, TEXTS, DATES = "ik", "d", "f", "t", "a"


def random_table(rng, rows):
    def some(make):
        return [None if rng.random() < 0.15 else make() for _ in range(rows)]

    day = lambda: date(1995, 1, 1) + timedelta(days=rng.randrange(1000))
    text = lambda: rng.choice(["", "a", "b", "ab", "Ab", "ünï", "a%b", "x_y"]) + rng.choice(["", "z"])
    texts = pa.array(some(text), pa.string())
    return pa.table(
        {
            "i": pa.array(some(lambda: rng.randrange(-20, 20)), pa.int32()),
            "k": pa.array(some(lambda: rng.randrange(8)), pa.int64()),
            "d": pa.array(some(lambda: Decimal(rng.randrange(-300, 300)).scaleb(-2)), pa.decimal128(12, 2)),
            "f": pa.array(some(lambda: rng.randrange(-40, 40) / 4), pa.float64()),
            "t": texts.dictionary_encode() if rng.random() < 0.5 else texts,
            "a": pa.array(some(day), pa.date32()),
        }
    )


class Query:
    """A random query. Its rows are ordered by all columns."""

    def __init__(self, rng):
        self.rng = rng

    def column(self, kinds):
        return f"{self.rng.choice(self.aliases)}.{self.rng.choice(kinds)}"

    def number(self, depth=0):
        choice = self.rng.randrange(4 if depth < 2 else 1)
        if choice == 0:
            return self.column(INTEGERS)
        if choice == 1:
            return f"({self.number(depth + 1)} {self.rng.choice('+-*')} {self.rng.randrange(-9, 9)})"
        if choice == 2:
            return f"coalesce({self.column(INTEGERS)}, {self.number(depth + 1)})"
        return f"case when {self.condition(2)} then {self.number(2)} else {self.number(2)} end"

    def decimal(self):
        return self.rng.choice(["{0}", "{0} * 2", "{0} + 0.25", "{0} * (1 - {0})", "-{0}", "abs({0})"]).format(
            self.column(DECIMALS)
        )

    def text(self):
        column = self.column(TEXTS)
        forms = ["{0}", "upper({0})", "{0} || '!'", "substr({0}, 1, 1)", "coalesce({0}, 'none')"]
        return self.rng.choice(forms).format(column)

    def day(self):
        return self.rng.choice(["{0}", "cast({0} + interval '3' day as date)"]).format(self.column(DATES))

    def value(self):
        return self.rng.choice(
            [
                self.number,
                self.decimal,
                self.text,
                self.day,
                lambda: self.column(DOUBLES),
                lambda: f"extract(year from {self.column(DATES)})",
                lambda: f"length({self.column(TEXTS)})",
            ]
        )()

    def members(self):
        rng = self.rng
        items = ", ".join(str(rng.randrange(-2, 9)) for _ in range(rng.randrange(1, 5)))
        return rng.choice([f"in ({items})", f"not in ({items})", f"= {rng.randrange(5)}", f"<> {rng.randrange(5)}"])

    def condition(self, depth=0):
        rng = self.rng
        if depth < 2 and rng.random() < 0.4:
            joined = f"({self.condition(depth + 1)} {rng.choice(['and', 'or'])} {self.condition(depth + 1)})"
            return rng.choice(["", "not "]) + joined
        compare = rng.choice(["<", "<=", ">", ">=", "=", "<>"])
        return rng.choice(
            [
                lambda: f"{self.column(INTEGERS)} {compare} {rng.randrange(-20, 20)}",
                lambda: f"{self.column(INTEGERS)} {compare} {self.column(INTEGERS)}",
                lambda: f"{self.column(INTEGERS)} {self.members()}",
                lambda: "not ({0} {1} {2} {0} {3})".format(
                    self.column("k"), self.members(), rng.choice(["and", "or"]), self.members()
                ),
                lambda: f"{self.column(DECIMALS)} {compare} {rng.randrange(-300, 300) / 100}",
                lambda: f"{self.column(DECIMALS)} between -0.5 and {rng.randrange(300) / 100}",
                lambda: f"{self.column(DOUBLES)} {compare} {rng.randrange(-40, 40) / 4}",
                lambda: f"{self.column(TEXTS)} {compare} '{rng.choice(['a', 'ab', 'b', 'ünïz'])}'",
                lambda: f"{self.column(TEXTS)} {rng.choice(['', 'not '])}like '{rng.choice(['a%', '%z', '%n%', '_b%'])}'",
                lambda: f"{self.column(DATES)} {compare} date '199{rng.randrange(5, 8)}-0{rng.randrange(1, 9)}-11'",
                lambda: f"{self.column('ikdfta')} is {rng.choice(['', 'not '])}null",
            ]
        )()

    def sources(self):
        """Tables, some of them joined or derived."""
        rng = self.rng
        self.aliases = ["p"]
        text = f"{rng.choice(['one', 'two'])} p"
        for alias in ["q", "r"][: rng.randrange(3)]:
            kind = rng.choice(["join", "join", "left join", "right join", "full join"])
            table = rng.choice(["one", "two", "few", f"(select * from few where k > {rng.randrange(5)})"])
            column = rng.choice(["k", "k", "t", "a"])
            text += f" {kind} {table} {alias} on {self.aliases[-1]}.{column} = {alias}.{column}"
            self.aliases.append(alias)
        return text

    def where(self):
        rng = self.rng
        parts = [self.condition()] if rng.random() < 0.7 else []
        if rng.random() < 0.3:
            parts.append(rng.choice(
                [
                    f"{rng.choice(['', 'not '])}exists (select 1 from few s where s.k = {self.column('k')})",
                    f"{self.column('k')} {rng.choice(['', 'not '])}in (select k from few where i > {rng.randrange(-9, 9)})",
                    f"{self.column(INTEGERS)} > (select min(i) from two)",
                ]
            ))  # fmt: skip
        return f" where {' and '.join(parts)}" if parts else ""

    def plain(self):
        sources = self.sources()
        values = [self.value() for _ in range(self.rng.randrange(1, 4))]
        if self.rng.random() < 0.3:
            window = f"(partition by {self.column('k')} order by {self.column('i')} nulls last)"
            values.append(self.rng.choice(
                [
                    f"rank() over {window}",
                    f"dense_rank() over {window}",
                    f"count(*) over {window}",
                    f"sum({self.column('i')}) over {window}",
                    f"max({self.column('d')}) over (partition by {self.column('k')})",
                ]
            ))  # fmt: skip
        distinct = self.rng.choice(["", "", "distinct "])
        return distinct, values, sources + self.where()

    def grouped(self):
        sources = self.sources()
        keys = [self.value() for _ in range(self.rng.randrange(3))]
        aggregates = [
            lambda: "count(*)",
            lambda: f"count({self.column('ikdfta')})",
            lambda: f"count(distinct {self.column('ikta')})",
            lambda: f"sum({self.number()})",
            lambda: f"sum({self.decimal()})",
            lambda: f"avg({self.column(DOUBLES)})",
            lambda: f"min({self.value()})",
            lambda: f"max({self.value()})",
            lambda: f"sum({self.column('i')}) filter (where {self.condition(2)})",
        ]
        values = keys + [self.rng.choice(aggregates)() for _ in range(self.rng.randrange(1, 4))]
        text = sources + self.where()
        if keys:
            text += f" group by {', '.join(str(i + 1) for i in range(len(keys)))}"
            if self.rng.random() < 0.3:
                text += f" having count(*) > {self.rng.randrange(3)}"
        return "", values, text

    def __str__(self):
        distinct, values, rest = self.rng.choice([self.plain, self.grouped])()
        columns = ", ".join(f"{value} as c{i}" for i, value in enumerate(values))
        text = f"select {distinct}{columns} from {rest}"
        if not distinct and self.rng.random() < 0.1:
            operation = self.rng.choice(["union", "union all", "intersect", "except"])
            text = f"select * from ({text} {operation} select {columns} from {rest}) w"
        if self.rng.random() < 0.2:
            text = f"with w as ({text}) select * from w"
        order = ", ".join(f"c{i} {self.rng.choice(['', 'desc '])}nulls {self.rng.choice(['first', 'last'])}" for i in range(len(values)))
        limit = f" limit {self.rng.randrange(1, 40)}" if self.rng.random() < 0.3 else ""
        return f"{text} order by {order}{limit}"


@pytest.mark.parametrize("seed", SEEDS)
def test_random_queries_have_the_answers_of_duckdb(tmp_path, seed):
    rng = random.Random(seed)
    with duckdb.connect() as connection:
        for name, rows in ("one", 400), ("two", 150), ("few", rng.choice([0, 1, 12])):
            table = random_table(rng, rows)
            uri = str(tmp_path / f"{name}.lance")
            lance.write_dataset(table, uri, max_rows_per_file=rng.choice([40, 10_000]))
            if rng.random() < 0.5:
                dataset = lance.dataset(uri)
                dataset.delete(f"i = {rng.randrange(-20, 20)}")
                table = dataset.to_table()
            connection.register(name, table)
        for _ in range(QUERIES):
            assert_same_answer(str(Query(rng)), tmp_path, connection)
