"""Indices made here are used by pylance, and the other way round; and an index changes no answer, whatever happens to the
dataset after it was made."""

import json
import random
import re

import lance
import numpy as np
import pyarrow as pa
import pytest
from lance.indices import IndexConfig
from lance.query import MinHashQuery, PhraseQuery

from conftest import LANCE, outcome, run
from support.scale import pick

ROWS = 3000
DIMENSION = 32
SEEDS = range(pick(push=2, long=12))
FILTERS = pick(push=5, long=25)

# Kind, as pylance calls it, column, a filter that it answers, parameters.
SCALAR = [
    ("btree", "BTREE", "n", "n between 5 and 9 or n is null", {}),
    ("btree", "BTREE", "name", "name >= 'r' and name < 's'", {"zone_size": 100}),
    ("bitmap", "BITMAP", "few", "few in (1, 4)", {}),
    ("label_list", "LABEL_LIST", "tags", "array_has_any(tags, ['red', 'lime'])", {}),
    ("ngram", "NGRAM", "name", "contains(name, 'ree')", {}),
    ("zonemap", "ZONEMAP", "id", "id > 2900", {"rows_per_zone": 64}),
    ("bloom_filter", "BLOOMFILTER", "id", "id = 1234", {"number_of_items": 256}),
]

VECTOR = [
    ("ivf_flat", "IVF_FLAT", {}, 0.9),
    ("ivf_sq", "IVF_SQ", {}, 0.8),
    ("ivf_pq", "IVF_PQ", {"num_sub_vectors": 16}, 0.5),
    ("ivf_rq", "IVF_RQ", {"num_bits": 5}, 0.6),
    ("ivf_hnsw_flat", "IVF_HNSW_FLAT", {"m": 16}, 0.8),
    ("ivf_hnsw_sq", "IVF_HNSW_SQ", {"m": 16}, 0.7),
    ("ivf_hnsw_pq", "IVF_HNSW_PQ", {"num_sub_vectors": 16}, 0.4),
]

WORDS = ["red", "green", "blue", "lime", "tree", "Straße", "x", "a b c", "100%", "_"]


def random_table(rng, first, rows):
    def some(make):
        return [None if rng.random() < 0.1 else make() for _ in range(rows)]

    def name():
        return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 4)))

    centers = np.random.default_rng(7).normal(size=(16, DIMENSION))
    noise = np.random.default_rng(rng.randrange(1 << 30)).normal(scale=0.2, size=(rows, DIMENSION))
    vectors = (centers[[rng.randrange(16) for _ in range(rows)]] + noise).astype(np.float32)
    return pa.table(
        {
            "id": pa.array(range(first, first + rows), pa.int64()),
            "n": pa.array(some(lambda: rng.randrange(-20, 60)), pa.int32()),
            "few": pa.array(some(lambda: rng.randrange(6)), pa.int8()),
            "f": pa.array(some(lambda: rng.randrange(-400, 400) / 8), pa.float64()),
            "name": pa.array(some(name), pa.string()),
            "tags": pa.array(some(lambda: [rng.choice(WORDS) for _ in range(rng.randrange(4))]), pa.list_(pa.string())),
            "o d 'q": pa.array(some(lambda: rng.randrange(30)), pa.int64()),
            "st": pa.array([{"x": rng.randrange(50)} for _ in range(rows)], pa.struct([("x", pa.int16())])),
            "vec": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), DIMENSION),
        }
    )


