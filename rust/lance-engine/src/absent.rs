//! Why there is no dataset at a place, as far as the file system knows.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use lance_io::object_store::uri_to_url;

use crate::error::{Error, Result, code};

/// There is no dataset at `uri`, which is `shown` to people.
pub fn no_dataset(uri: &str, shown: impl Display) -> Error {
    let message = match local_path(uri).map(|path| Found::at(&path)) {
        Some(Found::File) => format!("{shown} is a file, not a dataset"),
        Some(Found::Directory) => format!("{shown} is a directory, but no dataset"),
        Some(Found::BrokenLink) => {
            format!("there is no dataset at {shown}: it is a link to what does not exist")
        }
        Some(Found::BelowFile(file)) => {
            format!(
                "there is no dataset at {shown}: {} is a file",
                file.display()
            )
        }
        Some(Found::Nothing) | None => format!("there is no dataset at {shown}"),
    };
    Error::new(code::DATASET_NOT_FOUND, message)
}

/// Refuse to make a dataset where there is a file, or below one.
pub fn check_can_be_made(uri: &str, shown: impl Display) -> Result<()> {
    let message = match local_path(uri).map(|path| Found::at(&path)) {
        Some(Found::File) => format!("{shown} is a file, not a dataset: choose another place"),
        Some(Found::BelowFile(file)) => {
            format!(
                "cannot make a dataset at {shown}: {} is a file",
                file.display()
            )
        }
        _ => return Ok(()),
    };
    Err(Error::invalid_argument(message))
}

fn local_path(uri: &str) -> Option<PathBuf> {
    let url = uri_to_url(uri).ok().filter(|url| url.scheme() == "file")?;
    // A slash at the end would ask for a directory.
    Some(url.to_file_path().ok()?.components().collect())
}

enum Found {
    Nothing,
    File,
    Directory,
    BrokenLink,
    /// A part of the path is this file.
    BelowFile(PathBuf),
}

impl Found {
    fn at(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Self::Directory,
            Ok(_) => Self::File,
            Err(_) if fs::symlink_metadata(path).is_ok() => Self::BrokenLink,
            Err(_) => {
                let above = path.ancestors().skip(1).find(|above| above.exists());
                above
                    .filter(|above| !above.is_dir())
                    .map_or(Self::Nothing, |file| Self::BelowFile(file.to_path_buf()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_place_of_a_dataset_is_told() {
        let root = std::env::temp_dir().join(format!("absent-{}", std::process::id()));
        fs::create_dir_all(root.join("directory")).unwrap();
        fs::write(root.join("file"), b"x").unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("link")).unwrap();
        for (name, told, can_be_made) in [
            ("file", "x is a file, not a dataset", false),
            ("directory", "x is a directory, but no dataset", true),
            (
                "link",
                "there is no dataset at x: it is a link to what does not exist",
                true,
            ),
            ("nothing", "there is no dataset at x", true),
            ("nothing/deep", "there is no dataset at x", true),
        ] {
            let path = root.join(name);
            let uri = path.to_str().unwrap();
            let error = no_dataset(uri, "x");
            assert_eq!(
                (error.code(), error.message()),
                (code::DATASET_NOT_FOUND, told)
            );
            assert_eq!(check_can_be_made(uri, "x").is_ok(), can_be_made, "{name}");
        }
        let below = root.join("file/x.lance");
        let error = no_dataset(below.to_str().unwrap(), "x");
        assert!(error.message().ends_with("/file is a file"), "{error}");
        assert!(check_can_be_made(below.to_str().unwrap(), "x").is_err());
        assert_eq!(
            no_dataset("s3://b/x", "x").message(),
            "there is no dataset at x"
        );
        fs::remove_dir_all(root).unwrap();
    }
}
