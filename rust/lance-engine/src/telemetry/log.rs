//! Events of the engine and of this library, given to one callback of the caller's. Nothing is printed.
//!
//! The crates below speak through two facades, `log` and `tracing`. Both end here, and each event arrives once: `tracing`
//! repeats its events to `log` only with its feature `log`, and then only as long as it has no subscriber.
//!
//! Both keep their listener in statics. A cdylib has statics of its own and exports none of them, so that a Rust host,
//! and any other library of the process, neither sees what is set here nor loses what it has set.

use std::cell::Cell;
use std::error::Error as StdError;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

pub use ::log::{Level, LevelFilter};
use ::log::{Log, Record};
use contain::contain;
use tracing_core::callsite::rebuild_interest_cache;
use tracing_core::field::{Field as FieldName, Visit};
use tracing_core::span::{Attributes, Id, Record as SpanRecord};
use tracing_core::subscriber::{Interest, Subscriber};
use tracing_core::{Dispatch, Metadata, dispatcher};

use super::retries;
use crate::callers::Callers;
use crate::redact::redact;
use crate::sync::{Condvar, Mutex, lock, wait_while};
use crate::text::one_line;
use crate::threads;

/// Something that happened. All texts are single lines without credentials.
#[derive(Debug)]
pub struct Event<'a> {
    pub level: Level,
    /// Where it comes from, for example `lance::dataset_events`. Those of this library begin with `lance_cpp::`.
    pub target: &'a str,
    pub message: &'a str,
    pub fields: &'a [Field],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub key: &'static str,
    pub value: String,
}

