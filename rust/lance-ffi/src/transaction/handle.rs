//! Transactions behind handles.

use std::collections::HashSet;
use std::ffi::c_char;
use std::sync::Mutex;

use super::{UncommittedWrite, commit, json};
use crate::error::{LanceError, Result, code};
use crate::guard::guard;
use crate::handle::Handle;
use crate::params::{
    LanceKeyValue, Versioned, check_sized, give_string, key_values, required_str, slice,
    write_sized,
};
use crate::runtime::block_on;
use crate::sync::lock;

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

/// What has become of a transaction handle.
enum Fate {
    Open(Box<UncommittedWrite>),
    Committed,
    Discarded,
    /// A commit may have landed, or land later.
    Unknown(Box<UncommittedWrite>),
}

/// A transaction behind a handle.
pub struct Pending(Mutex<Fate>);

/// Data files that are written but belong to no version yet.
pub type LanceTransaction = Handle<Pending>;

impl Pending {
    pub fn new(write: UncommittedWrite) -> Self {
        Self(Mutex::new(Fate::Open(Box::new(write))))
    }

    fn set(&self, fate: Fate) {
        *lock(&self.0) = fate;
    }

    fn to_commit(&self) -> Result<UncommittedWrite> {
        match &mut *lock(&self.0) {
            Fate::Unknown(write) => Ok((**write).clone()),
            other => other.open().cloned(),
        }
    }

    fn discard(&self) -> Result<()> {
        let write = match &mut *lock(&self.0) {
            Fate::Discarded => return Ok(()),
            other => other.open()?.clone(),
        };
        block_on(async move { write.discard().await })?;
        self.set(Fate::Discarded);
        Ok(())
    }

    fn to_json(&self) -> Result<String> {
        let mut fate = lock(&self.0);
        let write = fate.open()?;
        // From now on it may be committed or discarded by others.
        write.is_shared = true;
        json::write(write)
    }
}

impl Fate {
    fn open(&mut self) -> Result<&mut UncommittedWrite> {
        Err(LanceError::invalid_state(match self {
            Self::Open(write) => return Ok(write),
            Self::Committed => "the transaction is already committed",
            Self::Discarded => "the transaction was discarded",
            Self::Unknown(_) => {
                "an earlier commit of this transaction may have landed: commit it again, which tells"
            }
        }))
    }
}

fn commit_all(transactions: &[&Pending]) -> Result<u64> {
    let writes = transactions
        .iter()
        .map(|t| t.to_commit())
        .collect::<Result<Vec<_>>>()?;
    let to_commit = writes.clone();
    let outcome = block_on(commit::commit(to_commit));
    match &outcome {
        Ok(_) => transactions.iter().for_each(|t| t.set(Fate::Committed)),
        Err(error) if error.code() == code::COMMIT_STATUS_UNKNOWN => {
            for (transaction, mut write) in transactions.iter().zip(writes) {
                // This commit is like that of another process.
                write.is_shared = true;
                transaction.set(Fate::Unknown(Box::new(write)));
            }
        }
        Err(_) => (),
    }
    outcome
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
            let json = LanceTransaction::with(transaction, Pending::to_json)?;
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
            Handle::give(Pending::new(json::read(json, options)?), out)
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
