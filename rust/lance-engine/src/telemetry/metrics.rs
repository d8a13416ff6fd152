//! What the library is doing in this process: threads, writers, caches.

use std::sync::{Mutex, Weak};
use std::time::Duration;

use lance::session::Session;
use lance_core::utils::tokio::get_num_compute_intensive_cpus;
use tokio::runtime::Handle;

use crate::settings::{Metrics, SessionStats};
use crate::sync::lock;

/// Something that holds batches in memory.
pub trait InFlight: Send + Sync {
    fn bytes_in_flight(&self) -> u64;
}

static WRITERS: Mutex<Vec<Weak<dyn InFlight>>> = Mutex::new(Vec::new());

/// Count a writer for as long as it lives.
pub fn watch(writer: Weak<dyn InFlight>) {
    let mut writers = lock(&WRITERS);
    writers.retain(|writer| writer.strong_count() > 0);
    writers.push(writer);
}

/// How many writers there are, and their bytes.
fn in_flight() -> (u64, u64) {
    let all = lock(&WRITERS).clone();
    let writers = all.iter().filter_map(Weak::upgrade);
    writers.fold((0, 0), |(count, bytes), writer| {
        (count + 1, bytes + writer.bytes_in_flight())
    })
}

/// The caches of a session.
pub async fn of_session(session: &Session) -> SessionStats {
    let index = session.index_cache_stats().await;
    let metadata = session.metadata_cache_stats().await;
    SessionStats {
        index_cache_hits: index.hits,
        index_cache_misses: index.misses,
        index_cache_entries: index.num_entries as u64,
        index_cache_bytes: index.size_bytes as u64,
        metadata_cache_hits: metadata.hits,
        metadata_cache_misses: metadata.misses,
        metadata_cache_entries: metadata.num_entries as u64,
        metadata_cache_bytes: metadata.size_bytes as u64,
    }
}

/// A snapshot, to be taken on the library's own runtime.
pub async fn of_process(default_session: &Session) -> Metrics {
    let caches = of_session(default_session).await;
    let runtime = Handle::current().metrics();
    let workers = runtime.num_workers();
    let io_busy: Duration = (0..workers)
        .map(|worker| runtime.worker_total_busy_duration(worker))
        .sum();
    let (writers, writer_bytes_in_flight) = in_flight();
    Metrics {
        io_threads: workers as u32,
        cpu_threads: get_num_compute_intensive_cpus() as u32,
        io_busy_nanoseconds: io_busy.as_nanos() as u64,
        tasks: runtime.num_alive_tasks() as u64,
        tasks_queued: runtime.global_queue_depth() as u64,
        writers,
        writer_bytes_in_flight,
        index_cache_hits: caches.index_cache_hits,
        index_cache_misses: caches.index_cache_misses,
        index_cache_entries: caches.index_cache_entries,
        index_cache_bytes: caches.index_cache_bytes,
        metadata_cache_hits: caches.metadata_cache_hits,
        metadata_cache_misses: caches.metadata_cache_misses,
        metadata_cache_entries: caches.metadata_cache_entries,
        metadata_cache_bytes: caches.metadata_cache_bytes,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::runtime::block_on;

    fn session() -> Session {
        Session::new(1 << 20, 1 << 20, Arc::default())
    }

    fn snapshot() -> Metrics {
        block_on(async { Ok(of_process(&session()).await) }).unwrap()
    }

    struct Holds(u64);

    impl InFlight for Holds {
        fn bytes_in_flight(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn a_writer_counts_while_it_lives() {
        let writer: Arc<dyn InFlight> = Arc::new(Holds(1 << 40));
        watch(Arc::downgrade(&writer));
        let now = snapshot();
        assert!(now.writers >= 1 && now.writer_bytes_in_flight >= 1 << 40);
        assert!(now.io_threads >= 1 && now.cpu_threads >= 1 && now.tasks >= 1);
        drop(writer);
        let later = snapshot();
        assert!(later.writer_bytes_in_flight < 1 << 40);
        assert!(later.io_busy_nanoseconds >= now.io_busy_nanoseconds);
    }

    #[test]
    fn an_unused_session_holds_nothing() {
        let now = block_on(async { Ok(of_session(&session()).await) });
        assert_eq!(now.unwrap(), SessionStats::default());
    }
}
