"""The tables of docs/c-api.md, between their markers."""

import re

from . import model
from .c import columns, free_of, init_function
from .model import every

PATH = "docs/c-api.md"


def table(head, rows):
    rows = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in rows)


def pointers(function, topics):
    """Who owns what."""
    words = {"borrowed": [], "consumed": [], "caller's": []}
    if function.on:
        words["borrowed"].append(model.self_parameter(function, topics).name)
    if function.frees:
        words["consumed"].append(model.self_parameter(function, topics).name)
    for arg in function.arg or []:
        if arg.c:
            if "*" in arg.c:
                owner = arg.owner or ("caller's" if "**" in arg.c else "borrowed" if "const" in arg.c else "consumed")
                words[owner].append(arg.name)
        elif arg.base in model.CONSUMED:
            words["consumed"].append(arg.name)
        elif arg.base not in model.NUMBERS:
            words["borrowed"].append(arg.c_name)
    for out in function.out or []:
        words["caller's"] += [m.name for m in model.out_parameters(out)]
    if model.is_fallible(function):
        words["caller's"].append("error")
    return "; ".join(f"{', '.join(f'`{name}`' for name in names)} {word}" for word, names in words.items() if names) or "none"


def notes(function, topics):
    if function.note:
        return function.note
    how = {"handle": lambda out: f"`{free_of(out.of, topics)}`", "result": lambda out: "fills the caller's struct",
           "string": lambda out: "`lance_string_free`", "bytes": lambda out: "`lance_bytes_free`", "batch": lambda out: "both structs or neither; released apart",
           "u64": lambda out: "", "bool": lambda out: ""}
    return "; ".join(filter(None, (how.get(out.base, lambda out: f"`{out.name}->release`")(out) for out in function.out or [])))


def functions(topic, topics):
    rows = []
    for item in topic["items"]:
        if item.kind == "options":
            rows.append([f"`{init_function(item)}`", "", "`options` caller's", "fills a struct of `struct_size` bytes"])
        elif item.kind == "function":
            rows.append([f"`{item.name}`", "yes" if model.waits(item) else "", pointers(item, topics), notes(item, topics)])
    return f"### {topic.title}\n\n" + table(["function", "`_async`", "pointers", "notes"], rows)


def records(topics):
    parts = []
    for function in every(topics, "function"):
        for out in function.out or []:
            if out.base == "records":
                item = model.find(topics, "record", out.of)
                rows = [[f"`{name}`", kind, text] for name, kind, text in columns(item)]
                parts.append(f"`{out.name}` of `{function.name}`:\n\n" + table(["column", "type", "what it is"], rows))
    return "\n\n".join(parts)


def codes(topics):
    rows = [[str(v.value), f"`LANCE_{v.name}`", v.meaning, v.advice or ""] for v in every(topics, "codes")[0].value]
    return table(["value", "code", "meaning", "what to do"], rows)


def blocks(topics):
    yield "functions", "\n\n".join(functions(topic, topics) for topic in topics)
    yield "lists", records(topics)
    yield "codes", codes(topics)


def outputs(topics, root):
    text = (root / PATH).read_text()
    for name, block in blocks(topics):
        begin, end = f"<!-- tables of {name}: made by tools/generate_api.py -->", f"<!-- end of {name} -->"
        text, count = re.subn(rf"{begin}\n.*?{end}", lambda _: f"{begin}\n\n{block}\n\n{end}", text, flags=re.DOTALL)
        assert count == 1, f"{PATH} has no place for the tables of {name}"
    yield PATH, text
