"""`lance commit`: transactions as files become one version."""

import base64
import json
import re

import lance as pylance
import pytest
from lance.fragment import write_fragments

from conftest import make_table


@pytest.fixture
def part(people, tmp_path):
    """Writes rows without committing them, as a file that `lance commit` takes."""

    def part(start, **more):
        fragments = write_fragments(make_table(10, start), str(people), mode="append")
        document = {
            "format": 2,
            "uri": str(people),
            "read_version": pylance.dataset(people).version,
            "operation": {"type": "Append", "fragments": [fragment.to_json() for fragment in fragments]},
            **more,
        }
        path = tmp_path / f"part{start}.json"
        path.write_text(json.dumps(document))
        return path

    return part


def ids(people):
    return pylance.dataset(people).to_table(columns=["id"]).column("id").to_pylist()


def test_parts_become_one_version(lance, people, part):
    parts = [part(1000), part(1010)]
    rehearsed = json.loads(lance("commit", people, *parts, "--dry-run", "--format", "json"))
    assert rehearsed["dry_run"] and rehearsed["version"] == 2
    assert pylance.dataset(people).version == 1
    done = json.loads(lance("commit", people, *parts, "--format", "json", "--message", "both"))
    expected = {"version": 2, "operations": ["Append"], "transactions": 2, "given_twice": 0, "repeated_parts": 0, "fragments": 2, "rows": 20}
    assert done == {"dry_run": False, **expected}
    assert ids(people) == list(range(1020))
    [transaction] = pylance.dataset(people).get_transactions(1)
    assert transaction.transaction_properties["__lance_commit_message"] == "both"


def test_what_is_given_twice_or_committed_before_counts_once(lance, people, part, tmp_path):
    first, second = part(1000), part(1010)
    both = tmp_path / "both.json"
    both.write_text(first.read_text() + "\n" + second.read_text())
    text = lance("commit", people, first, both, second)
    assert re.search(r"^given twice +2$", text, re.MULTILINE), text
    assert ids(people) == list(range(1020))
    again = json.loads(lance("commit", people, first, second, "--format", "json"))
    assert again["version"] == 2
    assert ids(people) == list(range(1020))


def test_a_dataset_is_made(lance, people, tmp_path):
    new = tmp_path / "new.lance"
    table = make_table(10)
    fragments = write_fragments(table, str(new))
    schema = base64.b64encode(table.schema.serialize().to_pybytes()).decode()
    document = {
        "format": 2,
        "uri": str(new),
        "read_version": 0,
        "must_be_new": True,
        "operation": {"type": "Overwrite", "schema": {"arrow": schema}, "fragments": [f.to_json() for f in fragments]},
    }
    path = tmp_path / "new.json"
    path.write_text(json.dumps(document))
    message = lance.fails("commit", tmp_path / "other.lance", path)
    assert str(new) in message and "other.lance" in message
    lance("commit", new, path)
    assert pylance.dataset(new).to_table() == table


def test_what_is_no_transaction_of_the_dataset_changes_nothing(lance, people, part, tmp_path, unchanged):
    good = part(1000)
    cut = tmp_path / "cut.json"
    cut.write_text(good.read_text()[:-20])
    empty = tmp_path / "empty.json"
    empty.write_text("")
    stranger = tmp_path / "stranger.json"
    stranger.write_text(good.read_text().replace("people.lance", "strangers.lance"))
    missing = tmp_path / "missing.json"
    missing.write_text(re.sub(r'("path": ")(\w{4})', r"\1beef", good.read_text()))
    unchanged.watch()
    for path, message in [
        (cut, "cut.json"),
        (empty, "empty.json is empty"),
        (stranger, "strangers.lance"),
        (missing, "is not there"),
        (tmp_path / "none.json", "none.json"),
    ]:
        assert message in lance.fails("commit", people, path), path
        assert message in lance.fails("commit", people, good, path), path
    assert ids(people) == list(range(1000))
