//! Which column something is about, at any depth, put into words only when it is refused.

use std::fmt::{self, Display, Formatter};

/// Of a longer name only the beginning is told.
const LONGEST_NAME: usize = 64;

#[derive(Clone, Copy)]
pub enum ColumnPath<'a> {
    Batch,
    Child(&'a ColumnPath<'a>, &'a str),
}

impl ColumnPath<'_> {
    /// The path as the engine reads it: names with dots in them, and names of nothing, are quoted.
    fn text(&self) -> String {
        let Self::Child(parent, name) = self else {
            return String::new();
        };
        let mut text = parent.text();
        if !text.is_empty() {
            text.push('.');
        }
        let is_long = name.chars().count() > LONGEST_NAME;
        let mut shown: String = name.chars().take(LONGEST_NAME).collect();
        if is_long {
            shown.push('…');
        }
        match shown.is_empty() || shown.contains(['.', '`']) {
            true => text + "`" + &shown.replace('`', "``") + "`",
            false => text + &shown,
        }
    }
}

impl Display for ColumnPath<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch => out.write_str("the batch"),
            Self::Child(..) => write!(out, "column {:?}", self.text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_as_the_engine_reads_it() {
        let top = ColumnPath::Child(&ColumnPath::Batch, "a");
        assert_eq!(top.to_string(), r#"column "a""#);
        for (name, path) in [
            ("b", r#"column "a.b""#),
            ("b.c", r#"column "a.`b.c`""#),
            ("`", r#"column "a.````""#),
            ("", r#"column "a.``""#),
            ("\n\u{202e}", r#"column "a.\n\u{202e}""#),
        ] {
            assert_eq!(ColumnPath::Child(&top, name).to_string(), path);
        }
    }

    #[test]
    fn a_long_name_is_told_by_its_beginning() {
        let name = "é".repeat(65_000);
        let path = ColumnPath::Child(&ColumnPath::Batch, &name).to_string();
        assert!(path.ends_with("é…\""), "{path}");
        assert!(path.chars().count() < 100, "{path}");
    }
}
