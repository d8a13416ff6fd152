"""Tests that follow from the contract: layout and initial values, NULL for every pointer, wrong values for every option, and
the fields that the fuzzer fills."""

from . import model
from .c import init_function
from .model import every, find, listed, snake

ROOT = "tests/c_api/generated"


def contract_test(topics):
    """Layout, initial values and names, as C has them."""
    lines, blocks = [], []
    for item in every(topics, "struct", "result", "options"):
        places, size = model.layout(item, topics)
        lines.append(f'_Static_assert(sizeof({item.struct}) == {size}, "");')
        lines += [f'_Static_assert(offsetof({item.struct}, {m.name}) == {offset}, "");' for m, offset in places]
        if item.kind == "options":
            blocks.append(f"INIT({item.struct}, {init_function(item)}, {item.init_macro});")
    names = "".join(f'CHECK(strcmp(lance_status_name(LANCE_{v.name}), "{v.name}") == 0);\n' for v in every(topics, "codes")[0].value)
    last = max(value.value for value in every(topics, "codes")[0].value)
    return f"""/* The layout of every struct, the values of its INIT macro, and the name of every status code. */
#include <string.h>

#include "check.h"

{chr(10).join(lines)}

/* The function and the macro agree, and no more than `struct_size` bytes are written. */
#define INIT(type, function, ...) do {{ const type macro = __VA_ARGS__; type filled; memset(&filled, 0xab, sizeof filled);
function(&filled, sizeof filled); CHECK(memcmp(&filled, &macro, sizeof macro) == 0); memset(&filled, 0xab, sizeof filled);
function(&filled, sizeof(size_t)); CHECK(filled.struct_size == sizeof(size_t));
for (size_t i = sizeof(size_t); i < sizeof filled; ++i) CHECK(((const unsigned char*)&filled)[i] == 0xab);
function(NULL, sizeof filled); }} while (0)

int main(void) {{
{chr(10).join(blocks)}
{names}CHECK(strcmp(lance_status_name({last + 1}), "UNKNOWN") == 0);
return 0;
}}
""".replace(";\nfunction(", "; \\\nfunction(").replace(";\nfor (", "; \\\nfor (")


# Arguments that a function takes, and those that it refuses.
GOOD = {
    "uri": ["URI"], "name": ['"name"'], "text": ['LANCE_TEXT("text")'], "text?": ["LANCE_NO_TEXT"], "u32": ["0"], "f64": ["0"], "u64": ["1"], "bool": ["0"],
    "u64s": ["kRows", "1"], "names": ["kNames", "1"], "names?": ["NULL", "0"], "key_values": ["NULL", "0"], "options": ["NULL"],
    "u64s?": ["NULL", "0"], "bytes": ["kBytes", "1"], "pairs": ["NULL", "0"], "list": ["NULL", "0"],
    "enum": ["1"], "array": ["fresh_array()"], "array?": ["NULL"], "schema": ["fresh_schema()"], "schema?": ["NULL"], "stream": ["fresh_stream()"],
}
BAD = {
    "uri": [["NULL"], ["kNotUtf8"]], "name": [["NULL"], ["kNotUtf8"]],
    "text": [["LANCE_NO_TEXT"], ["LANCE_TEXT(kNotUtf8)"], ["kWithNul"]],
    "text?": [["LANCE_TEXT(kNotUtf8)"], ["kWithNul"]],
    "u64s": [["NULL", "1"]], "u64s?": [["NULL", "1"]], "bytes": [["NULL", "1"]], "names": [["NULL", "1"], ["kNullName", "1"]],
    "names?": [["NULL", "1"], ["kNullName", "1"]],
    "key_values": [["NULL", "1"], ["kNullKey", "1"], ["kNullValue", "1"]],
    "pairs": [["NULL", "1"], ["kNullKey", "1"], ["kNullValue", "1"]], "list": [["NULL", "1"]],
    "bool": [["2"]], "enum": [["-1"], ["1000"]], "array": [["NULL"]], "schema": [["NULL"]], "stream": [["NULL"]],
}