@pytest.fixture
def make(tmp_path):
    """Makes a dataset of three fragments."""

    def make(rng, name="d", **options):
        uri = tmp_path / name
        lance.write_dataset(random_table(rng, 0, ROWS), uri, max_rows_per_file=ROWS // 3, **options)
        return uri

    return make


def parameters(values):
    return [word for name, value in values.items() for word in ("--param", f"{name}={value}")]


def ids(table):
    return sorted(table["id"].to_pylist())


def pylance_finds(uri, condition, use_index=True):
    return ids(lance.dataset(uri).scanner(columns=["id"], filter=condition, use_scalar_index=use_index).to_table())


def listed(lance_cli, uri):
    return {index["name"]: index for index in json.loads(lance_cli("index", "list", uri, "--format", "json"))}


@pytest.mark.parametrize("kind,theirs,column,condition,given", SCALAR, ids=[f"{it[0]}-{it[2]}" for it in SCALAR])
def test_a_scalar_index_is_used_by_both(lance_cli, read_with_us, make, kind, theirs, column, condition, given):
    ours, other = make(random.Random(1), "ours"), make(random.Random(1), "theirs")
    expected = pylance_finds(ours, condition, use_index=False)
    assert expected
    lance_cli("index", "create", ours, column, "--type", kind, *parameters(given))
    lance.dataset(other).create_scalar_index(column, theirs, **given)
    for uri in (ours, other):
        index = listed(lance_cli, uri)[f"{column}_idx"]
        assert (index["type"], index["column"], index["rows"]) == (kind.upper(), column, ROWS)
        plan = lance.dataset(uri).scanner(columns=["id"], filter=condition).explain_plan()
        assert "ScalarIndexQuery" in plan and f"{column}_idx" in plan
        assert pylance_finds(uri, condition) == expected
        assert ids(read_with_us(uri, columns="id", filter=condition)) == expected
    described = [lance.dataset(uri).describe_indices()[0] for uri in (ours, other)]
    assert described[0].index_type == described[1].index_type
    assert described[0].num_rows_indexed == described[1].num_rows_indexed
    details = [index["details"] for uri in (ours, other) for index in listed(lance_cli, uri).values()]
    assert details[0] == details[1]


# Kind, as pylance calls it, column, a filter that it answers, parameters here and there.
PLUGINS = [
    ("fm", "fm", "name", "contains(name, 'ed gr')", {}, {}),
    ("json", "json", "doc", "json_get_int(doc, 'size') = 3", {"path": "size"}, {"target_index_type": "btree", "path": "size"}),
    (
        "rtree",
        "rtree",
        "point",
        "st_intersects(point, st_geomfromtext('POLYGON((10 10, 60 10, 60 60, 10 60, 10 10))'))",
        {},
        {},
    ),
]


def odd_types(rng, rows):
    point = pa.struct([("x", pa.float64()), ("y", pa.float64())])
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("name", pa.string()),
            ("doc", pa.json_()),
            pa.field("point", point, metadata={"ARROW:extension:name": "geoarrow.point"}),
        ]
    )
    docs = [None if rng.random() < 0.1 else json.dumps({"size": rng.randrange(30), "ä": "x"}) for _ in range(rows)]
    columns = [
        pa.array(range(rows)),
        pa.array([" ".join(rng.choice(WORDS) for _ in range(rng.randrange(4))) for _ in range(rows)]),
        pa.ExtensionArray.from_storage(pa.json_(), pa.array(docs, pa.string())),
        pa.array([{"x": rng.uniform(-100, 100), "y": rng.uniform(-100, 100)} for _ in range(rows)], point),
    ]
    return pa.table(columns, schema=schema)


