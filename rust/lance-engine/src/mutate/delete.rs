//! Rows deleted.

use std::future::ready;
use std::sync::Arc;

use futures::TryStreamExt;
use lance::Dataset;
use lance::dataset::scanner::RowAddrTreeMap;
use lance::dataset::transaction::{Operation, Transaction};
use lance_core::{ROW_ADDR, ROW_ID};

use super::attempts::{Attempts, Made};
use super::deletions::{collect, count, without};
use super::filter::Filter;
use crate::error::{Error, Result};
use crate::fault;
use crate::parallel::{cores, run_all};
use crate::read::{Opened, TakeBy, distinct, scan, take};
use crate::settings::{DeleteResult, DeleteSettings, ScanSettings, TakeSettings};
use crate::task::Task;
use crate::write::transaction::Staged;

/// Delete the rows that pass a filter.
pub fn delete(
    opened: Arc<Opened>,
    sql: Option<String>,
    mut settings: DeleteSettings,
) -> Task<(Opened, DeleteResult)> {
    let substrait = settings.filter_substrait.take();
    let filter = Filter { sql, substrait };
    if filter.is_none() {
        let why = "a delete needs a filter: all rows are deleted by a truncation";
        return Box::pin(ready(Err(Error::invalid_argument(why))));
    }
    let filter = Arc::new(filter);
    run(opened, settings.into(), move |opened, dataset| {
        stage(opened, dataset, filter.clone())
    })
}

/// Delete the rows of these ids, as far as there are any.
pub fn delete_row_ids(
    opened: Arc<Opened>,
    row_ids: Vec<u64>,
    settings: DeleteSettings,
) -> Task<(Opened, DeleteResult)> {
    let attempts = match opened.dataset.manifest().uses_stable_row_ids() {
        true => settings.into(),
        false => once(settings),
    };
    delete_listed(opened, TakeBy::RowId, row_ids, attempts)
}

/// Delete the rows at these addresses.
pub fn delete_addresses(
    opened: Arc<Opened>,
    addresses: Vec<u64>,
    settings: DeleteSettings,
) -> Task<(Opened, DeleteResult)> {
    delete_listed(opened, TakeBy::Address, addresses, once(settings))
}

/// Delete all rows.
pub fn truncate(opened: Arc<Opened>, settings: DeleteSettings) -> Task<(Opened, DeleteResult)> {
    run(opened, settings.into(), |_, dataset| stage_all(dataset))
}

/// A row has another address when it was changed, and so it cannot be found again in another version.
fn once(settings: DeleteSettings) -> Attempts {
    Attempts {
        retries: 0,
        ..settings.into()
    }
}

impl From<DeleteSettings> for Attempts {
    fn from(settings: DeleteSettings) -> Self {
        Self {
            retries: settings.conflict_retries,
            timeout: settings.retry_timeout,
            properties: settings.transaction_properties,
            allow_empty: settings.allow_empty,
        }
    }
}

fn run<S, W>(opened: Arc<Opened>, attempts: Attempts, stage: S) -> Task<(Opened, DeleteResult)>
where
    S: Fn(Arc<Opened>, Arc<Dataset>) -> W + Clone + Send + 'static,
    W: Future<Output = Result<Made>> + Send + 'static,
{
    Box::pin(async move {
        let (opened, deleted_rows) = attempts.commit(opened, stage).await?;
        Ok((opened, DeleteResult { deleted_rows }))
    })
}

fn delete_listed(
    opened: Arc<Opened>,
    by: TakeBy,
    rows: Vec<u64>,
    attempts: Attempts,
) -> Task<(Opened, DeleteResult)> {
    let rows: Arc<[u64]> = distinct(&rows).into();
    run(opened, attempts, move |opened, dataset| {
        stage_listed(opened, dataset, by, rows.clone())
    })
}

/// The deletion of the rows that pass.
async fn stage(opened: Arc<Opened>, dataset: Arc<Dataset>, filter: Arc<Filter>) -> Result<Made> {
    let addresses = passing(&opened, &filter).await?;
    let told = filter.sql.as_deref().unwrap_or("a Substrait message");
    of_rows(&dataset, addresses, told.to_string()).await
}

async fn stage_listed(
    opened: Arc<Opened>,
    dataset: Arc<Dataset>,
    by: TakeBy,
    rows: Arc<[u64]>,
) -> Result<Made> {
    let column = match by {
        TakeBy::Address => ROW_ADDR,
        TakeBy::Position | TakeBy::RowId => ROW_ID,
    };
    let told = format!("{column} in a list of {}", rows.len());
    let settings = TakeSettings {
        columns: Some(vec![ROW_ADDR.to_string()]),
        ..TakeSettings::default()
    };
    let mut addresses = RowAddrTreeMap::new();
    if !rows.is_empty() {
        collect(
            &mut addresses,
            &take(opened, by, rows.to_vec(), settings).await?,
        )?;
    }
    of_rows(&dataset, addresses, told).await
}

async fn stage_all(dataset: Arc<Dataset>) -> Result<Made> {
    let rows = dataset.count_rows(None).await? as u64;
    let removed = dataset.fragments().iter().map(|fragment| fragment.id);
    let operation = Operation::Delete {
        updated_fragments: Vec::new(),
        deleted_fragment_ids: removed.collect(),
        predicate: "true".to_string(),
    };
    let staged = Staged {
        transaction: Transaction::new(dataset.manifest().version, operation, None),
        affected_rows: None,
    };
    Ok((staged, rows))
}

/// The deletion of the rows at these addresses.
async fn of_rows(dataset: &Dataset, addresses: RowAddrTreeMap, predicate: String) -> Result<Made> {
    let rows = count(&addresses);
    let deletions = without(dataset, &addresses).await?;
    let operation = Operation::Delete {
        updated_fragments: deletions.updated,
        deleted_fragment_ids: deletions.removed,
        predicate,
    };
    let staged = Staged {
        transaction: Transaction::new(dataset.manifest().version, operation, None),
        affected_rows: Some(addresses),
    };
    Ok((staged, rows))
}

/// The addresses of the rows that a scan with this filter returns.
async fn passing(opened: &Arc<Opened>, filter: &Filter) -> Result<RowAddrTreeMap> {
    let settings = ScanSettings {
        columns: Some(Vec::new()),
        ordered: false,
        ..filter.scan()
    };
    let parts = parts(&opened.dataset).into_iter().map(|fragments| {
        let settings = ScanSettings {
            fragments,
            ..settings.clone()
        };
        addresses(opened.clone(), settings)
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
