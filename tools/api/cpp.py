"""The C++ structs and enums, and their bridge to the C ABI."""

import re

from . import model
from .model import chosen, every, find, listed, paragraphs, pascal, snake

WIDTH = 104
TYPES = {
    "u32": "uint32_t", "u64": "uint64_t", "i32": "int32_t", "i64": "int64_t", "f64": "double", "bool": "bool", "text": "std::string",
    "name": "std::string", "names": "std::vector<std::string>", "seconds": "std::chrono::seconds",
    "key_values": "std::map<std::string, std::string>", "map": "std::map<std::string, std::string>",
    "storage": "StorageOptions", "enum": "{}", "list": "std::vector<{}>", "u64s": "std::vector<uint64_t>",
    "bytes": "std::shared_ptr<arrow::Buffer>", "pairs": "std::vector<std::pair<std::string, std::string>>",
}
HEADERS = {
    "std::chrono": "<chrono>", "int64_t": "<cstdint>", "int32_t": "<cstdint>", "uint64_t": "<cstdint>",
    "uint32_t": "<cstdint>", "std::function": "<functional>", "std::map": "<map>", "std::optional": "<optional>",
    "std::pair": "<utility>", "std::shared_ptr": "<memory>", "std::string": "<string>", "std::vector": "<vector>",
}


def comment(text, indent=""):
    text = re.sub(r"\{([A-Z_]+)\}", lambda code: f"ErrorCode::{enumerator(code[1])}", text or "").strip()
    return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in paragraphs(text, WIDTH - len(indent)) if text)


def enumerator(name):
    return {"IO": "kIO"}.get(name, f"k{pascal(name)}")


def is_value(field, topics):
    """Whether a handle is a value in C++, which keeps the error of its making."""
    return bool(find(topics, "handle", field.of).cpp_value)


def field_type(field, topics):
    if field.cpp_only:
        return field.cpp_only
    if field.base == "callback":
        return f"std::function<void(const {find(topics, 'callback', field.of).tells}&)>"
    if field.base == "handle":
        return f"std::optional<{field.of}>" if is_value(field, topics) else f"std::shared_ptr<{field.of}>"
    cpp = TYPES[field.base].format(field.of)
    return f"std::optional<{cpp}>" if field.optional and field.base != "bytes" else cpp


def default(field, topics):
    if field.cpp_default:
        return field.cpp_default
    if field.base == "bytes" or field.base == "handle" and not is_value(field, topics):
        return "nullptr"
    if field.optional:
        return "std::nullopt"
    if field.base == "bool":
        return str(field.default or False).lower()
    if field.base in model.NUMBERS:
        return str(field.default or 0)
    if field.base == "seconds":
        return f"std::chrono::seconds({field.default})"
    if field.base == "enum":
        return f"{field.of}::{enumerator(field.default or find(topics, 'enum', field.of).value[0].name)}"
    return "{}"


def field_doc(field):
    if field.cpp_doc:
        return field.cpp_doc
    text = field.doc or ""
    if field.max is not None:
        text += f" At most {field.max}."
    if field.default_doc:
        text += f" Default: {field.default_doc}."
    return text


def struct(item, topics):
    fields = "".join(f"{comment(field_doc(field), '  ')}  {field_type(field, topics)} {field.name} = {default(field, topics)};\n"
                     for field in item.field if field.cpp != "hook")
    name = item.struct.removeprefix("Lance")
    return f"{comment(item.cpp_doc or item.doc)}struct LANCE_EXPORT {name} {{\n{fields}}};\n"


def enum(item, topics):
    values = "".join(f"{comment(value.cpp_doc or value.doc, '  ')}  {enumerator(value.name)} = {value.value},\n"
                     for value in item.value)
    name = "ErrorCode" if item.kind == "codes" else item.name
    text = f"{comment(item.cpp_doc or item.doc)}enum class {name} : int {{\n{values}}};\n"
    if item.cpp_name_function:
        text += (f'\n/// {item.cpp_name_function} "{item.value[0].name}".\n'
                 f"LANCE_EXPORT const char* {name}Name({name} {snake(name).split('_')[-1]});\n")
    return text


