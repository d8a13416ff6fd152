//! What another process opens: texts that name a version, what is done with it, and settings, with a checksum.

use lance_table::format::Manifest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dataset;
use super::opened::Opened;
use crate::checksum::checksum;
use crate::error::{Error, Result, code};
use crate::identity::Identity;
use crate::place::Place;
use crate::settings::{AccessSettings, OpenSettings};

/// What such a text has.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter<T> {
    format: u32,
    uri: String,
    version: Identity,
    /// The settings that differ from their defaults.
    settings: Map<String, Value>,
    /// What else there is to know.
    pub part: T,
    /// A checksum of the text without it.
    sum: u64,
}

/// What the texts of all formats have.
#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
}

/// What a text is of.
pub trait Part: Clone + Serialize + DeserializeOwned {
    /// As messages call the text.
    const NAME: &'static str;
    const FORMAT: u32;
}

impl<T: Part> Letter<T> {
    pub fn of(
        uri: &str,
        manifest: &Manifest,
        settings: &(impl Serialize + Default),
        part: T,
    ) -> Result<Self> {
        Ok(Self {
            format: T::FORMAT,
            uri: uri.to_string(),
            version: Identity::of(manifest),
            settings: differences(settings)?,
            part,
            sum: 0,
        })
    }

    pub fn write(mut self) -> Result<String> {
        self.sum = self.expected_sum()?;
        self.to_text()
    }

    pub fn read(text: &str) -> Result<Self> {
        let name = T::NAME;
        let not_ours = |error: serde_json::Error| {
            Error::invalid_argument(format!("not a {name} of this library: {error}"))
        };
        let AnyFormat { format } = serde_json::from_str(text).map_err(not_ours)?;
        if format != T::FORMAT {
            return Err(Error::new(
                code::NOT_SUPPORTED,
                format!(
                    "the {name} has format {format}, which a later version of this library has: this one knows {}",
                    T::FORMAT
                ),
            ));
        }
        let letter: Self = serde_json::from_str(text).map_err(not_ours)?;
        match letter.sum == letter.expected_sum()? {
            true => Ok(letter),
            false => Err(Error::new(code::CORRUPT, format!("the {name} is damaged"))),
        }
    }

    fn to_text(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::new(code::INTERNAL, format!("cannot write JSON: {error}")))
    }

    fn expected_sum(&self) -> Result<u64> {
        let without = Self {
            sum: 0,
            ..self.clone()
        };
        Ok(checksum(without.to_text()?.as_bytes()))
    }

    /// The settings, of which `wrong` names one that is out of its range.
    pub fn settings<S: DeserializeOwned>(
        &self,
        wrong: impl FnOnce(&S) -> Option<&'static str>,
    ) -> Result<S> {
        let name = T::NAME;
        let settings = serde_json::from_value(Value::Object(self.settings.clone()));
        let settings: S = settings.map_err(|error| {
            Error::new(
                code::NOT_SUPPORTED,
                format!("the {name} has a setting that this version of the library does not know: {error}"),
            )
        })?;
        match wrong(&settings) {
            Some(setting) => Err(Error::invalid_argument(format!(
                "the {setting} of the {name} is out of range"
            ))),
            None => Ok(settings),
        }
    }

    /// Open the version.
    pub async fn open(&self, access: AccessSettings) -> Result<Opened> {
        let place = Place::of(&self.uri)?;
        let version = OpenSettings {
            version: Some(self.version.version),
            storage_options: access.storage_options,
            session: access.session,
            credentials: access.credentials,
            ..OpenSettings::default()
        };
        let opened = dataset::open(place.clone(), version).await?;
        if Identity::of(opened.dataset.manifest()) != self.version {
            return Err(Error::new(
                code::VERSION_NOT_FOUND,
                format!(
                    "version {} of dataset {place} is not the one that the {} was made of: the dataset was made anew",
                    self.version.version,
                    T::NAME
                ),
            ));
        }
        Ok(opened)
    }
}

fn differences<S: Serialize + Default>(own: &S) -> Result<Map<String, Value>> {
    let usual = to_map(&S::default())?;
    let mut own = to_map(own)?;
    own.retain(|name, value| usual.get(name) != Some(value));
    Ok(own)
}

fn to_map(settings: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(Error::new(code::INTERNAL, "the settings have no JSON form")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ScanSettings;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Numbers(Vec<u64>);

    impl Part for Numbers {
        const NAME: &'static str = "list";
        const FORMAT: u32 = 1;
    }

    fn letter() -> Letter<Numbers> {
        let identity =
            r#"{"version":7,"timestamp_nanos":1700000000123456789,"transaction_file":"6-a.txn"}"#;
        let settings = ScanSettings {
            columns: Some(vec!["a".to_string()]),
            filter: Some("a > 1".to_string()),
            with_row_id: true,
            ..ScanSettings::default()
        };
        Letter {
            format: Numbers::FORMAT,
            uri: "s3://bucket/a".to_string(),
            version: serde_json::from_str(identity).unwrap(),
            settings: differences(&settings).unwrap(),
            part: Numbers(vec![3, 10]),
            sum: 0,
        }
    }

    fn read(text: &str) -> Result<Letter<Numbers>> {
        Letter::read(text)
    }

    #[test]
    fn a_text_has_what_differs_from_the_defaults() {
        let letter = read(&letter().write().unwrap()).unwrap();
        let mut names: Vec<_> = letter.settings.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["columns", "filter", "with_row_id"]);
        let settings = letter.settings(ScanSettings::out_of_range).unwrap();
        assert_eq!(settings.filter.as_deref(), Some("a > 1"));
        assert!(settings.with_row_id && settings.ordered);
        assert_eq!(letter.part, Numbers(vec![3, 10]));
        assert_eq!(letter.version.version, 7);
    }

    #[test]
    fn every_change_of_a_text_shows() {
        let text = letter().write().unwrap();
        for place in 0..text.len() {
            for change in [b'0', b'9', b'x', b'"', b' '] {
                let mut bytes = text.clone().into_bytes();
                if bytes[place] == change {
                    continue;
                }
                bytes[place] = change;
                let damaged = String::from_utf8(bytes).unwrap();
                assert!(read(&damaged).is_err(), "{damaged}");
            }
            assert!(read(&text[..place]).is_err());
        }
    }

    #[test]
    fn wrong_texts_say_what_is_wrong() {
        let damaged = letter().write().unwrap().replace("\"a\"", "\"b\"");
        for (text, expected) in [
            ("", code::INVALID_ARGUMENT),
            ("{}", code::INVALID_ARGUMENT),
            ("[1]", code::INVALID_ARGUMENT),
            (r#"{"format":2,"more":1}"#, code::NOT_SUPPORTED),
            (damaged.as_str(), code::CORRUPT),
        ] {
            assert_eq!(read(text).err().unwrap().code(), expected, "{text}");
        }
    }

    #[test]
    fn settings_that_are_unknown_or_out_of_range_are_refused() {
        for (name, value, expected) in [
            ("new_setting", Value::from(1), code::NOT_SUPPORTED),
            ("batch_size", Value::from(0), code::INVALID_ARGUMENT),
            ("batch_readahead", Value::from(-1), code::INVALID_ARGUMENT),
        ] {
            let mut letter = letter();
            letter.settings.insert(name.to_string(), value);
            let settings = letter.settings(ScanSettings::out_of_range);
            assert_eq!(settings.unwrap_err().code(), expected, "{name}");
        }
    }
}
