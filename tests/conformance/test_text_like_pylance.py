"""Full-text search beside pylance: every kind of query over indices that pylance has made, with the same rows and scores.

Scores are compared to what float32 can tell. Of rows with one score any order is right, and at a limit any of them.
"""

import json
import random

import lance
import pyarrow as pa
import pytest
from lance.query import (
    BooleanQuery,
    BoostQuery,
    CombinedFieldsQuery,
    DocumentGranularity,
    FullTextOperator,
    MatchQuery,
    MultiMatchQuery,
    Occur,
    PhraseQuery,
)

from support.scale import pick

SEEDS = range(pick(push=4, long=20))
QUERIES = pick(push=14, long=60)

# Of many languages; some are stop words, some have one stem, some differ in case or accents alone.
WORDS = """the a and of fox foxes quick quickly quicker run runs running ran dog dogs dog's lazy brown brave data database
    databases lance column columnar straße STRASSE naïve naive éclair Éclair résumé resume 数据 数据库 данные лиса 東京 e-mail
    x1 42 3.14 snake_case camelCase C++ 🦊 don't""".split()
COLUMNS = ["title", "body", "tags", "st.note", "sp ace", "bare"]


def random_text(rng, longest):
    if rng.random() < 0.1:
        return rng.choice(["", "   ", "?!…", "the and of", "\n"])
    # Some words come often and some seldom.
    words = [WORDS[min(int(rng.expovariate(0.09)), len(WORDS) - 1)] for _ in range(rng.randrange(1, longest))]
    return rng.choice([" ", "  ", ", ", "-"]).join(words)


def random_table(rng, first, rows):
    def some(make):
        return [None if rng.random() < 0.08 else make() for _ in range(rows)]

    texts = lambda: [random_text(rng, 5) if rng.random() < 0.9 else None for _ in range(rng.randrange(4))]
    return pa.table(
        {
            "id": pa.array(range(first, first + rows), pa.int64()),
            "title": pa.array(some(lambda: random_text(rng, 6)), pa.string()),
            "body": pa.array(some(lambda: random_text(rng, 40)), pa.large_string()),
            "tags": pa.array(some(texts), pa.list_(pa.string())),
            "st": pa.array(some(lambda: {"note": random_text(rng, 9)}), pa.struct([("note", pa.string())])),
            "sp ace": pa.array(some(lambda: random_text(rng, 9)), pa.string()),
            "bare": pa.array(some(lambda: random_text(rng, 9)), pa.string()),
        }
    )


def random_parameters(rng):
    """Of an index. Columns that are searched as one text have to have the same."""
    tokenizer = rng.choice(["simple", "simple", "whitespace", "icu", "ngram"])
    return {
        "base_tokenizer": tokenizer,
        "stem": rng.random() < 0.6,
        "remove_stop_words": rng.random() < 0.6,
        "lower_case": rng.random() < 0.8,
        "ascii_folding": rng.random() < 0.6,
        "max_token_length": rng.choice([40, None]),
        "with_position": True,
    }


@pytest.fixture(params=SEEDS)
def world(request, tmp_path):
    """A random generator, a dataset with a history, and its columns with an index; "bare" has none."""
    rng = random.Random(request.param)
    uri = str(tmp_path / "d")
    rows = rng.choice([40, 400, 900])
    written = {"max_rows_per_file": rng.choice([150, 1000]), "enable_stable_row_ids": rng.random() < 0.3}
    dataset = lance.write_dataset(random_table(rng, 0, rows), uri, **written)
    parameters = random_parameters(rng)
    for column in COLUMNS[:-1]:
        dataset.create_scalar_index(column, "INVERTED", **parameters)
    if rng.random() < 0.6:
        dataset = lance.write_dataset(random_table(rng, rows, rng.choice([1, 120])), uri, mode="append")
    if rng.random() < 0.4:
        dataset.optimize.optimize_indices()
        dataset = lance.write_dataset(random_table(rng, rows + 200, 60), uri, mode="append")
    if rng.random() < 0.6:
        dataset.delete(f"id % {rng.randrange(2, 9)} = 1")
    return rng, lance.dataset(uri)