@pytest.mark.parametrize("kind,theirs,column,condition,given,given_there", PLUGINS, ids=[it[0] for it in PLUGINS])
def test_an_index_of_an_odd_type_is_used_by_both(
    lance_cli, read_with_us, tmp_path, kind, theirs, column, condition, given, given_there
):
    ours, other = tmp_path / "ours", tmp_path / "theirs"
    for uri in (ours, other):
        lance.write_dataset(odd_types(random.Random(8), ROWS), uri, max_rows_per_file=ROWS // 3, data_storage_version="2.2")
    expected = pylance_finds(ours, condition, use_index=False)
    assert expected
    lance_cli("index", "create", ours, column, "--type", kind, *parameters(given))
    lance.dataset(other).create_scalar_index(column, IndexConfig(index_type=theirs, parameters=given_there))
    for uri in (ours, other):
        assert listed(lance_cli, uri)[f"{column}_idx"]["type"] == kind.upper()
        plan = lance.dataset(uri).scanner(columns=["id"], filter=condition).explain_plan()
        assert "ScalarIndexQuery" in plan and f"{column}_idx" in plan
        assert pylance_finds(uri, condition) == expected
        assert ids(read_with_us(uri, columns="id", filter=condition)) == expected
        # Rows that are not indexed, and fewer that are.
        lance.dataset(uri).delete("id % 3 = 0")
        lance.write_dataset(odd_types(random.Random(9), 300), uri, mode="append")
        after = pylance_finds(uri, condition, use_index=False)
        assert ids(read_with_us(uri, columns="id", filter=condition)) == after
        lance_cli("index", "optimize", uri)
        assert listed(lance_cli, uri)[f"{column}_idx"]["unindexed_rows"] == 0
        assert ids(read_with_us(uri, columns="id", filter=condition)) == after
        assert pylance_finds(uri, condition) == after


def test_texts_with_most_in_common_are_found_through_an_index_of_pylance_s(lance_cli, tmp_path):
    rng = random.Random(10)

    def text():
        return [rng.choice("one two three four five six seven eight nine ten".split()) for _ in range(60)]

    texts = [text() for _ in range(400)]
    looked_for = text()
    near = {rng.randrange(400): words for words in range(1, 9)}
    for row, words in near.items():
        texts[row] = looked_for[:-words] + text()[:words]
    uris = [tmp_path / "ours", tmp_path / "theirs"]
    for uri in uris:
        lance.write_dataset(pa.table({"id": range(400), "text": map(" ".join, texts)}), uri)
    lance_cli("index", "create", uris[0], "text", "--type", "minhash")
    lance.dataset(uris[1]).create_scalar_index("text", "MINHASHLSH")

    def shingles(words):
        return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}

    def jaccard(words):
        mine, other = shingles(looked_for), shingles(words)
        return len(mine & other) / len(mine | other)

    found = [
        [json.loads(line) for line in lance_cli(*("search", uri, "--similar", " ".join(looked_for), "--column", "text", "-k", 5, "--format", "json")).splitlines()]
        for uri in uris
    ]
    assert found[0] == found[1] and len(found[0]) == 5
    query = MinHashQuery(" ".join(looked_for), column="text")
    theirs = lance.dataset(uris[0]).to_table(columns=["id", "_distance"], nearest=query, limit=5)
    assert theirs["_distance"].to_pylist() == pytest.approx([row["_distance"] for row in found[0]])
    for row in found[0]:
        # 128 hashes: an error of about 0.09.
        assert abs(1 - row["_distance"] - jaccard(texts[row["id"]])) < 0.3, row
    best = max(range(400), key=lambda row: jaccard(texts[row]))
    assert best in [row["id"] for row in found[0][:3]]
    assert [row["_distance"] for row in found[0]] == sorted(row["_distance"] for row in found[0])


def recall(uri, queries, **options):
    dataset = lance.dataset(uri)
    right = 0
    for query in queries:
        exact = dataset.to_table(columns=["id"], nearest={"column": "vec", "q": query, "k": 10, "use_index": False})
        fast = options.pop("fast_search", False)
        nearest = {"column": "vec", "q": query, "k": 10, **options}
        found = dataset.to_table(columns=["id"], nearest=nearest, fast_search=fast)
        right += len({*exact["id"].to_pylist()} & {*found["id"].to_pylist()})
    return right / len(queries) / 10


@pytest.mark.parametrize("kind,theirs,given,bound", VECTOR, ids=[it[0] for it in VECTOR])
def test_a_vector_index_is_as_good_as_pylance_s(lance_cli, make, kind, theirs, given, bound):
    ours, other = make(random.Random(2), "ours"), make(random.Random(2), "theirs")
    lance_cli("index", "create", ours, "vec", "--type", kind, *parameters({"num_partitions": 4, **given}))
    lance.dataset(other).create_index("vec", theirs, num_partitions=4, **given)
    for uri in (ours, other):
        index = listed(lance_cli, uri)["vec_idx"]
        assert (index["type"], index["rows"]) == (theirs, ROWS)
    queries = random_table(random.Random(3), 0, 20)["vec"].to_numpy(zero_copy_only=False)
    found = [recall(uri, queries, nprobes=4) for uri in (ours, other)]
    assert min(found) >= bound, found
    assert abs(found[0] - found[1]) < 0.15, found
    plan = lance.dataset(ours).scanner(nearest={"column": "vec", "q": queries[0], "k": 10}).explain_plan()
    assert "ANN" in plan


