"""The crate lance-ffi: mirrors of the C structs, and the exported functions."""

import re

from . import model
from .model import chosen, find, listed, pascal, snake
from .c import init_function
from .engine import field_name, structs

ROOT = "rust/lance-ffi/src/generated"

# How an argument, or a field of an option struct, becomes a value of our own. {0} is where it is, {1} its count, {2} how
# messages call it.
READS = {
    "uri": "required_place({0}, {2})?",
    "name": "required_name({0}, {2})?",
    "name?": "optional_name({0}, {2})?",
    "text": "required_text({0}, {2})?",
    "text?": "optional_text({0}, {2})?",
    "names": "names({0}, {1}, {2})?",
    "names?": "optional_names({0}, {1}, {2})?",
    "u64s": "copied({0}, {1}, {2})?",
    "u64s?": "optional_copied({0}, {1}, {2})?",
    "bytes": "copied({0}, {1}, {2})?",
    "bytes?": "optional_copied({0}, {1}, {2})?",
    "pairs": "pairs({0}, {1}, {2})?",
    "key_values": "key_values({0}, {1}, {2})?",
    "storage": "key_values({0}, {1}, {2})?",
    "bool": "flag({0}, {2})?",
    "seconds": "seconds({0}, {2})?",
    "seconds?": "optional_seconds({0}, {2})?",
    "array": "required({0}, {2})?",
    "schema": "required({0}, {2})?",
    "stream": "required({0}, {2})?",
}


def read(field, place, what, topics, within_list=False):
    """The expression that reads a field or argument; None where it is its own value."""
    name = f"{place}{field.c_name}"
    told = f'&what("{field.c_name}")' if within_list else f'"{what}{field.c_name}"'
    if field.type in READS:
        return READS[field.type].format(name, f"{place}{field.count_name}", told)
    if field.base == "options":
        return f"Lance{field.of}Options::read({name})?"
    if field.base == "handles":
        return f'Lance{field.of}::get_all({name}, {field.count_name}, "{name}")?.iter().map(|it| it.value()).collect()'
    if field.base == "handle":
        get = f"Lance{field.of}::get({name}, {told})?"
        if not field.optional:
            return f"{get}.value()"
        return f"match {name}.is_null() {{ true => None, false => Some({get}.value()) }}"
    if field.base == "enum":
        home = next(topic.file for topic in topics if find([topic], "enum", field.of))
        return f"super::{home}::{snake(field.of)}({name}, {told})?"
    if field.base == "list":
        items = f"slice({name}, {place}{field.count_name}, {told})?"
        return f"{items}.iter().map(|item| item.read({told})).collect::<Result<_>>()?"
    if field.base == "callback":
        callback = find(topics, "callback", field.of)
        return (f"{name}.map(|callback| {{ let context = Context::new({name}_context); Callback::new(move |told: &{callback.tells}| {{\n"
                "// The callback and its context live as long as the header demands.\n"
                f"callback(context.get(), &Lance{callback.tells}::from(told)) }}) }})")
    if field.base in model.NUMBERS:
        low, high = field.range
        if low is None and high is None and not field.optional:
            return None if not place else name
        kind = field.base
        span = f"{low if low is not None else f'{kind}::MIN'}..={high if high is not None else f'{kind}::MAX'}"
        return f"{'optional_within' if field.optional else 'within'}({name}, {span}, {told})?"
    return None


def value(member, topics):
    """The Rust spelling of a member's initial value."""
    init = member.init
    if init.startswith("sizeof"):
        return "size_of::<Self>()"
    if init.startswith("LANCE_UNSET_"):
        return f"{member.rust}::UNSET"
    if init == "{NULL, 0}":
        return "LanceText::NONE"
    if init == "NULL":
        return "None" if member.rust.startswith("Option") else f"std::ptr::null{'_mut' * member.rust.startswith('*mut')}()"
    for enum in model.every(topics, "enum"):
        for choice in enum.value:
            if init == f"{enum.prefix}{choice.name}":
                return f"{enum.name}::{pascal(choice.name)} as i32"
    return init


