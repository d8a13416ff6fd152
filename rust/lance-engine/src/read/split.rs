//! A scan cut into parts that other threads, processes and machines open.

use std::collections::BTreeMap;
use std::sync::Arc;

use lance::Dataset;
use lance_file::version::ConcreteFileVersion;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::cut::{Cuts, cut};
use super::dataset;
use super::scan::{Query, prepare};
use crate::checksum::checksum;
use crate::error::{Error, Result, code};
use crate::identity::Identity;
use crate::place::Place;
use crate::settings::{AccessSettings, FragmentSlice, OpenSettings, ScanSettings, ScanSplit};
use crate::task::Task;

const FORMAT: u32 = 1;

/// The text of a split.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    uri: String,
    version: Identity,
    /// What differs from the defaults.
    scan: Map<String, Value>,
    /// Fragment, first row and number of rows of each.
    slices: Vec<(u64, u64, u64)>,
    /// A checksum of the text without it.
    sum: u64,
}

/// What the texts of all formats have.
#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
}

/// Cut a scan into at most so many parts.
pub fn splits(query: Arc<Query>, count: u64) -> Task<Vec<ScanSplit>> {
    Box::pin(async move {
        let settings: &ScanSettings = &query.settings;
        refuse_what_depends_on_all_rows(settings)?;
        let dataset: &Dataset = &query.opened.dataset;
        let stored = Stored::of(dataset).await?;
        let (slices, cuts) = stored.scanned_by(dataset, settings)?;
        let mut parts = cut(slices, count, cuts);
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        let document = Document {
            format: FORMAT,
            uri: dataset.uri().to_string(),
            version: Identity::of(dataset.manifest()),
            scan: differences(settings)?,
            slices: Vec::new(),
            sum: 0,
        };
        let parts = parts.into_iter();
        parts.map(|part| document.with_slices(&part)).collect()
    })
}

fn refuse_what_depends_on_all_rows(settings: &ScanSettings) -> Result<()> {
    let wrong = [
        ("a limit", settings.limit.is_some()),
        ("an offset", settings.offset > 0),
        ("an order", !settings.order_by.is_empty()),
        ("aggregates", !settings.aggregates.is_empty()),
    ];
    match wrong.iter().find(|(_, is_set)| *is_set) {
        Some((what, _)) => Err(Error::invalid_argument(format!(
            "a scan with {what} cannot be cut into splits: its rows depend on all rows"
        ))),
        None => Ok(()),
    }
}

/// The fragments of a dataset.
struct Stored {
    /// In their order, each with the number of its rows, deleted ones among them.
    fragments: Vec<(u64, u64)>,
    /// The place of each in that order.
    places: BTreeMap<u64, usize>,
}

impl Stored {
    async fn of(dataset: &Dataset) -> Result<Self> {
        let mut fragments = Vec::new();
        let mut places = BTreeMap::new();
        for fragment in dataset.get_fragments() {
            let id = fragment.id() as u64;
            places.insert(id, fragments.len());
            fragments.push((id, fragment.physical_rows().await? as u64));
        }
        Ok(Self { fragments, places })
    }

    /// The place of a fragment, which the scan has looked up before.
    fn place(&self, id: u64) -> Result<usize> {
        let place = self.places.get(&id).copied();
        place.ok_or_else(|| Error::invalid_argument(format!("there is no fragment {id}")))
    }

    fn whole(&self, place: usize) -> FragmentSlice {
        let (fragment, row_count) = self.fragments[place];
        FragmentSlice {
            fragment,
            first_row: 0,
            row_count,
        }
    }

    fn is_whole(&self, slice: &FragmentSlice) -> bool {
        let place = self.places.get(&slice.fragment);
        place.is_some_and(|place| self.whole(*place) == *slice)
    }

    /// What a scan reads, in its order, and how it may be cut.
    fn scanned_by(
        &self,
        dataset: &Dataset,
        settings: &ScanSettings,
    ) -> Result<(Vec<FragmentSlice>, Cuts)> {
        if !settings.slices.is_empty() {
            return Ok((self.in_order(&settings.slices)?, Cuts::Anywhere));
        }
        let places: Vec<_> = match &settings.fragments {
            Some(ids) => ids
                .iter()
                .map(|id| self.place(*id))
                .collect::<Result<_>>()?,
            None => (0..self.fragments.len()).collect(),
        };
        // Slices come in the order of the dataset, and are unknown to the oldest format.
        let format = dataset.manifest().data_storage_format.lance_file_format();
        let cuts = match places.is_sorted() && !matches!(format, ConcreteFileVersion::V1) {
            true => Cuts::Anywhere,
            false => Cuts::BetweenFragments,
        };
        Ok((places.into_iter().map(|it| self.whole(it)).collect(), cuts))
    }

