//! Descriptors of local files that are being read, and reads from them on the thread that asks.
//!
//! `object_store` opens a file for every read on a thread of the blocking pool, and reads it on another. For a random
//! read of a few hundred bytes these hand-overs are most of the time. Here a file stays open while it is in use,
//! what the page cache holds is read at once, and what a fast disk is bringing soon after; only the rest goes to the
//! blocking pool.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use object_store::ObjectMeta;
use object_store::path::Path;
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::sleep;

use crate::sync::lock;

/// More are opened and closed for each read.
const MOST_FILES: usize = 256;
/// A file that was not read in between is closed. The disk space of a deleted one is free after twice as long.
const SWEEP: Duration = Duration::from_secs(5);
/// A deleted file is still read for so long. To ask costs a quarter of a small read.
const FRESH: Duration = Duration::from_millis(1);
/// How long a read tries again before it takes a thread to wait on. A fast disk takes less, and a slow one so much
/// more that it does not matter.
const PATIENCE: Duration = Duration::from_micros(200);

/// The open files of a store.
#[derive(Debug, Default)]
pub struct OpenFiles(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    files: HashMap<Path, Entry>,
    /// A task closes what is not in use.
    is_swept: bool,
}

#[derive(Debug)]
struct Entry {
    file: Arc<OpenFile>,
    used: bool,
    /// When the file was seen not to be deleted.
    seen: Instant,
}

impl State {
    /// Close what was not read since the last time.
    fn close_unused(&mut self) {
        self.files
            .retain(|_, entry| std::mem::take(&mut entry.used));
    }
}

impl OpenFiles {
    /// A file that is open already, and has not been deleted.
    pub fn get(&self, path: &Path) -> Option<Arc<OpenFile>> {
        let now = Instant::now();
        let file = {
            let mut state = lock(&self.0);
            let entry = state.files.get_mut(path)?;
            entry.used = true;
            if now - entry.seen < FRESH {
                return Some(entry.file.clone());
            }
            entry.seen = now;
            entry.file.clone()
        };
        if file.is_deleted() {
            let files = &mut lock(&self.0).files;
            // Another thread may have opened one that took its place.
            if files
                .get(path)
                .is_some_and(|entry| Arc::ptr_eq(&entry.file, &file))
            {
                files.remove(path);
            }
            return None;
        }
        Some(file)
    }

    /// Keep a file open, unless there are many.
    pub fn keep(&self, file: OpenFile) -> Arc<OpenFile> {
        let file = Arc::new(file);
        let mut state = lock(&self.0);
        if state.files.len() < MOST_FILES {
            let entry = Entry {
                file: file.clone(),
                used: true,
                seen: Instant::now(),
            };
            state.files.insert(file.meta.location.clone(), entry);
        }
        if !std::mem::replace(&mut state.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
        file
    }
}

/// Close what is not in use any more, until nothing is left.
async fn sweep(state: Weak<Mutex<State>>) {
    loop {
        sleep(SWEEP).await;
        let Some(state) = state.upgrade() else {
            return;
        };
        let mut state = lock(&state);
        state.close_unused();
        if state.files.is_empty() {
            state.is_swept = false;
            return;
        }
    }
}

/// A file that does not change any more.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    pub meta: ObjectMeta,
    /// It can only be read by waiting: the kernel, the file system or a sandbox has refused the other way.
    waits: AtomicBool,
}

impl OpenFile {
    pub fn new(file: File, meta: ObjectMeta) -> Self {
        Self {
            file,
            meta,
            waits: AtomicBool::new(false),
        }
    }

    fn is_deleted(&self) -> bool {
        self.file.metadata().is_ok_and(|found| found.nlink() == 0)
    }

