#!/usr/bin/env python3
"""The documents agree with the code: examples, links, files and commands.

- README.md quotes examples/write_dataset.cpp whole, and runs of lines of examples/c_writer.c; tests run both.
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
    rooms = "api|benchmarks|cli|cmake|docs|examples|include|rust|src|tests|tools"
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
    problems = [*wrong_examples()]
    count = 0
    for document, text in documents():
        count += 1
        for check in (broken_links, missing_files, unknown_targets):
            problems += check(document, text)
    verdict(f"{count} documents agree with the code", problems)


if __name__ == "__main__":
    main()