def public_header(name, about, body, includes=()):
    code = re.sub(r"//[^\n]*", "", body)
    std = sorted({header for word, header in HEADERS.items() if re.search(rf"\b{word}\b", code)})
    own = sorted([*(f'"lance/{include}"' for include in includes), '"lance/visibility.h"'] if "LANCE_EXPORT" in body else includes)
    own = ['"arrow/type_fwd.h"'] * ("arrow::" in code) + own
    lines = "\n".join(f"#include {header}" for header in std)
    lines += "\n\n" * bool(std and own) + "\n".join(f"#include {header}" for header in own)
    return (f"/// \\file {name}\n/// {about}\n#pragma once\n\n{lines}\n\nnamespace lance {{\ninline namespace v0 {{\n\n"
            f"{body}\n}}  // namespace v0\n}}  // namespace lance\n")


def public_lists(topics):
    """The structs of which C++ callers give lists."""
    hidden = {field.of for item in every(topics, "options") for field in item.c_fields if field.cpp == "hook"}
    return [item for item in listed(topics) if item.name not in hidden]


def public(topics):
    """The public headers: what goes in, and what comes out."""
    told = {callback.tells for callback in every(topics, "callback")}
    enums = chosen(topics)
    lists = public_lists(topics)

    def goes_in(item):
        return item.kind in ("options", "struct") or item.name in told or item.name in enums

    items = [item for item in every(topics, "enum", "struct", "result", "record", "options")
             if item.cpp != "hand" and (item.kind != "struct" or item in lists)]
    text = {item.name: (enum if item.kind == "enum" else struct)(item, topics) for item in items}
    yield "include/lance/error_code.h", "api/errors.toml", public_header(
        "error_code.h", "What failed.", enum(every(topics, "codes")[0], topics))
    yield "include/lance/options.h", "api/", public_header(
        "options.h", "Options of all operations. Unset optionals take the default named in their comment.",
        "\n".join(text[item.name] for item in items if goes_in(item)), ["column_encoding.h", "storage_options.h", "text_query.h", "type_fwd.h"])
    yield "include/lance/results.h", "api/", public_header(
        "results.h", "What operations return.", "\n".join(text[item.name] for item in items if not goes_in(item)))


def unset(field):
    return f"LANCE_UNSET_{model.unset(field.base)}"


def item_to_c(field, topics):
    """The loop that makes a C struct of each item of a list."""
    lines = "".join(to_c(inner, topics, "item", "c", f"options.{field.c_name}: ")[0] for inner in find(topics, "struct", field.of).field)
    return (f"out.{field.name}.reserve(options.{field.name}.size()); for (const {field.of}& item : options.{field.name}) {{\n"
            f"Lance{field.of}& c = out.{field.name}.emplace_back();\n{lines}}}")


def to_c(field, topics, place="options", made="out.c", told="options."):
    """The lines that put one field of an option struct into the C struct, before and after vectors are complete."""
    source, target, what = f"{place}.{field.name}", f"{made}.{field.c_name}", f'"{told}{field.c_name}"'
    after = ""
    if field.cpp == "hook":
        before = ""
    elif field.base == "list":
        before = item_to_c(field, topics)
    elif field.base in ("bytes", "u64s"):
        before = f"out.{field.name} = SpanOf({source});"
    elif field.base in ("key_values", "pairs", "storage"):
        before = f"out.{field.name} = ToC({source}{'.map()' if field.base == 'storage' else ''});"
    elif field.base == "names":
        before = f"ARROW_ASSIGN_OR_RAISE(out.{field.name}, NamesC::Make({source}, {what}));"
    elif field.base == "name":
        before = f"ARROW_ASSIGN_OR_RAISE({target}, ToC({source}, {what}));"
    elif field.base == "text":
        before = f"{target} = TextC({source});"
    elif field.base == "handle" and is_value(field, topics):
        before = f"ARROW_ASSIGN_OR_RAISE({target}, ToC({source}));"
    elif field.base == "handle":
        before = f"{target} = ToC({source});"
    elif field.base == "enum":
        before = f"{target} = static_cast<int32_t>({source});"
    elif field.optional:
        before = f"{target} = ToC({source}, {unset(field)});"
    else:
        before = f"{target} = {source}{'.count()' if field.base == 'seconds' else ''};"
    if field.base in model.ARRAYS:
        after = f"{target} = out.{field.name}.data(); out.c.{field.count_name} = out.{field.name}.size();"
    return before, after


