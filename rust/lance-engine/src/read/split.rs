//! A scan cut into parts that other threads, processes and machines open.

use std::collections::BTreeMap;
use std::sync::Arc;

use lance::Dataset;
use lance_file::version::ConcreteFileVersion;
use serde::{Deserialize, Serialize};

use super::cut::{Cuts, cut};
use super::found::searches;
use super::scan::{Query, prepare};
use super::travel::{Letter, Part};
use crate::error::{Error, Result};
use crate::settings::{AccessSettings, FragmentSlice, ScanSettings, ScanSplit};
use crate::task::Task;

/// Fragment, first row and number of rows of each slice.
#[derive(Clone, Serialize, Deserialize)]
struct Slices(Vec<(u64, u64, u64)>);

impl Part for Slices {
    const NAME: &'static str = "split";
    const FORMAT: u32 = 1;
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
        let part = Slices(Vec::new());
        let whole = of_all_parts(settings);
        let whole = Letter::of(dataset.uri(), dataset.manifest(), &whole, part)?;
        let parts = parts.into_iter();
        parts.map(|part| split(whole.clone(), &part)).collect()
    })
}

/// The settings that all parts have.
fn of_all_parts(settings: &ScanSettings) -> ScanSettings {
    ScanSettings {
        fragments: None,
        slices: Vec::new(),
        ..settings.clone()
    }
}

fn split(mut letter: Letter<Slices>, slices: &[FragmentSlice]) -> Result<ScanSplit> {
    let mut fragments: Vec<_> = slices.iter().map(|slice| slice.fragment).collect();
    fragments.dedup();
    let triples = slices
        .iter()
        .map(|slice| (slice.fragment, slice.first_row, slice.row_count));
    letter.part = Slices(triples.collect());
    Ok(ScanSplit {
        text: letter.write()?,
        rows: slices.iter().map(|slice| slice.row_count).sum(),
        fragments: fragments.len() as u64,
    })
}

fn refuse_what_depends_on_all_rows(settings: &ScanSettings) -> Result<()> {
    let wrong = [
        ("a search", searches(settings)),
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

/// Open a part of a scan.
pub fn open(text: String, access: AccessSettings) -> Task<Query> {
    Box::pin(async move {
        let letter: Letter<Slices> = Letter::read(&text)?;
        let mut settings = letter.settings(ScanSettings::out_of_range)?;
        let opened = letter.open(access).await?;
        let slices = letter.part.0.iter();
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
    use crate::error::code;

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
