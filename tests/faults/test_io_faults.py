"""Every system call on a dataset fails in turn: a write does all or nothing, a read is right or fails (row W2)."""

import itertools

import pytest

from faults import run, run_with_io_fault
from operations import CHANGES, OPERATIONS, WRITES
from oracle import Tally
from support.figures import figure
from support.scale import is_long, pick, some

# Of an operation that is no write, on a push.
POINTS = 20
# A push tries every second call of a write.
STEP = pick(2, 1)


def _with_errors(calls, mode, *errors):
    """A long run tries each error at each call; on a push they take turns."""
    return [(calls, mode, (error,)) for error in errors] if is_long() else [(calls, mode, errors)]


# Which calls, and how they fail. On a full disk files can still be removed, on a broken one nothing works.
WRITE_FAULTS = [
    *_with_errors("write", "once", "ENOSPC", "EIO", "EDQUOT"),
    ("write", "short", ("EIO",)),
    ("write", "full", ("ENOSPC",)),
    *_with_errors("create", "once", "ENOSPC", "EIO"),
    *_with_errors("rename,link", "once", "ENOSPC", "EIO", "EDQUOT"),
    *_with_errors("mkdir", "once", "ENOSPC", "EDQUOT", "EIO"),
    ("unlink", "once", ("EIO",)),
    ("write,create,rename,link,mkdir", "from", ("ENOSPC",)),
    ("write,create,rename,link,mkdir,unlink", "from", ("EIO",)),
]
READ_FAULTS = [
    ("read", "once", ("EIO",)),
    ("read", "short", ("EIO",)),
    ("open", "once", ("EIO",)),
    ("list", "once", ("EIO",)),
    ("stat", "once", ("EIO",)),
    # The engine waits before it tries again.
    *pick([], [("read,open,list,stat", "from", ("EIO",))]),
]
PLAIN = "plain"
DURABLE = "--durable"
FAULTS = [
    *((PLAIN, *fault) for fault in WRITE_FAULTS + READ_FAULTS),
    *((DURABLE, *fault) for fault in [("sync", "once", ("EIO",)), *pick([], WRITE_FAULTS)]),
]
TRIES = [
    (operation, *fault)
    for operation in pick(WRITES, OPERATIONS)
    for fault in FAULTS
    if operation in WRITES or fault[0] == PLAIN
]
# Where a file cannot be removed, or the file system does not even know the size of an open file, files may stay.
FORGIVEN = {"unlink", "stat"}


@pytest.fixture(scope="module")
def totals():
    tallies = []
    yield tallies
    figure("W2", **sum(tallies, Tally()).figures())


@pytest.fixture(scope="module")
def states(bench):
    """Of each operation, the dataset before it and after it, undisturbed."""
    return {operation.name: bench.undisturbed(operation) for operation in OPERATIONS}


def attempt(bench, tally, state, operation, option, calls, mode, error, nth):
    """Let the nth call fail, and judge what comes of that. Whether there was such a call."""
    path = bench.dataset(operation)
    words = [*operation.words(bench, path), *([DURABLE] if option == DURABLE else [])]
    done = run_with_io_fault(words, path, calls, nth, mode, error)
    what = f"{operation.name} {option} {calls} #{nth} of {done.seen} {mode} {error} at {done.where or '-'}"
    tally.judge(what, done, path, operation, *state, may_leave_files=FORGIVEN & set(calls.split(",")))
    return done.fired > 0


@pytest.mark.parametrize("operation, option, calls, mode, errors", TRIES, ids=lambda value: getattr(value, "name", None))
def test_a_write_does_all_or_nothing_when_a_call_fails(
    bench, states, totals, operation, option, calls, mode, errors
):
    tally = Tally()
    totals.append(tally)
    state = states[operation.name]
    for nth in itertools.count(1, STEP):
        error = errors[nth // STEP % len(errors)]
        if not attempt(bench, tally, state, operation, option, calls, mode, error, nth):
            break
    tally.check()


@pytest.mark.parametrize("operation", pick(CHANGES, []), ids=lambda operation: operation.name)
def test_a_change_does_all_or_nothing_when_some_call_fails(bench, states, totals, operation):
    tally = Tally()
    totals.append(tally)
    faults = [(calls, mode, error) for calls, mode, errors in WRITE_FAULTS + READ_FAULTS for error in errors]
    seen = {}
    for calls in {calls for calls, *_ in faults}:
        path = bench.dataset(operation)
        seen[calls] = run_with_io_fault(operation.words(bench, path), path, calls).seen
    points = [(*fault, nth) for fault in faults for nth in range(1, seen[fault[0]] + 1)]
    for point in some(points, POINTS):
        attempt(bench, tally, states[operation.name], operation, PLAIN, *point)
    tally.check()


@pytest.mark.parametrize("calls, mode, errors", READ_FAULTS)
def test_a_read_is_right_or_fails_when_a_call_fails(bench, calls, mode, errors):
    words = ["query", bench.template, "--format", "json"]
    expected = run(words).stdout
    for nth in itertools.count(1):
        done = run_with_io_fault(words, bench.template, calls, nth, mode, *errors)
        what = f"{calls} #{nth} of {done.seen} at {done.where or '-'}: {done.stderr!r}"
        assert done.code in (0, 1), what
        assert done.code == 1 or done.stdout == expected, what
        if done.fired == 0:
            assert done.code == 0, what
            break


@pytest.mark.parametrize("error", ["EPERM", "ENOSYS", "EOPNOTSUPP", "EINVAL", "EIO"])
def test_where_reads_without_waiting_are_refused_others_do(bench, error):
    words = ["query", bench.template, "--format", "json"]
    undisturbed = run_with_io_fault(words, bench.template, "nowait")
    done = run_with_io_fault(words, bench.template, "nowait", 1, "from", error)
    assert (done.code, done.stdout) == (0, undisturbed.stdout), done.stderr
    # A file for which it was refused is not asked for again.
    assert 0 < done.fired < undisturbed.seen


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_faults_reach_the_calls_of_a_write(bench, operation):
    for calls in ("write", "create", "rename,link", "open"):
        path = bench.dataset(operation)
        assert run_with_io_fault(operation.words(bench, path), path, calls).seen > 0, calls
