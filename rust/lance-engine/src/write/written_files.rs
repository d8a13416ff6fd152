//! What one write has put into the store, so that giving it up leaves nothing behind.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use lance_io::object_store::{ObjectStore as LanceStore, ObjectStoreParams, WrappingObjectStore};
use object_store::list::PaginatedListStore;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result, UploadPart,
};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::removal;
use crate::fault;
use crate::local::store::is_prefix;
use crate::maintain::listing::{NEWEST_VERSION, VERSIONS};
use crate::open::Access;
use crate::sync::lock;

/// How long to wait before a manifest is put once more.
const MANIFEST_RETRIES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// A store that does not answer must not keep the caller for ever.
const LONGEST_ABORT: Duration = Duration::from_secs(30);

/// The files of one write, recorded by the store before it makes them. The engine forgets a file whose last
/// step failed, though it may be there.
#[derive(Debug, Clone, Default)]
pub struct WrittenFiles(Arc<Entries>);

#[derive(Debug, Default)]
struct Entries {
    files: Mutex<BTreeSet<Path>>,
    doubt: Mutex<Option<Doubt>>,
    landing: Mutex<Landing>,
    /// How much is being written: puts, and uploads that are neither completed nor aborted.
    uploads: watch::Sender<usize>,
    /// Nothing may be written any more. Set while `files` is locked.
    is_closed: AtomicBool,
    /// Something was to be written nevertheless.
    has_refused: AtomicBool,
    /// Files of others are not deleted.
    keeps_others: bool,
    /// The next manifest that is made names no file.
    reserves: AtomicBool,
}

/// What has become of the manifest, as far as it was put.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Landing {
    /// It was not, or the store has refused it.
    #[default]
    None,
    /// It may be there, or be on its way.
    Unknown,
    Made,
}

/// What the store's failure to make a manifest leaves open, with its message. The engine looks whether the
/// manifest is there nevertheless, but that does not settle it.
#[derive(Debug, Clone)]
pub enum Doubt {
    /// A manifest that is there may not have been synced.
    NotSynced(String),
    /// A manifest that is not there may still be on its way.
    OnItsWay(String),
}

impl WrittenFiles {
    /// Those of a change that deletes nothing but what it has made. The engine cleans up after its commits where the
    /// dataset says so, and removes what a branch lives on, if its place was typed otherwise.
    pub fn of_change() -> Self {
        Self(Arc::new(Entries {
            keeps_others: true,
            ..Entries::default()
        }))
    }

    /// Those of a change whose first manifest only reserves numbers of fragments.
    pub fn of_rewrite() -> Self {
        Self(Arc::new(Entries {
            keeps_others: true,
            reserves: AtomicBool::new(true),
            ..Entries::default()
        }))
    }

    /// Those of what only reads. The engine writes to a dataset of an early version when it is asked for statistics.
    pub fn none() -> Self {
        let files = Self::of_change();
        files.close();
        files
    }

    pub fn has_refused(&self) -> bool {
        self.0.has_refused.load(Ordering::Relaxed)
    }

    /// What is beside the manifests is left out: it belongs to all writers, or is a manifest.
    fn record(&self, path: &Path) -> Result<()> {
        let mut files = lock(&self.0.files);
        self.refuse_if_closed()?;
        match path.parts().rev().nth(1) {
            Some(directory) if directory.as_ref() == VERSIONS => match path.filename() {
                Some(NEWEST_VERSION) => (),
                _ => self.land(Landing::Unknown),
            },
            Some(_) => {
                files.insert(path.clone());
            }
            None => (),
        }
        Ok(())
    }

    fn refuse_if_closed(&self) -> Result<()> {
        if !self.0.is_closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.0.has_refused.store(true, Ordering::Relaxed);
        Err(refusal("nothing is written any more"))
    }

    fn begin_landing(&self) -> Result<()> {
        let _files = lock(&self.0.files);
        self.refuse_if_closed()?;
        if !self.0.reserves.load(Ordering::Relaxed) {
            self.land(Landing::Unknown);
        }
        Ok(())
    }

    /// A manifest was made, or may have been.
    fn end_landing(&self, landing: Landing) {
        // One that only reserves is not asked for again once it may be there.
        if !self.0.reserves.swap(false, Ordering::Relaxed) {
            self.land(landing);
        }
    }