class Queries:
    """Makes a random query twice: for pylance, and as JSON for us."""

    def __init__(self, rng, columns=COLUMNS):
        self.rng, self.columns = rng, columns

    def words(self, most=4):
        rng = self.rng
        if rng.random() < 0.08:
            return rng.choice(["", " ", "the", "zebra", "!!", "zebra fox"])
        words = [rng.choice(WORDS[:14] if rng.random() < 0.5 else WORDS) for _ in range(rng.randrange(1, most))]
        return " ".join(word.upper() if rng.random() < 0.1 else word for word in words)

    def operator(self):
        return self.rng.choice([FullTextOperator.OR, FullTextOperator.AND])

    def match(self):
        rng, words, column = self.rng, self.words(), self.rng.choice(self.columns)
        operator, boost = self.operator(), rng.choice([1.0, 1.0, 0.25, 3.5])
        fuzziness, expansions, prefix = rng.choice([0, 0, 0, 1, 2]), rng.choice([50, 50, 3]), rng.choice([0, 0, 2])
        theirs = MatchQuery(
            words, column, boost=boost, fuzziness=fuzziness, max_expansions=expansions, operator=operator, prefix_length=prefix
        )
        ours = {
            "column": column,
            "terms": words,
            "boost": boost,
            "fuzziness": fuzziness,
            "max_expansions": expansions,
            "operator": operator.value,
            "prefix_length": prefix,
        }
        return theirs, {"match": ours}

    def phrase(self):
        words, column, slop = self.words(), self.rng.choice(self.columns), self.rng.choice([0, 0, 1, 3])
        return PhraseQuery(words, column, slop=slop), {"phrase": {"column": column, "terms": words, "slop": slop}}

    def multi_match(self):
        words, operator = self.words(), self.operator()
        columns = self.rng.sample(self.columns, self.rng.randrange(1, 4))
        boosts = [self.rng.choice([1.0, 2.5]) for _ in columns]
        theirs = MultiMatchQuery(words, columns, boosts=boosts, operator=operator)
        ours = [
            {"column": column, "terms": words, "boost": boost, "fuzziness": 0, "operator": operator.value}
            for column, boost in zip(columns, boosts)
        ]
        return theirs, {"multi_match": {"match_queries": ours}}

    def combined_fields(self):
        words, operator = self.words(), self.operator()
        columns = self.rng.sample([column for column in self.columns if column != "bare"], self.rng.randrange(1, 4))
        boosts = [self.rng.choice([1.0, 2.5]) for _ in columns]
        theirs = CombinedFieldsQuery(words, columns, boosts=boosts, operator=operator)
        return theirs, {"combined_fields": {"query": words, "columns": columns, "boost": boosts, "operator": operator.value}}

    def boost(self, depth):
        (positive, ours), (negative, less) = self.any(depth + 1), self.any(depth + 1)
        factor = self.rng.choice([0.5, 0.1, 1.0])
        theirs = BoostQuery(positive, negative, negative_boost=factor)
        return theirs, {"boost": {"positive": ours, "negative": less, "negative_boost": factor}}

    def boolean(self, depth):
        occurs = [Occur.MUST, *(self.rng.choice([*Occur]) for _ in range(self.rng.randrange(3)))]
        if self.rng.random() < 0.5:
            occurs[0] = Occur.SHOULD
        theirs, ours = [], {}
        for occur in occurs:
            query, json_query = self.any(depth + 1)
            theirs.append((occur, query))
            ours.setdefault(occur.value.lower(), []).append(json_query)
        return BooleanQuery(theirs), {"boolean": ours}

    def any(self, depth=0):
        kinds = [self.match, self.phrase, self.multi_match, self.combined_fields]
        if depth < 2:
            kinds += [lambda: self.boost(depth), lambda: self.boolean(depth)]
        return self.rng.choice(kinds)()


def theirs(dataset, query, **options):
    """Row ids with their scores, or why there are none."""
    try:
        table = dataset.scanner(full_text_query=query, with_row_id=True, columns=["id", "_score"], **options).to_table()
    except Exception as error:
        return str(error)
    return dict(zip(table["_rowid"].to_pylist(), table["_score"].to_pylist()))


def ours(read_with_us, dataset, query, **options):
    table = read_with_us(dataset.uri, full_text=json.dumps(query, ensure_ascii=False), columns="id\n_score\n_rowid", **options)
    scores = table["_score"].to_pylist()
    assert scores == sorted(scores, reverse=True), "the best come first"
    return dict(zip(table["_rowid"].to_pylist(), scores))


def assert_equal(found, expected, query):
    assert found.keys() == expected.keys(), query
    for row, score in found.items():
        assert score == pytest.approx(expected[row], rel=1e-5, abs=1e-6), query


def test_random_queries(world, read_with_us):
    rng, dataset = world
    queries = Queries(rng)
    found = 0
    for _ in range(QUERIES):
        query, json_query = queries.any()
        expected = theirs(dataset, query)
        if isinstance(expected, str):
            with pytest.raises(AssertionError, match="failed"):
                ours(read_with_us, dataset, json_query)
            continue
        all_ours = ours(read_with_us, dataset, json_query)
        assert_equal(all_ours, expected, json_query)
        found += len(expected)
        if rng.random() < 0.4:
            condition, prefilter = f"id % {rng.randrange(2, 5)} = 0", rng.random() < 0.6
            expected = theirs(dataset, query, filter=condition, prefilter=prefilter)
            filtered = ours(read_with_us, dataset, json_query, filter=condition, prefilter=int(prefilter))
            assert_equal(filtered, expected, (json_query, condition))
        limit = rng.choice([1, 3, 20])
        some = ours(read_with_us, dataset, json_query, limit=limit)
        best = theirs(dataset, query, limit=limit)
        assert some.keys() <= all_ours.keys(), (json_query, limit)
        assert sorted(some.values()) == pytest.approx(sorted(best.values()), rel=1e-5, abs=1e-6), (json_query, limit)
    assert found > 0


