"""The settings, results and records of the crate lance-engine: plain data."""

import re

from . import model
from .model import every, listed, paragraphs, pascal, snake

ROOT = "rust/lance-engine/src/settings"
TYPES = {"bool": "bool", "text": "String", "name": "String", "names": "Vec<String>", "u64s": "Vec<u64>", "bytes": "Vec<u8>",
         "pairs": "Vec<(String, String)>", "seconds": "Duration",
         "key_values": "HashMap<String, String>", "storage": "HashMap<String, String>",
         "map": "Vec<(String, String)>", "enum": "{}", "list": "Vec<{}>", "handle": "Arc<crate::{}>"}


def comment(text, indent=""):
    text = re.sub(r"\{([A-Z_]+)\}|#LANCE_([A-Z_]+)", lambda code: code[1] or code[2], text or "")
    return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in paragraphs(text, 110 - len(indent)) if text)


def field_name(field):
    return "storage_options" if field.base == "storage" else field.name


def field_type(field, topics):
    if field.base == "callback":
        return f"Option<Callback<{model.find(topics, 'callback', field.of).tells}>>"
    rust = TYPES.get(field.base, field.base).format(field.of)
    return f"Option<{rust}>" if field.optional else rust


def default(field):
    """The Rust value of a field that is not given."""
    if field.optional or field.base == "callback":
        return "None"
    if field.base == "seconds":
        return f"Duration::from_secs({field.default})"
    if field.base == "enum":
        return f"{field.of}::{pascal(field.default)}"
    if field.base in (*model.NUMBERS, "bool"):
        return str(field.default).lower()
    return "HashMap::new()" if "HashMap" in TYPES[field.base] else "Vec::new()"


def has_plain_defaults(item):
    """Whether every default is that of its type."""
    return all(default(field) in ("None", "0", "false", "HashMap::new()", "Vec::new()") for field in item.c_fields)


def field_doc(field):
    text = field.doc or ""
    if field.default_doc:
        text += f" Unless given: {field.default_doc}."
    return text


def portable(topics):
    """The options that travel as JSON, and the structs and enums in them."""
    options = [item for item in every(topics, "options") if item.portable]
    structs = [item for item in listed(topics) if any(field.of == item.name for options_ in options for field in options_.c_fields)]
    enums = {field.of for item in [*options, *structs] for field in item.c_fields if field.base == "enum"}
    return [*options, *structs, *(item for item in every(topics, "enum") if item.name in enums)]


def out_of_range(item):
    """A function that finds a number which the C ABI would have refused."""
    checks = []
    for field in item.c_fields:
        low, high = field.range
        if field.base in model.NUMBERS and (low is not None or high is not None):
            span = f"{'' if low is None else low}..{'' if high is None else f'={high}'}"
            wrong = f"self.{field.name}.is_some_and(|it| !({span}).contains(&it))" if field.optional else \
                f"!({span}).contains(&self.{field.name})"
            checks.append(f'("{field.name}", {wrong}),')
    return (f"\nimpl {item.settings} {{\n    /// A number that is out of its range, of settings that came as JSON.\n"
            f"    pub fn out_of_range(&self) -> Option<&'static str> {{ let numbers = [{''.join(checks)}];\n"
            "    numbers.into_iter().find(|(_, is_wrong)| *is_wrong).map(|(name, _)| name) } }\n")


def struct(item, topics):
    travels = item in portable(topics)
    skip = {field.name: "    #[serde(skip)]\n" for field in item.c_fields if travels and field.base in ("callback", "handle")}
    fields = "".join(comment(field_doc(field), "    ") + skip.get(field.name, "")
                     + f"    pub {field_name(field)}: {field_type(field, topics)},\n" for field in item.c_fields)
    has_handle = any(field.type.startswith("handle:") for field in item.c_fields)
    derives = "Debug, Clone" + ", Default" * (not has_handle) + ", PartialEq"
    if item.kind == "options":
        derives = "Debug, Clone" + ", Default" * has_plain_defaults(item)
    derives += ", Deserialize, Serialize" * travels
    serde = "#[serde(default, deny_unknown_fields)]\n" * (travels and item.kind == "options")
    text = f"{comment(item.doc)}#[derive({derives})]\n{serde}pub struct {item.settings} {{\n{fields}}}\n"
    if travels and item.kind == "options":
        text += out_of_range(item)
    if item.kind == "options" and not has_plain_defaults(item):
        defaults = "".join(f"{field_name(field)}: {default(field)}," for field in item.c_fields)
        text += f"\nimpl Default for {item.settings} {{ fn default() -> Self {{ Self {{ {defaults} }} }} }}\n"
    return text


def enum(item, topics):
    values = "".join(comment(value.doc, "    ") + "    #[default]\n" * (value is item.value[0])
                     + f"    {pascal(value.name)} = {value.value},\n" for value in item.value)
    travels = ", Deserialize, Serialize" * (item in portable(topics))
    return (f"{comment(item.doc)}#[derive(Debug, Clone, Copy, Default, PartialEq, Eq{travels})]\n#[repr(i32)]\n"
            f"pub enum {item.name} {{\n{values}}}\n")


def codes(item):
    values = "".join(comment(value.doc or f"{value.meaning[0].upper()}{value.meaning[1:]}.") + f"pub const {value.name}: Code = {value.value};\n"
                     for value in item.value)
    names = "".join(f'{value.name} => c"{value.name}",' for value in item.value)
    return (f"//! The status codes. Values are frozen.\n\nuse std::ffi::CStr;\n\n/// A value of the header's status enum.\n"
            f"pub type Code = i32;\n\n{values}\n/// The name of a code; \"UNKNOWN\" for a number that is none.\n"
            f'pub fn name(code: Code) -> &\'static CStr {{ match code {{ {names} _ => c"UNKNOWN", }} }}\n')


STANDARD = ["std::collections::HashMap", "std::sync::Arc", "std::time::Duration"]


def structs(topic, topics):
    return [item for item in topic["items"] if item.kind in ("result", "record", "options")
            or item.kind == "enum" and item.engine is not False or item in listed(topics)]


def outputs(topics):
    modules, exports = ["pub mod codes;"], []
    for topic in topics:
        items = structs(topic, topics)
        if not items:
            continue
        body = "\n".join(enum(item, topics) if item.kind == "enum" else struct(item, topics) for item in items)
        words = set(re.findall(r"\w+", re.sub(r"//.*", "", body)))
        others = [item.settings for other in topics if other is not topic for item in structs(other, topics)]
        uses = [f"use {path};" for path in STANDARD if path.split("::")[-1] in words]
        uses += ["\nuse serde::{Deserialize, Serialize};"] * ("Deserialize" in words)
        known = sorted(words & {"Callback", *others})
        uses += [f"\nuse super::{{{', '.join(known)}}};"] * bool(known)
        yield f"{ROOT}/{topic.file}.rs", topic.source, f"//! {topic.title}.\n\n" + "\n".join(uses) + f"\n\n{body}"
        modules.append(f"mod {topic.file};")
        exports.append(f"pub use {topic.file}::{{{', '.join(item.settings for item in items)}}};")
    errors = next(topic for topic in topics if topic.file == "error")
    yield f"{ROOT}/codes.rs", errors.source, codes(every(topics, "codes")[0])
    yield f"{ROOT}/mod.rs", "api/", (
        "//! What callers ask for and are told, as plain data: one struct for each of the C ABI's. Rules between fields are\n"
        "//! checked where they are used.\n\nmod callback;\n" + "\n".join(modules) + "\n\npub use callback::Callback;\n"
        + "\n".join(exports) + "\n")