    /// The rows of any slices, each once.
    fn in_order(&self, slices: &[FragmentSlice]) -> Result<Vec<FragmentSlice>> {
        let mut placed = Vec::new();
        for slice in slices {
            placed.push((self.place(slice.fragment)?, slice.first_row, slice));
        }
        placed.sort_unstable_by_key(|(place, first, _)| (*place, *first));
        let mut merged: Vec<FragmentSlice> = Vec::new();
        for (_, first, slice) in placed {
            let end = first.saturating_add(slice.row_count);
            match merged.last_mut() {
                Some(last)
                    if last.fragment == slice.fragment
                        && first <= last.first_row + last.row_count =>
                {
                    last.row_count = last.row_count.max(end - last.first_row);
                }
                _ => merged.push(slice.clone()),
            }
        }
        Ok(merged)
    }
}

/// The settings of a scan that are not as ever, and that a part of it has, too.
fn differences(settings: &ScanSettings) -> Result<Map<String, Value>> {
    let own = ScanSettings {
        fragments: None,
        slices: Vec::new(),
        ..settings.clone()
    };
    let usual = to_map(&ScanSettings::default())?;
    let mut own = to_map(&own)?;
    own.retain(|name, value| usual.get(name) != Some(value));
    Ok(own)
}

fn to_map(settings: &ScanSettings) -> Result<Map<String, Value>> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(Error::new(code::INTERNAL, "the settings have no JSON form")),
    }
}

