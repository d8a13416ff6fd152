//! The rows of a version in a random order, anew in each epoch, for one of several workers, and from any place on.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::batches::Yield;
use super::epoch::{Epoch, Loads};
use super::live_rows::LiveRows;
use super::opened::Opened;
use super::order::{Order, Windows, shard};
use super::row_widths::{BATCH_ROWS, MOST_BYTES};
use super::scan::numbers;
use super::take::{Selection, TakeBy, outputs};
use super::travel::{Letter, Part};
use crate::error::{Error, Result};
use crate::parallel::cores;
use crate::settings::{
    AccessSettings, ScanSettings, ShuffleInfo, ShufflePosition, ShuffleSettings, TakeSettings,
};
use crate::task::Task;

/// The most loads that are read at once for each core: one is on its way from the disk while another is decoded.
const LOADS_PER_CORE: u64 = 2;

/// What is read in each epoch.
pub struct Shuffler {
    opened: Arc<Opened>,
    settings: ShuffleSettings,
    rows: Arc<LiveRows>,
    /// Of no rows yet.
    selection: Selection,
    schema: SchemaRef,
    /// Of a wide row, about.
    row_bytes: u64,
}

/// What a text has of a place in an epoch.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    epoch: u64,
    rows_done: u64,
}

impl Part for Position {
    const NAME: &'static str = "state";
    const FORMAT: u32 = 1;
}

pub fn open(opened: Arc<Opened>, settings: ShuffleSettings) -> Task<Shuffler> {
    Box::pin(async move {
        check_rules(&settings)?;
        let dataset = opened.dataset.clone();
        let columns = outputs(
            &dataset,
            &TakeSettings {
                columns: settings.columns.clone(),
                expressions: settings.expressions.clone(),
            },
        )?;
        let reads = columns.iter().flat_map(|it| it.reads.clone()).collect();
        let row_bytes = opened.widths.row_bytes(&dataset, &reads, false).await;
        let rows = match &settings.filter {
            Some(filter) => LiveRows::Listed(passing(opened.clone(), filter).await?),
            None => LiveRows::all(&dataset).await?,
        };
        let selection = Selection {
            dataset,
            by: TakeBy::Address,
            rows: Arc::default(),
            columns: columns.into(),
        };
        Ok(Shuffler {
            schema: selection.clone().take_at_once().await?.schema(),
            rows: Arc::new(rows),
            opened,
            settings,
            selection,
            row_bytes,
        })
    })
}

/// Go on where a text says.
pub fn resume(text: String, access: AccessSettings) -> Task<(Shuffler, ShufflePosition)> {
    Box::pin(async move {
        let letter: Letter<Position> = Letter::read(&text)?;
        let settings = letter.settings(ShuffleSettings::out_of_range)?;
        let opened = letter.open(access).await?;
        let shuffler = open(Arc::new(opened), settings).await?;
        let Position { epoch, rows_done } = letter.part;
        Ok((shuffler, ShufflePosition { epoch, rows_done }))
    })
}

fn check_rules(settings: &ShuffleSettings) -> Result<()> {
    let (index, count) = (settings.shard_index, settings.shard_count);
    let why = match settings.block_rows {
        _ if index >= count => {
            format!("shard_index is {index}, but there are {count} shards, counted from 0 on")
        }
        Some(_) if !settings.shuffle => {
            "block_rows do not go without shuffle: there are no blocks to shuffle".to_string()
        }
        Some(rows) if rows.saturating_mul(settings.window_blocks) > u64::from(u32::MAX) => {
            format!(
                "a window of {} blocks of {rows} rows is too large to be held in memory",
                settings.window_blocks
            )
        }
        _ => return Ok(()),
    };
    Err(Error::invalid_argument(format!("options: {why}")))
}

/// The addresses of the rows that pass.
async fn passing(opened: Arc<Opened>, filter: &str) -> Result<Vec<u64>> {
    let scan = ScanSettings {
        columns: Some(Vec::new()),
        filter: Some(filter.to_string()),
        with_row_address: true,
        ..ScanSettings::default()
    };
    let mut addresses = numbers(opened, scan).await?;
    addresses.sort_unstable();
    Ok(addresses)
}

impl Shuffler {
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub fn info(&self) -> ShuffleInfo {
        let places = self.places();
        let rows = places.end - places.start;
        ShuffleInfo {
            rows,
            batches: rows.div_ceil(self.batch_rows()),
            all_rows: self.rows.count(),
        }
    }

    /// The places of the shard in the order of an epoch.
    fn places(&self) -> Range<u64> {
        let settings = &self.settings;
        let (index, count) = (settings.shard_index, settings.shard_count);
        let mut places = shard(self.rows.count(), index, count, settings.remainder);
        if settings.drop_last {
            places.end -= (places.end - places.start) % self.batch_rows();
        }
        places
    }

    fn batch_rows(&self) -> u64 {
        self.settings.batch_size as u64
    }

    fn check_done(&self, rows_done: u64) -> Result<()> {
        let rows = self.info().rows;
        match rows_done <= rows {
            true => Ok(()),
            false => Err(Error::invalid_argument(format!(
                "rows_done is {rows_done}, but an epoch has {rows} rows"
            ))),
        }
    }

    /// Read an epoch but for the rows that came before; the batches have the schema returned with them.
    pub fn read(self: Arc<Self>, epoch: u64, rows_done: u64) -> Task<(SchemaRef, Yield)> {
        Box::pin(async move {
            self.check_done(rows_done)?;
            let places = self.places();
            let epoch = Epoch {
                rows: self.rows.clone(),
                order: self.order(epoch),
                places: places.start + rows_done..places.end,
                selection: self.selection.clone(),
                schema: self.schema.clone(),
            };
            let batches = epoch.batches(self.loads(), self.settings.batch_size as usize);
            Ok((self.schema.clone(), batches))
        })
    }

    fn order(&self, epoch: u64) -> Order {
        let (rows, settings) = (self.rows.count(), &self.settings);
        let windows = settings.block_rows.map(|block_rows| Windows {
            block_rows,
            blocks: settings.window_blocks,
        });
        match settings.shuffle {
            true => Order::shuffled(rows, settings.seed, epoch, windows),
            false => Order::stored(rows),
        }
    }

    /// How much is read at once: few rows cost more each, and many more memory.
    fn loads(&self) -> Loads {
        let batch = self.batch_rows();
        let rows = (MOST_BYTES / self.row_bytes).clamp(1, BATCH_ROWS as u64);
        let rows = (rows - rows % batch).max(batch);
        let window = self.settings.block_rows.unwrap_or(0) * self.settings.window_blocks;
        let load_bytes = self.row_bytes.saturating_mul(rows.max(window));
        let cores = cores() as u64;
        let ahead = self.settings.readahead_bytes;
        let ahead = ahead.unwrap_or(cores * MOST_BYTES) / load_bytes;
        let at_once = ahead.clamp(1, cores * LOADS_PER_CORE);
        Loads {
            first_rows: batch,
            rows,
            at_once: at_once as usize,
            tasks: (cores / at_once).max(1) as usize,
        }
    }

    /// The text of a place.
    pub fn state(&self, epoch: u64, rows_done: u64) -> Result<String> {
        self.check_done(rows_done)?;
        let dataset = &self.opened.dataset;
        let position = Position { epoch, rows_done };
        Letter::of(dataset.uri(), dataset.manifest(), &self.settings, position)?.write()
    }
}