/// Is called on any thread, on several at once.
pub type Callback = Box<dyn Fn(&Event<'_>) + Send + Sync>;

static LOGGER: Mutex<Option<Arc<Logger>>> = Mutex::new(None);

/// A [`LevelFilter`]. `log` and `tracing` have copies of it, which keep what is disabled from being made.
static MOST_DETAILED: AtomicUsize = AtomicUsize::new(LevelFilter::Off as usize);

/// Whether the listener of `log` is ours: a Rust program that has this crate in it may have its own.
static OWNS_LOG: LazyLock<bool> = LazyLock::new(|| {
    // The same is true of `tracing`, which then has nothing for us.
    let _ = dispatcher::set_global_default(Dispatch::new(Listener));
    rebuild_interest_cache();
    ::log::set_logger(&Listener).is_ok()
});

thread_local! {
    /// This thread is inside the callback: what it does there is not reported.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Hear the events below, which also tell how often a store tries again.
pub fn listen() {
    LazyLock::force(&OWNS_LOG);
}

/// Report events up to a level to a callback, in place of an earlier one; None reports nothing. The earlier one is not
/// called any more, and has ended on all threads when this returns, unless this is called from inside it.
pub fn set(logger: Option<(LevelFilter, Callback)>) {
    if let Some(earlier) = replace(logger) {
        earlier.stop(threads::patience());
    }
}

/// The process exits: report nothing any more. A callback that does not end is not waited for for ever.
pub fn end() {
    if let Some(earlier) = replace(None) {
        earlier.stop(threads::PATIENCE_AT_EXIT);
    }
}

fn replace(logger: Option<(LevelFilter, Callback)>) -> Option<Arc<Logger>> {
    let owns_log = *OWNS_LOG;
    let (level, logger) = match logger {
        Some((level, callback)) => (level, Some(Arc::new(Logger::new(callback)))),
        None => (LevelFilter::Off, None),
    };
    let mut current = lock(&LOGGER);
    MOST_DETAILED.store(level as usize, Ordering::Relaxed);
    if owns_log {
        ::log::set_max_level(level);
    }
    rebuild_interest_cache();
    mem::replace(&mut *current, logger)
}

/// A callback and the threads inside it.
struct Logger {
    state: Mutex<State>,
    left: Condvar,
}

struct State {
    callers: Callers,
    /// None: it must not be called any more.
    callback: Option<Arc<Callback>>,
}

impl Logger {
    fn new(callback: Callback) -> Self {
        let state = State {
            callers: Callers::default(),
            callback: Some(Arc::new(callback)),
        };
        Self {
            state: Mutex::new(state),
            left: Condvar::new(),
        }
    }

    fn call(&self, event: &Event<'_>) {
        let callback = {
            let mut state = lock(&self.state);
            match state.callback.clone() {
                Some(callback) if state.callers.enter() => callback,
                _ => return,
            }
        };
        INSIDE.set(true);
        // A logger that fails is no reason for the engine to.
        let _ = contain(|| callback(event));
        // The last of a callback that was removed meanwhile; what it owns ends as a part of the call.
        let _ = contain(|| drop(callback));
        INSIDE.set(false);
        lock(&self.state).callers.leave();
        self.left.notify_all();
    }

    /// Call it no more. Two calls that removed their own callback would wait for each other, so that they do not wait.
    fn stop(&self, patience: Duration) {
        let mut state = lock(&self.state);
        let callback = state.callback.take();
        match INSIDE.get() {
            true => drop(state),
            false => drop(wait_while(&self.left, state, patience, |state| {
                !state.callers.is_empty()
            })),
        }
        let _ = contain(|| drop(callback));
    }
}

/// Whether an event of a level is wanted from a target now.
fn is_reported(level: Level, target: &str) -> bool {
    level as usize <= MOST_DETAILED.load(Ordering::Relaxed)
        && may_be_reported(level, target)
        && !INSIDE.get()
}

/// Those of the engine may, and ours. Below these are HTTP, TLS and the signing of requests, whose details hold headers
/// and so credentials: of them only failures are reported.
fn may_be_reported(level: Level, target: &str) -> bool {
    let root = target.split("::").next().unwrap_or_default();
    level <= Level::Warn
        || matches!(root, "lance" | "object_store")
        || root.starts_with("lance_")
        || root.starts_with("datafusion")
}

/// One line, of which nothing has to be kept secret.
fn clean(text: &str) -> String {
    one_line(&redact(text))
}

/// Values that are secrets whatever they look like.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["secret", "password", "token", "credential", "authorization"]
        .iter()
        .chain(&["signature", "access_key", "account_key"])
        .any(|word| key.contains(word))
}

/// Give an event to the callback. One without a message of its own is told by its fields.
fn report(level: Level, target: &str, message: &str, fields: &[Field]) {
    let logger = lock(&LOGGER).clone();
    let Some(logger) = logger else {
        return;
    };
    let told = || {
        let pairs: Vec<_> = fields.iter().map(Field::to_string).collect();
        one_line(&pairs.join(" "))
    };
    let message = match message {
        "" => told(),
        message => clean(message),
    };
    logger.call(&Event {
        level,
        target,
        message: &message,
        fields,
    });
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// Hears both facades.
struct Listener;

impl Log for Listener {
    fn enabled(&self, metadata: &::log::Metadata<'_>) -> bool {
        is_reported(metadata.level(), metadata.target())
    }

    fn log(&self, record: &Record<'_>) {
        if is_reported(record.level(), record.target()) {
            let message = record.args().to_string();
            report(record.level(), record.target(), &message, &[]);
        }
    }

    fn flush(&self) {}
}

fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing_core::Level::ERROR => Level::Error,
        tracing_core::Level::WARN => Level::Warn,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::TRACE => Level::Trace,
    }
}

fn filter_of(level: usize) -> tracing_core::LevelFilter {
    use tracing_core::LevelFilter;
    let filters = [
        LevelFilter::OFF,
        LevelFilter::ERROR,
        LevelFilter::WARN,
        LevelFilter::INFO,
        LevelFilter::DEBUG,
    ];
    filters.get(level).copied().unwrap_or(LevelFilter::TRACE)
}

