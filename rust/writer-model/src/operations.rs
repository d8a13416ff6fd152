//! Models of calls that go on while their caller does something else.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use loom::thread::{JoinHandle, spawn};

use crate::models::explore;
use crate::operation::{Operation, Running};

/// An operation, and how often its cancel was called and its end told.
struct Watched {
    operation: Arc<Operation>,
    cancels: Arc<AtomicUsize>,
    tells: Arc<AtomicUsize>,
}

impl Watched {
    fn new() -> Self {
        let cancels = Arc::new(AtomicUsize::new(0));
        let counted = cancels.clone();
        let count = move || {
            counted.fetch_add(1, SeqCst);
        };
        Self {
            operation: Arc::new(Operation::new(count)),
            cancels,
            tells: Arc::default(),
        }
    }

    /// The work, which ends by itself.
    fn start(&self) -> JoinHandle<()> {
        let (operation, tells) = (self.operation.clone(), self.tells.clone());
        spawn(move || {
            operation.end(|| {
                tells.fetch_add(1, SeqCst);
            });
        })
    }

    fn start_cancel(&self) -> JoinHandle<()> {
        let operation = self.operation.clone();
        spawn(move || operation.cancel())
    }
}

#[test]
fn an_end_is_told_once_whoever_cancels() {
    explore(|| {
        let watched = Watched::new();
        let threads = [
            watched.start(),
            watched.start_cancel(),
            watched.start_cancel(),
        ];
        watched.operation.wait();
        assert!(watched.operation.is_done());
        assert_eq!(watched.tells.load(SeqCst), 1);
        assert!(watched.cancels.load(SeqCst) <= 1);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(watched.tells.load(SeqCst), 1);
    });
}

#[test]
fn what_has_ended_is_not_cancelled() {
    explore(|| {
        let watched = Watched::new();
        let work = watched.start();
        watched.operation.wait();
        watched.operation.cancel();
        assert_eq!(watched.cancels.load(SeqCst), 0);
        work.join().unwrap();
    });
}

#[test]
fn an_exit_waits_until_every_end_is_told_and_lets_nothing_begin_after() {
    explore(|| {
        let running = Arc::new(Running::default());
        let watched = [Watched::new(), Watched::new()];
        running.add(&watched[0].operation).unwrap();
        let first = watched[0].start();
        let late = {
            let (running, operation) = (running.clone(), watched[1].operation.clone());
            let tells = watched[1].tells.clone();
            spawn(move || {
                if running.add(&operation).is_ok() {
                    operation.end(|| {
                        tells.fetch_add(1, SeqCst);
                    });
                    running.remove(&operation);
                }
            })
        };
        running.end_all();
        assert_eq!(watched[0].tells.load(SeqCst), 1);
        let told = watched[1].tells.load(SeqCst);
        first.join().unwrap();
        late.join().unwrap();
        // Refused, or told before the exit went on.
        assert_eq!(watched[1].tells.load(SeqCst), told);
        assert!(running.add(&watched[1].operation).is_err());
    });
}

#[test]
fn an_exit_in_the_middle_of_a_callback_does_not_wait_for_it() {
    explore(|| {
        let running = Arc::new(Running::default());
        let watched = Watched::new();
        running.add(&watched.operation).unwrap();
        watched.operation.end(|| running.end_all());
        assert!(watched.operation.is_done());
    });
}

#[test]
fn an_exit_lets_no_call_in_the_middle_of_the_work_begin_after() {
    explore(|| {
        let running = Arc::new(Running::default());
        let watched = Watched::new();
        running.add(&watched.operation).unwrap();
        let work = {
            let (operation, tells) = (watched.operation.clone(), watched.tells.clone());
            spawn(move || {
                let middle = operation.tell(|| tells.fetch_add(1, SeqCst));
                operation.end(|| {
                    tells.fetch_add(1, SeqCst);
                });
                middle.is_some()
            })
        };
        running.end_all();
        let told = watched.tells.load(SeqCst);
        let middle = work.join().unwrap();
        assert_eq!(watched.tells.load(SeqCst), told);
        // The exit waited for the end, and so for what came before.
        assert!(middle);
        assert_eq!(told, 2);
    });
}

#[test]
fn an_exit_in_a_call_in_the_middle_of_the_work_is_its_last() {
    explore(|| {
        let running = Arc::new(Running::default());
        let watched = Watched::new();
        running.add(&watched.operation).unwrap();
        let work = {
            let (running, operation) = (running.clone(), watched.operation.clone());
            let tells = watched.tells.clone();
            spawn(move || {
                operation.tell(|| running.end_all());
                assert!(operation.tell(|| tells.fetch_add(1, SeqCst)).is_none());
                operation.end(|| {
                    tells.fetch_add(1, SeqCst);
                });
            })
        };
        work.join().unwrap();
        assert_eq!(watched.tells.load(SeqCst), 0);
        assert!(watched.operation.is_done());
    });
}
