"""The C headers."""

import re

from . import model
from .model import every, find, paragraphs

WIDTH = 104
UMBRELLA = "lance/c/lance.h"


def comment(text, indent=""):
    """A documentation comment."""
    lines = list(paragraphs(text, WIDTH - len(indent)))
    if not lines:
        return ""
    if len(lines) == 1 and len(lines[0]) + len(indent) < WIDTH - 2:
        return f"{indent}/** {lines[0]} */\n"
    return f"{indent}/** " + "\n".join([lines[0], *(f"{indent} *  {line}".rstrip() for line in lines[1:])]) + " */\n"


def guard(path):
    return "LANCE_C_" + re.sub(r"\W", "_", path.rsplit("/", 1)[1]).upper() + "_"


def constant(item, topics):
    return comment(item.doc or "") + "".join(f"#define {name} {value}\n" for name, value in item.value.items())


def enum(item, topics, prefix=None):
    values = "".join(comment(model.c_doc(value), "  ") + f"  {prefix or item.prefix}{value.name} = {value.value},\n"
                     for value in item.value)
    name = "StatusCode" if item.kind == "codes" else item.name
    return f"{comment(item.doc)}typedef int32_t Lance{name};\n\nenum {{\n{values.rstrip().rstrip(',')}\n}};\n"


def codes(item, topics):
    return enum(item, topics, "LANCE_")


def handle(item, topics):
    return f"{comment(item.doc)}typedef struct Lance{item.name} Lance{item.name};\n"


TEXT_MACROS = """
/** Text of a C string, which may be NULL: no text. */
#ifdef __cplusplus
#define LANCE_TEXT(string) (LanceText{(string), LANCE_NUL_TERMINATED})
#define LANCE_NO_TEXT (LanceText{NULL, 0})
#else
#define LANCE_TEXT(string) ((LanceText){(string), LANCE_NUL_TERMINATED})
#define LANCE_NO_TEXT ((LanceText){NULL, 0})
#endif
"""


def struct(item, topics):
    members = model.members(item, topics)
    text = comment(item.doc) + f"typedef struct {item.struct} {{\n"
    text += "".join(comment(m.doc, "  ") + f"  {m.c} {m.name};\n" for m in members) + f"}} {item.struct};\n"
    if item.is_sized:
        text += f"\n#define {item.init_macro} {{{', '.join(m.init for m in members)}}}\n"
    if item.kind == "options":
        text += "\n" + comment(f"\\brief Fill a struct of `struct_size` bytes with the values of #{item.init_macro}. Never fails.")
        text += f"LANCE_API void {init_function(item)}({item.struct}* options, size_t struct_size);\n"
    return text + (TEXT_MACROS if item.macros else "")


def init_function(item):
    return f"lance_{model.snake(item.name)}_options_init"


def callback(item, topics):
    c = item.c or f"void (*Lance{item.name})(void* context, const Lance{item.tells}* {item['as']})"
    return f"{comment(item.doc)}typedef {c};\n"


COLUMNS = {"u32": "uint32", "u64": "uint64", "i32": "int32", "i64": "int64", "bool": "bool", "text": "utf8",
           "map": "map<utf8, utf8>", "enum": "int32"}


def columns(item):
    """Name, type and text of each column of a list."""
    for field in item.field:
        nullable = ", may be null" if field.optional else ""
        of = f" A `Lance{field.of}`." if field.base == "enum" else ""
        yield field.name, COLUMNS[field.base] + nullable, (field.doc or "") + of


def sentence(word, doc):
    """What a parameter is: the word for its ownership, and what else there is to say."""
    if not doc:
        return f"{word}."
    return f"{word}{': ' if doc[0].islower() or doc[0] == '`' else '. '}{doc}"


def parameter_docs(function, topics):
    """Name and text of the parameters that need one."""
    if function.self_doc:
        yield model.self_parameter(function, topics).name, function.self_doc
    for arg in function.arg or []:
        if arg.c:
            if arg.doc:
                yield arg.name, arg.doc
        elif arg.base in model.CONSUMED:
            yield arg.name, sentence("consumed; may be NULL" if arg.optional else "consumed", arg.doc)
        elif arg.base not in model.NUMBERS:
            yield arg.c_name, sentence("borrowed, may be NULL" if arg.base == "options" else "borrowed", arg.doc)
    for out in function.out or []:
        if out.base == "batch":
            yield "out_array, out_schema", "the caller's: one record batch as a struct array. Both structs or neither."
        elif out.base == "bytes":
            yield f"{out.name}, {out.name}_length", "the caller's; lance_bytes_free()."
        elif out.base == "handle":
            yield out.name, f"the caller's; {free_of(out.of, topics)}()."
        elif out.base == "result":
            yield out.name, ("the caller's memory, with `struct_size` set; filled up to that size"
                             + ("; may be NULL." if out.optional else "."))
        elif out.base == "string":
            yield out.name, "the caller's; lance_string_free()."
        elif out.base == "array":
            yield out.name, "the caller's: a struct array, whose `release` is NULL after the last batch."
        elif out.base == "schema":
            yield out.name, "the caller's; released through its `release`."
        elif out.base == "stream":
            yield out.name, f"the caller's: a stream {out.doc}"
        elif out.base == "records":
            yield out.name, ("the caller's: a stream of the columns "
                             + ", ".join(f"`{name}` ({kind})" for name, kind, _ in
                                         columns(find(topics, "record", out.of))) + ".")


