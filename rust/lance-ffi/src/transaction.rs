//! Uncommitted writes: check the files, commit them, or delete them.

use std::collections::{HashMap, HashSet};
use std::ffi::c_char;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use lance::dataset::CommitBuilder;
use lance::dataset::transaction::{Operation, Transaction};
use lance_file::version::LanceFileVersion;
use lance_io::object_store::ObjectStore;
use lance_table::format::{Fragment, pb};
use object_store::path::Path;
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::dataset::load_latest;
use crate::error::{LanceError, Result, code};
use crate::guard::{guard, panic_error};
use crate::handle::Handle;
use crate::ledger::{Doubt, Ledger};
use crate::params::{
    LanceKeyValue, Versioned, check_sized, check_uri, give_string, key_values, required_str, slice,
    write_sized,
};
use crate::runtime::{block_on, session};
use crate::sync::lock;
use crate::{fault, local_store, store};

/// Mirrors `LanceCommitResult`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceCommitResult {
    pub struct_size: usize,
    pub version: u64,
}

// SAFETY: repr(C), begins with struct_size, plain integers.
unsafe impl Versioned for LanceCommitResult {
    const INIT: Self = Self {
        struct_size: size_of::<Self>(),
        version: 0,
    };
}

impl LanceCommitResult {
    /// Fill the caller's struct, which may be NULL and is checked before anything is committed.
    ///
    /// # Safety
    /// `out` is NULL or points to a struct of at least its own `struct_size` bytes.
    pub unsafe fn give(commit: impl FnOnce() -> Result<u64>, out: *mut Self) -> Result<()> {
        if out.is_null() {
            return commit().map(|_| ());
        }
        // SAFETY: forwarded contract.
        unsafe {
            check_sized(out, "the output struct")?;
            let result = Self {
                version: commit()?,
                ..Self::INIT
            };
            write_sized(&result, out, "the output struct")
        }
    }
}

/// Where a write goes and how the dataset is made if it is new.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub uri: String,
    /// The commit fails when a dataset exists by then.
    pub must_be_new: bool,
    pub storage_options: HashMap<String, String>,
    pub data_storage_version: Option<LanceFileVersion>,
    pub stable_row_ids: bool,
}

impl Target {
    /// The store, and the dataset's root in it.
    pub async fn open_store(&self, ledger: &Arc<Ledger>) -> Result<(Arc<ObjectStore>, Path)> {
        let params = ledger.store_params(&self.storage_options);
        Ok(
            ObjectStore::from_uri_and_params(session()?.store_registry(), &self.uri, &params)
                .await?,
        )
    }
}

/// Data files that no version refers to yet.
#[derive(Debug, Clone)]
pub struct UncommittedWrite {
    pub target: Target,
    pub transaction: Transaction,
    /// Records what the commit writes.
    pub ledger: Arc<Ledger>,
}

fn fragments(transaction: &Transaction) -> &[Fragment] {
    match &transaction.operation {
        Operation::Append { fragments } | Operation::Overwrite { fragments, .. } => fragments,
        _ => &[],
    }
}

fn fragments_mut(transaction: &mut Transaction) -> Option<&mut Vec<Fragment>> {
    match &mut transaction.operation {
        Operation::Append { fragments } | Operation::Overwrite { fragments, .. } => Some(fragments),
        _ => None,
    }
}

impl UncommittedWrite {
    /// Put the rows of `others` behind those of the first write.
    pub fn merge(writes: Vec<Self>) -> Result<Self> {
        let mut writes = writes.into_iter();
        let mut merged = writes
            .next()
            .ok_or_else(|| LanceError::invalid_argument("there is no transaction to commit"))?;
        for mut other in writes {
            if !merged.goes_with(&other) {
                return Err(LanceError::invalid_argument(
                    "the transactions differ in target, mode or schema: commit them one by one",
                ));
            }
            let (Some(all), Some(more)) = (
                fragments_mut(&mut merged.transaction),
                fragments_mut(&mut other.transaction),
            ) else {
                return Err(LanceError::invalid_argument(
                    "only writes can be committed together",
                ));
            };
            all.append(more);
        }
        // Each part numbers its fragments for itself; 0 lets the commit assign the numbers.
        for fragment in fragments_mut(&mut merged.transaction).into_iter().flatten() {
            fragment.id = 0;
        }
        Ok(merged)
    }

