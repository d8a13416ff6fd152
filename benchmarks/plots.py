"""Plots of the figures, as SVG beside the pages."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

PLACE = Path(__file__).resolve().parent.parent / "docs/plots"


def _save(figure, name):
    PLACE.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    # The same figures give the same file.
    figure.savefig(PLACE / name, metadata={"Date": None})
    plt.close(figure)
    return f"plots/{name}"


def ratios(results):
    """How much more time pylance needs, contest by contest."""
    rows = []
    for result in results:
        names = [contender.name for contender in result.contest.contenders]
        figure = "seconds" if "seconds" in result.rounds[names[0]][0] else "p50"
        for name in ("pylance", "pylance, best"):
            if name in names:
                rows.append((result.contest.title, name, result.ratio(name, figure)))
    titles = list(dict.fromkeys(title for title, *_ in rows))
    figure, axes = plt.subplots(figsize=(9, 0.35 * len(titles) + 1))
    for name, colour, shift in (("pylance", "tab:blue", 0.2), ("pylance, best", "tab:cyan", -0.2)):
        found = {title: ratio for title, other, ratio in rows if other == name}
        places = [len(titles) - 1 - titles.index(title) + shift for title in found]
        axes.barh(places, list(found.values()), height=0.4, color=colour, label=name)
    axes.set_yticks(range(len(titles)), list(reversed(titles)), fontsize=8)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("time of pylance / time of lance-cpp")
    axes.legend()
    return _save(figure, "ratios.svg")


def growth(name, title, label, lines):
    """Lines of (x, y) by contender."""
    figure, axes = plt.subplots(figsize=(6, 3.5))
    for contender, points in lines.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=contender)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title)
    axes.set_xlabel(label)
    axes.set_ylabel("MB" if "memory" in title else "seconds")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    return _save(figure, f"{name}.svg")
