//! Counts the requests of a store.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use lance_io::object_store::{
    ObjectStore as LanceStore, ObjectStoreParams, ObjectStoreProvider, ObjectStoreRegistry,
    WrappingObjectStore,
};
use object_store::list::{PaginatedListOptions, PaginatedListResult, PaginatedListStore};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart,
};
use url::Url;

use super::log;
use super::retries::driving;
use super::stores::{self, Store};
use crate::last_use;

/// The schemes whose stores are counted here. That of local files counts for itself.
const SCHEMES: [&str; 7] = [
    "s3",
    "s3+ddb",
    "az",
    "abfss",
    "gs",
    "memory",
    "shared-memory",
];

/// From now on count what the stores of a registry are asked for.
pub fn meter(registry: &ObjectStoreRegistry) {
    for scheme in SCHEMES {
        if let Some(provider) = registry.get_provider(scheme) {
            registry.insert(scheme, Arc::new(MeteredProvider(provider)));
        }
    }
}

#[derive(Debug)]
struct MeteredProvider(Arc<dyn ObjectStoreProvider>);

#[async_trait]
impl ObjectStoreProvider for MeteredProvider {
    async fn new_store(
        &self,
        base: Url,
        params: &ObjectStoreParams,
    ) -> lance_core::Result<LanceStore> {
        let prefix = self.calculate_object_store_prefix(&base, params.storage_options())?;
        // An account that the URL does not name is in the prefix only.
        let authority = prefix
            .split_once('$')
            .map_or("", |(_, authority)| authority);
        let name = format!("{}://{authority}", base.scheme());
        // Before the store says that it tries something again.
        log::listen();
        let mut store = self.0.new_store(base, params).await?;
        store.apply_wrapper(&Meter(stores::store(&name)));
        Ok(store)
    }

    fn extract_path(&self, url: &Url) -> lance_core::Result<Path> {
        self.0.extract_path(url)
    }

    fn calculate_object_store_prefix(
        &self,
        url: &Url,
        storage_options: Option<&HashMap<String, String>>,
    ) -> lance_core::Result<String> {
        self.0.calculate_object_store_prefix(url, storage_options)
    }
}

#[derive(Debug)]
struct Meter(Store);

impl WrappingObjectStore for Meter {
    fn wrap(&self, _: &str, inner: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        Arc::new(Metered {
            inner,
            store: self.0,
        })
    }

    fn wrap_paginated(
        &self,
        _: &str,
        inner: Arc<dyn PaginatedListStore>,
    ) -> Option<Arc<dyn PaginatedListStore>> {
        Some(Arc::new(Metered {
            inner,
            store: self.0,
        }))
    }
}

/// Wait for a request of a store.
async fn request<T>(store: Store, mut request: BoxFuture<'_, T>) -> T {
    poll_fn(move |context| driving(store, || request.poll_unpin(context))).await
}

/// The items of requests of a store.
fn requests<T: 'static>(store: Store, mut items: BoxStream<'static, T>) -> BoxStream<'static, T> {
    stream::poll_fn(move |context| driving(store, || items.poll_next_unpin(context))).boxed()
}

/// Something that talks to a store, and the store's counters.
#[derive(Debug)]
struct Metered<T> {
    inner: T,
    store: Store,
}

impl<T> Drop for Metered<T> {
    fn drop(&mut self) {
        last_use::note();
    }
}