def good(arg):
    if arg.base == "handles":
        return [f"&handles->{snake(arg.of)}", "1"]
    if arg.base == "handle":
        return [f"handles->{snake(arg.of)}"]
    return GOOD.get(arg.type) or GOOD[arg.base]


def bad(arg):
    if arg.base == "handles":
        return [["NULL", "1"], [f"&handles->{snake(arg.of)}", "0"], [f"&none_{snake(arg.of)}", "1"]]
    if arg.type.startswith("handle:"):
        return [["NULL"]]
    return BAD.get(arg.base if arg.base in ("enum", "list") else arg.type, [])


def output(out):
    """The declarations of an output, the arguments it is, those that are refused, and what holds after a refusal."""
    if out.base == "batch":
        return ("struct ArrowArray array = {0}; struct ArrowSchema schema = {0};", ["&array", "&schema"],
                [["NULL", "&schema"], ["&array", "NULL"]], "array.release == NULL && schema.release == NULL")
    name = f"made_{out.name}"
    if out.base == "bytes":
        return (f"uint8_t* {name} = NULL; size_t {name}_length = 0;", [f"&{name}", f"&{name}_length"],
                [["NULL", f"&{name}_length"], [f"&{name}", "NULL"]], f"{name} == NULL")
    if out.base == "result":
        struct = f"Lance{out.of}"
        macro = f"LANCE_{snake(out.of).upper()}_INIT"
        wrong = [] if out.optional else [["NULL"]]
        return f"{struct} {name} = {macro}; {struct} no_size_{out.name} = {{0}};", [f"&{name}"], \
            [*wrong, [f"&no_size_{out.name}"]], None
    kinds = {"bool": ("int32_t", "0", None), "u64": ("uint64_t", "0", None), "handle": (f"Lance{out.of}*", "NULL", f"{name} == NULL"),
             "string": ("char*", "NULL", f"{name} == NULL"),
             "array": ("struct ArrowArray", "{0}", f"{name}.release == NULL"),
             "schema": ("struct ArrowSchema", "{0}", f"{name}.release == NULL"),
             "stream": ("struct ArrowArrayStream", "{0}", f"{name}.release == NULL"),
             "records": ("struct ArrowArrayStream", "{0}", f"{name}.release == NULL")}
    kind, init, holds = kinds[out.base]
    return f"{kind} {name} = {init};", [f"&{name}"], [["NULL"]], holds


def null_test(item, topics):
    """A C function that calls one function with everything that it refuses."""
    places, declarations, holds = [], [], []
    if item.on:
        places.append(([f"handles->{model.handle_parameter(item.on, topics)}"], [["NULL"]]))
    for arg in item.arg or []:
        wrong = rows(find(topics, "struct", arg.of), topics) if arg.base == "list" else []
        places.append((good(arg), [*bad(arg), *([f"&kWrong{arg.of}s[{i}]", "1"] for i in range(len(wrong)))]))
        if arg.base == "handles":
            declarations.append(f"Lance{arg.of}* none_{snake(arg.of)} = NULL;")
    for out in item.out or []:
        declared, right, wrong, after = output(out)
        declarations.append(declared)
        places.append((right, wrong))
        holds += [after] * bool(after)
    calls = []
    for is_async in (False, True)[:1 + model.waits(item)]:
        more = [(["must_not_be_called", "NULL", "NULL"], [["NULL", "NULL", "NULL"]])] * is_async
        for i, (_, wrong) in enumerate([*places, *more]):
            for refused in wrong:
                args = [word for k, (right, _) in enumerate([*places, *more]) for word in (refused if k == i else right)]
                calls.append(f"REFUSED({item.name}{'_async' * is_async}, {', '.join(args)});")
    after = "".join(f"CHECK({condition});" for condition in holds)
    uses = "" if any("handles->" in call for call in calls) else "(void)handles;"
    return f"static void {item.name}_refuses(const Handles* handles) {{\n{uses}{chr(10).join(declarations)}\n{chr(10).join(calls)}\n{after}}}\n"


