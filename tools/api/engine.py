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


def struct(item, topics):
    fields = "".join(comment(field_doc(field), "    ") + f"    pub {field_name(field)}: {field_type(field, topics)},\n"
                     for field in item.c_fields)
    derives = "Debug, Clone, Default, PartialEq"
    if item.kind == "options":
        derives = "Debug, Clone" + ", Default" * has_plain_defaults(item)
    text = f"{comment(item.doc)}#[derive({derives})]\npub struct {item.settings} {{\n{fields}}}\n"
    if item.kind == "options" and not has_plain_defaults(item):
        defaults = "".join(f"{field_name(field)}: {default(field)}," for field in item.c_fields)
        text += f"\nimpl Default for {item.settings} {{ fn default() -> Self {{ Self {{ {defaults} }} }} }}\n"
    return text


def enum(item, topics):
    values = "".join(comment(value.doc, "    ") + "    #[default]\n" * (value is item.value[0])
                     + f"    {pascal(value.name)} = {value.value},\n" for value in item.value)
    return (f"{comment(item.doc)}#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]\n#[repr(i32)]\n"
            f"pub enum {item.name} {{\n{values}}}\n")


def codes(item):
    values = "".join(comment(value.doc or f"{value.meaning[0].upper()}{value.meaning[1:]}.") + f"pub const {value.name}: Code = {value.value};\n"
                     for value in item.value)
    names = "".join(f'{value.name} => c"{value.name}",' for value in item.value)
    return (f"//! The status codes. Values are frozen.\n\nuse std::ffi::CStr;\n\n/// A value of the header's status enum.\n"
            f"pub type Code = i32;\n\n{values}\n/// The name of a code; \"UNKNOWN\" for a number that is none.\n"
            f'pub fn name(code: Code) -> &\'static CStr {{ match code {{ {names} _ => c"UNKNOWN", }} }}\n')


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
        uses = [line for word, line in {"HashMap": "use std::collections::HashMap;", "Arc": "use std::sync::Arc;", "Duration": "use std::time::Duration;",
                                        "Callback": "\nuse super::Callback;"}.items() if f"{word}<" in body or f"{word}::" in body
                or f"{word}," in body]
        yield f"{ROOT}/{topic.file}.rs", topic.source, f"//! {topic.title}.\n\n" + "\n".join(uses) + f"\n\n{body}"
        modules.append(f"mod {topic.file};")
        exports.append(f"pub use {topic.file}::{{{', '.join(item.settings for item in items)}}};")
    errors = next(topic for topic in topics if topic.file == "error")
    yield f"{ROOT}/codes.rs", errors.source, codes(every(topics, "codes")[0])
    yield f"{ROOT}/mod.rs", "api/", (
        "//! What callers ask for and are told, as plain data: one struct for each of the C ABI's. Rules between fields are\n"
        "//! checked where they are used.\n\nmod callback;\n" + "\n".join(modules) + "\n\npub use callback::Callback;\n"
        + "\n".join(exports) + "\n")