def free_of(handle, topics):
    return next(f.name for f in every(topics, "function") if f.frees == handle or f.name == f"lance_{handle.lower()}_free")


def function(item, topics):
    doc = f"\\brief {item.doc.strip()}"
    parameters = [f"\\param {name} {text}" for name, text in parameter_docs(item, topics)]
    if item.returns_doc:
        parameters.append(f"\\return {item.returns_doc}")
    lines = [*paragraphs(doc, WIDTH)]
    if parameters:
        lines.append("")
        for parameter in parameters:
            lines += paragraphs(parameter, WIDTH)
    text = f"/** {lines[0]} */\n" if len(lines) == 1 and len(lines[0]) < WIDTH - 2 else \
        "/** " + "\n".join([lines[0], *(f" *  {line}".rstrip() for line in lines[1:])]) + " */\n"
    text += prototype(item, topics)
    if model.waits(item):
        text += f"\n/** \\brief The asynchronous form of {item.name}(). */\n{prototype(item, topics, is_async=True)}"
    return text


def prototype(item, topics, is_async=False):
    parameters = ", ".join(f"{m.c} {m.name}" for m in model.parameters(item, topics, is_async))
    returns = "LanceStatusCode" if model.is_fallible(item) else item.returns or "void"
    return f"LANCE_API {returns} {item.name}{'_async' * is_async}({parameters or 'void'});\n"


# Records have no struct: functions say what their columns are.
WRITERS = {"constant": constant, "codes": codes, "enum": enum, "handle": handle, "struct": struct, "callback": callback,
           "result": struct, "options": struct, "function": function}


def defined(topics):
    """The header of each name."""
    return {name: topic.file for topic in topics for item in topic["items"]
            for name in re.findall(r"\b(?:Lance|LANCE_)\w+", definition_names(item))}


def definition_names(item):
    if item.kind == "codes":
        return "LanceStatusCode " + " ".join(f"LANCE_{value.name}" for value in item.value)
    if item.kind in ("function", "record"):
        return ""
    return " ".join(item.value) if item.kind == "constant" else item.struct


def header(topic, topics):
    body = "\n".join(WRITERS[item.kind](item, topics) for item in topic["items"] if item.kind in WRITERS)
    code = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
    known = defined(topics)
    needed = {known[name] for name in re.findall(r"\b(?:Lance|LANCE_)\w+", code) if name in known}
    if topic.file != "base":
        needed |= {"base"}
    order = [other.file for other in topics]
    includes = "".join(f'#include "{file}.h"\n' for file in order if file in needed - {topic.file})
    if topic.file == "base":
        includes = '#include <float.h>\n#include <stddef.h>\n#include <stdint.h>\n\n#include "arrow_abi.h"\n\n' \
            '#if defined(__GNUC__)\n#define LANCE_API __attribute__((visibility("default")))\n#else\n' \
            "#define LANCE_API\n#endif\n"
    path = f"lance/c/{topic.file}.h"
    group = f"\\defgroup {topic.group} {topic.title}\n"
    group = "/** " + "\n".join([group.strip(), *(f" *  {line}".rstrip() for line in paragraphs(topic.doc or "", WIDTH)),
                                " *  @{ */"])
    return path, (f"/** \\file {topic.file}.h\n *  \\brief {topic.title}: a part of lance.h. */\n"
                  f"#ifndef {guard(path)}\n#define {guard(path)}\n\n{includes}\n"
                  f'#ifdef __cplusplus\nextern "C" {{\n#endif\n\n{group}\n\n{body}\n/** @}} */\n\n'
                  f"#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {guard(path)} */\n")


def umbrella(topics):
    introduction = topics[0].introduction
    first, rest = introduction.strip().split("\n", 1)
    lines = ["\\file lance.h", f"\\brief {first}", "", *paragraphs(rest, WIDTH)]
    text = "/** " + "\n".join([lines[0], *(f" *  {line}".rstrip() for line in lines[1:])]) + "\n */\n"
    includes = "".join(f'#include "{topic.file}.h"\n' for topic in topics)
    return UMBRELLA, f"{text}#ifndef {guard(UMBRELLA)}\n#define {guard(UMBRELLA)}\n\n{includes}\n#endif /* {guard(UMBRELLA)} */\n"


def outputs(topics):
    root = "rust/lance-ffi/include"
    for topic in topics:
        path, text = header(topic, topics)
        yield f"{root}/{path}", topic.source, text
    path, text = umbrella(topics)
    yield f"{root}/{path}", topics[0].source, text