def wrong_fields(item, topics):
    """Assignments to `options` that are refused, each with the name that the message has."""
    yield "options.struct_size = 0;", "struct_size"
    yield "options.struct_size = sizeof(options) - 1;", "struct_size"
    for field in item.c_fields:
        name = field.c_name
        low, high = field.range
        if field.base in (*model.NUMBERS, "seconds"):
            if low is not None and (low > 0 or field.base in ("i32", "i64", "f64", "seconds")):
                yield f"options.{name} = {low - 1};", name
            if high is not None:
                yield f"options.{name} = {high + 1};", name
        elif field.base == "bool":
            yield f"options.{name} = 2;", name
        elif field.base == "enum":
            yield f"options.{name} = -1;", name
            yield f"options.{name} = 1000;", name
        elif field.base == "text":
            yield f"options.{name} = LANCE_TEXT(kNotUtf8);", name
            yield f"options.{name} = kWithNul;", name
        elif field.base == "name":
            yield f"options.{name} = kNotUtf8;", name
        elif field.base in model.ARRAYS:
            yield f"options.{field.count_name} = 1;", name
            wrong = {"names": ["kNullName"], "u64s": [], "bytes": []}
            if field.base == "list":
                wrong["list"] = [f"&kWrong{field.of}s[{i}]" for i in range(len(rows(find(topics, "struct", field.of), topics)))]
            for items in wrong.get(field.base, ["kNullKey", "kNullValue"]):
                yield f"options.{field.count_name} = 1; options.{name} = {items};", name


def options_test(item, topics):
    """Every field of an option struct with what is refused."""
    function = next(f for f in every(topics, "function") if any(arg.type == f"options:{item.name}" for arg in f.arg or []))
    args, declarations, holds = [f"handles->{model.handle_parameter(function.on, topics)}"] if function.on else [], [], []
    for arg in function.arg:
        args += ["&options"] if arg.type == f"options:{item.name}" else good(arg)
    for out in function.out or []:
        declared, right, _, after = output(out)
        declarations.append(declared.split(f" {'Lance' + out.of if out.base == 'result' else '@'} no_size")[0])
        args += right
        holds += [after] * bool(after)
    after = "".join(f"CHECK({condition});\n" for condition in holds)
    steps = "".join(f"options = ({item.struct}){item.init_macro}; {change}\n"
                    f'REFUSED_FOR("options.{name}", {function.name}, {", ".join(args)});\n'
                    for change, name in wrong_fields(item, topics))
    uses = "" if function.on else "(void)handles;"
    return (f"static void {snake(item.struct)}_are_checked(const Handles* handles) {{\n{uses}{item.struct} options;\n"
            f"{chr(10).join(declarations)}\n{steps}{after}}}\n")


def null_arguments(topics):
    functions = [f for f in every(topics, "function") if not f.shell and not f.frees and (f.on or f.out)]
    options = every(topics, "options")
    tests = [*(null_test(f, topics) for f in functions), *(options_test(item, topics) for item in options)]
    wrong = "".join(f"static const Lance{item.name} kWrong{item.name}s[] = {{{', '.join(made)}}};\n"
                    for item in listed(topics) if (made := rows(item, topics)))
    kept = "".join(line for word, line in {"kBytes": "static const uint8_t kBytes[] = {0};\n"}.items() if any(word in test for test in tests))
    calls = "".join(f"{f.name}_refuses(handles);\n" for f in functions)
    calls += "".join(f"{snake(item.struct)}_are_checked(handles);\n" for item in options)
    frees = "".join(f"{f.name}({', '.join(['NULL', '0'][:len(f.arg or [0])])});\n" for f in every(topics, "function") if f.frees or f.name.endswith("_free"))
    return f"""/* Every function with NULL for each pointer that may not be NULL, and every field of the options with values out of
 * its range: refused, never a crash, and what the function consumes is released all the same. */
#include "null_arguments.h"

static const uint64_t kRows[] = {{0}};
static const char* const kNames[] = {{"name"}};
static const char* const kNullName[] = {{NULL}};
static const char kNotUtf8[] = "\\xff";
static const LanceText kWithNul = {{"a\\0b", 3}};
static const LanceKeyValue kNullKey[] = {{{{{{NULL, 0}}, {{"value", 5}}}}}};
static const LanceKeyValue kNullValue[] = {{{{{{"key", 3}}, {{NULL, 0}}}}}};
{kept}{wrong}
{chr(10).join(tests)}
void null_arguments(const Handles* handles) {{
{calls}{frees}}}
"""