def test_rows_that_are_not_indexed_can_be_left_out(world, read_with_us):
    rng, dataset = world
    queries = Queries(rng, COLUMNS[:-1])
    for _ in range(4):
        query, json_query = queries.match()
        expected = theirs(dataset, query, fast_search=True)
        assert_equal(ours(read_with_us, dataset, json_query, fast_search=1), expected, json_query)


def test_a_query_without_columns_searches_all_with_an_index(world, read_with_us):
    rng, dataset = world
    for words in ["fox", "quick данные", "the"]:
        expected = theirs(dataset, words)
        found = ours(read_with_us, dataset, {"match": {"terms": words, "fuzziness": 0}})
        assert_equal(found, expected, words)
        expected = theirs(dataset, MatchQuery(words, "body"))
        found = ours(read_with_us, dataset, {"match": {"terms": words, "column": "bare", "fuzziness": 0}}, full_text_columns="body")
        assert_equal(found, expected, words)


def test_elements_of_lists_as_texts(tmp_path, read_with_us):
    rng = random.Random(3)
    dataset = lance.write_dataset(random_table(rng, 0, 200), tmp_path / "d", max_rows_per_file=70)
    dataset.create_scalar_index("tags", "INVERTED", with_position=True, document_granularity=DocumentGranularity.LIST_ELEMENT)
    for words in ["fox", "quick runs"]:
        query = {"column": "tags", "terms": words, "fuzziness": 0, "document_granularity": "list_element"}
        table = read_with_us(dataset.uri, full_text=json.dumps({"match": query}), columns="id\n_score")
        match = MatchQuery(words, "tags", document_granularity=DocumentGranularity.LIST_ELEMENT)
        expected = dataset.scanner(full_text_query=match, columns=["id", "_score"]).to_table()
        key = lambda row: (row["id"], row["_doc_index"])
        found, expected = (sorted(it.to_pylist(), key=key) for it in (table, expected))
        assert [key(row) for row in found] == [key(row) for row in expected] and found
        assert [row["_score"] for row in found] == pytest.approx([row["_score"] for row in expected], rel=1e-5)


def test_all_of_what_two_searches_find_where_some_rows_are_not_indexed(tmp_path, read_with_us):
    """Each of the two finds rows by the index and others without, and the sort behind them wants these together."""
    rows = lambda first: pa.table({"id": [first, first + 1], "a": ["fox dog", "fox"], "b": ["quick cat", "cat"]})
    dataset = lance.write_dataset(rows(0), str(tmp_path / "d"))
    for column in ("a", "b"):
        dataset.create_scalar_index(column, "INVERTED", with_position=True)
    dataset = lance.write_dataset(rows(10), str(tmp_path / "d"), mode="append")
    phrase = {"phrase": {"column": "a", "terms": "fox dog", "slop": 0}}
    words = {"combined_fields": {"query": "cat fox", "columns": ["a", "b"], "boost": [1.0, 1.0], "operator": "OR"}}
    found = ours(read_with_us, dataset, {"boolean": {"must": [phrase, words]}})
    ids = dataset.to_table(columns=["id"], with_row_id=True)
    assert sorted(id for row, id in zip(ids["_rowid"].to_pylist(), ids["id"].to_pylist()) if row in found) == [0, 10]


def test_json_documents(tmp_path, read_with_us):
    documents = [json.dumps({"a": {"b": word}, "n": i % 3}) for i, word in enumerate(["red fox", "blue", "fox fox", "x"] * 5)]
    field = pa.field("doc", pa.json_())
    table = pa.table([pa.array(range(20)), pa.array(documents, pa.json_())], schema=pa.schema([pa.field("id", pa.int64()), field]))
    dataset = lance.write_dataset(table, tmp_path / "d", data_storage_version="2.2")
    dataset.create_scalar_index("doc", "INVERTED")
    for words in ["a.b,str,fox", "n,number,1", "a.b,str,nope"]:
        expected = theirs(dataset, MatchQuery(words, "doc"))
        found = ours(read_with_us, dataset, {"match": {"terms": words, "column": "doc", "fuzziness": 0}})
        assert_equal(found, expected, words)
