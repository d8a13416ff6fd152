"""Figures for docs/reliability.md: one line each, which the report's generator picks out of the test log.

A pytest plugin: what the tests report is printed at the end, where no capture hides it.
"""

_figures = []


def figure(row, **values):
    """Report the figures of one row of the reliability table."""
    text = " ".join(f"{name}={str(value).replace(' ', '_')}" for name, value in values.items())
    _figures.append(f"[figure] {row} {text}")


def pytest_terminal_summary(terminalreporter):
    for line in _figures:
        terminalreporter.write_line(line)