def rows(item, topics):
    """One row for each field that can be wrong."""
    right = {"name": '"a"', "text": '{"a", 1}'}
    wrong = {"name": "NULL", "text": "{NULL, 0}", "bool": "2", "enum": "1000"}

    def row(bad):
        cells = {field.c_name: wrong[field.base] if field is bad else right.get(field.base, "0") for field in item.field}
        return "{" + ", ".join(cells.get(member.name, "0") for member in model.members(item, topics)) + "}"

    return [row(field) for field in item.field if field.base in wrong and not field.optional]


FILLS = {
    "name?": "fields.{0} = arguments.OptionalString();",
    "text?": "fields.{0} = arguments.OptionalText();",
    "names?": "arguments.Array(&fields.{0}, &fields.{1}, [&] {{ return arguments.Column(); }});",
    "names": "arguments.Array(&fields.{0}, &fields.{1}, [&] {{ return arguments.Column(); }});",
    "u64s?": "arguments.Array(&fields.{0}, &fields.{1}, [&] {{ return arguments.Number(uint64_t{{0}}); }});",
    "u64s": "arguments.Array(&fields.{0}, &fields.{1}, [&] {{ return arguments.Number(uint64_t{{0}}); }});",
    "bytes?": "arguments.Array(&fields.{0}, &fields.{1}, [&] {{ return arguments.input().Byte(); }});",
    "key_values": "arguments.KeyValues(&fields.{0}, &fields.{1});",
    "pairs": "arguments.KeyValues(&fields.{0}, &fields.{1});",
    "storage": "arguments.KeyValues(&fields.{0}, &fields.{1});",
}


def fill(field, topics):
    if field.type in FILLS:
        return FILLS[field.type].format(field.c_name, field.count_name)
    if field.base == "list":
        item = find(topics, "struct", field.of)
        makes = {"name": "arguments.String()", "name?": "arguments.OptionalString()", "text": "arguments.Text()"}
        makes = {inner.c_name: makes[inner.type] for inner in item.field if inner.type in makes}
        cells = ", ".join(makes.get(member.name, f"arguments.Number({member.c}{{0}})") for member in model.members(item, topics))
        return (f"arguments.Array(&fields.{field.c_name}, &fields.{field.count_name}, "
                f"[&] {{ return Lance{field.of}{{{cells}}}; }});")
    if field.base == "handle":
        # One that is no handle cannot be told from one that is.
        return ""
    if field.base == "callback":
        tells = find(topics, "callback", field.of).tells
        return f"if (arguments.input().Byte() % 2 == 1) fields.{field.c_name} = [](void*, const Lance{tells}*) {{}};"
    return f"fields.{field.c_name} = arguments.Number(fields.{field.c_name});"


def fuzzer_fields(topics):
    parts = []
    for item in every(topics, "options"):
        body = "\n".join(fill(field, topics) for field in item.c_fields)
        parts.append(f"template <typename Arguments>\n{item.struct} Fill(Arguments& arguments, {item.struct} fields) {{\n{body}\n"
                     "return fields;\n}\n")
    return ("/// \\file generated_fields.h\n/// Every field of the option structs, right or wrong.\n#pragma once\n\n"
            '#include "lance/c/lance.h"\n\nnamespace lance_test {\n\n' + "\n".join(parts) + "\n}  // namespace lance_test\n")


def outputs(topics):
    yield f"{ROOT}/contract_test.c", "api/", contract_test(topics)
    yield f"{ROOT}/null_arguments.c", "api/", null_arguments(topics)
    yield "tests/fuzz/harness/generated_fields.h", "api/", fuzzer_fields(topics)
