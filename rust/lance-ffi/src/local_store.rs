//! Local paths, through `object_store`'s file system.
//!
//! The engine's own local writer drops an error of its last write and never syncs. Under the scheme
//! `file-object-store` the engine leaves everything to the store, as it does for remote ones.

use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{BoxStream, once};
use lance_core::Result;
use lance_io::object_store::providers::local::FileStoreProvider;
use lance_io::object_store::{ObjectStore as LanceStore, ObjectStoreParams, ObjectStoreProvider};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    UploadPart,
};
use url::Url;

use crate::open_files::{OpenFile, OpenFiles};
use crate::version_files::{self, is_version_file};

/// What the engine calls a local store that is used like a remote one.
const SCHEME: &str = "file-object-store";

/// The storage option by which a write asks for fsync of files and directories before they count. Other
/// stores are durable by nature and ignore it.
const DURABLE: &str = "lance_cpp_durable";

/// The bytes of one write.
const PIECE: usize = 256 << 10;

pub fn make_durable(options: &mut HashMap<String, String>) {
    options.insert(DURABLE.to_string(), "true".to_string());
}

pub fn is_durable(options: &HashMap<String, String>) -> bool {
    options.contains_key(DURABLE)
}

pub fn is_local(store: &LanceStore) -> bool {
    store.scheme() == SCHEME
}

/// Whether the prefix, which tells stores apart, is that of local ones.
pub fn is_prefix(prefix: &str) -> bool {
    prefix == SCHEME
}

/// Stands in for the engine's provider of `file`.
#[derive(Debug, Default)]
pub struct LocalStoreProvider;

#[async_trait]
impl ObjectStoreProvider for LocalStoreProvider {
    async fn new_store(&self, _base: Url, params: &ObjectStoreParams) -> Result<LanceStore> {
        let root = Url::parse(&format!("{SCHEME}:///"))
            .map_err(|error| lance_core::Error::internal(error.to_string()))?;
        let mut store = FileStoreProvider.new_store(root, params).await?;
        let durable = params.storage_options().is_some_and(is_durable);
        store.inner = Arc::new(LocalStore {
            inner: LocalFileSystem::new().with_fsync(durable),
            files: OpenFiles::default(),
        });
        Ok(store)
    }

    fn extract_path(&self, url: &Url) -> Result<Path> {
        FileStoreProvider.extract_path(url)
    }

    fn calculate_object_store_prefix(
        &self,
        _url: &Url,
        _storage_options: Option<&HashMap<String, String>>,
    ) -> Result<String> {
        Ok(SCHEME.to_string())
    }
}

/// The local file system, where ranges of immutable files are read by `OpenFile`.
#[derive(Debug)]
struct LocalStore {
    inner: LocalFileSystem,
    files: OpenFiles,
}

impl fmt::Display for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Whether a file never changes once it is there: the engine makes its name for it alone.
fn is_immutable(path: &Path) -> bool {
    let above: Vec<_> = path.parts().rev().skip(1).take(2).collect();
    above
        .first()
        .is_some_and(|parent| parent.as_ref() == "data")
        || above
            .get(1)
            .is_some_and(|grandparent| grandparent.as_ref() == "_indices")
}

/// Whether an answer does not depend on what the file was before.
fn is_plain(options: &GetOptions) -> bool {
    options.if_match.is_none()
        && options.if_none_match.is_none()
        && options.if_modified_since.is_none()
        && options.if_unmodified_since.is_none()
        && options.version.is_none()
}

/// The range, if that is all that is asked for.
fn plain_range(options: &GetOptions) -> Option<&GetRange> {
    let is_plain = is_plain(options) && !options.head;
    options.range.as_ref().filter(|_| is_plain)
}

impl LocalStore {
    /// The open file that answers a request; None leaves it to the file system's own way.
    async fn find(
        &self,
        path: &Path,
        options: &GetOptions,
    ) -> object_store::Result<Option<(Arc<OpenFile>, Range<u64>)>> {
        let Some(range) = plain_range(options) else {
            return Ok(None);
        };
        let file = match self.files.get(path) {
            Some(file) => file,
            None if !is_immutable(path) => return Ok(None),
            None => {
                let whole = self.inner.get_opts(path, GetOptions::default()).await?;
                let GetResultPayload::File(file, _) = whole.payload else {
                    return Ok(None);
                };
                self.files.keep(OpenFile::new(file, whole.meta))
            }
        };
        let range = range.as_range(file.meta.size).ok();
        Ok(range.map(|range| (file, range)))
    }
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn get_opts(&self, path: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        if is_plain(&options)
            && is_version_file(path)
            && let Some(found) = version_files::get(&self.inner, path, &options)
        {
            return found;
        }
        let Some((file, range)) = self.find(path, &options).await? else {
            return self.inner.get_opts(path, options).await;
        };
        let meta = file.meta.clone();
        let bytes = file.read(range.clone()).await;
        let bytes = bytes.map_err(|source| object_store::Error::Generic {
            store: "local file",
            source: Box::new(source),
        })?;
        Ok(GetResult {
            payload: GetResultPayload::Stream(once(ready(Ok(bytes))).boxed()),
            meta,
            range,
            attributes: Default::default(),
            extensions: Default::default(),
        })
    }

    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        let upload = self.inner.put_multipart_opts(path, options).await?;
        Ok(Box::new(PiecewiseUpload(upload)))
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(
        &self,
        from: &Path,
        to: &Path,
        options: RenameOptions,
    ) -> object_store::Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

/// Passes each part on in pieces. The kernel gives a large write large folios, which are slow to come by where
/// memory is short or, in a virtual machine, not backed yet.
#[derive(Debug)]
struct PiecewiseUpload(Box<dyn MultipartUpload>);

#[async_trait]
impl MultipartUpload for PiecewiseUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let pieces = data.iter().flat_map(|bytes| {
            let starts = (0..bytes.len()).step_by(PIECE);
            starts.map(|start| bytes.slice(start..bytes.len().min(start + PIECE)))
        });
        self.0.put_part(pieces.collect())
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        self.0.complete().await
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.0.abort().await
    }
}