@pytest.mark.parametrize("kind,theirs,given,bound", VECTOR, ids=[it[0] for it in VECTOR])
def test_a_vector_index_that_is_optimised_is_as_good(lance_cli, make, kind, theirs, given, bound):
    uri = make(random.Random(2))
    queries = random_table(random.Random(3), 0, 20)["vec"].to_numpy(zero_copy_only=False)
    lance_cli("index", "create", uri, "vec", "--type", kind, *parameters({"num_partitions": 4, **given}))
    ways = [[], ["--merge", "1"], ["--merge", "2", "--rebalance"], ["--max-rows", "1000"], ["--retrain"]]
    for i, way in enumerate(ways):
        lance.write_dataset(random_table(random.Random(20 + i), ROWS + 300 * i, 300), uri, mode="append")
        lance.dataset(uri).delete(f"id % 50 = {i}")
        lance_cli("index", "optimize", uri, *way)
        index = listed(lance_cli, uri)["vec_idx"]
        assert (index["type"], index["unindexed_rows"]) == (theirs, 0), way
        assert recall(uri, queries, minimum_nprobes=4, fast_search=True) >= bound - 0.05, way
    lance_cli("fsck", uri, "--deep")


@pytest.mark.parametrize("segments", [1, 2])
def test_full_text_indices_rank_alike(lance_cli, make, segments):
    ours, other = make(random.Random(4), "ours"), make(random.Random(4), "theirs")
    given = {"with_position": True, "stem": False, "remove_stop_words": False}
    lance_cli("index", "create", ours, "name", "--type", "inverted", *parameters({**given, "num_segments": segments}))
    assert len(lance.dataset(ours).describe_indices()[0].segments) == segments
    lance_cli("fsck", ours, "--deep")
    lance.dataset(other).create_scalar_index("name", "INVERTED", **given)
    for query in ["red", "tree lime", "Straße blue", PhraseQuery("red tree", "name")]:
        found = [
            lance.dataset(uri).to_table(columns=["id", "_score"], full_text_query=query).sort_by([("_score", "descending"), ("id", "ascending")])
            for uri in (ours, other)
        ]
        assert found[0].num_rows > 0
        assert found[0]["id"] == found[1]["id"]
        assert np.allclose(found[0]["_score"], found[1]["_score"], rtol=1e-5)


def random_condition(rng, depth=0):
    if depth < 2 and rng.random() < 0.5:
        left, right = random_condition(rng, depth + 1), random_condition(rng, depth + 1)
        return f"({left} {rng.choice(['AND', 'OR'])} {right})"
    word = rng.choice(WORDS).replace("'", "''")
    condition = rng.choice(
        [
            f"n {rng.choice(['<', '>=', '=', '<>'])} {rng.randrange(-20, 60)}",
            f"n in ({', '.join(str(rng.randrange(-20, 60)) for _ in range(rng.randrange(1, 5)))})",
            f"n {rng.choice(['is null', 'is not null'])}",
            f"few = {rng.randrange(6)}",
            f"few not in ({rng.randrange(6)}, {rng.randrange(6)})",
            f"f between {rng.randrange(-50, 0)} and {rng.randrange(50)}.5",
            f"name = '{word}'",
            f"name > '{word}'",
            f"name like '{word[:2].replace('%', '').replace('_', '')}%'",
            f"contains(name, '{word}')",
            f"array_has(tags, '{word}')",
            f"array_has_all(tags, ['{word}', 'red'])",
            f"`o d 'q` {rng.choice(['<', '='])} {rng.randrange(30)}",
            f"st.x > {rng.randrange(50)}",
            f"id {rng.choice(['<', '>='])} {rng.randrange(ROWS)}",
            f"id = {rng.randrange(ROWS)}",
        ]
    )
    return f"NOT ({condition})" if rng.random() < 0.2 else condition


