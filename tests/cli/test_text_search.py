"""`lance search` for words, alone and beside vectors."""

import json

import lance as pylance
import pyarrow as pa
import pytest


@pytest.fixture
def books(tmp_path):
    texts = ["the quick brown fox", "quick dogs", "a lazy dog", "fox and dog", None, "brown bread"] * 3
    table = pa.table(
        {
            "id": range(18),
            "body": texts,
            "title": [f"book {i}" for i in range(18)],
            "v": pa.array([[float(i), 0.0] for i in range(18)], pa.list_(pa.float32(), 2)),
        }
    )
    dataset = pylance.write_dataset(table, str(tmp_path / "books"), max_rows_per_file=7)
    dataset.create_scalar_index("body", "INVERTED", with_position=True)
    return tmp_path / "books"


def rows(lance, *arguments):
    return [json.loads(line) for line in lance("search", *arguments, "--format", "json").splitlines()]


def ids(found):
    return sorted(row["id"] for row in found)


def test_words(lance, books):
    found = rows(lance, books, "--text", "FOXES", "-k", 20)
    assert ids(found) == [0, 3, 6, 9, 12, 15]
    assert list(found[0]) == ["id", "body", "title", "v", "_score"]
    assert [row["_score"] for row in found] == sorted((row["_score"] for row in found), reverse=True)
    assert ids(rows(lance, books, "--text", "quick fox", "--all-words", "--columns", "id", "-k", 20)) == [0, 6, 12]
    assert ids(rows(lance, books, "--text", "quick brown", "--phrase", "--columns", "id", "-k", 20)) == [0, 6, 12]
    assert ids(rows(lance, books, "--text", "quikc", "--fuzzy", 2, "--columns", "id", "-k", 20)) == [0, 1, 6, 7, 12, 13]
    assert len(rows(lance, books, "--text", "dog", "--columns", "id")) == 9
    assert len(rows(lance, books, "--text", "dog", "-k", 2)) == 2
    assert rows(lance, books, "--text", "zebra") == []
    assert rows(lance, books, "--text", "") == []


def test_queries_of_several_parts_and_words_that_are_almost_the_same(lance, books):
    several = {
        "boolean": {
            "must": [{"match": {"column": "body", "terms": "fox"}}],
            "must_not": [{"match": {"column": "body", "terms": "dog"}}],
            "should": [],
        }
    }
    assert ids(rows(lance, books, "--query", json.dumps(several), "--columns", "id", "-k", 20)) == [0, 6, 12]
    phrase = {"phrase": {"terms": "quick fox", "slop": 1}}
    assert ids(rows(lance, books, "--query", json.dumps(phrase), "--columns", "id", "-k", 20)) == [0, 6, 12]
    assert rows(lance, books, "--text", "quick fox", "--phrase", "--columns", "id") == []
    assert ids(rows(lance, books, "--text", "quick fox", "--phrase", "--slop", 1, "--columns", "id")) == [0, 6, 12]
    found = rows(lance, books, "--text", "quik", "--fuzzy", "auto", "--columns", "id", "-k", 20)
    assert ids(found) == [0, 1, 6, 7, 12, 13]
    title = json.dumps({"match": {"terms": "7"}})
    assert ids(rows(lance, books, "--query", title, "--column", "title", "--columns", "id")) == [7]
    both = rows(lance, books, "--query", json.dumps(phrase), "--like", 0, "-k", 3, "--columns", "id")
    assert both[0]["id"] == 0 and "_relevance_score" in both[0]
    assert "the query" in lance.fails("search", books, "--query", '{"mach": {"terms": "a"}}')


def test_texts_that_are_like_another(lance, books):
    message = lance.fails("search", books, "--similar", "the quick brown fox", "--column", "body")
    assert message == 'column "body" has no index of the type MINHASH, through which similar_text finds rows'
    lance("index", "create", books, "body", "--type", "minhash", "--name", "alike")
    found = rows(lance, books, "--similar", "the quick brown fox", "--column", "body", "-k", 4)
    assert list(found[0]) == ["id", "body", "title", "v", "_distance"]
    assert [row["_distance"] for row in found[:3]] == [0, 0, 0] and ids(found[:3]) == [0, 6, 12]
    assert len(found) <= 4 and found[-1]["_distance"] >= 0
    assert "MinHash" in lance("search", books, "--similar", "fox", "--column", "body", "--explain")


def test_columns_and_filters(lance, books):
    assert ids(rows(lance, books, "--text", "book", "--column", "title", "-k", 3, "--filter", "id > 14")) == [15, 16, 17]
    found = rows(lance, books, "--text", "7", "--text-column", "title", "--columns", "_score,title")
    assert [list(row) for row in found] == [["_score", "title"]]
    assert rows(lance, books, "--text", "fox", "--filter", "_score > 100", "--postfilter") == []


def test_words_and_vectors_in_one_ranking(lance, books):
    found = rows(lance, books, "--text", "fox", "--like", 6, "-k", 4, "--columns", "id")
    assert list(found[0]) == ["id", "_distance", "_score", "_relevance_score"]
    assert found[0]["id"] == 6
    assert len(found) == 4


def test_a_plan(lance, books):
    assert "MatchQuery" in lance("search", books, "--text", "fox", "--explain")


def test_mistakes(lance, books):
    for arguments, message in [
        (["--text", "a", "--column", "bodi"], 'there is no column "bodi"; the nearest names are "body"'),
        (["--text", "a", "--column", "id"], 'column "id" is of type Int64'),
        (["--text", "a", "--filter", "nope = 1"], "nope"),
        (["--text", "fox", "--like", 99], "99"),
        (["--text", "fox", "--like", 1, "--text-column", "nope"], "nope"),
    ]:
        assert message in lance.fails("search", books, *arguments), arguments
