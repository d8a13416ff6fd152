//! Where a dataset is: the place that a URI means when it is given, whatever becomes of the working directory or of a
//! symbolic link later.

use std::fmt;
use std::path::{Path, PathBuf};

use lance_io::object_store::uri_to_url;
use url::Url;

use crate::error::{Error, Result};

/// A place that stays where it is.
#[derive(Debug, Clone)]
pub struct Place {
    /// For people: what they typed.
    typed: String,
    /// For the engine: absolute, and without symbolic links.
    pub uri: String,
}

impl Place {
    pub fn of(typed: &str) -> Result<Self> {
        check_uri(typed)?;
        Ok(Self {
            typed: typed.to_string(),
            uri: fixed(typed)?,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.uri.trim_end_matches('/') == other.uri.trim_end_matches('/')
    }
}

/// A local path as the engine reads it at this moment; other URIs are absolute already.
fn fixed(uri: &str) -> Result<String> {
    let url = uri_to_url(uri)?;
    if url.scheme() != "file" {
        return Ok(uri.to_string());
    }
    let not_utf8 = || Error::invalid_argument("the path of the dataset is not UTF-8");
    let path = url.to_file_path().map_err(|()| not_utf8())?;
    let plain = path.to_str().ok_or_else(not_utf8)?;
    let followed = without_links(&path);
    if followed.parent().is_none() {
        return Err(is_root());
    }
    // Where only the target of a link is not UTF-8, the link remains.
    Ok(followed
        .into_os_string()
        .into_string()
        .unwrap_or_else(|_| plain.to_string()))
}

/// Follow the symbolic links in the part of a path that exists.
fn without_links(path: &Path) -> PathBuf {
    let followed = path.ancestors().find_map(|existing| {
        let rest = path.strip_prefix(existing).ok()?;
        Some(existing.canonicalize().ok()?.join(rest))
    });
    followed.as_deref().unwrap_or(path).components().collect()
}

fn is_root() -> Error {
    Error::invalid_argument("uri is the root of the file system, which cannot be a dataset")
}

/// Refuse what the engine would misread: of a URI it drops the password, the query and the fragment, of one of
/// a file also the host, and would go on at another place or without credentials.
fn check_uri(uri: &str) -> Result<()> {
    if uri.is_empty() {
        return Err(Error::invalid_argument("uri is empty"));
    }
    let url = Url::parse(uri)
        .ok()
        .filter(|url| url.has_host() || url.scheme() == "file");
    let path = url.as_ref().map_or(uri, Url::path);
    if path.trim_start_matches('/').is_empty() && url.as_ref().is_none_or(|url| !url.has_host()) {
        return Err(is_root());
    }
    let Some(url) = url else {
        return Ok(());
    };
    if url.scheme() == "file" && (url.has_host() || !uri["file:".len()..].starts_with("//")) {
        return Err(Error::invalid_argument(
            "a uri of a file begins with file:///, and names no host",
        ));
    }
    if url.password().is_some() {
        return Err(Error::invalid_argument(
            "the uri holds a password: pass credentials as storage options",
        ));
    }
    // The one scheme whose query means something.
    let query = url.query().filter(|_| url.scheme() != "s3+ddb");
    if query.or(url.fragment()).is_some() {
        return Err(Error::invalid_argument(
            "the uri holds a query or a fragment: pass credentials as storage options, and write %3F and %23 for ? and # in a name",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_that_the_engine_would_misread_are_refused_without_repeating_them() {
        for bad in [
            "",
            "/",
            "//",
            "file:",
            "file://",
            "file:///",
            "file:secret/a",
            "file://secret/a",
            "file:///a?secret",
            "file:///a#secret",
            "s3://user:secret@bucket/a",
            "s3://bucket/a?X-Amz-Signature=secret",
            "az://container/a?sig=secret",
            "gs://bucket/a#secret",
        ] {
            let error = check_uri(bad).expect_err(bad);
            assert!(!error.message().contains("secret"), "{error}");
        }
    }

    #[test]
    fn other_uris_and_paths_pass() {
        for good in [
            "a",
            "/a?b#c:d@e",
            "a:b@c?d",
            "file:///a%3Fb",
            "file://localhost/a",
            "FILE:///a",
            "memory://",
            "memory://a/b",
            "s3://bucket",
            "s3://bucket/a:b@c",
            "s3+ddb://bucket/a?ddbTableName=t",
            "abfss://container@account.dfs.core.windows.net/a",
        ] {
            assert!(check_uri(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_relative_path_means_the_working_directory_of_now() {
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        let place = Place::of("some/data.lance").unwrap();
        assert_eq!(place.uri, here.join("some/data.lance").to_str().unwrap());
        assert_eq!(place.to_string(), "some/data.lance");
        assert_eq!(place, Place::of("./some/data.lance/").unwrap());
        assert_eq!(place, Place::of("some/../some/data.lance").unwrap());
    }

    #[test]
    fn every_spelling_of_a_local_path_is_one_place() {
        let root = std::env::temp_dir().join(format!("place-{}", std::process::id()));
        let real = root.join("a b%20c");
        std::fs::create_dir_all(&real).unwrap();
        std::os::unix::fs::symlink(&real, root.join("link")).unwrap();
        let place = Place::of(real.join("new.lance").to_str().unwrap()).unwrap();
        let url = Url::from_file_path(real.join("new.lance")).unwrap();
        let link = root.join("link/new.lance");
        for spelling in [url.as_str(), link.to_str().unwrap()] {
            assert_eq!(Place::of(spelling).unwrap(), place, "{spelling}");
        }
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn other_uris_stay_as_they_are() {
        for uri in ["memory://a/b", "s3://bucket/a:b@c", "s3://bucket/a/"] {
            assert_eq!(Place::of(uri).unwrap().uri, uri);
        }
        assert_eq!(
            Place::of("s3://b/a").unwrap(),
            Place::of("s3://b/a/").unwrap()
        );
    }
}