def mirror(item, topics):
    members = model.members(item, topics)
    fields = "".join(f"pub {m.name}: {m.rust}," for m in members)
    derives = "Clone, Copy"
    text = f"/// Mirrors `{item.struct}`.\n#[repr(C)]\n#[derive({derives})]\npub struct {item.struct} {{ {fields} }}\n"
    if item.is_sized:
        inits = "".join(f"{m.name}: {value(m, topics)}," for m in members)
        text += ("\n// SAFETY: repr(C), begins with struct_size; integers, pointers and nullable function pointers.\n"
                 f"unsafe impl Versioned for {item.struct} {{ const INIT: Self = Self {{ {inits} }}; }}\n")
    return text + "\n" + checks(item, topics)


def checks(item, topics):
    places, size = model.layout(item, topics)
    lines = [f"assert!(size_of::<{item.struct}>() == {size});"]
    lines += [f"assert!(offset_of!({item.struct}, {m.name}) == {offset});" for m, offset in places]
    return f"const _: () = {{ {' '.join(lines)} }};\n"


def options(item, topics):
    fields = []
    for field in item.c_fields:
        fields.append(f"{field_name(field)}: {read(field, 'raw.', 'options.', topics)},")
    return mirror(item, topics) + f"""
impl {item.struct} {{
    /// # Safety
    /// `options` is NULL or a valid struct.
    pub unsafe fn read(options: *const Self) -> Result<{item.settings}> {{
        // SAFETY: by this function's contract, which the pointers inside have, too.
        unsafe {{
            let raw = read_sized(options, "options")?;
            Ok({item.settings} {{ {"".join(fields)} }})
        }}
    }}
}}

/// # Safety
/// `options` is NULL or has `struct_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn {init_function(item)}(options: *mut {item.struct}, struct_size: usize) {{
    // SAFETY: forwarded contract.
    unsafe {{ init_sized(options, struct_size) }}
}}
"""


def result(item, topics):
    def field(f):
        if f.base == "bool":
            return f"{f.name}: told.{f.name}.into(),"
        if f.base == "text":
            return f"{f.name}: LanceText::of(&told.{f.name}),"
        if f.optional:
            return f"{f.name}: told.{f.name}.unwrap_or({f.base}::UNSET),"
        return f"{f.name}: told.{f.name},"

    fields = "".join(map(field, item.field))
    padding = "..Self::INIT" if any(m.name.startswith("reserved") for m in model.members(item, topics)) else ""
    head = "struct_size: size_of::<Self>()," * (not padding)
    return mirror(item, topics) + f"""
impl From<&{item.name}> for {item.struct} {{
    fn from(told: &{item.name}) -> Self {{ Self {{ {head} {fields} {padding} }} }}
}}
"""


def struct(item, topics):
    text = mirror(item, topics)
    if item.name == "Text":
        return text + """
impl LanceText {
    /// No text, which is not the empty one.
    pub const NONE: Self = Self { data: std::ptr::null(), length: 0 };

    /// Borrows it.
    pub fn of(text: &str) -> Self { Self { data: text.as_ptr().cast(), length: text.len() } }
}
"""
    if item not in listed(topics):
        return text
    fields = "".join(f"{f.name}: {read(f, 'self.', '', topics, within_list=True)}," for f in item.field)
    if "what(" not in fields:
        return text + f"""
impl {item.struct} {{
    fn read(&self, _: &str) -> Result<{item.name}> {{ Ok({item.name} {{ {fields} }}) }}
}}
"""
    return text + f"""
impl {item.struct} {{
    /// # Safety
    /// The strings are NULL or valid.
    unsafe fn read(&self, list: &str) -> Result<{item.name}> {{
        let what = |field: &str| format!("{{list}}: {{field}}");
        // SAFETY: by this function's contract.
        unsafe {{ Ok({item.name} {{ {fields} }}) }}
    }}
}}
"""


