//! Counts of what each store was asked for in this process.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::redact::redact;
use crate::settings::StoreMetrics;
use crate::sync::lock;

/// The counters of a store live as long as the process, as there are only as many as it has buckets.
pub type Store = &'static StoreCounters;

static STORES: Mutex<BTreeMap<String, Store>> = Mutex::new(BTreeMap::new());

/// Requests of one store, whoever made them.
#[derive(Debug, Default)]
pub struct StoreCounters {
    reads: AtomicU64,
    writes: AtomicU64,
    lists: AtomicU64,
    deletes: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    retries: AtomicU64,
}

/// The counters of a store by its scheme and authority.
pub fn store(name: &str) -> Store {
    let mut stores = lock(&STORES);
    let name = redact(name);
    stores
        .entry(name)
        .or_insert_with(|| Box::leak(Box::default()))
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

impl StoreCounters {
    /// A read was asked for.
    pub fn read(&self) {
        add(&self.reads, 1);
    }

    /// Bytes of a read have come.
    pub fn received(&self, bytes: u64) {
        add(&self.bytes_read, bytes);
    }

    /// A write of so many bytes was asked for.
    pub fn wrote(&self, bytes: u64) {
        add(&self.writes, 1);
        add(&self.bytes_written, bytes);
    }

    pub fn listed(&self) {
        add(&self.lists, 1);
    }

    pub fn deleted(&self) {
        add(&self.deletes, 1);
    }

    pub fn retried(&self) {
        add(&self.retries, 1);
    }

    fn snapshot(&self, store: &str) -> StoreMetrics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (reads, writes) = (get(&self.reads), get(&self.writes));
        let (lists, deletes) = (get(&self.lists), get(&self.deletes));
        StoreMetrics {
            store: store.to_string(),
            requests: reads + writes + lists + deletes,
            reads,
            writes,
            lists,
            deletes,
            bytes_read: get(&self.bytes_read),
            bytes_written: get(&self.bytes_written),
            retries: get(&self.retries),
        }
    }
}

/// Every store that was used so far, by name.
pub fn stores() -> Vec<StoreMetrics> {
    let stores = lock(&STORES);
    stores
        .iter()
        .map(|(name, store)| store.snapshot(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_counted_under_one_name_without_credentials() {
        let counters = store("test://user:word@bucket");
        counters.read();
        counters.received(10);
        counters.wrote(5);
        counters.listed();
        counters.deleted();
        counters.retried();
        assert!(std::ptr::eq(counters, store("test://user:word@bucket")));
        let found: Vec<_> = stores()
            .into_iter()
            .filter(|metrics| metrics.store.ends_with("@bucket"))
            .collect();
        let expected = StoreMetrics {
            store: "test://***@bucket".to_string(),
            requests: 4,
            reads: 1,
            writes: 1,
            lists: 1,
            deletes: 1,
            bytes_read: 10,
            bytes_written: 5,
            retries: 1,
        };
        assert_eq!(found, [expected]);
    }
}