    fn goes_with(&self, other: &Self) -> bool {
        let same_operation = match (&self.transaction.operation, &other.transaction.operation) {
            (Operation::Append { .. }, Operation::Append { .. }) => true,
            (Operation::Overwrite { schema: a, .. }, Operation::Overwrite { schema: b, .. }) => {
                a == b
            }
            _ => false,
        };
        same_operation && self.target == other.target
    }

    fn files(&self) -> impl Iterator<Item = &lance_table::format::DataFile> {
        fragments(&self.transaction).iter().flat_map(|f| &f.files)
    }

    /// Compare the size of every file with what the encoder wrote: a store that lost the end of a file would
    /// otherwise leave a version that nobody can read.
    pub async fn verify(&self) -> Result<()> {
        fault::point()?;
        let (store, base) = self.target.open_store(&self.ledger).await?;
        let data = base.join("data");
        let files = self
            .files()
            .map(|file| match file.file_size_bytes.get() {
                Some(size) => Ok((data.clone().join(file.path.as_str()), size)),
                None => Err(LanceError::invalid_argument(format!(
                    "the transaction does not say how large data file {} is, so that it cannot be checked",
                    file.path
                ))),
            })
            .collect::<Result<Vec<_>>>()?;
        stream::iter(files)
            .map(|(path, expected)| {
                let store = store.clone();
                async move {
                    let actual = store.size(&path).await?;
                    if actual == expected.get() {
                        return Ok(());
                    }
                    Err(LanceError::new(
                        code::IO,
                        format!(
                            "data file {path} has {actual} of {expected} bytes: the store lost a part of it; nothing was committed"
                        ),
                    ))
                }
            })
            .buffer_unordered(store.io_parallelism())
            .try_collect::<()>()
            .await
    }

    /// Make one new version of the files.
    pub async fn commit(&self) -> Result<u64> {
        fault::point()?;
        let mut commit = CommitBuilder::new(self.target.uri.as_str())
            .with_session(session()?)
            .with_store_params(self.ledger.store_params(&self.target.storage_options))
            .use_stable_row_ids(self.target.stable_row_ids);
        if let Some(version) = self.target.data_storage_version {
            commit = commit.with_storage_format(version);
        }
        if self.target.must_be_new {
            // No retries make the commit strict: it never goes on top of another writer's version.
            commit = commit.with_max_retries(0);
        }
        self.ledger.forget_doubt();
        let execution = AssertUnwindSafe(commit.execute(self.transaction.clone()));
        let outcome = execution.catch_unwind().await;
        let unknown = |why: &str| {
            let message = format!("the outcome of the commit is unknown, its files stay: {why}");
            Err(LanceError::new(code::COMMIT_STATUS_UNKNOWN, message))
        };
        let is_durable = local_store::is_durable(&self.target.storage_options);
        match (outcome, self.ledger.doubt()) {
            (Ok(Ok(dataset)), Some(Doubt::NotSynced(failure))) if is_durable => unknown(&format!(
                "version {} was made, but may not survive a power failure: {failure}",
                dataset.manifest().version
            )),
            (Ok(Ok(dataset)), _) => Ok(dataset.manifest().version),
            // A time limit or a panic ends the commit wherever it is, perhaps after the manifest was written.
            (Ok(Err(error @ lance_core::Error::Timeout { .. })), _) => {
                unknown(LanceError::from(error).message())
            }
            (Err(payload), _) => unknown(panic_error(payload).message()),
            (Ok(Err(_)), Some(Doubt::OnItsWay(failure))) => unknown(&format!(
                "the store did not say whether it made the version: {failure}"
            )),
            (Ok(Err(error)), _) => Err(self.explain(error.into()).await),
        }
    }

