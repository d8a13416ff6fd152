//! Storage options that expire, as the temporary credentials of an object store do, and where new ones come from.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
/// The option in which the engine looks for the time when the others expire, in milliseconds.
pub use lance_io::object_store::EXPIRES_AT_MILLIS_KEY as EXPIRES_AT;
use lance_io::object_store::StorageOptionsProvider;
use tokio::task::spawn_blocking;

use crate::error::{Error, Result, code};
use crate::panics::contain;
use crate::sync::lock;
use crate::threads;

pub type StorageOptions = HashMap<String, String>;

/// Gives storage options as often as it is asked. Those that expire say when, as `EXPIRES_AT`.
#[async_trait]
pub trait Source: fmt::Debug + Send + Sync {
    async fn fetch(&self) -> Result<StorageOptions>;

    /// Without a secret, and equal only where what is given opens the same doors.
    fn id(&self) -> String;
}

/// Gives the engine new storage options before the old ones expire.
#[derive(Debug)]
pub struct Renewal {
    /// What the source's are put over.
    given: StorageOptions,
    source: Arc<dyn Source>,
}

impl Renewal {
    pub fn new(given: StorageOptions, source: Arc<dyn Source>) -> Self {
        Self { given, source }
    }

    /// The options that were given, and over them those of the source.
    pub fn over_given(&self, fetched: StorageOptions) -> StorageOptions {
        let mut options = self.given.clone();
        options.extend(fetched);
        options
    }

    pub async fn fetch(&self) -> Result<StorageOptions> {
        Ok(self.over_given(self.source.fetch().await?))
    }
}

#[async_trait]
impl StorageOptionsProvider for Renewal {
    async fn fetch_storage_options(&self) -> lance_core::Result<Option<StorageOptions>> {
        let options = self.fetch().await;
        options
            .map(Some)
            .map_err(|error| lance_core::Error::external(Box::new(error)))
    }

    fn provider_id(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.given
            .iter()
            .collect::<BTreeMap<_, _>>()
            .hash(&mut hasher);
        format!("{} over {:016x}", self.source.id(), hasher.finish())
    }
}

type Fetch = Box<dyn Fn() -> Result<StorageOptions> + Send>;

/// A callback of the caller's that gives storage options.
pub struct CredentialsProvider {
    number: u64,
    /// One caller after the other.
    fetch: Mutex<Fetch>,
}

impl CredentialsProvider {
    pub fn new(fetch: impl Fn() -> Result<StorageOptions> + Send + 'static) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        Self {
            number: MADE.fetch_add(1, Ordering::Relaxed),
            fetch: Mutex::new(Box::new(fetch)),
        }
    }

    fn call(&self) -> Result<StorageOptions> {
        let fetch = lock(&self.fetch);
        threads::enter_callback();
        let fetched = contain(&*fetch);
        threads::leave_callback();
        fetched
    }
}

impl fmt::Debug for CredentialsProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialsProvider({})", self.number)
    }
}

/// The callback may wait, so that it is called on a thread where nothing else runs.
#[derive(Debug)]
pub struct Callback(pub Arc<CredentialsProvider>);

#[async_trait]
impl Source for Callback {
    async fn fetch(&self) -> Result<StorageOptions> {
        let provider = self.0.clone();
        let fetched = spawn_blocking(move || provider.call()).await;
        fetched.unwrap_or_else(|error| Err(Error::new(code::INTERNAL, error.to_string())))
    }

    fn id(&self) -> String {
        format!("{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> StorageOptions {
        let owned = |(key, value): &(&str, &str)| (key.to_string(), value.to_string());
        pairs.iter().map(owned).collect()
    }

    fn renewal(given: &[(&str, &str)], provider: &Arc<CredentialsProvider>) -> Renewal {
        Renewal::new(options(given), Arc::new(Callback(provider.clone())))
    }

    #[test]
    fn fetched_options_are_put_over_those_that_were_given() {
        let provider = Arc::new(CredentialsProvider::new(|| {
            Ok(options(&[("token", "new"), ("expires_at_millis", "7")]))
        }));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let renewal = renewal(&[("token", "old"), ("region", "x")], &provider);
        let fetched = runtime.block_on(renewal.fetch_storage_options()).unwrap();
        let expected = options(&[
            ("token", "new"),
            ("region", "x"),
            ("expires_at_millis", "7"),
        ]);
        assert_eq!(fetched, Some(expected));
    }

    #[test]
    fn a_failing_callback_is_told_and_may_succeed_later() {
        let calls = AtomicU64::new(0);
        let provider = Arc::new(CredentialsProvider::new(move || {
            match calls.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Error::new(code::CALLBACK, "no luck")),
                1 => panic!("worse"),
                _ => Ok(options(&[])),
            }
        }));
        let codes = [code::CALLBACK, code::PANIC];
        for expected in codes {
            assert_eq!(provider.call().unwrap_err().code(), expected);
            assert!(!threads::must_not_wait());
        }
        assert!(provider.call().is_ok());
    }

    #[test]
    fn stores_are_shared_by_what_has_the_same_provider_and_the_same_options() {
        let make = || Arc::new(CredentialsProvider::new(|| Ok(options(&[]))));
        let (one, other) = (make(), make());
        let id = |given: &[(&str, &str)], provider| renewal(given, provider).provider_id();
        let given = [("secret", "canary"), ("b", "2")];
        assert_eq!(id(&given, &one), id(&[given[1], given[0]], &one));
        assert_ne!(id(&given, &one), id(&given, &other));
        assert_ne!(id(&given, &one), id(&given[1..], &one));
        assert!(!id(&given, &one).contains("canary"));
    }
}