def enum(item, topics):
    if item.engine is False:
        values = "".join(f"{pascal(v.name)} = {v.value}," for v in item.value)
        return f"/// Values of `Lance{item.name}`.\n#[repr(i32)]\npub enum {item.name} {{ {values} }}\n"
    if item.name not in chosen(topics):
        return ""
    arms = "".join(f"{v.value} => {item.name}::{pascal(v.name)}," for v in item.value)
    names = [f"{item.prefix}{v.name}" for v in item.value]
    names = f"{', '.join(names[:-1])} and {names[-1]}"
    return f"""
pub(super) fn {snake(item.name)}(value: i32, what: &str) -> Result<{item.name}> {{
    Ok(match value {{ {arms} other => return Err(no_such_value(what, "{names}", other)), }})
}}
"""


def callback(item, topics):
    if item.c:
        parameters = re.search(r"\)\((.*)\)$", item.c)[1].split(", ")
        typed = ", ".join(f"{name}: {model.to_rust(c)}" for c, name in (p.rsplit(" ", 1) for p in parameters))
        returns = model.to_rust(item.c.split(" (*")[0])
        arrow = "" if returns == "c_void" else f" -> {returns}"
        return f'/// Mirrors `Lance{item.name}`; it never unwinds.\npub type Lance{item.name} = unsafe extern "C" fn({typed}){arrow};\n'
    return (f"/// Mirrors `Lance{item.name}`; it never unwinds.\n"
            f"pub type Lance{item.name} = unsafe extern \"C\" fn(context: *mut c_void, {item['as']}: *const Lance{item.tells});\n")


LIMITS = {"UINT32_MAX": "u32::MAX", "UINT64_MAX": "u64::MAX", "INT32_MIN": "i32::MIN", "INT64_MIN": "i64::MIN",
          "(-DBL_MAX)": "f64::MIN", "SIZE_MAX": "usize::MAX"}


def constant(item, topics):
    lines = []
    for name, value in item.value.items():
        rust = LIMITS.get(value, value)
        kind = rust.split(":")[0] if ":" in rust else "u32"
        lines.append(f"/// Equals `{name}` of the header.\npub const {name.removeprefix('LANCE_')}: {kind} = {rust};\n")
    return "\n".join(lines)


ARRAYS = {"bool": "BooleanArray", "u32": "UInt32Array", "u64": "UInt64Array", "i32": "Int32Array", "i64": "Int64Array",
          "text": "StringArray", "enum": "Int32Array"}


def record(item, topics):
    columns = []
    for field in item.field:
        how = {"text": "it.{}.as_str()", "enum": "it.{} as i32", "bool": "it.{}" if field.optional else "Some(it.{})"}.get(field.base, "it.{}").format(field.name)
        column = "nullable" if field.optional else "column"
        if field.base == "map":
            columns.append(f'column("{field.name}", text_maps(records.iter().map(|it| it.{field.name}.as_slice()))),')
        else:
            collect = "from_iter" if field.optional or field.base == "bool" else "from_iter_values"
            columns.append(f'{column}("{field.name}", {ARRAYS[field.base]}::{collect}(records.iter().map(|it| {how}))),')
    return f"""
/// The columns of a list of `{item.name}`.
pub fn {snake(item.name)}_batch(records: &[{item.name}]) -> Result<RecordBatch> {{
    batch_of([{"".join(columns)}])
}}
"""


def function(item, topic, topics):
    if item.shell == "hand":
        types = ", ".join(m.rust for m in model.parameters(item, topics))
        returns = "i32" if model.is_fallible(item) else model.to_rust(item.returns)
        arrow = "" if returns == "c_void" else f" -> {returns}"
        return f'const _: unsafe extern "C" fn({types}){arrow} = crate::{item.module or topic.module}::{item.name};\n'
    if item.frees:
        handle = find(topics, "handle", item.frees)
        last = f"crate::{topic.module}::{handle.last}" if handle.last else "|_| ()"
        name = model.handle_parameter(handle.name, topics)
        return f"""
/// # Safety
/// `{name}` is NULL or a live handle, used here for the last time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn {item.name}({name}: *mut Lance{handle.name}) {{
    // SAFETY: by this function's contract.
    unsafe {{ Lance{handle.name}::free({name}, {last}) }}
}}
"""
    text = shell(item, topic, topics, is_async=False)
    return text + (shell(item, topic, topics, is_async=True) if model.waits(item) else "")


