//! Rows deleted.

use std::sync::Arc;

use futures::TryStreamExt;
use lance::Dataset;
use lance::dataset::scanner::RowAddrTreeMap;
use lance::dataset::transaction::{Operation, Transaction};
use lance_core::{ROW_ADDR, ROW_ID};

use super::attempts::{Attempts, Made};
use super::deletions::{Deletions, collect, count, without};
use super::filter::Filter;
use crate::error::{Error, Result};
use crate::fault;
use crate::panics::contained;
use crate::parallel::{cores, run_all};
use crate::read::{Opened, TakeBy, distinct, scan, take};
use crate::settings::{DeleteResult, DeleteSettings, ScanSettings, TakeSettings};
use crate::task::Task;
use crate::write::transaction::{Pending, Staged};

/// Delete the rows that pass a filter.
pub fn delete(
    opened: Arc<Opened>,
    sql: Option<String>,
    mut settings: DeleteSettings,
) -> Task<(Opened, DeleteResult)> {
    let rows = Doomed::passing(sql, &mut settings);
    run(opened, rows, settings)
}

/// Delete the rows of these ids, as far as there are any.
pub fn delete_row_ids(
    opened: Arc<Opened>,
    row_ids: Vec<u64>,
    settings: DeleteSettings,
) -> Task<(Opened, DeleteResult)> {
    run(opened, Doomed::listed(TakeBy::RowId, &row_ids), settings)
}

/// Delete the rows at these addresses.
pub fn delete_addresses(
    opened: Arc<Opened>,
    addresses: Vec<u64>,
    settings: DeleteSettings,
) -> Task<(Opened, DeleteResult)> {
    run(
        opened,
        Doomed::listed(TakeBy::Address, &addresses),
        settings,
    )
}

/// Delete all rows.
pub fn truncate(opened: Arc<Opened>, settings: DeleteSettings) -> Task<(Opened, DeleteResult)> {
    run(opened, Doomed::All, settings)
}

/// Prepare the deletion of the rows that pass a filter.
pub fn delete_uncommitted(
    opened: Arc<Opened>,
    sql: Option<String>,
    mut settings: DeleteSettings,
) -> Task<(Pending, DeleteResult)> {
    let rows = Doomed::passing(sql, &mut settings);
    prepare(opened, rows, settings)
}

/// Prepare the deletion of the rows of these ids.
pub fn delete_row_ids_uncommitted(
    opened: Arc<Opened>,
    row_ids: Vec<u64>,
    settings: DeleteSettings,
) -> Task<(Pending, DeleteResult)> {
    prepare(opened, Doomed::listed(TakeBy::RowId, &row_ids), settings)
}

fn run(
    opened: Arc<Opened>,
    rows: Doomed,
    settings: DeleteSettings,
) -> Task<(Opened, DeleteResult)> {
    Box::pin(async move {
        rows.check()?;
        let attempts = rows.attempts(&opened, settings);
        let rows = Arc::new(rows);
        let stage = move |opened, dataset| stage(opened, dataset, rows.clone());
        let (opened, deleted_rows) = attempts.commit(opened, stage).await?;
        Ok((opened, DeleteResult { deleted_rows }))
    })
}

fn prepare(
    opened: Arc<Opened>,
    rows: Doomed,
    settings: DeleteSettings,
) -> Task<(Pending, DeleteResult)> {
    Box::pin(async move {
        rows.check()?;
        let attempts = rows.attempts(&opened, settings);
        let rows = Arc::new(rows);
        let stage = move |opened, dataset| stage(opened, dataset, rows);
        let (pending, deleted_rows) = attempts.stage(opened, stage).await?;
        Ok((pending, DeleteResult { deleted_rows }))
    })
}

/// The rows that go.
enum Doomed {
    Passing(Filter),
    /// Each once.
    Listed(TakeBy, Vec<u64>),
    All,
}

impl Doomed {
    fn passing(sql: Option<String>, settings: &mut DeleteSettings) -> Self {
        Self::Passing(Filter {
            sql,
            substrait: settings.filter_substrait.take(),
        })
    }

    fn listed(by: TakeBy, rows: &[u64]) -> Self {
        Self::Listed(by, distinct(rows))
    }

    fn check(&self) -> Result<()> {
        match self {
            Self::Passing(filter) if filter.is_none() => Err(Error::invalid_argument(
                "a delete needs a filter: all rows are deleted by a truncation",
            )),
            _ => Ok(()),
        }
    }