    /// Read a range, which must be within the file.
    pub async fn read(self: Arc<Self>, range: Range<u64>) -> io::Result<Bytes> {
        let length = (range.end - range.start) as usize;
        let mut bytes = Vec::with_capacity(length);
        let mut begin = None;
        while !self.waits.load(Ordering::Relaxed) {
            let rest = range.start + bytes.len() as u64..range.end;
            if self.read_cached(&mut bytes, rest).is_err() {
                // If it is the file that is broken, the other way will say so.
                self.waits.store(true, Ordering::Relaxed);
                break;
            }
            if bytes.len() == length {
                return Ok(bytes.into());
            }
            if begin.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                break;
            }
            // The attempt has made the kernel read. Meanwhile other reads are begun.
            yield_now().await;
        }
        let bytes = spawn_blocking(move || {
            let ready = bytes.len();
            bytes.resize(length, 0);
            let at = range.start + ready as u64;
            self.file.read_exact_at(&mut bytes[ready..], at)?;
            io::Result::Ok(bytes)
        })
        .await??;
        Ok(bytes.into())
    }

    /// Append what the page cache holds at the beginning of a range to `bytes`, which has room for it all.
    fn read_cached(&self, bytes: &mut Vec<u8>, range: Range<u64>) -> io::Result<()> {
        let length = (range.end - range.start) as usize;
        let room = &mut bytes.spare_capacity_mut()[..length];
        let room = libc::iovec {
            iov_base: room.as_mut_ptr().cast(),
            iov_len: room.len(),
        };
        let (file, at) = (self.file.as_raw_fd(), range.start as libc::off_t);
        // SAFETY: the kernel writes to the one buffer, which nobody else uses, and no more than it has room for.
        let count = unsafe { libc::preadv2(file, &room, 1, at, libc::RWF_NOWAIT) };
        let Ok(count) = usize::try_from(count) else {
            let error = io::Error::last_os_error();
            return match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
                _ => Err(error),
            };
        };
        // SAFETY: the kernel wrote so many bytes after those there were.
        unsafe { bytes.set_len(bytes.len() + count) };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use object_store::local::LocalFileSystem;
    use object_store::{GetResultPayload, ObjectStoreExt};

    use super::*;

    fn block_on<T>(task: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_time()
            .build();
        runtime.unwrap().block_on(task)
    }

    async fn open(path: &std::path::Path) -> OpenFile {
        let path = Path::from_absolute_path(path).unwrap();
        let found = LocalFileSystem::new().get(&path).await.unwrap();
        match found.payload {
            GetResultPayload::File(file, _) => OpenFile::new(file, found.meta),
            other => panic!("{other:?}"),
        }
    }

    /// A file of this test alone.
    fn file_with(name: &str, content: &[u8]) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        File::create(&path).unwrap().write_all(content).unwrap();
        path
    }

    #[test]
    fn a_range_is_read_and_one_beyond_the_end_is_an_error() {
        let path = file_with("range", b"0123456789");
        block_on(async {
            let file = Arc::new(open(&path).await);
            assert_eq!(file.clone().read(2..5).await.unwrap(), "234");
            assert_eq!(file.clone().read(0..10).await.unwrap(), "0123456789");
            assert!(file.read(5..11).await.is_err());
        });
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_deleted_file_is_not_found_again() {
        let path = file_with("deleted", b"x");
        let files = OpenFiles::default();
        let location = block_on(async { files.keep(open(&path).await).meta.location.clone() });
        assert!(files.get(&location).is_some());
        std::fs::remove_file(path).unwrap();
        std::thread::sleep(FRESH);
        assert!(files.get(&location).is_none());
    }

    #[test]
    fn a_file_is_closed_when_it_is_not_read_any_more() {
        let path = file_with("idle", b"x");
        let files = OpenFiles::default();
        let location = block_on(async { files.keep(open(&path).await).meta.location.clone() });
        lock(&files.0).close_unused();
        assert!(files.get(&location).is_some());
        lock(&files.0).close_unused();
        lock(&files.0).close_unused();
        assert!(files.get(&location).is_none());
        std::fs::remove_file(path).unwrap();
    }
}
