//! What a connection is made with. The engine ignores what it does not know or cannot read, and would go to the server
//! without a token; so everything is looked at first.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;

use lance_core::utils::parse::str_to_bool;
use url::Url;

use crate::error::{Error, Result, nearest_hint};
use crate::place::Place;

#[derive(Clone, Copy)]
enum Value {
    Text,
    Flag,
    Number,
    /// Of a file that can be read.
    File,
}

const OF_DIRECTORY: &[(&str, Value)] = &[
    ("root", Value::Text),
    ("manifest_enabled", Value::Flag),
    ("dir_listing_enabled", Value::Flag),
    ("dir_listing_to_manifest_migration_enabled", Value::Flag),
    ("inline_optimization_enabled", Value::Flag),
    ("table_version_tracking_enabled", Value::Flag),
    ("commit_retries", Value::Number),
    ("vend_input_storage_options", Value::Flag),
    (
        "vend_input_storage_options_refresh_interval_millis",
        Value::Number,
    ),
];

const OF_SERVER: &[(&str, Value)] = &[
    ("uri", Value::Text),
    ("delimiter", Value::Text),
    ("tls.cert_file", Value::File),
    ("tls.key_file", Value::File),
    ("tls.ssl_ca_cert", Value::File),
    ("tls.assert_hostname", Value::Flag),
    ("tls.reload_interval_seconds", Value::Number),
];

const STORAGE: &str = "storage.";
const HEADERS: [&str; 2] = ["header.", "headers."];
/// Shorter words are no secrets, and may be a part of any text.
const SHORTEST_SECRET: usize = 6;

/// Properties that were checked.
pub struct Properties {
    is_remote: bool,
    all: HashMap<String, String>,
}

/// Without values, which may be secret.
impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.all.keys()).finish()
    }
}

impl Properties {
    pub fn check(kind: &str, given: HashMap<String, String>) -> Result<Self> {
        let is_remote = match kind {
            "dir" => false,
            "rest" => true,
            other => {
                return Err(Error::invalid_argument(format!(
                    "kind must be \"dir\" or \"rest\", got {other:?}"
                )));
            }
        };
        let mut properties = Self {
            is_remote,
            all: given,
        };
        let mut names: Vec<_> = properties.all.keys().collect();
        names.sort();
        for name in names {
            properties.check_one(name)?;
        }
        properties.check_place()?;
        Ok(properties)
    }

    fn check_one(&self, name: &str) -> Result<()> {
        let value = &self.all[name];
        if self.is_remote
            && let Some(header) = HEADERS.iter().find_map(|it| name.strip_prefix(it))
        {
            return check_header(name, header, value);
        }
        if !self.is_remote && name.strip_prefix(STORAGE).is_some_and(|it| !it.is_empty()) {
            return Ok(());
        }
        let known = match self.is_remote {
            true => OF_SERVER,
            false => OF_DIRECTORY,
        };
        let Some((_, kind)) = known.iter().find(|(it, _)| *it == name) else {
            return Err(Error::invalid_argument(format!(
                "properties: there is no {name:?}{}",
                nearest_hint(name, known.iter().map(|(it, _)| it))
            )));
        };
        let wanted = match kind {
            Value::Text => None,
            Value::Flag => str_to_bool(value).is_none().then_some("true or false"),
            Value::Number => value.parse::<u32>().is_err().then_some("a number"),
            Value::File => {
                return File::open(value)
                    .map(drop)
                    .map_err(|error| Error::from(error).context(&format!("properties: {name}")));
            }
        };
        match wanted {
            None => Ok(()),
            Some(wanted) => Err(Error::invalid_argument(format!(
                "properties: {name} must be {wanted}, got {value:?}"
            ))),
        }
    }

    /// Whom or what to connect to. A path is fixed as it means now.
    fn check_place(&mut self) -> Result<()> {
        let name = if self.is_remote { "uri" } else { "root" };
        let Some(place) = self.all.get_mut(name) else {
            return Err(Error::invalid_argument(format!(
                "properties: {name:?} is missing"
            )));
        };
        *place = match self.is_remote {
            true => check_server(place)?,
            false => {
                Place::of(place)
                    .map_err(|error| error.context("properties: root"))?
                    .uri
            }
        };
        if self.delimiter().is_empty() {
            return Err(Error::invalid_argument(
                "properties: delimiter must not be empty",
            ));
        }
        Ok(())
    }

    pub fn all(&self) -> &HashMap<String, String> {
        &self.all
    }

    /// Whether there is a server.
    pub fn is_remote(&self) -> bool {
        self.is_remote
    }

    /// What separates names where they are written as one text.
    pub fn delimiter(&self) -> &str {
        self.all.get("delimiter").map_or("$", String::as_str)
    }

    /// With these a directory is reached, and so are its tables.
    pub fn storage_options(&self) -> HashMap<String, String> {
        let options = self.all.iter().filter_map(|(name, value)| {
            let option = name.strip_prefix(STORAGE)?;
            Some((option.to_string(), value.clone()))
        });
        options.collect()
    }