VECTORS = {"key_values": "std::vector<LanceKeyValue>", "pairs": "std::vector<LanceKeyValue>",
           "storage": "std::vector<LanceKeyValue>", "names": "NamesC", "list": "std::vector<Lance{}>",
           "bytes": "std::span<const uint8_t>", "u64s": "std::span<const uint64_t>"}


def has_hook(item):
    return any(field.cpp_only for field in item.field)


def bridge_struct(item):
    name = item.struct.removeprefix("Lance")
    vectors = "".join(f"  {VECTORS[field.base].format(field.of)} {field.name};\n"
                      for field in item.c_fields if field.base in VECTORS)
    callback = next((field for field in item.field if field.base == "callback"), None)
    note = f"  /// All but `{callback.name}`, whose context must live longer.\n" if callback else ""
    texts = "  /// What has no text in the public struct, at stable addresses.\n  std::deque<std::string> texts;\n"
    return (f"/// Borrows from the public struct.\nstruct {name}C {{\n{note}  static arrow::Result<{name}C> Make(const {name}& options);\n\n"
            f"  {item.struct} c = {item.init_macro};\n{vectors}{texts * has_hook(item)}}};\n")


def bridge_make(item, topics):
    name = item.struct.removeprefix("Lance")
    lines = [to_c(field, topics) for field in item.c_fields if field.base != "callback"]
    before = [line for line, _ in lines if line]
    if has_hook(item):
        before.append("ARROW_RETURN_NOT_OK(AddWhatCHasNot(options, &out));")
    body = "\n".join([*before, *(line for _, line in lines if line)])
    return f"arrow::Result<{name}C> {name}C::Make(const {name}& options) {{\n{name}C out;\n{body}\nreturn out;\n}}\n"


def from_c(item):
    def value(field):
        name = f"c.{field.name}"
        if field.base == "text":
            return f"std::string({name}.data, {name}.length)"
        if field.optional:
            return f"{name} == {unset(field)} ? std::nullopt : std::optional({name})"
        return f"{name}{' != 0' * (field.base == 'bool')}"

    fields = ", ".join(f".{field.name} = {value(field)}" for field in item.field)
    return f"{item.name} FromC(const {item.struct}& c) {{ return {{{fields}}}; }}\n"


COLUMNS = {"bool": "arrow::BooleanArray", "u32": "arrow::UInt32Array", "u64": "arrow::UInt64Array", "i32": "arrow::Int32Array",
           "i64": "arrow::Int64Array", "text": "arrow::StringArray", "enum": "arrow::Int32Array",
           "map": "arrow::MapArray"}


def decoder_name(item):
    return f"Decode{item.name}{'s' * (item.name[-1] != 's')}"


def decoder(item):
    columns = "".join(f'ARROW_ASSIGN_OR_RAISE(const auto {field.name}, Column<{COLUMNS[field.base]}>(batch, "{field.name}"));\n'
                      for field in item.field)

    def cell(field):
        if field.base == "map":
            return f"ToMap(*{field.name}, i)"
        get = f"{field.name}->{'GetString' if field.base == 'text' else 'Value'}(i)"
        if field.base == "enum":
            get = f"static_cast<{field.of}>({get})"
        return f"{field.name}->IsNull(i) ? std::nullopt : std::optional({get})" if field.optional else get

    cells = ", ".join(f".{field.name} = {cell(field)}" for field in item.field)
    return (f"arrow::Result<std::vector<{item.name}>> {decoder_name(item)}(CStream* stream) {{\n"
            f"std::vector<{item.name}> out;\n"
            "ARROW_RETURN_NOT_OK(ForEachBatch(stream, [&out](const arrow::RecordBatch& batch) -> arrow::Status {\n"
            f"{columns}for (int64_t i = 0; i < batch.num_rows(); ++i) {{ out.push_back({{{cells}}}); }}\n"
            "return arrow::Status::OK();\n}));\nreturn out;\n}\n")


