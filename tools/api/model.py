"""The contract of api/*.toml, and what its types are in C and in Rust."""

import re
import textwrap
import tomllib
from typing import NamedTuple

TOPICS = ["base", "errors", "operation", "runtime", "session", "telemetry", "credentials", "dataset", "search", "scan",
          "searcher", "lookup", "batches", "sql", "index", "transaction", "mutate", "merge_insert", "evolve", "refs",
          "fragment", "write", "file", "compact", "maintain", "shuffle", "namespace"]
KINDS = ["constant", "codes", "enum", "handle", "struct", "callback", "result", "record", "options", "function"]

# What a type is in C and in Rust, and its bytes.
NUMBERS = {
    "u32": ("uint32_t", "u32", 4),
    "u64": ("uint64_t", "u64", 8),
    "i32": ("int32_t", "i32", 4),
    "i64": ("int64_t", "i64", 8),
    "f64": ("double", "f64", 8),
}
VALUES = NUMBERS | {
    "bool": ("int32_t", "i32", 4),
    "size": ("size_t", "usize", 8),
    "seconds": ("int64_t", "i64", 8),
    "enum": ("Lance{}", "i32", 4),
    "chars": ("const char*", "*const c_char", 8),
    "uri": ("const char*", "*const c_char", 8),
    "name": ("const char*", "*const c_char", 8),
    "text": ("LanceText", "LanceText", 16),
    "handle": ("const Lance{}*", "*const Lance{}", 8),
    "callback": ("Lance{}", "Option<Lance{}>", 8),
    "options": ("const Lance{}Options*", "*const Lance{}Options", 8),
    "array": ("struct ArrowArray*", "*mut FFI_ArrowArray", 8),
    "schema": ("struct ArrowSchema*", "*mut FFI_ArrowSchema", 8),
    "stream": ("struct ArrowArrayStream*", "*mut FFI_ArrowArrayStream", 8),
}
# Those that come with a count.
ARRAYS = {
    "names": ("const char* const*", "*const *const c_char"),
    "u64s": ("const uint64_t*", "*const u64"),
    "bytes": ("const uint8_t*", "*const u8"),
    "key_values": ("const LanceKeyValue*", "*const LanceKeyValue"),
    "pairs": ("const LanceKeyValue*", "*const LanceKeyValue"),
    "storage": ("const LanceKeyValue*", "*const LanceKeyValue"),
    "list": ("const Lance{}*", "*const Lance{}"),
    "handles": ("Lance{}* const*", "*const *mut Lance{}"),
}
OUTS = {
    "bool": ("int32_t*", "*mut i32"),
    "u64": ("uint64_t*", "*mut u64"),
    "handle": ("Lance{}**", "*mut *mut Lance{}"),
    "result": ("Lance{}*", "*mut Lance{}"),
    "string": ("char**", "*mut *mut c_char"),
    "array": ("struct ArrowArray*", "*mut FFI_ArrowArray"),
    "schema": ("struct ArrowSchema*", "*mut FFI_ArrowSchema"),
    "stream": ("struct ArrowArrayStream*", "*mut FFI_ArrowArrayStream"),
    "records": ("struct ArrowArrayStream*", "*mut FFI_ArrowArrayStream"),
}
CONSUMED = ("array", "schema", "stream")


class Member(NamedTuple):
    """A member of a C struct, or a parameter of a C function."""

    c: str
    name: str
    rust: str
    size: int = 8
    init: str = "0"
    doc: str = ""


class Item(dict):
    """A table of the specification; what it does not say is None."""

    __getattr__ = dict.get

    @property
    def base(self):
        """The type without what it is of and whether it may be left out."""
        return self.type.split(":")[0].rstrip("?")

    @property
    def of(self):
        return self.type.partition(":")[2]

    @property
    def optional(self):
        return "?" in self.type

    @property
    def c_name(self):
        """The name of a field or argument in C."""
        return {"storage": "storage_options", "seconds": f"{self.name}_seconds"}.get(self.base, self.name)

    @property
    def count_name(self):
        return self.count or f"{self.c_name}_{'length' if self.base == 'bytes' else 'count'}"

    @property
    def struct(self):
        """The name of a struct in C."""
        return f"Lance{self.name}{'Options' if self.kind == 'options' else ''}"

    @property
    def init_macro(self):
        return f"LANCE_{snake(self.struct.removeprefix('Lance')).upper()}_INIT"

    @property
    def settings(self):
        """The name of a struct in Rust."""
        return f"{self.name}Settings" if self.kind == "options" else self.name

    @property
    def is_sized(self):
        return self.kind in ("options", "result") or bool(self.sized)

    @property
    def c_fields(self):
        return [field for field in self.field if not field.cpp_only]

    @property
    def range(self):
        """The least and the greatest value; None where the type itself says so."""
        if self.base == "seconds":
            return 0, None
        if self.base == "f64":
            return tuple(None if bound is None else float(bound) for bound in (self.min, self.max))
        return self.min, self.max