def out_lines(out):
    """How an output is checked, and how it is given."""
    if out.base == "batch":
        return "let out = OutBatch::required(out_array, out_schema)?;", "out.give({0})"
    if out.base == "bytes":
        return f"let {out.name} = OutBytes::required({out.name}, {out.name}_length)?;", f"{out.name}.give({{0}})"
    if out.base == "result":
        kind = "sized_or_null" if out.optional else "sized"
        return f'let {out.name} = SizedOut::{kind}({out.name}, "{out.name}")?;', f"{out.name}.give(&{{0}})"
    check = f'let {out.name} = Out::required({out.name}, "{out.name}")?;'
    if out.base == "records":
        return check, f"{out.name}.give_batch({snake(out.of)}_batch(&{{0}})?)"
    return check, f"{out.name}.give({{0}})"


def shell(item, topic, topics, is_async):
    """The exported function: read the arguments, call the body, write what it returns."""
    args, outs = item.arg or [], item.out or []
    consumed = [arg for arg in args if arg.base in model.CONSUMED]
    lines = []
    if is_async:
        lines.append("let ending = Ending::new(done, context, operation)?;")
    for out in outs:
        lines.append(out_lines(out)[0])
    names = []
    handle = model.handle_parameter(item.on, topics) if item.on else None
    if item.on:
        lines.append(f'let {handle} = Lance{item.on}::get({handle}, "{handle}")?;')
        names.append(handle)
    for arg in args:
        expression = read(arg, "", "", topics)
        kind = ": Vec<_>" if arg.base == "handles" else ""
        if expression:
            lines.append(f"let {arg.c_name}{kind} = {expression};")
        names.append(arg.c_name)
    if item.abortable:
        lines.append("let (abort, stop) = AbortHandle::new_pair();" if is_async else "let (_, stop) = AbortHandle::new_pair();")
        names.append("stop")
    body = model.body_of(item, topic)
    call = f"{body}({', '.join(names)})"
    passed = body if names[:1] == names and item.on else f"|{names[0]}| {call}" if item.on else None
    use = "with" if item.on and find(topics, "handle", item.on).mutable else "read"
    # Of several outputs one may be called "result".
    made = "result" if len(outs) < 2 else "made"
    gives = [out_lines(out)[1].format(made if len(outs) == 1 else f"{made}.{i}") for i, out in enumerate(outs)]
    gives = [give if i == len(gives) - 1 else f"{give}?" for i, give in enumerate(gives[::-1])]
    if is_async:
        gives = "; ".join(gives) if gives else "Ok(())"
        give = f"move |{made}| {{ {gives} }}" if outs else "Ok"
        cancel = "move || abort.abort()" if item.abortable else "|| ()"
        if item.waits == "future":
            # A panic of the future is told, and the handle is as good as before.
            owned = [f"{names[0]}.value()", *names[1:]] if item.on else names
            work = f"{body}({', '.join(owned)})"
            lines.append(f"start(ending, {work}, {give})")
        elif item.on:
            if item.cancel:
                lines.append(f"let cancelled = {handle}.value();")
            work = f"move || {handle}.{use}({passed})"
            cancel = f"move || crate::{topic.module}::cancel(cancelled)" if item.cancel else cancel
            lines.append(f"start_thread(ending, {work}, {give}, {cancel})")
        else:
            lines.append(f"start_thread(ending, move || {call}, {give}, {cancel})")
    else:
        if item.waits == "future":
            done = f"{handle}.{use}(|{handle}| block_on({call}))" if item.on else f"block_on({call})"
        else:
            done = f"{handle}.{use}({passed})" if item.on else call
        if outs:
            lines.append(f"let {made} = {done}?;")
            lines.append("; ".join(gives))
        else:
            lines.append(done)
    parameters = ", ".join(f"{m.name}: {m.rust}" for m in model.parameters(item, topics, is_async))
    taken, move = "", ""
    if consumed:
        names = [arg.c_name for arg in consumed]
        pattern = names[0] if len(names) == 1 else f"({', '.join(names)})"
        takes = [f"take({name})" for name in names]
        takes = takes[0] if len(takes) == 1 else f"({', '.join(takes)})"
        taken = f"// SAFETY: by this function's contract; moved before anything can fail.\nlet {pattern} = unsafe {{ {takes} }};\n"
        move = "move "
    return f"""
/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn {item.name}{"_async" * is_async}({parameters}) -> i32 {{
    {taken}guard(error, {move}|| {{
        // SAFETY: by this function's contract.
        unsafe {{
            {chr(10).join(lines)}
        }}
    }})
}}
"""


