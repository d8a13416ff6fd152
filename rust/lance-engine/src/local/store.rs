//! Local paths, through `object_store`'s file system.
//!
//! The engine's own local writer drops an error of its last write and never syncs. Under the scheme
//! `file-object-store` the engine leaves everything to the store, as it does for remote ones.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::future::ready;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{BoxStream, once};
use futures::{StreamExt, TryStreamExt};
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

use super::open_files::{OpenFile, OpenFiles};
use super::version_files::{self, is_version_file};
use crate::error::{Error, code};
use crate::last_use;
use crate::stored_file::footer;
use crate::telemetry::stores::{self, Store};

/// What the engine calls a local store that is used like a remote one.
const SCHEME: &str = "file-object-store";

/// The storage option by which a write asks for fsync of files and directories before they count. Other
/// stores are durable by nature and ignore it.
const DURABLE: &str = "lance_cpp_durable";

/// The name under which requests are counted.
const METERED_AS: &str = "file://";

/// The bytes of one write.
const PIECE: usize = 256 << 10;

/// A larger file, when all of it is asked for, is left to whoever reads it bit by bit.
const MOST_AT_ONCE: u64 = 1 << 20;

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
            counters: stores::store(METERED_AS),
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
    counters: Store,
}

impl Drop for LocalStore {
    fn drop(&mut self) {
        last_use::note();
    }
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

impl LocalStore {
    /// The open file that answers a request; None leaves it to the file system's own way.
    async fn find(
        &self,
        path: &Path,
        options: &GetOptions,
    ) -> object_store::Result<Option<(Arc<OpenFile>, Range<u64>)>> {
        if !is_plain(options) || options.head {
            return Ok(None);
        }
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
        let size = file.meta.size;
        let range = match &options.range {
            Some(GetRange::Bounded(wanted)) if wanted.end > size => {
                return Err(cut_short(path, wanted, size));
            }
            Some(range) => range.as_range(size).ok(),
            None => Some(0..size).filter(|_| size <= MOST_AT_ONCE),
        };
        Ok(range.map(|range| (file, range)))
    }
}

/// An error of our own, which comes back through the engine as it is.
fn failure(error: Error) -> object_store::Error {
    object_store::Error::Generic {
        store: SCHEME,
        source: Box::new(error),
    }
}

/// The file does not change and was whole once, so the engine asks for no more than it had.
fn cut_short(path: &Path, wanted: &Range<u64>, size: u64) -> object_store::Error {
    let Range { start, end } = wanted;
    failure(Error::new(
        code::CORRUPT,
        format!(
            "/{path} is damaged: it has {size} bytes, where those from {start} to {end} are needed"
        ),
    ))
}

/// The engine tries a failed listing again for seconds, as a remote store may recover; unless the error is of a kind
/// that it takes for final. A local file system answers the same again. What is below a file does not exist.
fn as_final(error: object_store::Error, prefix: &str) -> object_store::Error {
    let object_store::Error::Generic { .. } = error else {
        return error;
    };
    let mut cause = error.source();
    let mut kind = None;
    while let Some(error) = cause {
        kind = error
            .downcast_ref::<io::Error>()
            .map(io::Error::kind)
            .or(kind);
        cause = error.source();
    }
    let source = Box::new(error);
    match kind {
        Some(ErrorKind::NotADirectory) => object_store::Error::NotFound {
            path: format!("/{prefix}"),
            source,
        },
        _ => object_store::Error::NotSupported { source },
    }
}

fn listed<T: Send + 'static>(
    listing: BoxStream<'static, object_store::Result<T>>,
    prefix: Option<&Path>,
) -> BoxStream<'static, object_store::Result<T>> {
    let prefix = prefix.map(Path::to_string).unwrap_or_default();
    listing
        .map(move |entry| entry.map_err(|error| as_final(error, &prefix)))
        .boxed()
}