    fn land(&self, landing: Landing) {
        *lock(&self.0.landing) = landing;
    }

    fn landing(&self) -> Landing {
        *lock(&self.0.landing)
    }

    /// Before another attempt to commit.
    pub fn forget_doubt(&self) {
        *lock(&self.0.doubt) = None;
    }

    pub fn doubt(&self) -> Option<Doubt> {
        lock(&self.0.doubt).clone()
    }

    /// Wait until the uploads that were given up are aborted. The engine does that behind the scenes.
    async fn uploads_ended(&self) {
        let mut uploads = self.0.uploads.subscribe();
        let ended = uploads.wait_for(|count| *count == 0);
        // What has not ended by then is left to the store's own rules for unfinished uploads.
        let _ = timeout(LONGEST_ABORT, ended).await;
    }

    /// Have nothing written any more, unless the manifest is or may be there, which is told: tasks of the engine may go on
    /// for a while.
    pub fn close(&self) -> Landing {
        let _files = lock(&self.0.files);
        let landing = self.landing();
        if landing == Landing::None {
            self.0.is_closed.store(true, Ordering::Relaxed);
        }
        landing
    }

    /// Those in directories of this name.
    pub fn files_in(&self, directory: &str) -> Vec<Path> {
        let is_there = |file: &&Path| {
            let parent = file.parts().rev().nth(1);
            parent.is_some_and(|parent| parent.as_ref() == directory)
        };
        lock(&self.0.files)
            .iter()
            .filter(is_there)
            .cloned()
            .collect()
    }

    /// Have a data file stay, with what lies beside it, whatever becomes of the rest.
    pub fn keep(&self, file: &Path) {
        let name = file.as_ref();
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        lock(&self.0.files).retain(|written| !written.as_ref().starts_with(stem));
    }

    /// Delete every file of what is closed, and the directories that are empty then.
    pub async fn give_up(&self, store: &LanceStore) -> crate::error::Result<()> {
        self.delete_files(store).await?;
        removal::remove_empty_dirs(store, self.directories());
        Ok(())
    }

    fn directories(&self) -> BTreeSet<Path> {
        let files = lock(&self.0.files);
        files.iter().filter_map(Path::parent).collect()
    }

    /// Delete every file. One that cannot be deleted does not keep the others.
    pub async fn delete_files(&self, store: &LanceStore) -> crate::error::Result<()> {
        self.uploads_ended().await;
        let files = lock(&self.0.files).clone();
        removal::delete_files(store, files).await
    }

    /// Parameters of a store that notes its files here.
    pub fn store_params(self: &Arc<Self>, access: &Access) -> ObjectStoreParams {
        ObjectStoreParams {
            object_store_wrapper: Some(self.clone()),
            ..access.store_params()
        }
    }
}

impl WrappingObjectStore for WrittenFiles {
    fn wrap(&self, prefix: &str, inner: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        Arc::new(RecordingStore {
            inner,
            written_files: self.clone(),
            is_local: is_prefix(prefix),
        })
    }

    fn wrap_paginated(
        &self,
        _prefix: &str,
        lister: Arc<dyn PaginatedListStore>,
    ) -> Option<Arc<dyn PaginatedListStore>> {
        Some(lister)
    }
}

#[derive(Debug)]
struct RecordingStore {
    inner: Arc<dyn ObjectStore>,
    written_files: WrittenFiles,
    is_local: bool,
}

impl RecordingStore {
    /// Put a manifest, which must be new. A remote store that does not answer is asked again: it may have made
    /// the manifest, or do so later, and only an answer settles that. Having made it, it answers that the
    /// manifest exists, and the engine finds out whose it is.
    async fn put_manifest(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let mut pauses = MANIFEST_RETRIES.iter();
        self.written_files.begin_landing()?;
        loop {
            let done = self
                .inner
                .put_opts(path, payload.clone(), options.clone())
                .await;
            let failure = match &done {
                Err(error) if !is_definite(error) => error.to_string(),
                Err(_) => {
                    self.written_files.land(Landing::None);
                    return done;
                }
                Ok(_) => {
                    self.written_files.end_landing(Landing::Made);
                    return done;
                }
            };
            let doubt = match pauses.next() {
                _ if self.is_local => Doubt::NotSynced(failure),
                None => Doubt::OnItsWay(failure),
                Some(pause) => {
                    sleep(*pause).await;
                    continue;
                }
            };
            *lock(&self.written_files.0.doubt) = Some(doubt);
            self.written_files.end_landing(Landing::Unknown);
            return done;
        }
    }
}