# Where the names come from that generated code uses.
USES = {
    "std::ffi": ["c_char", "c_void"],
    "std::mem": ["offset_of"],
    "arrow::array": ["RecordBatch", *sorted({*ARRAYS.values()})],
    "arrow::ffi": ["FFI_ArrowArray", "FFI_ArrowSchema"],
    "arrow::ffi_stream": ["FFI_ArrowArrayStream"],
    "futures::future": ["AbortHandle"],
    "lance_engine": ["Result"],
    "lance_engine::runtime": ["block_on"],
    "crate::arguments": ["Context", "Number", "Versioned", "flag", "init_sized", "copied", "key_values", "names", "no_such_value",
                         "optional_copied", "optional_name", "optional_names", "optional_seconds", "optional_text",
                         "optional_within", "pairs", "read_sized", "required_name", "required_place", "required_text", "seconds",
                         "slice", "within"],
    "crate::arrow": ["ArrowAsyncDeviceStreamHandler", "required", "take"],
    "crate::error": ["LanceError"],
    "crate::guard": ["guard"],
    "crate::operation": ["Ending", "LanceOperation", "start", "start_thread"],
    "crate::out": ["Out", "OutBatch", "OutBytes", "SizedOut"],
    "crate::records": ["batch_of", "column", "nullable", "text_maps"],
}


def uses(body, topic, topics):
    """The `use` lines that a file needs."""
    known = {path: [*names] for path, names in USES.items()}
    known["lance_engine::settings"] = ["Callback"] + [item.settings for other in topics for item in structs(other, topics)]
    for other in topics:
        for item in other["items"]:
            if item.kind == "handle" and not item.shell:
                known.setdefault(f"crate::{other.module}", []).append(f"Lance{item.name}")
            elif item.kind == "enum" and item.engine is False and other is not topic:
                known.setdefault(f"super::{other.file}", []).append(item.name)
            elif item.kind in ("struct", "options", "result", "callback") and other is not topic:
                known.setdefault(f"super::{other.file}", []).append(item.struct)
    code = re.sub(r"//[^\n]*", "", body)
    lines = [f"use {path}::{{{', '.join(local)}}};" for path, names in known.items()
             if (local := [name for name in names if is_used(name, code)])]
    outside = [line for line in lines if not line.startswith(("use crate", "use super"))]
    return "\n".join(outside) + "\n\n" + "\n".join(line for line in lines if line not in outside)


def is_used(name, code):
    """Functions stand before a parenthesis, where fields and variables of the same name do not."""
    if name == "Number":
        return "::UNSET" in code
    is_type = name[0].isupper() or name.startswith("c_") or name == "offset_of"
    return bool(re.search(rf"(?<![\w:.]){name}{'' if is_type else '(?=[(])'}(?!\w)", code))


WRITERS = {"constant": constant, "enum": enum, "struct": struct, "callback": callback, "result": result, "record": record,
           "options": options}


def outputs(topics):
    for topic in topics:
        parts = [function(item, topic, topics) if item.kind == "function" else WRITERS[item.kind](item, topics)
                 for item in topic["items"] if item.kind == "function" or item.kind in WRITERS]
        body = "\n".join(filter(None, parts))
        yield f"{ROOT}/{topic.file}.rs", topic.source, f"//! {topic.title}.\n\n{uses(body, topic, topics)}\n\n{body}"
    modules = "".join(f"pub mod {topic.file};\n" for topic in topics)
    yield f"{ROOT}/mod.rs", "api/", (
        "//! What follows from the contract: mirrors of the C structs, and the exported functions. Each reads its arguments,\n"
        "//! calls a body with what they own, and writes what that returns.\n\n#![allow(clippy::too_many_arguments)]\n\n" + modules)
