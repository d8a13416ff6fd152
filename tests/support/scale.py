"""How much work the suites do: what every push can afford, or the long run before a release."""

import os


def is_long():
    return os.environ.get("LANCE_TEST_SCALE", "push") == "long"


def pick(push, long):
    return long if is_long() else push