fn refusal(why: &'static str) -> Error {
    Error::NotSupported { source: why.into() }
}

/// Whether an error says for certain that the store did not and will not do it.
fn is_definite(error: &Error) -> bool {
    !matches!(error, Error::Generic { .. } | Error::JoinError { .. })
}

impl fmt::Display for RecordingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// A fault point of the store, before or after it has done its work.
fn fault_point() -> Result<()> {
    fault::point().map_err(|error| Error::Generic {
        store: "fault",
        source: Box::new(error),
    })
}

#[async_trait]
impl ObjectStore for RecordingStore {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        fault_point()?;
        let done = match options.mode {
            PutMode::Create => self.put_manifest(path, payload, options).await?,
            PutMode::Overwrite | PutMode::Update(_) => {
                let writing = Writing::new(&self.written_files);
                self.written_files.record(path)?;
                let (inner, path) = (self.inner.clone(), path.clone());
                let put = async move { inner.put_opts(&path, payload, options).await };
                writing.until_its_end(put).await?
            }
        };
        fault_point()?;
        Ok(done)
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        fault_point()?;
        let writing = Writing::new(&self.written_files);
        self.written_files.record(path)?;
        let inner = self.inner.put_multipart_opts(path, options).await?;
        let inner = Some(inner);
        Ok(Box::new(RecordedUpload { inner, writing }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        if !self.written_files.0.keeps_others {
            return self.inner.delete_stream(paths);
        }
        let written_files = self.written_files.clone();
        let own = paths.map(move |path| {
            let path = path?;
            match lock(&written_files.0.files).contains(&path) {
                true => Ok(path),
                false => Err(refusal("it is not of this change")),
            }
        });
        self.inner.delete_stream(own.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let _writing = Writing::new(&self.written_files);
        self.written_files.record(to)?;
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let _writing = Writing::new(&self.written_files);
        self.written_files.record(to)?;
        self.inner.rename_opts(from, to, options).await
    }
}

/// Something that is being written, counted until it has ended.
#[derive(Debug)]
struct Writing(WrittenFiles);

impl Writing {
    fn new(written_files: &WrittenFiles) -> Self {
        let entries = &written_files.0;
        entries.uploads.send_modify(|count| *count += 1);
        Self(written_files.clone())
    }

    /// Have it go to its end, also when nobody waits any more: a store that writes on another thread does so anyway, and what
    /// comes late would not be deleted.
    async fn until_its_end<T: Send + 'static>(
        self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let task = tokio::spawn(async move {
            let _writing = self;
            work.await
        });
        task.await
            .unwrap_or_else(|source| Err(Error::JoinError { source }))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.0.uploads.send_modify(|count| *count -= 1);
    }
}

#[derive(Debug)]
struct RecordedUpload {
    /// Until it is completed.
    inner: Option<Box<dyn MultipartUpload>>,
    writing: Writing,
}

impl RecordedUpload {
    fn inner(&mut self) -> Result<&mut Box<dyn MultipartUpload>> {
        let inner = self.inner.as_mut();
        inner.ok_or_else(|| refusal("the upload is completed"))
    }
}

#[async_trait]
impl MultipartUpload for RecordedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match self.inner() {
            Ok(inner) => inner.put_part(data),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.writing.0.refuse_if_closed()?;
        let Some(mut inner) = self.inner.take() else {
            return Err(refusal("the upload is completed"));
        };
        let writing = Writing::new(&self.writing.0);
        let completing = async move {
            let completed = inner.complete().await;
            if completed.is_err() {
                // What the store has of it would stay; that this fails, too, is told by the first failure.
                let _ = inner.abort().await;
            }
            completed
        };
        writing.until_its_end(completing).await
    }

    /// Of one that is being completed, the completion does it, if it fails.
    async fn abort(&mut self) -> Result<()> {
        match &mut self.inner {
            Some(inner) => inner.abort().await,
            None => Ok(()),
        }
    }
}