def items_of(tables, kind):
    def nested(value):
        if isinstance(value, dict):
            return Item({key: nested(inner) for key, inner in value.items()})
        return [nested(inner) for inner in value] if isinstance(value, list) else value

    for table in tables:
        item = nested(table)
        item["kind"] = kind
        for field in item.get("field", []):
            field.setdefault("since", item.since)
        yield item


def load(directory):
    """The topics in the order of their headers, each with its items in the order of its file."""
    topics = []
    for name in TOPICS:
        text = (directory / f"{name}.toml").read_text()
        data = tomllib.loads(text)
        tables = {kind: items_of(data[kind] if isinstance(data[kind], list) else [data[kind]], kind)
                  for kind in KINDS if kind in data}
        topic = Item(data["topic"], source=f"api/{name}.toml", introduction=data.get("introduction"))
        topic["items"] = [next(tables[kind]) for kind in re.findall(r"^\[\[?(\w+)\]\]?$", text, re.MULTILINE)
                          if kind in tables]
        topics.append(topic)
    cargo = tomllib.loads((directory.parent / "Cargo.toml").read_text())
    check(topics, number(cargo["workspace"]["package"]["version"]))
    return topics


def number(version):
    """A version that can be compared."""
    return [*map(int, version.split("."))]


def check(topics, version):
    """What a slip in the specification would turn into a break of the ABI or a puzzling compiler error."""
    names = [item.struct if item.kind in ("result", "options", "struct") else item.name
             for topic in topics for item in topic["items"] if item.kind != "constant"]
    assert len(names) == len(set(names)), "a name is given twice"
    for topic in topics:
        for item in topic["items"]:
            assert item.since, f"{item.name}: since which version?"
            since = [number(field.since) for field in item.get("field", [])]
            assert since == sorted(since), f"{item.name}: later fields come last"
            assert all(it <= version for it in [number(item.since), *since]), f"{item.name}: newer than the version"
            if item.kind == "function" and not item.shell and not item.frees:
                assert item.waits in ("no", "thread", "future"), f"{item.name}: does it wait?"
                assert item.waits != "future" or not item.on or not find(topics, "handle", item.on).mutable, \
                    f"{item.name}: a panic of its future would not poison the handle"


def every(topics, *kinds):
    return [item for topic in topics for item in topic["items"] if item.kind in kinds]


def listed(topics):
    """The structs of which callers give lists."""
    names = {field.of for options in every(topics, "options") for field in options.c_fields if field.base == "list"}
    names |= {arg.of for function in every(topics, "function") for arg in function.arg or [] if arg.type and arg.base == "list"}
    return [item for item in every(topics, "struct") if item.name in names]


def chosen(topics):
    """The names of enums that callers choose from in options and arguments."""
    names = {field.of for item in [*every(topics, "options"), *listed(topics)] for field in item.c_fields
             if field.base == "enum"}
    return names | {arg.of for function in every(topics, "function") for arg in function.arg or [] if arg.type and arg.base == "enum"}


def find(topics, kind, name):
    return next((item for item in every(topics, kind) if item.name == name), None)


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def pascal(name):
    return "".join(word.capitalize() for word in name.split("_"))


def unset(base):
    return {"seconds": "i64"}.get(base, base).upper()


def members(item, topics):
    """The members of a struct, with explicit padding."""
    out = [Member("size_t", "struct_size", "usize", 8, f"sizeof({item.struct})")] if item.is_sized else []
    offset = 8 * len(out)
    paddings = 0

    def pad():
        nonlocal paddings, offset
        paddings += 1
        out.append(Member("int32_t", f"reserved{paddings if paddings > 1 else ''}", "i32", 4, "0",
                          "Padding. Never read."))
        offset += 4

    for field in item.c_fields:
        for member in declared(field, topics):
            if offset % min(member.size, 8):
                pad()
            out.append(member)
            offset += member.size
    if offset % 8:
        pad()
    return out


def declared(field, topics=()):
    """The members or parameters that a field or argument becomes."""
    if field.c:
        return [Member(field.c, field.name, field.rust or to_rust(field.c), doc=field.doc or "")]
    doc = c_doc(field)
    if field.base in ARRAYS:
        c, rust = (spelling.format(field.of) for spelling in ARRAYS[field.base])
        return [Member(c, field.c_name, rust, 8, "NULL", doc), Member("size_t", field.count_name, "usize")]
    c, rust, size = VALUES[field.base]
    c, rust = c.format(field.of), rust.format(field.of)
    init = "0"
    if field.base in (*NUMBERS, "seconds"):
        init = f"LANCE_UNSET_{unset(field.base)}" if field.optional else str(field.default or 0)
    elif field.base == "bool":
        init = str(int(field.default or False))
    elif field.base == "enum" and topics:
        enum = find(topics, "enum", field.of)
        init = enum.prefix + (field.default or enum.value[0].name)
    elif field.base == "text":
        init = "{NULL, 0}"
    elif size == 8 and field.base != "size":
        init = "NULL"
    out = [Member(c, field.c_name, rust, size, init, doc)]
    if field.base == "callback":
        out.append(Member("void*", f"{field.name}_context", "*mut c_void", 8, "NULL"))
    return out


