//! Texts as a person may read them in a terminal or a log.

/// Of a longer line the middle is left out: its beginning says what failed, its end why.
const LONGEST: usize = 490;

/// One line of bounded length. What would move the cursor, turn the direction of reading or not be seen at all is
/// escaped; line breaks, which are layout, become spaces.
pub fn one_line(text: &str) -> String {
    let mut line = String::new();
    let parts = text.split(['\n', '\r']).map(str::trim);
    for part in parts.filter(|part| !part.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        for c in part.chars() {
            match is_hidden(c) {
                true => line.extend(c.escape_default()),
                false => line.push(c),
            }
        }
    }
    shortened(line)
}

/// Controls, line and paragraph separators, direction marks, and what has no width and joins nothing.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0001}'..='\u{e007f}')
}

fn shortened(line: String) -> String {
    let length = line.chars().count();
    if length <= LONGEST {
        return line;
    }
    let head: String = line.chars().take(LONGEST * 2 / 3).collect();
    let tail: String = line.chars().skip(length - LONGEST / 3).collect();
    format!("{head} … {tail}")
}

/// Replace what `{:?}` makes of a struct, `Field { name: "a", data_type: Int64 }`, by the name in it, if it has one.
pub fn without_dumps(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(" {") {
        let (before, dump) = rest.split_at(open);
        let Some(name_at) = type_name(before).filter(|_| is_dump(&dump[" {".len()..])) else {
            let (kept, after) = rest.split_at(open + " {".len());
            clean.push_str(kept);
            rest = after;
            continue;
        };
        let end = end_of_braces(dump);
        clean.push_str(&before[..name_at]);
        clean.push_str(name_in(&dump[..end]).unwrap_or("…"));
        rest = &dump[end..];
    }
    clean.push_str(rest);
    clean
}

/// Where the name of a type begins with which the text ends.
fn type_name(text: &str) -> Option<usize> {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let start = text.len() - text.chars().rev().take_while(|c| name(*c)).count();
    text[start..]
        .starts_with(|c: char| c.is_ascii_alphabetic())
        .then_some(start)
}

/// Whether what follows an opening brace is a field and its value.
fn is_dump(text: &str) -> bool {
    let text = text.trim_start();
    let name =
        text.trim_start_matches(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    name.len() < text.len() && name.starts_with(": ")
}

/// The end of what the first brace opens.
fn end_of_braces(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

fn name_in(dump: &str) -> Option<&str> {
    ["name: \"", "value: \""].iter().find_map(|key| {
        let (_, rest) = dump.split_once(key)?;
        Some(rest.split_once('"')?.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_become_spaces() {
        assert_eq!(
            one_line("first\n  second\r\n\nthird\n"),
            "first second third"
        );
    }

    #[test]
    fn what_a_terminal_would_obey_or_hide_is_escaped() {
        for (text, shown) in [
            ("a\0b\x1b[31m\x7f\u{9b}", r"a\u{0}b\u{1b}[31m\u{7f}\u{9b}"),
            ("a\tb", r"a\tb"),
            ("\u{202e}gpj\u{202c}", r"\u{202e}gpj\u{202c}"),
            (
                "\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}x",
                r"\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}x",
            ),
            ("x\u{2028}y\u{2029}z", r"x\u{2028}y\u{2029}z"),
            ("\u{feff}x\u{200b}", r"\u{feff}x\u{200b}"),
        ] {
            assert_eq!(one_line(text), shown);
        }
    }

    #[test]
    fn text_of_every_script_stays() {
        for text in [
            "ünï-数据-🙂 e\u{301}",
            "👩\u{200d}👩\u{200d}👧",
            "می\u{200c}خواهم",
            r#"it's "C:\x""#,
        ] {
            assert_eq!(one_line(text), text);
        }
    }

    #[test]
    fn a_long_line_keeps_its_beginning_and_its_end() {
        let line = one_line(&format!("begin{}end", "é".repeat(100_000)));
        assert!(line.starts_with("begin") && line.ends_with("end"), "{line}");
        assert!(line.chars().count() <= LONGEST + 3, "{line}");
        let fitting = "é".repeat(LONGEST);
        assert_eq!(one_line(&fitting), fitting);
    }

    #[test]
    fn dumps_of_structs_shrink_to_the_name_in_them() {
        for (text, shown) in [
            (
                r#"type 'Struct([Field { name: "a", data_type: Int64 }, Field { name: "b", nullable: true }])'"#,
                "type 'Struct([a, b])'",
            ),
            (
                "expression Sum(Sum { inner: Udf { depth: 1 }, args: [] })",
                "expression Sum(…)",
            ),
            ("x Schema {\n    fields: [\n        Field {\n   cut", "x …"),
            ("a {b} {c: d} { e } Wide { }", "a {b} {c: d} { e } Wide { }"),
            (r#"{"a": {"b": 1}} é {"#, r#"{"a": {"b": 1}} é {"#),
        ] {
            assert_eq!(without_dumps(text), shown);
        }
    }
}
