#!/usr/bin/env python3
"""The documents agree with the code: examples, the ownership table, the codes, links, files and commands.

- README.md quotes examples/write_dataset.cpp whole, and runs of lines of examples/c_writer.c; tests run both.
- docs/c-api.md lists every function of lance.h once, with each pointer and the word that its type demands,
  and every status code.
- Links within the project resolve, files named in backticks exist, and so do targets named by `make`.
"""

import re

from gate import ROOT, sources, verdict

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def text_of(path):
    return (ROOT / path).read_text()


def documents():
    """The paths and texts of all Markdown files that belong to the project."""
    rooms = [path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    yield from ((path.name, path.read_text()) for path in sorted(ROOT.glob("*.md")))
    for path in sources(sorted({*rooms} - {"build", "demo", "target"}), {".md"}):
        yield path, text_of(path)


def wrong_examples():
    blocks = FENCE.findall(text_of("README.md"))
    cpp = [code for language, code in blocks if language == "cpp"]
    if cpp != [text_of("examples/write_dataset.cpp")]:
        yield "README.md: the C++ example is not examples/write_dataset.cpp"
    c = [code for language, code in blocks if language == "c"]
    if not c:
        yield "README.md: there is no C example"
    for code in c:
        if f"\n{code}" not in text_of("examples/c_writer.c"):
            yield f"README.md: not in examples/c_writer.c: {code.splitlines()[0].strip()} ..."


def ownership(function, parameter):
    """The name of a pointer parameter and the word for it, by the rules of lance.h; None for a value."""
    name = re.search(r"\w+$", parameter).group()
    if "*" not in parameter:
        return None
    if "**" in parameter or name.startswith("out"):
        return name, "caller's"
    if "const" in parameter:
        return name, "borrowed"
    return name, "consumed" if "struct Arrow" in parameter or function.endswith("_free") else "borrowed"


def wrong_functions(header, table):
    declared = {}
    for function, parameters in re.findall(r"\b(lance_\w+)\(([^)]*)\);", header):
        declared[function] = sorted(filter(None, (ownership(function, p) for p in parameters.split(","))))
    seen = set()
    for function, cell in re.findall(r"^\| `(lance_\w+)` \| (.*?) \|", table, re.MULTILINE):
        listed = sorted(
            (name, word) for names, word in re.findall(r"((?:`\w+`,? )+)([\w']+)", cell)
            for name in re.findall(r"\w+", names))
        if function in seen:
            yield f"docs/c-api.md: {function} is listed twice"
        seen.add(function)
        if listed != declared.get(function):
            yield f"docs/c-api.md: {function} has {declared.get(function)} in lance.h, {listed} in the table"
    yield from (f"docs/c-api.md: {function} is missing" for function in declared if function not in seen)


def wrong_codes(header, table):
    declared = re.findall(r"(LANCE_\w+) = (\d+)", header.split("LanceStatusCode;", 1)[1].split("};", 1)[0])
    listed = [(name, value) for value, name in re.findall(r"^\| (\d+) \| `(LANCE_\w+)` \|", table, re.MULTILINE)]
    if listed != declared:
        yield f"docs/c-api.md: status codes differ from lance.h: {sorted({*listed} ^ {*declared})}"


def anchors(text):
    """The anchors that headings get."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def broken_links(document, text):
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
        if re.match(r"\w+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (ROOT / document).parent / file if file else ROOT / document
        if not target.exists():
            yield f"{document}: there is no {link}"
        elif anchor and anchor not in anchors(target.read_text()):
            yield f"{document}: there is no heading for {link}"


def missing_files(document, text):
    """Paths in backticks that begin with one of the rooms; `*` stands for any name."""
    rooms = "benchmarks|cli|cmake|docs|examples|include|rust|src|tests|tools"
    for path in re.findall(rf"`((?:{rooms})/[\w./*-]*)`", FENCE.sub("", text)):
        if not any(ROOT.glob(path.rstrip("/"))):
            yield f"{document}: there is no {path}"


def unknown_targets(document, text):
    targets = re.findall(r"^([a-z][a-z -]*):(?!=)", text_of("Makefile"), re.MULTILINE)
    known = {name for names in targets for name in names.split()}
    commands = "\n".join([*(code for _, code in FENCE.findall(text)), *re.findall(r"`([^`\n]+)`", text)])
    for target in re.findall(r"^(?:\$ )?make ([a-z][a-z-]*)", commands, re.MULTILINE):
        if target not in known:
            yield f"{document}: the Makefile has no target {target}"


def main():
    header = re.sub(r"/\*.*?\*/", "", text_of("rust/lance-ffi/include/lance/c/lance.h"), flags=re.DOTALL)
    table = text_of("docs/c-api.md")
    problems = [*wrong_examples(), *wrong_functions(header, table), *wrong_codes(header, table)]
    count = 0
    for document, text in documents():
        count += 1
        for check in (broken_links, missing_files, unknown_targets):
            problems += check(document, text)
    verdict(f"{count} documents agree with the code", problems)


if __name__ == "__main__":
    main()