def layout(item, topics):
    """Each member with its offset, and the size of the struct."""
    offset, out = 0, []
    for member in members(item, topics):
        out.append((member, offset))
        offset += member.size
    return out, offset


def out_parameters(out):
    if out.base == "batch":
        return [Member("struct ArrowArray*", "out_array", "*mut FFI_ArrowArray"),
                Member("struct ArrowSchema*", "out_schema", "*mut FFI_ArrowSchema")]
    if out.base == "bytes":
        return [Member("uint8_t**", out.name, "*mut *mut u8"), Member("size_t*", f"{out.name}_length", "*mut usize")]
    c, rust = OUTS[out.base]
    return [Member(c.format(out.of), out.name, rust.format(out.of))]


def handle_parameter(name, topics):
    """How a handle is called as a parameter: some types are called like words of C++."""
    return find(topics, "handle", name).parameter or snake(name)


def self_parameter(function, topics):
    """The handle that a function is of."""
    name = function.on or function.frees
    const = "const " if function.on and (function.const or not find(topics, "handle", name).mutable) else ""
    return Member(f"{const}Lance{name}*", handle_parameter(name, topics), f"*{const.strip() or 'mut'} Lance{name}")


def parameters(function, topics, is_async=False):
    """All parameters of a C function."""
    out = [self_parameter(function, topics)] if function.on or function.frees else []
    for arg in function.arg or []:
        out += declared(arg)
    for output in function.out or []:
        out += out_parameters(output)
    if is_async:
        out += [Member("LanceDoneFn", "done", "Option<LanceDoneFn>"), Member("void*", "context", "*mut c_void"),
                Member("LanceOperation**", "operation", "*mut *mut LanceOperation")]
    if is_fallible(function):
        out.append(Member("LanceError**", "error", "*mut *mut LanceError"))
    return out


def is_fallible(function):
    return not function.returns and not function.frees


def waits(function):
    return function.waits in ("thread", "future")


def body_of(function, topic):
    """The path of the Rust function that does the work."""
    return f"crate::{topic.module}::{function.name.split('_', 2)[2]}"


def to_rust(c):
    """The Rust spelling of a C type."""
    c = c.strip()
    if c.endswith("*"):
        inner = c[:-1].strip()
        const = inner.startswith("const ") and not inner.endswith("*")
        return f"*{'const' if const else 'mut'} {to_rust(inner.removeprefix('const ') if const else inner)}"
    known = {"char": "c_char", "void": "c_void", "LanceStatusCode": "i32", "uint8_t": "u8", "uint32_t": "u32", "int32_t": "i32",
             "size_t": "usize", "struct ArrowArray": "FFI_ArrowArray",
             "struct ArrowSchema": "FFI_ArrowSchema", "struct ArrowArrayStream": "FFI_ArrowArrayStream",
             "struct ArrowAsyncDeviceStreamHandler": "ArrowAsyncDeviceStreamHandler"}
    return known.get(c, c)


def c_doc(field):
    """The text of a field in C: what it is, and what stands for its being left out."""
    text = field.doc or ""
    if field.max is not None:
        text += f" At most {field.max}."
    if field.default_doc:
        given = f"#LANCE_UNSET_{unset(field.base)}" if field.base in (*NUMBERS, "seconds") else \
            "#LANCE_NO_TEXT" if field.base == "text" else "NULL"
        text += f" {given}: {field.default_doc}." if field.optional else f" The default is {field.default_doc}."
    if field.base == "callback":
        text += " May be NULL."
    return re.sub(r"\{([A-Z_]+)\}", r"#LANCE_\1", text).strip()


def paragraphs(text, width):
    """The lines of a text, wrapped. Blank lines, headings and the points of a list stay apart."""
    blocks, lines = [], []
    for line in text.strip().splitlines():
        if not line.strip() or line.startswith(("## ", "- ")):
            blocks.append(lines)
            lines = []
        if line.startswith("## ") or not line.strip():
            blocks.append([line.strip()])
        else:
            lines.append(line.strip())
    for block in filter(None, [*blocks, lines]):
        is_point = block[0].startswith("- ")
        yield from textwrap.wrap(" ".join(block), width, subsequent_indent="  " if is_point else "",
                                 break_long_words=False, break_on_hyphens=False) or [""]
