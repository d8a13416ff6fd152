"""Four MPI processes write a part each, and the first one commits. Run by `make test-mpi`."""

import os

import pytest
from conftest import PROGRAMS, outcome, run

PROCESSES = 4
MPI = {
    # Needed as root, as in a container, and harmless otherwise.
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    # Nothing but this machine.
    "OMPI_MCA_btl": "self,vader,tcp",
    "OMPI_MCA_btl_tcp_if_include": "lo",
    "OMPI_MCA_oob_tcp_if_include": "lo",
    "OMPI_MCA_plm_rsh_agent": "",
}


def mpi(*arguments, processes=PROCESSES):
    command = ["mpirun", "--oversubscribe", "-n", str(processes), str(PROGRAMS / "mpi_tpch"), *map(str, arguments)]
    return outcome(*command, env=os.environ | MPI)


def committed(*arguments, processes=PROCESSES):
    done = mpi(*arguments, processes=processes)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("table,scale", [("lineitem", 0.05), ("nation", 1), ("customer", 0.01)])
@pytest.mark.parametrize("processes", [1, 3, 4])
def test_all_parts_are_one_version(data, table, scale, processes):
    told = committed(data.path(table), table, scale, "job", processes=processes)
    assert told == "version 1, 0 repeated\n"
    data.expect_whole(table, scale)
    assert data.orphans(table) == 0


@pytest.mark.parametrize("victim", range(PROCESSES))
def test_a_process_that_dies_in_the_middle_leaves_no_version_and_the_job_is_run_again(data, victim):
    dataset = data.path("orders")
    died = mpi(dataset, "orders", 0.01, "job", victim)
    assert died.returncode != 0
    assert not (dataset / "_versions").exists()
    assert committed(dataset, "orders", 0.01, "job") == "version 1, 0 repeated\n"
    data.expect_whole("orders", 0.01)
    # What the dead and those that died with it have left.
    data.clean_up("orders")
    data.expect_whole("orders", 0.01)


def test_a_table_that_exists_is_not_made_again(data):
    dataset = data.path("orders")
    committed(dataset, "orders", 0.01, "job")
    again = mpi(dataset, "orders", 0.01, "job")
    assert again.returncode != 0
    assert "already exists" in again.stderr
    data.expect_whole("orders", 0.01)
    assert data.orphans("orders") == 0
