//! The process-wide runtime: thread pools, the default session, and the rules about who may block.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use lance::session::Session;
use tokio::runtime::{Handle, Runtime};

use crate::error::{Error, Result, code};
use crate::fault;
use crate::last_use;
use crate::panics::{contain, contained};
use crate::process;
use crate::session;
use crate::settings::{Metrics, RuntimeSettings, SessionSettings};
use crate::sync::lock;
use crate::telemetry::metrics;
use crate::threads;

const CPU_THREADS_VARIABLE: &str = "LANCE_CPU_THREADS";

/// The stack of a thread, of which memory is used as far as it is touched. Filters are dropped by recursion.
pub const STACK_BYTES: usize = 32 << 20;

/// Threads stay when they are idle. Of those that end, the last is joined by the next, or by the end of the runtime, which is
/// never torn down: one would always be left, with its stack.
const IDLE_FOR: Duration = Duration::MAX;

/// The first that blocks, and the one that starts them all.
const THREADS_BESIDE_WORKERS: usize = 2;

/// Threads start within milliseconds, or not at all.
const PATIENCE_AT_START: Duration = Duration::from_secs(10);

/// What every operation runs on. Made once, never dropped: exported streams and statically stored
/// handles may outlive `main`.
struct Engine {
    handle: Handle,
    session: Arc<Session>,
}

static ENGINE: OnceLock<Engine> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

/// Blocking on a thread of the runtime would stop what it waits for.
pub fn refuse_runtime_thread() -> Result<()> {
    match threads::must_not_wait() {
        true => Err(Error::invalid_state(
            "this call blocks and was made from inside a callback of the library: make it from another thread",
        )),
        false => Ok(()),
    }
}

/// Keep other threads from starting the engine. A process that is forked meanwhile must know that it is one, or it would
/// wait for a lock whose holder it does not have.
fn begin_start() -> MutexGuard<'static, ()> {
    process::remember_process();
    lock(&STARTING)
}

fn start(settings: &RuntimeSettings) -> Result<&'static Engine> {
    let cores = thread::available_parallelism().map_or(2, |n| n.get());
    size_cpu_pool(settings.cpu_threads, cores)?;
    let workers = settings.io_threads.map_or(cores, |n| n as usize);
    let runtime = try_threads(workers + THREADS_BESIDE_WORKERS)
        .and_then(|()| build_in_time(workers))
        .map_err(|error| {
            Error::new(
                code::RESOURCE_EXHAUSTED,
                format!("cannot start the runtime's {workers} threads: {error}"),
            )
        })?;
    let handle = runtime.handle().clone();
    std::mem::forget(runtime);
    Ok(ENGINE.get_or_init(|| Engine {
        handle,
        session: session::default_session(settings),
    }))
}

/// Where one of the workers cannot be started after all, tokio waits for the others for ever: on a thread of its own.
fn build_in_time(workers: usize) -> io::Result<Runtime> {
    let (send, receive) = mpsc::sync_channel(1);
    let build = move || {
        // Nobody listens any more when a send fails.
        let _ = send.send(contain(|| Ok(build(workers)?)));
    };
    thread::Builder::new()
        .name("lance-start".to_string())
        .spawn(build)?;
    match receive.recv_timeout(PATIENCE_AT_START) {
        Ok(built) => built.map_err(|error| io::Error::other(error.message().to_string())),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn build(workers: usize) -> io::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("lance-io")
        .thread_stack_size(STACK_BYTES)
        .on_thread_start(threads::adopt)
        .thread_keep_alive(IDLE_FOR)
        .enable_all()
        .build()?;
    // What blocks, and finds that no thread can be started, is left to those that there are; but the workers never do it.
    let (told, waits) = mpsc::sync_channel(1);
    runtime.spawn_blocking(move || told.send(()));
    let _ = waits.recv();
    Ok(runtime)
}

/// Tell the logger, which may call anything: without the lock of the start.
fn tell_start(engine: &Engine) {
    tracing::info!(
        target: "lance_cpp::runtime",
        io_threads = engine.handle.metrics().num_workers(),
        cpu_threads = lance_core::utils::tokio::get_num_compute_intensive_cpus(),
        "started"
    );
}

/// Fail unless this many threads can run at once. A runtime that cannot start its workers waits for them
/// for ever.
fn try_threads(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        let _closed = lock(&gate);
        (0..count).try_for_each(|_| {
            thread::Builder::new()
                .spawn_scoped(scope, || drop(lock(&gate)))
                .map(drop)
        })
    })
}