    /// A strict commit that lost the race reports its read version missing, which is true but no help.
    async fn explain(&self, error: LanceError) -> LanceError {
        let lost = self.target.must_be_new
            && error.code() != code::COMMIT_STATUS_UNKNOWN
            && matches!(
                load_latest(&self.target.uri, &self.target.storage_options).await,
                Ok(Some(_))
            );
        match lost {
            true => LanceError::new(
                code::ALREADY_EXISTS,
                format!("another writer made dataset {} first", self.target.uri),
            ),
            false => error,
        }
    }

    /// Delete the files. One that is gone already is fine.
    pub async fn discard(&self) -> Result<()> {
        let (store, base) = self.target.open_store(&self.ledger).await?;
        let data = base.clone().join("data");
        for file in self.files() {
            store::delete_data_file(&store, &data, &file.path).await?;
        }
        self.ledger.delete_files(&store).await?;
        if self.transaction.read_version == 0 {
            store::remove_empty_dataset_dirs(&store, &base);
        }
        Ok(())
    }
}

/// What has become of a transaction handle.
enum Fate {
    Open(Box<UncommittedWrite>),
    Committed,
    Discarded,
    Unknown,
}

/// A transaction behind a handle.
pub struct Pending(Mutex<Fate>);

/// Data files that are written but belong to no version yet.
pub type LanceTransaction = Handle<Pending>;

impl Pending {
    pub fn new(write: UncommittedWrite) -> Self {
        Self(Mutex::new(Fate::Open(Box::new(write))))
    }

    fn open(&self) -> Result<UncommittedWrite> {
        match &*lock(&self.0) {
            Fate::Open(write) => Ok((**write).clone()),
            Fate::Committed => Err(LanceError::invalid_state(
                "the transaction is already committed",
            )),
            Fate::Discarded => Err(LanceError::invalid_state("the transaction was discarded")),
            Fate::Unknown => Err(LanceError::invalid_state(
                "an earlier commit of this transaction may have landed: look at the dataset first",
            )),
        }
    }

    fn set(&self, fate: Fate) {
        *lock(&self.0) = fate;
    }

    fn discard(&self) -> Result<()> {
        if matches!(&*lock(&self.0), Fate::Discarded) {
            return Ok(());
        }
        let write = self.open()?;
        block_on(async move { write.discard().await })?;
        self.set(Fate::Discarded);
        Ok(())
    }
}

fn commit_all(transactions: &[&Pending]) -> Result<u64> {
    let writes = transactions
        .iter()
        .map(|t| t.open())
        .collect::<Result<Vec<_>>>()?;
    let merged = UncommittedWrite::merge(writes)?;
    let outcome = block_on(async move {
        merged.verify().await?;
        merged.commit().await
    });
    let fate: Option<fn() -> Fate> = match &outcome {
        Ok(_) => Some(|| Fate::Committed),
        Err(error) if error.code() == code::COMMIT_STATUS_UNKNOWN => Some(|| Fate::Unknown),
        Err(_) => None,
    };
    if let Some(fate) = fate {
        transactions.iter().for_each(|t| t.set(fate()));
    }
    outcome
}

/// The JSON form. The operation travels as the engine's own protobuf, without its fragments: those have a
/// JSON form that other Lance implementations read.
#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    uri: String,
    must_be_new: bool,
    data_storage_version: Option<String>,
    stable_row_ids: bool,
    #[serde(default)]
    durable: bool,
    /// The engine's protobuf drops the schema's metadata.
    schema_metadata: HashMap<String, String>,
    fragments: Vec<Fragment>,
    transaction: String,
}

const DOCUMENT_FORMAT: u32 = 1;