impl fmt::Display for Metered<Arc<dyn ObjectStore>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Metered<Arc<dyn ObjectStore>> {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.store.wrote(payload.content_length() as u64);
        request(self.store, self.inner.put_opts(path, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store.wrote(0);
        let upload = request(self.store, self.inner.put_multipart_opts(path, options)).await?;
        Ok(Box::new(Metered {
            inner: upload,
            store: self.store,
        }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.store.read();
        let (store, is_head) = (self.store, options.head);
        let mut found = request(store, self.inner.get_opts(path, options)).await?;
        found.payload = match found.payload {
            GetResultPayload::Stream(bytes) if !is_head => {
                let count = move |bytes: &Bytes| store.received(bytes.len() as u64);
                GetResultPayload::Stream(requests(store, bytes).inspect_ok(count).boxed())
            }
            payload => payload,
        };
        Ok(found)
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.store.read();
        let parts = request(self.store, self.inner.get_ranges(path, ranges)).await?;
        self.store
            .received(parts.iter().map(|part| part.len() as u64).sum());
        Ok(parts)
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.store;
        let paths = paths.inspect_ok(move |_| store.deleted()).boxed();
        requests(store, self.inner.delete_stream(paths))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.listed();
        requests(self.store, self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.listed();
        requests(self.store, self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.listed();
        request(self.store, self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.wrote(0);
        request(self.store, self.inner.copy_opts(from, to, options)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.store.wrote(0);
        request(self.store, self.inner.rename_opts(from, to, options)).await
    }
}

#[async_trait]
impl MultipartUpload for Metered<Box<dyn MultipartUpload>> {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        self.store.wrote(payload.content_length() as u64);
        request(self.store, self.inner.put_part(payload)).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.store.wrote(0);
        request(self.store, self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.store.wrote(0);
        request(self.store, self.inner.abort()).await
    }
}

#[async_trait]
impl PaginatedListStore for Metered<Arc<dyn PaginatedListStore>> {
    async fn list_paginated(
        &self,
        prefix: Option<&str>,
        options: PaginatedListOptions,
    ) -> Result<PaginatedListResult> {
        self.store.listed();
        request(self.store, self.inner.list_paginated(prefix, options)).await
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use object_store::{ObjectStoreExt, WriteMultipart};

    use super::super::stores::stores;
    use super::*;
    use crate::session::store_params;
    use crate::settings::StoreMetrics;

    fn block_on<T>(task: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(task)
    }

    fn registry() -> Arc<ObjectStoreRegistry> {
        let registry = Arc::new(ObjectStoreRegistry::default());
        meter(&registry);
        registry
    }

    fn metrics_of(name: &str) -> StoreMetrics {
        let found = stores().into_iter().find(|metrics| metrics.store == name);
        found.unwrap_or_else(|| panic!("no store {name}: {:?}", stores()))
    }

    #[test]
    fn every_kind_of_request_is_counted() {
        let uri = "shared-memory://metered-store/dir";
        let options = ObjectStoreParams::default();
        block_on(async {
            let opened = LanceStore::from_uri_and_params(registry(), uri, &options).await;
            let (store, base) = opened.unwrap();
            let store = store.inner.clone();
            let (one, two) = (base.clone().join("one"), base.clone().join("two"));
            store
                .put(&one, b"0123456789".to_vec().into())
                .await
                .unwrap();
            let mut upload = WriteMultipart::new(store.put_multipart(&two).await.unwrap());
            upload.put(Bytes::from_static(b"01234"));
            upload.finish().await.unwrap();
            store.copy(&one, &base.clone().join("three")).await.unwrap();
            assert_eq!(store.head(&one).await.unwrap().size, 10);
            assert_eq!(
                store.get(&two).await.unwrap().bytes().await.unwrap(),
                "01234"
            );
            assert_eq!(store.get_range(&one, 2..4).await.unwrap(), "23");
            let ranges = store.get_ranges(&one, &[0..1, 8..10]).await.unwrap();
            assert_eq!(ranges, ["0", "89"]);
            let listed: Vec<_> = store.list(Some(&base)).try_collect().await.unwrap();
            assert_eq!(listed.len(), 3);
            store.list_with_delimiter(Some(&base)).await.unwrap();
            store.delete(&one).await.unwrap();
            store.delete(&two).await.unwrap();
            assert!(store.get(&one).await.is_err());
        });
        let expected = StoreMetrics {
            store: "shared-memory://metered-store".to_string(),
            requests: 14,
            reads: 5,
            // One object; an upload that is begun, has one part and is completed; a copy.
            writes: 5,
            lists: 2,
            deletes: 2,
            bytes_read: 10,
            bytes_written: 15,
            retries: 0,
        };
        assert_eq!(metrics_of("shared-memory://metered-store"), expected);
    }

    /// Read a request; give its first line.
    fn read_request(stream: &TcpStream) -> Option<String> {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader
            .read_line(&mut first)
            .ok()
            .filter(|bytes| *bytes > 0)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        reader.take(length).read_to_end(&mut Vec::new()).ok()?;
        Some(first)
    }

    /// A server that fails as often as it is told to and then has an object of five bytes.
    fn serve(listener: TcpListener, mut failures: usize) {
        for stream in listener.incoming().map_while(std::result::Result::ok) {
            let Some(_) = read_request(&stream) else {
                continue;
            };
            let answer = match failures {
                0 => concat!(
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"1\"\r\n",
                    "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\nConnection: close\r\n\r\n01234"
                ),
                _ => concat!(
                    "HTTP/1.1 500 Internal Server Error\r\n",
                    "Content-Length: 0\r\nConnection: close\r\n\r\n"
                ),
            };
            failures = failures.saturating_sub(1);
            let _ = (&stream).write_all(answer.as_bytes());
        }
    }

    #[test]
    fn requests_that_are_sent_again_are_counted_for_their_store() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || serve(listener, 2));
        let options = [
            ("aws_endpoint", endpoint.as_str()),
            ("aws_access_key_id", "key"),
            ("aws_secret_access_key", "word"),
            ("aws_region", "us-east-1"),
            ("allow_http", "true"),
        ]
        .map(|(key, value)| (key.to_string(), value.to_string()));
        block_on(async {
            let params = store_params(&HashMap::from(options));
            let uri = "s3://metered-store/dir";
            let opened = LanceStore::from_uri_and_params(registry(), uri, &params).await;
            let (store, base) = opened.unwrap();
            let found = store.inner.get(&base.join("one")).await.unwrap();
            assert_eq!(found.bytes().await.unwrap(), "01234");
        });
        let metrics = metrics_of("s3://metered-store");
        let counts = (
            metrics.requests,
            metrics.reads,
            metrics.bytes_read,
            metrics.retries,
        );
        assert_eq!(counts, (1, 1, 5, 2));
    }
}