/// The engine's CPU pool leaves two cores idle for I/O, which on two cores is half the machine. Its only
/// knob is an environment variable that is read once, so it is set for that moment.
fn size_cpu_pool(wanted: Option<u32>, cores: usize) -> Result<()> {
    let from_environment = match std::env::var(CPU_THREADS_VARIABLE) {
        Ok(text) => match text.trim().parse::<usize>() {
            Ok(threads) if threads > 0 => Some(threads),
            _ => {
                return Err(Error::invalid_argument(format!(
                    "the environment variable {CPU_THREADS_VARIABLE} must be a positive number, got {text:?}"
                )));
            }
        },
        Err(_) => None,
    };
    if wanted.is_none() && from_environment.is_some() {
        return Ok(());
    }
    let threads = wanted.map_or(cores, |threads| threads as usize);
    let previous = std::env::var_os(CPU_THREADS_VARIABLE);
    // SAFETY: no thread of this library runs yet, and the lock held by the caller keeps others out. As with
    // setenv(3) anywhere, a host thread must not read the environment at this very moment; a host with
    // threads can call lance_runtime_configure() before it starts them.
    unsafe { std::env::set_var(CPU_THREADS_VARIABLE, threads.to_string()) };
    lance_core::utils::tokio::get_num_compute_intensive_cpus();
    // SAFETY: as above.
    unsafe {
        match previous {
            Some(value) => std::env::set_var(CPU_THREADS_VARIABLE, value),
            None => std::env::remove_var(CPU_THREADS_VARIABLE),
        }
    }
    Ok(())
}

fn engine() -> Result<&'static Engine> {
    if let Some(engine) = ENGINE.get() {
        return Ok(engine);
    }
    let starting = begin_start();
    if let Some(engine) = ENGINE.get() {
        return Ok(engine);
    }
    let engine = start(&RuntimeSettings::default())?;
    drop(starting);
    tell_start(engine);
    Ok(engine)
}

/// The session of everybody who has none of their own.
pub fn session() -> Result<Arc<Session>> {
    Ok(engine()?.session.clone())
}

/// The registry keeps an entry for every store, with the files that it notes and with what renews its credentials, until
/// it is asked what is still in use, which looks at all of them. So it is asked after something that used one has gone.
pub fn forget_unused_stores() {
    if let Some(engine) = ENGINE.get()
        && last_use::take_note()
    {
        engine.session.store_registry().active_stores();
    }
}

/// Make a session of one's own.
pub fn make_session(settings: &SessionSettings) -> Result<Session> {
    Ok(session::session_beside(&engine()?.session, settings))
}

/// A snapshot of what the library is doing.
pub async fn metrics() -> Result<Metrics> {
    Ok(metrics::of_process(&engine()?.session).await)
}

/// Start `task` on the runtime. `done` receives its result; a panic arrives as an error.
pub fn spawn<T: Send + 'static>(
    task: impl Future<Output = Result<T>> + Send + 'static,
    done: impl FnOnce(Result<T>) + Send + 'static,
) -> Result<()> {
    engine()?.handle.spawn(async move {
        done(contained(task).await);
    });
    Ok(())
}

/// Run `task` on the runtime and wait for it. The calling thread only sleeps, so it needs nothing of tokio.
/// A panic, there or here, is returned as an error.
pub fn block_on<T: Send + 'static>(
    task: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    contain(|| {
        refuse_runtime_thread()?;
        fault::point()?;
        let (send, receive) = mpsc::sync_channel(1);
        spawn(task, move |result| {
            // The receiver waits below until this arrives.
            let _ = send.send(result);
        })?;
        receive
            .recv()
            .unwrap_or_else(|_| Err(Error::new(code::INTERNAL, "the runtime dropped a task")))
    })
}

/// Start the runtime as it is asked for; it must not run yet.
pub fn configure(settings: &RuntimeSettings) -> Result<()> {
    let starting = begin_start();
    if ENGINE.get().is_some() {
        return Err(Error::invalid_state(
            "the runtime already runs: configure it before any other call",
        ));
    }
    let engine = start(settings)?;
    drop(starting);
    tell_start(engine);
    Ok(())
}