def asserts(item):
    """The values of an enum are those of C."""
    name = "ErrorCode" if item.kind == "codes" else item.name
    return "".join(f"static_assert(static_cast<int>({name}::{enumerator(value.name)}) == {item.prefix or 'LANCE_'}{value.name});\n"
                   for value in item.value)


def name_function(item):
    local = snake(item.name).split("_")[-1]
    cases = "".join(f'case {item.name}::{enumerator(value.name)}: return "{value.name}";\n' for value in item.value)
    return (f"const char* {item.name}Name({item.name} {local}) {{\nswitch ({local}) {{\n{cases}}}\n"
            "// One that a newer C library may report.\nreturn \"UNKNOWN\";\n}\n")


def in_namespace(inner, body):
    return f"namespace lance::inline v0{inner} {{\n\n{body}\n}}  // namespace lance::inline v0{inner}\n\n"


def bridge(topic, topics):
    items = topic["items"]
    options = [item for item in items if item.kind == "options"]
    results = [item for item in items if item.kind == "result" and item.cpp != "hand"]
    records = [item for item in items if item.kind == "record" and item.cpp != "hand"]
    enums = [item for item in items if item.kind in ("enum", "codes") and item.cpp != "hand"]
    named = [item for item in enums if item.cpp_name_function]
    if not (options or results or records or enums):
        return
    declarations = [*(bridge_struct(item) for item in options),
                    *(f"{item.name} FromC(const {item.struct}& c);\n" for item in results),
                    *(f"/// Read a list to its end.\narrow::Result<std::vector<{item.name}>> {decoder_name(item)}(CStream* stream);\n"
                      for item in records)]
    header = "\n".join(declarations)
    body = "\n".join([*map(asserts, enums), *(bridge_make(item, topics) for item in options), *map(from_c, results), *map(decoder, records)])
    path = f"ffi/generated/{topic.file}_internal.h"
    includes = ['"ffi/arrow_bridge_internal.h"'] * bool(records) + ['"ffi/options_internal.h"'] * bool(options) \
        + [f'"lance/c/{topic.file}.h"'] + ['"lance/options.h"'] * bool(options or results) + ['"lance/results.h"'] * bool(results or records)
    std = ["<deque>", "<string>"] * any(map(has_hook, options)) + ["<span>"] * ("std::span" in header) \
        + ["<vector>"] * ("std::vector" in header)
    if declarations:
        yield f"src/{path}", topic.source, (
            f"/// \\file {topic.file}_internal.h\n/// {topic.title}: C++ structs as the C ABI has them.\n#pragma once\n\n"
            + "".join(f"#include {name}\n" for name in std) + "\n" * bool(std)
            + '#include "arrow/result.h"\n' * bool(options or records) + "".join(f"#include {name}\n" for name in includes)
            + f"\n{in_namespace('::internal', header)}")
    own = f'#include "{path}"\n\n' if declarations else ""
    needs = ['"ffi/records_internal.h"'] * bool(records) + ['"ffi/write_hook_internal.h"'] * any(map(has_hook, options)) \
        + ([f'"lance/c/{topic.file}.h"', '"lance/error_code.h"'] if any(item.kind == "codes" for item in enums) else [])
    needs += sorted({f'"{snake(field.of)}_handle_internal.h"' for item in options for field in item.field if field.base == "handle"})
    std = "".join(f"#include <{name}>\n" for name in ("optional", "string") if f"std::{name}" in body)
    std += "\n" * bool(std)
    std += '#include "arrow/array.h"\n#include "arrow/record_batch.h"\n' * bool(records)
    yield f"src/ffi/generated/{topic.file}_internal.cpp", topic.source, (
        own + std + "".join(f"#include {name}\n" for name in needs) + "\n"
        + "".join(in_namespace("", name_function(item)) for item in named) + in_namespace("::internal", body))


def outputs(topics):
    yield from public(topics)
    for topic in topics:
        yield from bridge(topic, topics)
