"""Python tasks of Ray call the program. Run by `make test-ray`."""

import os
import signal
import subprocess
import time

import lance
import pyarrow as pa
import pytest
import ray
from conftest import LANCE, run

# Ray tells nobody, and needs no token where nobody else is. Its workers find the tasks by the name of this module.
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "PYTHONPATH": os.path.dirname(__file__)}


@pytest.fixture(scope="module")
def cluster():
    ray.init("local", num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    yield
    ray.shutdown()


def generate(dataset_directory, table, scale, part, parts, job):
    """The command of a worker."""
    options = ["--scale", scale, "--tables", table, "--output", dataset_directory, "--parts", parts, "--part", part]
    return [str(word) for word in [LANCE, "tpch", "generate", *options, "--uncommitted", "--id", job]]


@ray.remote(max_retries=3)
def write_part(directory, table, scale, part, parts, job, victim=None):
    """Write a part by the program. The first worker of the victim kills itself while the program writes."""
    command = generate(directory, table, scale, part, parts, job)
    marker = f"{directory}/died-{part}"
    if part == victim and not os.path.exists(marker):
        open(marker, "w").close()
        # What it has started goes on, like a worker that was taken for dead; its result is kept for the test.
        with open(f"{directory}/late-{part}.json", "w") as late:
            subprocess.Popen(command, stdout=late, stderr=subprocess.DEVNULL, start_new_session=True)
        os.kill(os.getpid(), signal.SIGKILL)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def store(directory, texts):
    files = [directory / f"part{number}.json" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    return files


@pytest.mark.parametrize("parts", [1, 4])
def test_python_workers_call_the_program(cluster, data, parts):
    tasks = [write_part.remote(str(data.directory), "orders", 0.02, part + 1, parts, "job") for part in range(parts)]
    files = store(data.directory, ray.get(tasks))
    run(LANCE, "commit", data.path("orders"), *files)
    data.expect_whole("orders", 0.02)
    assert data.orphans("orders") == 0


def late_result(file):
    """What the program prints that a killed worker has left behind."""
    for _ in range(600):
        text = file.read_text()
        if text.endswith("\n"):
            return text
        time.sleep(0.1)
    raise AssertionError("the program has ended without a result")


def test_a_worker_that_is_killed_is_retried_and_its_late_result_not_counted(cluster, data):
    tasks = [write_part.remote(str(data.directory), "orders", 0.05, part, 3, "job", victim=2) for part in (1, 2, 3)]
    texts = ray.get(tasks)
    assert (data.directory / "died-2").exists()
    late = late_result(data.directory / "late-2.json")
    assert late not in texts
    # In one commit, and then once more.
    files = store(data.directory, [*texts, late])
    run(LANCE, "commit", data.path("orders"), *files)
    data.expect_whole("orders", 0.05)
    run(LANCE, "commit", data.path("orders"), *files)
    data.expect_whole("orders", 0.05)
    assert data.orphans("orders") == 0


def test_lance_ray_reads_what_the_program_wrote_and_back(cluster, data):
    lance_ray = pytest.importorskip("lance_ray")
    run(LANCE, "tpch", "generate", "--scale", 0.01, "--tables", "customer", "--output", data.directory)
    ours = lance.dataset(data.path("customer")).to_table()
    read = lance_ray.read_lance(str(data.path("customer")))
    theirs = pa.concat_tables(ray.get(read.to_arrow_refs())).sort_by("c_custkey")
    assert theirs.cast(ours.schema).equals(ours)

    copy = data.directory / "copy.lance"
    lance_ray.write_lance(read, str(copy))
    count = run(LANCE, "count", copy)
    assert int(count) == ours.num_rows
    back = data.directory / "back.arrow"
    query = "select * from copy order by c_custkey"
    run(LANCE, "sql", query, "--data", f"copy={copy}", "--format", "arrow", "--output", back)
    with pa.ipc.open_stream(back) as reader:
        assert reader.read_all().cast(ours.schema).equals(ours)