impl Subscriber for Listener {
    /// Does not depend on the level that is set now, so that no callsite has to be told when that changes.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let wanted =
            may_be_reported(level_of(metadata), metadata.target()) || retries::is_told_by(metadata);
        match wanted && !metadata.is_span() {
            true => Interest::sometimes(),
            false => Interest::never(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let reported = || is_reported(level_of(metadata), metadata.target());
        !metadata.is_span() && (retries::is_told_by(metadata) || reported())
    }

    fn max_level_hint(&self) -> Option<tracing_core::LevelFilter> {
        let reported = filter_of(MOST_DETAILED.load(Ordering::Relaxed));
        Some(reported.max(retries::LEVEL))
    }

    fn event(&self, event: &tracing_core::Event<'_>) {
        let metadata = event.metadata();
        if retries::is_told_by(metadata) {
            retries::count();
        }
        let level = level_of(metadata);
        if is_reported(level, metadata.target()) {
            let mut texts = Texts::default();
            event.record(&mut texts);
            report(level, metadata.target(), &texts.message, &texts.fields);
        }
    }

    // No span is ever enabled.

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &SpanRecord<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The message and the fields of an event of `tracing`.
#[derive(Default)]
struct Texts {
    message: String,
    fields: Vec<Field>,
}

impl Texts {
    fn add(&mut self, name: &FieldName, text: String) {
        // Fields that are named like a keyword.
        let key = name.name().trim_start_matches("r#");
        match key {
            "message" => self.message = text,
            _ => self.fields.push(Field {
                key,
                value: match is_secret(key) {
                    true => "***".to_string(),
                    false => clean(&text),
                },
            }),
        }
    }
}

impl Visit for Texts {
    fn record_debug(&mut self, name: &FieldName, value: &dyn fmt::Debug) {
        self.add(name, format!("{value:?}"));
    }

    fn record_str(&mut self, name: &FieldName, value: &str) {
        self.add(name, value.to_string());
    }

    fn record_error(&mut self, name: &FieldName, value: &(dyn StdError + 'static)) {
        self.add(name, value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::sync::{Barrier, MutexGuard, mpsc};
    use std::thread;

    use super::*;

    /// What was reported: level, target, message, fields.
    type Told = (Level, String, String, Vec<String>);

    /// The logger is the process's, so that only one test at a time has it.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        lock(&ALONE)
    }

    fn tell(event: &Event<'_>) -> Told {
        (
            event.level,
            event.target.to_string(),
            event.message.to_string(),
            event.fields.iter().map(Field::to_string).collect(),
        )
    }

    /// What tests of this file say; other tests speak at the same time.
    fn is_ours(event: &Event<'_>) -> bool {
        event.target.starts_with("lance_test") || event.target.starts_with("hyper_test")
    }

    fn to_channel(level: LevelFilter) -> mpsc::Receiver<Told> {
        let (send, receive) = mpsc::channel();
        let callback = move |event: &Event<'_>| {
            if is_ours(event) {
                send.send(tell(event)).unwrap();
            }
        };
        set(Some((level, Box::new(callback))));
        receive
    }

    #[test]
    fn both_facades_are_heard_and_each_event_once() {
        let _alone = alone();
        let told = to_channel(LevelFilter::Info);
        ::log::info!(target: "lance_test::a", "one {}", 1);
        tracing::info!(target: "lance_test::b", version = 3, r#type = "scan", uri = %"a\nb", "two");
        tracing::warn!(target: "lance_test::c", path = "x.lance", count = 2);
        ::log::debug!(target: "lance_test::a", "too detailed");
        tracing::debug!(target: "lance_test::b", "too detailed");
        set(None);
        ::log::error!(target: "lance_test::a", "nobody listens");
        tracing::error!(target: "lance_test::b", "nobody listens");
        let lines = |fields: &[&str]| fields.iter().map(|f| f.to_string()).collect::<Vec<_>>();
        let expected = [
            (Level::Info, "lance_test::a", "one 1", lines(&[])),
            (
                Level::Info,
                "lance_test::b",
                "two",
                lines(&["version=3", "type=scan", "uri=a b"]),
            ),
            (
                Level::Warn,
                "lance_test::c",
                "path=x.lance count=2",
                lines(&["path=x.lance", "count=2"]),
            ),
        ]
        .map(|(level, target, message, fields)| {
            (level, target.to_string(), message.to_string(), fields)
        });
        assert_eq!(told.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_level_applies_from_then_on_to_places_that_were_passed_before() {
        let _alone = alone();
        let speak = |step: u64| {
            tracing::debug!(target: "lance_test::level", step);
            ::log::trace!(target: "lance_test::level", "step={step}");
        };
        speak(0);
        let told = to_channel(LevelFilter::Debug);
        speak(1);
        let all = to_channel(LevelFilter::Trace);
        speak(2);
        let few = to_channel(LevelFilter::Warn);
        speak(3);
        set(None);
        let messages = |told: mpsc::Receiver<Told>| told.iter().map(|t| t.2).collect::<Vec<_>>();
        assert_eq!(messages(told), ["step=1"]);
        assert_eq!(messages(all), ["step=2", "step=2"]);
        assert!(messages(few).is_empty());
    }

    #[test]
    fn of_the_crates_below_the_engine_only_failures_are_reported() {
        let _alone = alone();
        let told = to_channel(LevelFilter::Trace);
        ::log::debug!(target: "hyper_test::conn", "authorization: x");
        tracing::info!(target: "hyper_test::conn", "authorization: x");
        ::log::warn!(target: "hyper_test::conn", "a connection broke");
        set(None);
        let told: Vec<_> = told.iter().map(|told| told.2).collect();
        assert_eq!(told, ["a connection broke"]);
        for target in [
            "lance",
            "lance_io::scheduler",
            "lance::file_audit",
            "datafusion_sql",
        ] {
            assert!(may_be_reported(Level::Trace, target), "{target}");
        }
        for target in ["lancet", "hyper", "aws_config::imds", "reqsign_core", ""] {
            assert!(!may_be_reported(Level::Info, target), "{target}");
        }
    }

    #[test]
    fn credentials_are_not_repeated() {
        let _alone = alone();
        let told = to_channel(LevelFilter::Info);
        tracing::info!(
            target: "lance_test::secrets",
            uri = "s3://user:word@host/a",
            aws_secret_access_key = "word",
            session_token = "word",
            "cannot read s3://user:word@host/a"
        );
        set(None);
        let (_, _, message, fields) = told.recv().unwrap();
        assert_eq!(message, "cannot read s3://***@host/a");
        let expected = [
            "uri=s3://***@host/a",
            "aws_secret_access_key=***",
            "session_token=***",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_callback_that_speaks_or_panics_harms_nobody() {
        let _alone = alone();
        let (send, receive) = mpsc::channel();
        let callback = move |event: &Event<'_>| {
            if is_ours(event) {
                tracing::error!(target: "lance_test::inside", "not heard");
                ::log::error!(target: "lance_test::inside", "not heard");
                send.send(event.message.to_string()).unwrap();
                panic!("a logger that fails");
            }
        };
        set(Some((LevelFilter::Info, Box::new(callback))));
        tracing::info!(target: "lance_test::outside", "one");
        ::log::info!(target: "lance_test::outside", "two");
        set(None);
        assert_eq!(receive.iter().collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn a_removal_waits_for_the_callback_on_other_threads_and_then_frees_it() {
        let _alone = alone();
        let (entered, enters) = mpsc::channel();
        let (go_on, goes_on) = mpsc::channel::<()>();
        let goes_on = Mutex::new(goes_on);
        let done = Arc::new(AtomicBool::new(false));
        let marked = done.clone();
        let callback = move |event: &Event<'_>| {
            if is_ours(event) {
                entered.send(()).unwrap();
                let _ = lock(&goes_on).recv();
                marked.store(true, Ordering::SeqCst);
            }
        };
        set(Some((LevelFilter::Info, Box::new(callback))));
        thread::scope(|scope| {
            scope.spawn(|| ::log::info!(target: "lance_test::slow", "one"));
            enters.recv().unwrap();
            let removal = scope.spawn(|| {
                set(None);
                assert!(done.load(Ordering::SeqCst));
                assert_eq!(Arc::strong_count(&done), 1);
            });
            go_on.send(()).unwrap();
            removal.join().unwrap();
        });
    }

    #[test]
    fn callbacks_that_remove_themselves_on_two_threads_do_not_wait_for_each_other() {
        let _alone = alone();
        let both = Arc::new(Barrier::new(2));
        let last = Arc::new(());
        let (held, waits) = (last.clone(), both.clone());
        let callback = move |event: &Event<'_>| {
            if is_ours(event) {
                let _held = &held;
                waits.wait();
                set(None);
                waits.wait();
            }
        };
        set(Some((LevelFilter::Info, Box::new(callback))));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| ::log::info!(target: "lance_test::self", "one"));
            }
        });
        // Other tests' events may be on their way out of it.
        while Arc::strong_count(&last) > 1 {
            thread::yield_now();
        }
    }

    #[test]
    fn a_callback_can_be_replaced_from_inside() {
        static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let _alone = alone();
        let second = |event: &Event<'_>| {
            if is_ours(event) {
                lock(&TOLD).push(format!("second {}", event.message));
            }
        };
        let first = move |event: &Event<'_>| {
            if is_ours(event) {
                lock(&TOLD).push(format!("first {}", event.message));
                set(Some((LevelFilter::Info, Box::new(second))));
            }
        };
        set(Some((LevelFilter::Info, Box::new(first))));
        ::log::info!(target: "lance_test::change", "one");
        ::log::info!(target: "lance_test::change", "two");
        set(None);
        assert_eq!(*lock(&TOLD), ["first one", "second two"]);
    }
}