    /// An error as it may be told: a server may quote what it was sent.
    pub fn without_secrets(&self, error: Error) -> Error {
        let secrets = self.all.iter().filter(|(name, _)| is_secret(name));
        let words = secrets.flat_map(|(_, value)| value.split_whitespace());
        let mut words: Vec<_> = words.filter(|it| it.len() >= SHORTEST_SECRET).collect();
        // One may be a part of another.
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let masked = words
            .iter()
            .fold(error.message().to_string(), |text, word| {
                text.replace(*word, "***")
            });
        Error::with_detail(error.code(), &masked, error.detail())
    }
}

/// Whether the value of a property may be a credential.
fn is_secret(property: &str) -> bool {
    let words = ["key", "token", "secret", "password", "sas", "credential"];
    HEADERS.iter().any(|it| property.starts_with(it))
        || property.starts_with(STORAGE) && words.iter().any(|it| property.contains(it))
}

/// Refuse what would be left out of the requests. The value is not repeated.
fn check_header(property: &str, name: &str, value: &str) -> Result<()> {
    let is_token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(Error::invalid_argument(format!(
            "properties: {property:?} names no header"
        )));
    }
    if !value
        .bytes()
        .all(|c| c == b'\t' || (b' '..=b'~').contains(&c))
    {
        return Err(Error::invalid_argument(format!(
            "properties: the value of {property:?} has characters that a header cannot have"
        )));
    }
    Ok(())
}

/// The address without a slash at its end. Credentials belong into headers.
fn check_server(uri: &str) -> Result<String> {
    let refuse = |why: &str| Err(Error::invalid_argument(format!("properties: uri {why}")));
    let Ok(url) = Url::parse(uri) else {
        return refuse("is none of a server: it begins with http:// or https://");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("must begin with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("holds a user or a password: pass them as a header");
    }
    if url.query().or(url.fragment()).is_some() {
        return refuse("holds a query or a fragment: pass credentials as headers");
    }
    Ok(uri.trim_end_matches('/').to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::code;

    fn check(kind: &str, pairs: &[(&str, &str)]) -> Result<Properties> {
        let owned = |(key, value): &(&str, &str)| (key.to_string(), value.to_string());
        Properties::check(kind, pairs.iter().map(owned).collect())
    }

    const SERVER: (&str, &str) = ("uri", "http://localhost:1/");

    #[test]
    fn what_the_engine_would_ignore_is_refused_without_repeating_values() {
        let root = ("root", "/tmp");
        for (kind, properties, told) in [
            ("dirs", &[root][..], "kind must be"),
            ("dir", &[], "\"root\" is missing"),
            ("rest", &[root], "there is no \"root\""),
            ("rest", &[], "\"uri\" is missing"),
            (
                "dir",
                &[root, ("storage.", "canary")],
                "there is no \"storage.\"",
            ),
            (
                "dir",
                &[root, ("rot", "canary")],
                "the nearest names are \"root\"",
            ),
            (
                "dir",
                &[root, ("manifest_enabled", "maybe")],
                "must be true or false",
            ),
            ("dir", &[root, ("commit_retries", "-1")], "must be a number"),
            (
                "rest",
                &[SERVER, ("header.a b", "canary")],
                "names no header",
            ),
            ("rest", &[SERVER, ("headers.", "canary")], "names no header"),
            (
                "rest",
                &[SERVER, ("header.a", "canary\n")],
                "a header cannot have",
            ),
            (
                "rest",
                &[SERVER, ("header.a", "canäry")],
                "a header cannot have",
            ),
            ("rest", &[SERVER, ("delimiter", "")], "must not be empty"),
            ("rest", &[("uri", "localhost:canary")], "must begin with"),
            ("rest", &[("uri", "canary")], "is none of a server"),
            (
                "rest",
                &[("uri", "http://u:canary@h")],
                "pass them as a header",
            ),
            (
                "rest",
                &[("uri", "http://h/?t=canary")],
                "pass credentials as headers",
            ),
        ] {
            let error = check(kind, properties).expect_err(told);
            assert_eq!(error.code(), code::INVALID_ARGUMENT);
            assert!(error.message().contains(told), "{told}: {error}");
            assert!(!error.message().contains("canary"), "{error}");
        }
    }

    #[test]
    fn files_that_are_not_there_are_told() {
        let error = check("rest", &[SERVER, ("tls.key_file", "/no/such/key")]).unwrap_err();
        assert_eq!(error.code(), code::NOT_FOUND);
        assert!(error.message().contains("tls.key_file"), "{error}");
    }

    #[test]
    fn good_properties_pass() {
        let server = check(
            "rest",
            &[
                SERVER,
                ("header.Authorization", "Bearer x"),
                ("delimiter", "."),
            ],
        );
        let server = server.unwrap();
        assert_eq!(server.all()["uri"], "http://localhost:1");
        assert_eq!((server.is_remote(), server.delimiter()), (true, "."));
        let directory = check("dir", &[("root", "."), ("storage.region", "x")]).unwrap();
        assert!(directory.all()["root"].starts_with('/'));
        assert_eq!(directory.storage_options()["region"], "x");
    }

    #[test]
    fn what_a_server_quotes_is_masked() {
        let server = check(
            "rest",
            &[SERVER, ("headers.authorization", "Bearer canary-token")],
        );
        let error = server.unwrap().without_secrets(Error::with_detail(
            code::IO,
            "refused: Bearer canary-token is unknown",
            "a.rs:1",
        ));
        assert_eq!(error.message(), "refused: *** *** is unknown");
        assert_eq!((error.code(), error.detail()), (code::IO, "a.rs:1"));
    }
}
