#!/usr/bin/env python3
"""Runs a command where the loopback interface is the only network: no packet can get outside.

usage: isolated.py SUITE ROWS COMMAND ARGUMENT...

Exits with 77 when the machine does not permit network namespaces, after saying so as figures: of ROWS, separated by
commas, or "-" for none.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

SKIPPED = 77
INSIDE = "--inside"
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1


def is_isolated():
    return [name for _, name in socket.if_nameindex()] == ["lo"]


def bring_loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def quiet_environment():
    """The environment without proxies, and without settings or credentials of real object stores."""
    stray = ("aws_", "azure_", "google_", "object_store_", "lance_aimd_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().startswith(stray) and not name.lower().endswith("_proxy")
    }
    return kept | {"AWS_EC2_METADATA_DISABLED": "true"}


def enter_namespace(command):
    """Become `command` in a network namespace of its own; return why that is not possible."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return "unshare is not installed"
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    wrapped = [unshare, "--net", *user, sys.executable, __file__, INSIDE]
    trial = subprocess.run([*wrapped, "true"], capture_output=True, text=True)
    if trial.returncode != 0:
        return " ".join(trial.stderr.split()) or f"unshare exits with {trial.returncode}"
    os.execve(unshare, [*wrapped, *command], quiet_environment())


def main():
    if sys.argv[1] == INSIDE:
        bring_loopback_up()
        os.execvp(sys.argv[2], sys.argv[2:])
    suite, rows, *command = sys.argv[1:]
    reason = enter_namespace(command).replace(" ", "_")
    for row in rows.split(",") if rows != "-" else ():
        print(f"[figure] {row} suite={suite} skipped={reason}")
    sys.exit(SKIPPED)


if __name__ == "__main__":
    main()