impl LocalStore {
    async fn read(&self, path: &Path, options: GetOptions) -> object_store::Result<GetResult> {
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
        let bytes = bytes.map_err(|error| {
            failure(Error::from(error).context(&format!("cannot read /{path}")))
        })?;
        if range.end == meta.size && path.filename().is_some_and(|name| name.ends_with(".lance")) {
            footer::check_end(&bytes, meta.size)
                .map_err(|error| failure(error.context(&format!("/{path} is damaged"))))?;
        }
        Ok(GetResult {
            payload: GetResultPayload::Stream(once(ready(Ok(bytes))).boxed()),
            meta,
            range,
            attributes: Default::default(),
            extensions: Default::default(),
        })
    }
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn get_opts(&self, path: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.counters.read();
        let is_head = options.head;
        let found = self.read(path, options).await?;
        if !is_head {
            self.counters.received(found.range.end - found.range.start);
        }
        Ok(found)
    }

    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.counters.wrote(payload.content_length() as u64);
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.counters.wrote(0);
        let upload = self.inner.put_multipart_opts(path, options).await?;
        Ok(Box::new(PiecewiseUpload(upload, self.counters)))
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        let counters = self.counters;
        let paths = paths.inspect_ok(move |_| counters.deleted());
        self.inner.delete_stream(paths.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.counters.listed();
        listed(self.inner.list(prefix), prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.counters.listed();
        listed(self.inner.list_with_offset(prefix, offset), prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.counters.listed();
        let listing = self.inner.list_with_delimiter(prefix).await;
        listing.map_err(|error| as_final(error, prefix.map(Path::as_ref).unwrap_or_default()))
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.counters.wrote(0);
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(
        &self,
        from: &Path,
        to: &Path,
        options: RenameOptions,
    ) -> object_store::Result<()> {
        self.counters.wrote(0);
        self.inner.rename_opts(from, to, options).await
    }
}

/// Passes each part on in pieces. The kernel gives a large write large folios, which are slow to come by where
/// memory is short or, in a virtual machine, not backed yet.
#[derive(Debug)]
struct PiecewiseUpload(Box<dyn MultipartUpload>, Store);

#[async_trait]
impl MultipartUpload for PiecewiseUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.1.wrote(data.content_length() as u64);
        let pieces = data.iter().flat_map(|bytes| {
            let starts = (0..bytes.len()).step_by(PIECE);
            starts.map(|start| bytes.slice(start..bytes.len().min(start + PIECE)))
        });
        self.0.put_part(pieces.collect())
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        self.1.wrote(0);
        self.0.complete().await
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.1.wrote(0);
        self.0.abort().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> LocalStore {
        LocalStore {
            inner: LocalFileSystem::new(),
            files: OpenFiles::default(),
            counters: stores::store("test://local"),
        }
    }

    fn block_on<T>(task: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        runtime.unwrap().block_on(task)
    }

    fn list(prefix: &Path) -> object_store::Result<Vec<ObjectMeta>> {
        block_on(store().list(Some(prefix)).try_collect())
    }

    /// A directory of this test's own.
    fn directory(name: &str) -> std::path::PathBuf {
        let root = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(root.join("data")).unwrap();
        root
    }

    #[test]
    fn below_a_file_there_is_nothing() {
        let root = directory("below");
        std::fs::write(root.join("file"), b"x").unwrap();
        let prefix = Path::from_absolute_path(root.join("file/_versions")).unwrap();
        let below = list(&prefix);
        assert!(
            matches!(below, Err(object_store::Error::NotFound { .. })),
            "{below:?}"
        );
        let direct = block_on(store().list_with_delimiter(Some(&prefix)));
        assert!(
            matches!(direct, Err(object_store::Error::NotFound { .. })),
            "{direct:?}"
        );
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_listing_that_fails_is_not_tried_again() {
        let prefix = Path::from(format!("tmp/{}/_versions", "x".repeat(300)));
        let error = list(&prefix).unwrap_err();
        assert!(
            matches!(error, object_store::Error::NotSupported { .. }),
            "{error:?}"
        );
        let error = Error::from(lance_core::Error::from(error));
        assert_eq!(error.code(), code::IO);
        assert!(error.message().ends_with("File name too long"), "{error}");
    }

    /// What is read of a file of this content.
    fn read(content: &[u8], range: Option<Range<u64>>) -> lance_core::Result<Vec<u8>> {
        let root = directory(&format!("read-{}", content.len()));
        let file = root.join("data/1.lance");
        std::fs::write(&file, content).unwrap();
        let path = Path::from_absolute_path(&file).unwrap();
        let options = GetOptions::new().with_range(range.map(GetRange::Bounded));
        let bytes = block_on(async { store().get_opts(&path, options).await?.bytes().await });
        std::fs::remove_dir_all(root).unwrap();
        Ok(bytes?.to_vec())
    }

    #[test]
    fn a_whole_file_is_read_in_any_part() {
        let content = b"0123456789LANC";
        assert_eq!(read(content, None).unwrap(), content);
        assert_eq!(read(content, Some(5..10)).unwrap(), b"56789");
        assert_eq!(read(content, Some(12..14)).unwrap(), b"NC");
        let large = [vec![0; MOST_AT_ONCE as usize], content.to_vec()].concat();
        assert_eq!(read(&large, None).unwrap(), large);
    }

    #[test]
    fn a_file_that_was_cut_is_named() {
        for (content, range) in [
            (&b"0123456789"[..], Some(5..11)),
            (b"0123456789LAN", Some(5..13)),
            (b"0123456789LA", None),
            (b"garbage", None),
            (b"", None),
        ] {
            let error = Error::from(read(content, range.clone()).unwrap_err());
            assert_eq!(error.code(), code::CORRUPT, "{range:?}");
            let words = "/data/1.lance is damaged: ";
            assert!(error.message().contains(words), "{range:?}: {error}");
        }
    }
}