    fn attempts(&self, opened: &Opened, settings: DeleteSettings) -> Attempts {
        let has_stable_ids = opened.dataset.manifest().uses_stable_row_ids();
        // A row that was changed has another address, and so it is not found again in another version.
        let is_fixed = match self {
            Self::Listed(TakeBy::RowId, _) => !has_stable_ids,
            Self::Listed(..) => true,
            Self::Passing(_) | Self::All => false,
        };
        Attempts {
            retries: if is_fixed {
                0
            } else {
                settings.conflict_retries
            },
            timeout: settings.retry_timeout,
            commit_retries: None,
            properties: settings.transaction_properties,
            allow_empty: settings.allow_empty,
        }
    }

    /// What the transaction tells.
    fn predicate(&self) -> String {
        match self {
            Self::Passing(filter) => filter.sql.as_deref().unwrap_or("Substrait").to_string(),
            Self::Listed(TakeBy::RowId, rows) => format!("{ROW_ID} in a list of {}", rows.len()),
            Self::Listed(_, rows) => format!("{ROW_ADDR} in a list of {}", rows.len()),
            Self::All => "true".to_string(),
        }
    }
}

/// The deletion, without a commit.
async fn stage(opened: Arc<Opened>, dataset: Arc<Dataset>, rows: Arc<Doomed>) -> Result<Made<u64>> {
    let addresses = match &*rows {
        Doomed::Passing(filter) => Some(passing(&opened, filter).await?),
        Doomed::Listed(by, listed) => Some(found(&opened, *by, listed).await?),
        Doomed::All => None,
    };
    let (deletions, deleted_rows) = match &addresses {
        Some(addresses) => (without(&dataset, addresses).await?, count(addresses)),
        None => (
            Deletions {
                updated: Vec::new(),
                removed: dataset.fragments().iter().map(|it| it.id).collect(),
            },
            dataset.count_rows(None).await? as u64,
        ),
    };
    let operation = Operation::Delete {
        updated_fragments: deletions.updated,
        deleted_fragment_ids: deletions.removed,
        predicate: rows.predicate(),
    };
    let staged = Staged {
        transaction: Transaction::new(dataset.manifest().version, operation, None),
        affected_rows: addresses,
    };
    Ok((staged, deleted_rows))
}

/// The addresses of those that are there.
async fn found(opened: &Arc<Opened>, by: TakeBy, rows: &[u64]) -> Result<RowAddrTreeMap> {
    let mut addresses = RowAddrTreeMap::new();
    if rows.is_empty() {
        return Ok(addresses);
    }
    let settings = TakeSettings {
        columns: Some(vec![ROW_ADDR.to_string()]),
        ..TakeSettings::default()
    };
    let taken = take(opened.clone(), by, rows.to_vec(), settings).await?;
    collect(&mut addresses, &taken)?;
    Ok(addresses)
}

/// The addresses of the rows that a scan with this filter returns.
async fn passing(opened: &Arc<Opened>, filter: &Filter) -> Result<RowAddrTreeMap> {
    let settings = ScanSettings {
        columns: Some(Vec::new()),
        ordered: false,
        ..filter.scan(&opened.dataset)
    };
    let parts = parts(&opened.dataset).into_iter().map(|fragments| {
        let settings = ScanSettings {
            fragments,
            ..settings.clone()
        };
        contained(addresses(opened.clone(), settings))
    });
    let mut parts = run_all(parts).await?;
    let mut all = parts.pop().unwrap_or_default();
    all.extend(parts);
    Ok(all)
}

/// The engine filters one stream of batches; here each core has one, unless an index may answer at once.
fn parts(dataset: &Dataset) -> Vec<Option<Vec<u64>>> {
    let fragments: Vec<_> = dataset.fragments().iter().map(|it| it.id).collect();
    let tasks = cores().min(fragments.len());
    if tasks < 2 || dataset.manifest().index_section.is_some() {
        return vec![None];
    }
    let parts = fragments.chunks(fragments.len().div_ceil(tasks));
    parts.map(|part| Some(part.to_vec())).collect()
}

async fn addresses(opened: Arc<Opened>, settings: ScanSettings) -> Result<RowAddrTreeMap> {
    fault::point()?;
    let (_, batches) = scan::prepare(opened, settings).await?.run().await?;
    let collected = |mut addresses, batch| async move {
        collect(&mut addresses, &batch)?;
        Ok::<_, Error>(addresses)
    };
    let batches = batches.into_stream();
    batches.try_fold(RowAddrTreeMap::new(), collected).await
}
