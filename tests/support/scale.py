"""How much work the suites do: what every push can afford, or the long run before a release."""

import os
import random


def is_long():
    return os.environ.get("LANCE_TEST_SCALE", "push") == "long"


def pick(push, long):
    return long if is_long() else push


def some(values, push):
    """All values in a long run, and so many of them on a push: the last one and others, the same ones each time."""
    values = list(values)
    if is_long() or len(values) <= push:
        return values
    return [*random.Random(len(values)).sample(values[:-1], push - 1), values[-1]]
