//! The names on the way to a table or a namespace.

use super::Namespace;
use crate::error::{Error, Result};

/// As people write them: `a.b`, and names with odd characters in backticks.
pub fn shown(id: &[String]) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let quoted = id.iter().map(|name| match name.chars().all(is_plain) {
        true => name.clone(),
        false => format!("`{}`", name.replace('`', "``")),
    });
    quoted.collect::<Vec<_>>().join(".")
}

impl Namespace {
    /// Refuse names that would become others on their way.
    pub(super) fn check_names(&self, id: &[String]) -> Result<()> {
        let refuse = |why: String| Err(Error::invalid_argument(format!("id: {why}")));
        let delimiter = self.properties.delimiter();
        for name in id {
            if name.is_empty() {
                return refuse("a name is empty".to_string());
            }
            if name.contains(delimiter) {
                return refuse(format!(
                    "the name {name:?} has a {delimiter:?} in it, which separates names"
                ));
            }
            let leads_elsewhere = matches!(name.as_str(), "." | "..");
            if !self.properties.is_remote() && (name.contains(['/', '\\']) || leads_elsewhere) {
                return refuse(format!(
                    "the name {name:?} cannot be one of a file in the directory"
                ));
            }
            // Alone, it is a part of the path of a URL.
            if id.len() == 1 && leads_elsewhere {
                return refuse(format!(
                    "the name {name:?} cannot be one of a table or namespace"
                ));
            }
        }
        Ok(())
    }

    /// As `check_names`, of what has a name of its own.
    pub(super) fn check_id(&self, id: &[String]) -> Result<()> {
        match id.is_empty() {
            true => Err(Error::invalid_argument("id: there is no name")),
            false => self.check_names(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_quoted() {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (names, text) in [
            (&["a"][..], "a"),
            (&["a", "b-1", "c_2"], "a.b-1.c_2"),
            (&["a.b", "größe"], "`a.b`.größe"),
            (&["a`b"], "`a``b`"),
            (&[], ""),
        ] {
            assert_eq!(shown(&owned(names)), text);
        }
    }
}
