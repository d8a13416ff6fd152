"""Random histories of a dataset with branches, tags and clones, cleaned up now and then; pylance tells what is left.

A history is known by its seed. Whatever was promised to stay reads as it was written, and nothing else stays.
"""

import json
import random

import lance as pylance
import pyarrow as pa
import pytest
from conftest import cleanup
from support.scale import pick

HISTORIES = pick(push=24, long=600)
STEPS = 24
MAIN = None
SPELLINGS = [
    "{root}/real/b.lance",
    "{root}/link/b.lance",
    "{root}/linked.lance",
    "real/b.lance",
    "real/../link/b.lance",
    "{root}/real/b.lance/",
    "file://{root}/link/b.lance",
]


def rows_of(ids):
    return pa.table({"id": pa.array(ids, pa.int64()), "name": pa.array([f"name {i}" for i in ids], pa.string())})


class History:
    def __init__(self, seed, root):
        self.random = random.Random(seed)
        self.root = root
        self.path = root / "real/b.lance"
        (root / "real").mkdir()
        (root / "link").symlink_to(root / "real")
        (root / "linked.lance").symlink_to(self.path)
        self.next_id = 0
        self.names = 0
        # The ids of each version, by branch; main is None. And where each branch began.
        self.versions = {MAIN: {}}
        self.parents = {}
        self.tags = {}
        # What clones were made of, and the ids in them.
        self.clones = {}
        dataset = pylance.write_dataset(rows_of(self.new_ids()), str(self.path), data_storage_version="2.1")
        self.versions[MAIN][dataset.version] = self.held

    def new_ids(self):
        count = self.random.randint(1, 9)
        self.held = set(range(self.next_id, self.next_id + count))
        self.next_id += count
        return sorted(self.held)

    def typed(self):
        return self.random.choice(SPELLINGS).format(root=self.root)

    def new_name(self, kind):
        self.names += 1
        return f"{kind}{self.names}"

    def any_version(self):
        branch = self.random.choice(list(self.versions))
        return branch, self.random.choice(list(self.versions[branch]))

    def latest(self):
        """A branch opened by a random spelling, and the ids in it."""
        branch = self.random.choice(list(self.versions))
        dataset = pylance.dataset(self.typed()).checkout_version((branch, None))
        return branch, dataset, self.versions[branch][max(self.versions[branch])]

    def committed(self, branch, ids):
        """Take note of new versions, of which a compaction may make two."""
        history = self.versions[branch]
        found = pylance.dataset(str(self.path)).checkout_version((branch, None)).versions()
        history |= {version["version"]: set(ids) for version in found if version["version"] > max(history)}

    def append(self):
        branch, dataset, ids = self.latest()
        dataset.insert(rows_of(self.new_ids()))
        self.committed(branch, ids | self.held)

    def overwrite(self):
        branch, dataset, _ = self.latest()
        dataset.insert(rows_of(self.new_ids()), mode="overwrite")
        self.committed(branch, self.held)

    def delete(self):
        branch, dataset, ids = self.latest()
        gone = {id for id in ids if self.random.random() < 0.3}
        dataset.delete(f"id in ({', '.join(map(str, gone | {-1}))})")
        self.committed(branch, ids - gone)

    def index(self):
        branch, dataset, ids = self.latest()
        if ids:
            dataset.create_scalar_index("id", "BTREE", replace=True)
            self.committed(branch, ids)

    def compact(self):
        """The main branch only: the engine looks for an index that a branch had from its parent in the wrong place."""
        pylance.dataset(self.typed()).optimize.compact_files()
        self.committed(MAIN, self.versions[MAIN][max(self.versions[MAIN])])

    def tag(self):
        branch, version = self.any_version()
        name = self.new_name("tag")
        pylance.dataset(self.typed()).tags.create(name, (branch, version))
        self.tags[name] = (branch, version)

    def untag(self):
        free = [name for name in self.tags if not name.startswith("cloned")]
        if free:
            name = self.random.choice(free)
            pylance.dataset(self.typed()).tags.delete(name)
            del self.tags[name]

    def branch(self):
        branch, version = self.any_version()
        name = self.new_name(self.random.choice(["b", "deep/b"]))
        made = pylance.dataset(self.typed()).checkout_version((branch, version)).create_branch(name)
        self.versions[name] = {made.version: self.versions[branch][version]}
        self.parents[name] = (branch, version)

    def drop_branch(self):
        """One that nothing needs: pylance removes the files of a branch that has clones, too."""
        needed = {branch for branch, _ in [*self.tags.values(), *self.parents.values(), *self.clones.values()]}
        free = [branch for branch in self.parents if branch not in needed]
        if free:
            name = self.random.choice(free)
            pylance.dataset(self.typed()).branches.delete(name)
            del self.versions[name], self.parents[name]

    def clone(self):
        branch, version = self.any_version()
        place = self.random.choice(["real", "real/b.lance/clones", "elsewhere"])
        path = self.root / place / f"{self.new_name('c')}.lance"
        if place == "elsewhere":
            # Only a tag helps.
            name = self.new_name("cloned")
            pylance.dataset(self.typed()).tags.create(name, (branch, version))
            self.tags[name] = (branch, version)
        pylance.dataset(self.typed()).shallow_clone(str(path), (branch, version))
        self.clones[path] = (branch, self.versions[branch][version])

    def clean(self, lance):
        keep = self.random.choice([None, 1, 1, 2, 3])
        args = [] if keep is None else ["--keep", keep]
        if self.random.random() < 0.5:
            args += ["--older-than", "0s"]
            keep = keep or 1
        idle = self.random.random() < 0.7
        args += ["--no-writers-active"] if idle else []
        # The main branch, or another by its own path.
        branch = self.random.choice(list(self.versions)) if self.random.random() < 0.3 else MAIN
        typed = self.typed() + (f"/tree/{branch}" if branch else "")
        result = cleanup(lance, self.path, *args, typed=typed)
        pointed_to = {version for of, version in [*self.tags.values(), *self.parents.values()] if of == branch}
        history = self.versions[branch]
        newest = sorted(history)[-keep:] if keep else list(history)
        kept = {version: ids for version, ids in history.items() if version in newest or version in pointed_to}
        assert result["versions"] == len(history) - len(kept)
        self.versions[branch] = kept
        self.check(lance, idle)

    def check(self, lance, idle):
        needed = set()

        def holds(dataset, ids):
            table = dataset.to_table().sort_by("id")
            assert table.equals(rows_of(sorted(ids)))
            one = self.random.choice(sorted(ids)) if ids else -1
            assert dataset.to_table(filter=f"id = {one}").num_rows == len(ids & {one})
            for fragment in dataset.get_fragments():
                needed.update(file.path for file in fragment.data_files())

        dataset = pylance.dataset(str(self.path))
        for branch, history in self.versions.items():
            found = dataset.checkout_version((branch, None)).versions()
            assert [version["version"] for version in found] == sorted(history)
            for version, ids in history.items():
                holds(dataset.checkout_version((branch, version)), ids)
        for name, (branch, version) in self.tags.items():
            holds(dataset.checkout_version(name), self.versions[branch][version])
        for path, (_, ids) in self.clones.items():
            holds(pylance.dataset(str(path)), ids)
        report = json.loads(lance("fsck", self.typed(), "--deep", "--format", "json"))
        assert report["problems"] == []
        if idle:
            own = [*self.path.glob("data/*.lance"), *self.path.glob("tree/**/data/*.lance")]
            assert {file.name for file in own} <= needed
            assert report["orphans"] == 0 or self.clones


STEPS_BY_WEIGHT = {
    "append": 4,
    "overwrite": 3,
    "delete": 3,
    "index": 2,
    "compact": 1,
    "tag": 2,
    "untag": 1,
    "branch": 3,
    "drop_branch": 1,
    "clone": 1,
    "clean": 4,
}


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_what_was_promised_stays_and_the_rest_goes(lance, tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    history = History(seed, tmp_path)
    steps = history.random.choices(list(STEPS_BY_WEIGHT), STEPS_BY_WEIGHT.values(), k=STEPS)
    for step in [*steps, "clean"]:
        getattr(history, step)(*[lance] * (step == "clean"))
