"""C++ tasks of Ray write through the C ABI. Run by `make test-ray`."""

import os
import sys
from pathlib import Path

from conftest import PROGRAMS, run


def test_cpp_tasks_write_through_the_c_abi(data):
    """The worker of the first part dies in the middle and is retried, the last part is made twice."""
    marker = data.directory / "died"
    library = PROGRAMS / "libray_tpch_tasks.so"
    # The driver starts Ray by its program, which tells nobody, and needs no token where nobody else is.
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
    }
    command = [PROGRAMS / "ray_tpch", library, data.path("orders"), "orders", 0.05, "job", 3, marker]
    told = run(*command, env=environment)
    assert marker.exists()
    # Among what Ray says.
    assert "version 1, 1 repeated" in told.splitlines()
    data.expect_whole("orders", 0.05)
    # What the killed worker has left.
    data.clean_up("orders")
    data.expect_whole("orders", 0.05)