def decided_condition(rng):
    """One that pylance decides rightly: it takes `x NOT IN (1) OR x NOT IN (2)` for true where x is null, too."""
    while True:
        condition = random_condition(rng)
        lists = re.findall(r"(\w+) (?:not )?in \(", condition)
        if len(lists) == len(set(lists)):
            return condition


CHOICES = {
    "n": ["btree", "bitmap", "zonemap", "bloom_filter"],
    "few": ["bitmap", "btree"],
    "f": ["btree", "zonemap"],
    "name": ["btree", "ngram", "fm", "bitmap", "zonemap"],
    "tags": ["label_list"],
    "`o d 'q`": ["btree", "bitmap"],
    "st.x": ["btree", "bitmap"],
    "id": ["btree", "zonemap", "bloom_filter"],
}


@pytest.mark.parametrize("kind", ["btree", "bitmap"])
def test_a_null_is_neither_true_nor_false(lance_cli, read_with_us, tmp_path, kind):
    uri = tmp_path / "d"
    rows = pa.table({"id": range(40), "b": [[True, False, None][i % 3] for i in range(40)]})
    lance.write_dataset(rows, uri)
    conditions = [f"{no}(b IS {nt}{what})" for no in ("", "NOT ") for nt in ("", "NOT ") for what in ("TRUE", "FALSE")]
    expected = {condition: pylance_finds(uri, condition, use_index=False) for condition in conditions}
    lance_cli("index", "create", uri, "b", "--type", kind)
    for condition in conditions:
        assert ids(read_with_us(uri, columns="id", filter=condition)) == expected[condition], condition
        assert int(lance_cli("count", uri, "--filter", condition)) == len(expected[condition]), condition


def found_by_all(lance_cli, uri, k):
    """How many rows each search finds."""
    asked = {"words": ["--text", "abc"], "similar": ["--similar", "abc def ghi", "--column", "alike"]}
    for column in ("whole", "sq", "hnsw"):
        asked[column] = ["--like", "0", "--column", column, "--nprobes", 2]
    found = {}
    for name, words in asked.items():
        rows = lance_cli("search", uri, *words, "-k", k, "--columns", "id", "--format", "json").splitlines()
        found[name] = len(rows)
    return found


def test_rows_that_a_compaction_took_away_are_not_found_instead_of_others(lance_cli, tmp_path):
    uri, rows = tmp_path / "d", 400
    values = np.random.default_rng(1).normal(size=(rows, 8)).astype(np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), 8)
    texts = {"text": ["abc"] * rows, "alike": ["abc def ghi"] * rows}
    table = pa.table({"id": range(rows), **texts, "whole": vectors, "sq": vectors, "hnsw": vectors})
    lance.write_dataset(table, uri, max_rows_per_file=100, enable_stable_row_ids=True)
    few = ["--param", "num_partitions=2"]
    kinds = {"whole": ["ivf_flat", *few], "sq": ["ivf_sq", *few], "hnsw": ["ivf_hnsw_sq", *few], "text": ["inverted"]}
    for column, words in {**kinds, "alike": ["minhash"]}.items():
        lance_cli("index", "create", uri, column, "--type", *words)
    lance_cli("delete", uri, "--where", "id % 3 = 1", "--yes")
    lance_cli("compact", uri)
    live = rows - len(range(1, rows, 3))
    for k in (1, 10, live, rows):
        assert found_by_all(lance_cli, uri, k) == dict.fromkeys(["words", "similar", "whole", "sq", "hnsw"], min(k, live)), k


@pytest.mark.parametrize("kind", ["fm", "ivf_hnsw_flat", "ivf_hnsw_sq"])
def test_an_index_that_must_learn_at_once_where_rows_are_is_not_left_for_later(make, kind):
    uri = make(random.Random(6))
    column = "name" if kind == "fm" else "vec"
    few = [] if kind == "fm" else ["--param", "num_partitions=2"]
    run(LANCE, "index", "create", uri, column, "--type", kind, *few)
    lance.dataset(uri).delete("id % 3 = 1")
    version = lance.dataset(uri).version
    done = outcome(LANCE, "compact", uri, "--index-remap", "deferred")
    assert done.returncode == 1 and f"of the kind {kind.upper()}" in done.stderr
    assert lance.dataset(uri).version == version
    run(LANCE, "compact", uri, "--index-remap", "direct")
    assert len(lance.dataset(uri).get_fragments()) == 1