impl Document {
    fn with_slices(&self, slices: &[FragmentSlice]) -> Result<ScanSplit> {
        let mut fragments: Vec<_> = slices.iter().map(|slice| slice.fragment).collect();
        fragments.dedup();
        let triples = slices
            .iter()
            .map(|slice| (slice.fragment, slice.first_row, slice.row_count));
        let mut document = Self {
            slices: triples.collect(),
            ..self.clone()
        };
        document.sum = document.expected_sum()?;
        Ok(ScanSplit {
            text: document.to_text()?,
            rows: slices.iter().map(|slice| slice.row_count).sum(),
            fragments: fragments.len() as u64,
        })
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

    fn read(text: &str) -> Result<Self> {
        let not_ours = |error: serde_json::Error| {
            Error::invalid_argument(format!("not a split of this library: {error}"))
        };
        let AnyFormat { format } = serde_json::from_str(text).map_err(not_ours)?;
        if format != FORMAT {
            return Err(Error::new(
                code::NOT_SUPPORTED,
                format!(
                    "the split has format {format}, which a later version of this library has: this one knows {FORMAT}"
                ),
            ));
        }
        let document: Self = serde_json::from_str(text).map_err(not_ours)?;
        match document.sum == document.expected_sum()? {
            true => Ok(document),
            false => Err(Error::new(code::CORRUPT, "the split is damaged")),
        }
    }

    /// The settings of the scan, but for what it reads.
    fn settings(&self) -> Result<ScanSettings> {
        let settings = serde_json::from_value(Value::Object(self.scan.clone()));
        let settings: ScanSettings = settings.map_err(|error| {
            Error::new(
                code::NOT_SUPPORTED,
                format!("the split has a setting that this version of the library does not know: {error}"),
            )
        })?;
        match settings.out_of_range() {
            Some(name) => Err(Error::invalid_argument(format!(
                "the {name} of the split is out of range"
            ))),
            None => Ok(settings),
        }
    }
}

/// Open a part of a scan.
pub fn open(text: String, access: AccessSettings) -> Task<Query> {
    Box::pin(async move {
        let document = Document::read(&text)?;
        let mut settings = document.settings()?;
        let place = Place::of(&document.uri)?;
        let version = OpenSettings {
            version: Some(document.version.version),
            storage_options: access.storage_options,
            session: access.session,
            credentials: access.credentials,
            ..OpenSettings::default()
        };
        let opened = dataset::open(place.clone(), version).await?;
        if Identity::of(opened.dataset.manifest()) != document.version {
            return Err(Error::new(
                code::VERSION_NOT_FOUND,
                format!(
                    "version {} of dataset {place} is not the one that the split was made of: the dataset was made anew",
                    document.version.version
                ),
            ));
        }
        let slices = document.slices.iter();
        let slices = slices.map(|&(fragment, first_row, row_count)| FragmentSlice {
            fragment,
            first_row,
            row_count,
        });
        let slices: Vec<_> = slices.collect();
        let stored = Stored::of(&opened.dataset).await?;
        match slices.iter().all(|slice| stored.is_whole(slice)) {
            true => settings.fragments = Some(slices.iter().map(|it| it.fragment).collect()),
            false => settings.slices = slices,
        }
        prepare(Arc::new(opened), settings).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let identity =
            r#"{"version":7,"timestamp_nanos":1700000000123456789,"transaction_file":"6-a.txn"}"#;
        let settings = ScanSettings {
            columns: Some(vec!["a".to_string()]),
            filter: Some("a > 1".to_string()),
            with_row_id: true,
            slices: vec![FragmentSlice::default()],
            ..ScanSettings::default()
        };
        Document {
            format: FORMAT,
            uri: "s3://bucket/a".to_string(),
            version: serde_json::from_str(identity).unwrap(),
            scan: differences(&settings).unwrap(),
            slices: Vec::new(),
            sum: 0,
        }
    }

    fn text() -> String {
        let slice = FragmentSlice {
            fragment: 3,
            first_row: 10,
            row_count: 20,
        };
        document().with_slices(&[slice]).unwrap().text
    }

    #[test]
    fn a_text_has_what_differs_from_the_defaults() {
        let document = Document::read(&text()).unwrap();
        let mut names: Vec<_> = document.scan.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["columns", "filter", "with_row_id"]);
        let settings = document.settings().unwrap();
        assert_eq!(settings.filter.as_deref(), Some("a > 1"));
        assert!(settings.with_row_id && settings.ordered && settings.slices.is_empty());
        assert_eq!(document.slices, [(3, 10, 20)]);
        assert_eq!(document.version.version, 7);
    }

    #[test]
    fn every_change_of_a_text_shows() {
        let text = text();
        for place in 0..text.len() {
            for change in [b'0', b'9', b'x', b'"', b' '] {
                let mut bytes = text.clone().into_bytes();
                if bytes[place] == change {
                    continue;
                }
                bytes[place] = change;
                let damaged = String::from_utf8(bytes).unwrap();
                assert!(Document::read(&damaged).is_err(), "{damaged}");
            }
            assert!(Document::read(&text[..place]).is_err());
        }
    }

    #[test]
    fn wrong_texts_say_what_is_wrong() {
        let damaged = text().replace("\"a\"", "\"b\"");
        for (text, expected) in [
            ("", code::INVALID_ARGUMENT),
            ("{}", code::INVALID_ARGUMENT),
            ("[1]", code::INVALID_ARGUMENT),
            (r#"{"format":2,"more":1}"#, code::NOT_SUPPORTED),
            (damaged.as_str(), code::CORRUPT),
        ] {
            assert_eq!(
                Document::read(text).err().unwrap().code(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn settings_that_are_unknown_or_out_of_range_are_refused() {
        for (name, value, expected) in [
            ("new_setting", Value::from(1), code::NOT_SUPPORTED),
            ("batch_size", Value::from(0), code::INVALID_ARGUMENT),
            ("batch_readahead", Value::from(-1), code::INVALID_ARGUMENT),
        ] {
            let mut document = document();
            document.scan.insert(name.to_string(), value);
            assert_eq!(document.settings().unwrap_err().code(), expected, "{name}");
        }
    }

    #[test]
    fn slices_are_merged_in_the_order_of_the_dataset() {
        let slice = |fragment, first_row, row_count| FragmentSlice {
            fragment,
            first_row,
            row_count,
        };
        let stored = Stored {
            fragments: vec![(4, 10), (2, 10)],
            places: BTreeMap::from([(4, 0), (2, 1)]),
        };
        let merged = stored.in_order(&[
            slice(2, 0, 3),
            slice(4, 5, 2),
            slice(4, 0, 5),
            slice(2, 1, 1),
        ]);
        assert_eq!(merged.unwrap(), [slice(4, 0, 7), slice(2, 0, 3)]);
        assert!(stored.in_order(&[slice(3, 0, 1)]).is_err());
        assert!(stored.is_whole(&slice(2, 0, 10)) && !stored.is_whole(&slice(2, 0, 9)));
    }

    #[test]
    fn what_depends_on_all_rows_cannot_be_cut() {
        let plain = ScanSettings::default;
        for settings in [
            ScanSettings {
                limit: Some(0),
                ..plain()
            },
            ScanSettings {
                offset: 1,
                ..plain()
            },
            ScanSettings {
                order_by: vec![Default::default()],
                ..plain()
            },
            ScanSettings {
                aggregates: vec![Default::default()],
                ..plain()
            },
        ] {
            let error = refuse_what_depends_on_all_rows(&settings).unwrap_err();
            assert_eq!(error.code(), code::INVALID_ARGUMENT);
        }
        assert!(refuse_what_depends_on_all_rows(&plain()).is_ok());
    }
}