fn to_json(write: &UncommittedWrite) -> Result<String> {
    let mut skeleton = write.transaction.clone();
    let fragments = fragments_mut(&mut skeleton)
        .map(std::mem::take)
        .unwrap_or_default();
    let schema_metadata = match &skeleton.operation {
        Operation::Overwrite { schema, .. } => schema.metadata.clone(),
        _ => HashMap::new(),
    };
    let document = Document {
        format: DOCUMENT_FORMAT,
        uri: write.target.uri.clone(),
        must_be_new: write.target.must_be_new,
        data_storage_version: write.target.data_storage_version.map(|v| v.to_string()),
        stable_row_ids: write.target.stable_row_ids,
        durable: local_store::is_durable(&write.target.storage_options),
        schema_metadata,
        fragments,
        transaction: BASE64_STANDARD.encode(pb::Transaction::try_from(&skeleton)?.encode_to_vec()),
    };
    serde_json::to_string(&document)
        .map_err(|error| LanceError::new(code::INTERNAL, format!("cannot write JSON: {error}")))
}

fn from_json(json: &str, mut storage_options: HashMap<String, String>) -> Result<UncommittedWrite> {
    let malformed = |what: &dyn std::fmt::Display| {
        LanceError::invalid_argument(format!("not a transaction of this library: {what}"))
    };
    let document: Document = serde_json::from_str(json).map_err(|error| malformed(&error))?;
    if document.format != DOCUMENT_FORMAT {
        return Err(malformed(&format_args!("format {}", document.format)));
    }
    check_uri(&document.uri)?;
    let bytes = BASE64_STANDARD
        .decode(&document.transaction)
        .map_err(|error| malformed(&error))?;
    let message = pb::Transaction::decode(bytes.as_slice()).map_err(|error| malformed(&error))?;
    let mut transaction = Transaction::try_from(message)?;
    if let Operation::Overwrite { schema, .. } = &mut transaction.operation {
        schema.metadata = document.schema_metadata;
    }
    match fragments_mut(&mut transaction) {
        Some(fragments) => *fragments = document.fragments,
        None => return Err(malformed(&"it is not a write")),
    }
    if document.durable {
        local_store::make_durable(&mut storage_options);
    }
    Ok(UncommittedWrite {
        target: Target {
            uri: document.uri,
            must_be_new: document.must_be_new,
            storage_options,
            data_storage_version: document
                .data_storage_version
                .map(|version| version.parse())
                .transpose()?,
            stable_row_ids: document.stable_row_ids,
        },
        transaction,
        ledger: Arc::default(),
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_transaction_commit(
    transactions: *const *mut LanceTransaction,
    count: usize,
    out: *mut LanceCommitResult,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        let handles = unsafe { slice(transactions, count, "transactions") }?;
        let mut distinct = HashSet::new();
        if !handles.iter().all(|handle| distinct.insert(*handle)) {
            return Err(LanceError::invalid_argument("a transaction is given twice"));
        }
        let pending = handles
            .iter()
            // SAFETY: by this function's contract.
            .map(|handle| unsafe { LanceTransaction::get(*handle) }.map(Handle::value))
            .collect::<Result<Vec<_>>>()?;
        // SAFETY: by this function's contract.
        unsafe { LanceCommitResult::give(|| commit_all(&pending), out) }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_transaction_discard(
    transaction: *mut LanceTransaction,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe { LanceTransaction::with(transaction, Pending::discard) }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_transaction_to_json(
    transaction: *const LanceTransaction,
    out: *mut *mut c_char,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let json = LanceTransaction::with(transaction, |pending| to_json(&pending.open()?))?;
            give_string(json, out)
        }
    })
}

/// # Safety
/// Pointers are NULL or valid, as the header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_transaction_from_json(
    json: *const c_char,
    storage_options: *const LanceKeyValue,
    storage_options_count: usize,
    out: *mut *mut LanceTransaction,
    error: *mut *mut LanceError,
) -> i32 {
    guard(error, || {
        // SAFETY: by this function's contract.
        unsafe {
            let json = required_str(json, "json")?;
            let options = key_values(storage_options, storage_options_count, "storage_options")?;
            Handle::give(Pending::new(from_json(json, options)?), out)
        }
    })
}

/// # Safety
/// `transaction` is NULL or a live handle, used here for the last time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_transaction_free(transaction: *mut LanceTransaction) {
    // SAFETY: by this function's contract.
    unsafe { Handle::free(transaction, |_| ()) }
}