def test_what_an_index_could_not_be_asked_is_not_built(tmp_path):
    bytes_ = pa.FixedSizeListArray.from_arrays(pa.array([i % 100 for i in range(800)], pa.int8()), 8)
    docs = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"k": "a"}'] * 100))
    uri = tmp_path / "d"
    floats = pa.FixedSizeListArray.from_arrays(pa.array(range(800), pa.float32()), 8)
    lance.write_dataset(pa.table({"v": bytes_, "doc": docs, "flat": floats}), uri, enable_stable_row_ids=True, data_storage_version="2.2")
    for kind in ("ivf_flat", "ivf_sq", "ivf_pq", "ivf_rq", "ivf_hnsw_flat"):
        assert "int8" in outcome(LANCE, "index", "create", uri, "v", "--type", kind).stderr
    for kind in ("ivf_flat", "ivf_hnsw_flat"):
        assert '"flat" of its own' in outcome(LANCE, "index", "create", uri, "flat", "--type", kind).stderr
    for target in ("zonemap", "bloomfilter"):
        words = ["--param", "path=k", "--param", f"target_index_type={target}"]
        assert "stable" in outcome(LANCE, "index", "create", uri, "doc", "--type", "json", *words).stderr
    assert lance.dataset(uri).version == 1


def test_bounds_of_rows_with_several_vectors_are_those_of_the_row(lance_cli, tmp_path):
    uri = tmp_path / "d"
    rng = np.random.default_rng(3)
    lists = [[rng.normal(size=4).tolist() for _ in range(1 + i % 3)] for i in range(300)]
    lance.write_dataset(pa.table({"id": range(300), "v": pa.array(lists, pa.list_(pa.list_(pa.float32(), 4)))}), uri)
    query = json.dumps(rng.normal(size=(3, 4)).tolist())

    def found(*words):
        out = lance_cli("search", uri, "--column", "v", "--vector", query, "--metric", "cosine", "-k", 300,
                        "--columns", "id,_distance", "--format", "json", "--nprobes", 2, *words)  # fmt: skip
        return {row["id"]: row["_distance"] for row in map(json.loads, out.splitlines())}

    everything = found("--no-index")
    lance_cli("index", "create", uri, "v", "--type", "ivf_flat", "--param", "num_partitions=2")
    middle = sorted(everything.values())[150]
    nearer = {row: distance for row, distance in everything.items() if distance < middle}
    assert found("--below-distance", middle).keys() == nearer.keys()
    assert found("--from-distance", middle).keys() == everything.keys() - nearer.keys()
    # The metric is that of the index, whichever way they are compared.
    by_default = lance_cli("search", uri, "--column", "v", "--vector", query, "-k", 300, "--columns", "id",
                           "--format", "json", "--below-distance", middle)  # fmt: skip
    assert {json.loads(line)["id"] for line in by_default.splitlines()} == nearer.keys()
    fast = ("search", uri, "--column", "v", "--vector", query, "--below-distance", middle, "--fast")
    assert "fast_search" in outcome(LANCE, *fast).stderr


@pytest.mark.parametrize("kind,factor", [("ivf_flat", 1), ("ivf_sq", 2), ("ivf_rq", 2), ("ivf_hnsw_sq", 2)])
def test_cosine_distances_of_codes_are_those_of_vectors_of_length_one(lance_cli, make, kind, factor):
    uri = make(random.Random(12))
    lance_cli("index", "create", uri, "vec", "--type", kind, *parameters({"num_partitions": 2, "metric": "cosine"}))
    vectors = np.array(lance.dataset(uri).to_table(columns=["vec"])["vec"].to_pylist())
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]

    def ratios(*words):
        asked = ("search", uri, "--column", "vec", "--like", 7, "-k", 50, "--nprobes", 2, "--columns", "id,_distance", *words)
        rows = [json.loads(line) for line in lance_cli(*asked, "--format", "json").splitlines()]
        true = [1 - vectors[7] @ vectors[row["id"]] for row in rows]
        return [row["_distance"] / one for row, one in zip(rows, true) if one > 0.01]

    assert np.median(ratios()) == pytest.approx(factor, rel=0.1)
    assert np.median(ratios("--refine", 2)) == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("kind", ["fm", "ngram"])
