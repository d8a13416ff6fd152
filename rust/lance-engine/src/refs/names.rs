//! What a tag and a branch may be called.

use lance::dataset::refs::{check_valid_branch, check_valid_tag};

use crate::error::{Error, Result};
use crate::maintain::listing::DIRECTORIES;
use crate::stored_refs::MAIN;

/// File systems take names of 255 bytes, and there is something added to this one.
const MOST_BYTES: usize = 180;

pub fn check_new_tag(name: &str) -> Result<()> {
    check("tag", name, check_valid_tag(name))
}

pub fn check_new_branch(name: &str) -> Result<()> {
    check("branch", name, check_valid_branch(name))?;
    let wrong = |why: &str| {
        Err(Error::invalid_argument(format!(
            "a branch cannot be called {name:?}: {why}"
        )))
    };
    for part in name.split('/') {
        if part.starts_with('.') || part.ends_with('.') {
            return wrong("its parts neither begin nor end with a dot");
        }
        // Such a branch would be in the files of another one.
        if DIRECTORIES.contains(&part) {
            return wrong("datasets have a directory of that name");
        }
    }
    Ok(())
}

/// Refuse what names no branch that could be deleted.
pub fn check_branch(name: &str) -> Result<()> {
    if name == MAIN {
        return Err(Error::invalid_argument(
            "the main branch is the dataset itself, and no branch that was made",
        ));
    }
    Ok(check_valid_branch(name)?)
}

/// The engine fails to list tags with other letters, of which it encodes the names of files twice.
fn check(what: &str, name: &str, valid: lance_core::Result<()>) -> Result<()> {
    let wrong = |why: &str| {
        let name: String = name.chars().take(MOST_BYTES).collect();
        Err(Error::invalid_argument(format!(
            "a {what} cannot be called {name:?}: {why}"
        )))
    };
    if let Err(error) = valid {
        return wrong(Error::from(error).message());
    }
    if !name.is_ascii() {
        return wrong("a name has letters of ASCII only");
    }
    if name.replace('/', "%2F").len() > MOST_BYTES {
        return wrong(&format!(
            "a name has at most {MOST_BYTES} bytes, and each / counts as three"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::code;

    #[test]
    fn names_that_files_could_not_have_are_refused() {
        let long = "x".repeat(MOST_BYTES + 1);
        for bad in [
            "", "a b", "a\"b", "größe", "..", "a..b", "x.lock", ".a", "a/../b", "a\0", &long,
        ] {
            assert_eq!(
                check_new_tag(bad).unwrap_err().code(),
                code::INVALID_ARGUMENT,
                "{bad:?}"
            );
            assert_eq!(
                check_new_branch(bad).unwrap_err().code(),
                code::INVALID_ARGUMENT,
                "{bad:?}"
            );
        }
        for bad in [
            "main",
            "a//b",
            "/a",
            "a/",
            "a/./b",
            "a/data",
            "_versions",
            "tree/x",
            "a/.b",
            "a./b",
        ] {
            assert_eq!(
                check_new_branch(bad).unwrap_err().code(),
                code::INVALID_ARGUMENT,
                "{bad:?}"
            );
        }
        assert!(check_new_tag("a/b").is_err());
    }

    #[test]
    fn usual_names_pass() {
        for good in ["main2", "v1.2.3-rc4", "A_b", "7", &"x".repeat(MOST_BYTES)] {
            assert!(check_new_tag(good).is_ok(), "{good:?}");
            assert!(check_new_branch(good).is_ok(), "{good:?}");
        }
        assert!(check_new_tag("main").is_ok());
        assert!(check_new_branch("feature/a.b/c-d").is_ok());
    }
}
