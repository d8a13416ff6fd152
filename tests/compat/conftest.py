"""The programs of the conformance tests."""

from conformance.conftest import lance_cli, read_with_us  # noqa: F401