def test_a_null_is_no_text_without_a_substring(lance_cli, read_with_us, make, kind):
    uri = make(random.Random(5))
    lance_cli("index", "create", uri, "name", "--type", kind)
    for condition in [
        "NOT contains(name, 'lime')",
        "contains(name, 'lime') = false",
        "id < 900 AND NOT (contains(name, 'lime') OR few = 2)",
        "NOT (NOT contains(name, 'lime'))",
        "contains(name, 'lime') OR few = 2",
    ]:
        expected = pylance_finds(uri, condition, use_index=False)
        assert expected
        assert ids(read_with_us(uri, columns="id", filter=condition)) == expected, condition
        counted = int(lance_cli("count", uri, "--filter", condition))
        assert counted == len(expected), condition


@pytest.mark.parametrize("seed", SEEDS)
def test_an_index_changes_no_answer(lance_cli, read_with_us, make, seed):
    rng = random.Random(seed)
    uri = make(rng, enable_stable_row_ids=rng.random() < 0.5, data_storage_version=rng.choice(["2.0", "2.1", "2.2"]))
    made = []
    for column in rng.sample([*CHOICES], rng.randrange(3, len(CHOICES) + 1)):
        kind = rng.choice(CHOICES[column])
        lance_cli("index", "create", uri, column, "--type", kind)
        made.append(f"{column} {kind}")

    def check(when):
        for condition in [decided_condition(rng) for _ in range(FILTERS)]:
            expected = pylance_finds(uri, condition, use_index=False)
            told = f"{when}: {condition}, with {made}"
            assert ids(read_with_us(uri, columns="id", filter=condition)) == expected, told
            assert ids(read_with_us(uri, columns="id", filter=condition, scalar_index=0)) == expected, told
            # With an index of substrings, pylance takes NULLs for texts that do not have it.
            if not ("name fm" in made and "contains" in condition and "NOT" in condition):
                assert pylance_finds(uri, condition) == expected, told

    check("fresh")
    lance.dataset(uri).delete(f"id % {rng.randrange(2, 7)} = 1")
    check("after deletes")
    lance.write_dataset(random_table(rng, ROWS, 500), uri, mode="append")
    check("after an append")
    if rng.random() < 0.5:
        lance.dataset(uri).optimize.compact_files(target_rows_per_fragment=2 * ROWS)
        check("after a compaction")
    lance_cli("index", "optimize", uri, *(["--merge", "1"] if rng.random() < 0.5 else []))
    assert all(index["unindexed_rows"] == 0 for index in listed(lance_cli, uri).values())
    check("after optimising")
    lance.dataset(uri).delete("id between 100 and 700")
    lance.dataset(uri).update({"n": "n + 1"}, where="few = 2")
    check("after more deletes and an update")
    for name in listed(lance_cli, uri):
        lance_cli("index", "drop", uri, name)
    assert listed(lance_cli, uri) == {}
    check("without indices")


def test_no_version_goes_where_the_dataset_is_cleaned_up_by_itself(lance_cli, make):
    uri = make(random.Random(5))
    lance_cli("index", "create", uri, "n", "--type", "btree")
    lance.write_dataset(random_table(random.Random(6), ROWS, 50), uri, mode="append")
    lance.dataset(uri).update_config({"lance.auto_cleanup.interval": "1", "lance.auto_cleanup.older_than": "0s"})
    versions = len(lance.dataset(uri).versions())
    lance_cli("index", "create", uri, "few", "--type", "bitmap")
    lance_cli("index", "optimize", uri)
    lance_cli("index", "drop", uri, "n_idx")
    assert len(lance.dataset(uri).versions()) == versions + 3
