//! The models: a few threads each, and what must hold whatever their order.

use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

use loom::model::Builder;
use loom::thread::spawn;

use crate::error::{Error, Result, code};
use crate::write::{Bounds, Luck, RowsLoad, Write, disk_full, rows_of};

/// Run a model in every order of its threads.
pub fn explore(model: impl Fn() + Sync + Send + 'static) {
    let is_long = std::env::var("LANCE_TEST_SCALE").is_ok_and(|scale| scale == "long");
    let mut builder = Builder::new();
    builder
        .preemption_bound
        .get_or_insert(2 + usize::from(is_long));
    builder.max_branches = builder.max_branches.max(10_000);
    builder.check(model);
}

fn codes<T>(outcomes: &[Result<T>]) -> Vec<i32> {
    let codes = outcomes.iter();
    codes
        .map(|outcome| outcome.as_ref().map_or_else(|error| error.code, |_| 0))
        .collect()
}

#[test]
fn what_is_accepted_is_delivered_once_and_in_order() {
    explore(|| {
        let write = Write::new(Bounds {
            lanes: 2,
            ..Bounds::default()
        });
        let encoders = [0, 1].map(|lane| write.start_encoder(lane, Luck::Good));
        write.push(0, 0..2).unwrap();
        write.push(1, 10..11).unwrap();
        write.push(0, 2..3).unwrap();
        let made = write.finish().unwrap();
        assert_eq!(made, [vec![0, 1, 2], vec![10]]);
        encoders
            .into_iter()
            .for_each(|encoder| encoder.join().unwrap());
        write.expect_closed();
    });
}

#[test]
fn producers_of_one_lane_keep_their_orders() {
    explore(|| {
        let write = Write::new(Bounds {
            in_flight: 1,
            ..Bounds::default()
        });
        let encoder = write.start_encoder(0, Luck::Good);
        let producer = {
            let write = write.clone();
            spawn(move || write.push(0, 10..11).unwrap())
        };
        (0..2).for_each(|row| write.push(0, row..row + 1).unwrap());
        producer.join().unwrap();
        let made = write.finish().unwrap().remove(0);
        let (ours, theirs): (Vec<_>, Vec<_>) = made.into_iter().partition(|row| *row < 10);
        assert_eq!((ours, theirs), (vec![0, 1], vec![10]));
        encoder.join().unwrap();
        write.expect_closed();
    });
}

#[test]
fn long_batches_are_delivered_in_parts_and_once() {
    explore(|| {
        let write = Write::new(Bounds {
            longest: 2,
            gathered: 2,
            ..Bounds::default()
        });
        let encoder = write.start_encoder(0, Luck::Good);
        write.push(0, 0..5).unwrap();
        write.push(0, 5..5).unwrap();
        write.push(0, 5..6).unwrap();
        assert_eq!(write.finish().unwrap(), [(0..6).collect::<Vec<_>>()]);
        encoder.join().unwrap();
        write.expect_closed();
    });
}

#[test]
fn a_full_load_wakes_its_encoder() {
    explore(|| {
        let write = Write::new(Bounds {
            gathered: 2,
            ..Bounds::default()
        });
        let encoder = write.start(0, |write| Ok(rows_of(&write.next_load(0).unwrap()?)));
        write.push(0, 0..1).unwrap();
        write.push(0, 1..2).unwrap();
        encoder.join().unwrap();
        assert_eq!(write.finish().unwrap(), [[0, 1]]);
        write.expect_closed();
    });
}

#[test]
fn a_failed_encoder_fails_the_finish() {
    for luck in [Luck::FailsAtStart, Luck::FailsAt(0), Luck::FailsAt(1)] {
        explore(move || {
            let write = Write::new(Bounds {
                lanes: 2,
                in_flight: 8,
                ..Bounds::default()
            });
            let good = write.start_encoder(0, Luck::Good);
            let bad = write.start_encoder(1, luck);
            for (lane, first) in [(0, 0), (1, 10), (1, 11)] {
                if let Err(error) = write.push(lane, first..first + 1) {
                    assert_eq!(error, disk_full());
                }
            }
            assert_eq!(write.finish().unwrap_err(), disk_full());
            good.join().unwrap();
            bad.join().unwrap();
            write.expect_closed();
        });
    }
}

#[test]
fn opening_waits_for_every_encoder_or_a_failure() {
    for luck in [Luck::Good, Luck::FailsAtStart] {
        explore(move || {
            let write = Write::new(Bounds {
                lanes: 2,
                ..Bounds::default()
            });
            let good = write.start_encoder(0, Luck::Good);
            let other = write.start_encoder(1, luck);
            let expected = match luck {
                Luck::Good => Ok(()),
                _ => Err(disk_full()),
            };
            assert_eq!(write.lanes.wait_until_started(), expected);
            write.abort().unwrap();
            good.join().unwrap();
            other.join().unwrap();
            write.expect_closed();
        });
    }
}

#[test]
fn a_failure_wakes_producers_that_wait_for_room() {
    explore(|| {
        let write = Write::new(Bounds {
            in_flight: 1,
            ..Bounds::default()
        });
        let encoder = write.start_encoder(0, Luck::FailsAt(0));
        let producer = {
            let write = write.clone();
            spawn(move || (0..3).try_for_each(|row| write.push(0, row..row + 1)))
        };
        let pushed = (10..13).try_for_each(|row| write.push(0, row..row + 1));
        let other = producer.join().unwrap();
        for outcome in [pushed, other] {
            if let Err(error) = outcome {
                assert_eq!(error, disk_full());
            }
        }
        assert_eq!(write.finish().unwrap_err(), disk_full());
        encoder.join().unwrap();
        write.expect_closed();
    });
}

/// No load is ever full: an encoder goes on when a producer waits.
#[test]
fn nobody_waits_for_ever_where_loads_are_gathered() {
    explore(|| {
        let write = Write::new(Bounds {
            gathered: 8,
            ..Bounds::default()
        });
        let encoder = write.start_encoder(0, Luck::Good);
        write.push(0, 0..1).unwrap();
        write.push(0, 1..2).unwrap();
        write.push(0, 2..3).unwrap();
        assert_eq!(write.finish().unwrap(), [[0, 1, 2]]);
        encoder.join().unwrap();
        write.expect_closed();
    });
    explore(|| {
        let write = Write::new(Bounds {
            lanes: 2,
            in_flight: 1,
            gathered: 8,
            ..Bounds::default()
        });
        let encoders = [0, 1].map(|lane| write.start_encoder(lane, Luck::Good));
        write.push(0, 0..1).unwrap();
        write.push(1, 10..11).unwrap();
        assert_eq!(write.finish().unwrap(), [[0], [10]]);
        encoders
            .into_iter()
            .for_each(|encoder| encoder.join().unwrap());
        write.expect_closed();
    });
}

#[test]
fn less_than_half_a_load_waits_while_another_load_is_going_to_make_room() {
    explore(|| {
        let write = Write::new(Bounds {
            in_flight: 7,
            gathered: 4,
            ..Bounds::default()
        });
        let next = |write: &Write| match poll_once(write) {
            Poll::Ready(load) => Some(load.unwrap().unwrap()),
            Poll::Pending => None,
        };
        write.push(0, 0..4).unwrap();
        write.push(0, 4..5).unwrap();
        let first = next(&write).unwrap();
        assert_eq!(rows_of(&first), [0, 1, 2, 3]);
        let producer = {
            let write = write.clone();
            spawn(move || write.push(0, 5..8))
        };
        assert!(next(&write).is_none());
        drop(first);
        producer.join().unwrap().unwrap();
        assert_eq!(rows_of(&next(&write).unwrap()), [4, 5, 6, 7]);
        write.lanes.lane_ended(0, Ok(Vec::new()));
        write.abort().unwrap();
    });
}

/// Ask for a load, but do not wait for one.
fn poll_once(write: &Write) -> Poll<Option<Result<RowsLoad>>> {
    write
        .lanes
        .poll_load(0, &Context::from_waker(Waker::noop()))
}

#[test]
fn a_finish_commits_all_that_another_thread_had_accepted_by_then() {
    explore(|| {
        let write = Write::new(Bounds {
            in_flight: 1,
            ..Bounds::default()
        });
        let encoder = write.start_encoder(0, Luck::Good);
        let producer = {
            let write = write.clone();
            spawn(move || {
                let mut accepted = Vec::new();
                for row in 0..3 {
                    match write.push(0, row..row + 1) {
                        Ok(()) => accepted.push(row),
                        Err(error) => assert_eq!(error.code, code::INVALID_STATE),
                    }
                }
                accepted
            })
        };
        let made = write.finish().unwrap();
        assert_eq!(made, [producer.join().unwrap()]);
        encoder.join().unwrap();
        write.expect_closed();
    });
}

#[test]
fn finish_or_abort_wins_as_a_whole() {
    explore(|| {
        let write = Write::new(Bounds::default());
        let encoder = write.start_encoder(0, Luck::Good);
        write.push(0, 0..1).unwrap();
        let finisher = {
            let write = write.clone();
            spawn(move || write.finish())
        };
        let aborted = write.abort();
        match finisher.join().unwrap() {
            Ok(made) => {
                assert_eq!(made, [vec![0]]);
                assert_eq!(codes(&[aborted]), [code::INVALID_STATE]);
            }
            Err(error) => {
                assert!([code::CANCELLED, code::INVALID_STATE].contains(&error.code));
                assert_eq!(aborted, Ok(()));
            }
        }
        encoder.join().unwrap();
        write.expect_closed();
    });
}

#[test]
fn only_one_of_two_finishes_writes() {
    explore(|| {
        let write = Write::new(Bounds::default());
        let encoder = write.start_encoder(0, Luck::Good);
        write.push(0, 0..1).unwrap();
        let finisher = {
            let write = write.clone();
            spawn(move || write.finish())
        };
        let outcomes = [write.finish(), finisher.join().unwrap()];
        let mut sorted = codes(&outcomes);
        sorted.sort_unstable();
        assert_eq!(sorted, [0, code::INVALID_STATE]);
        let made = outcomes.into_iter().find_map(Result::ok).unwrap();
        assert_eq!(made, [vec![0]]);
        encoder.join().unwrap();
        write.expect_closed();
    });
}

#[test]
fn aborts_may_meet() {
    explore(|| {
        let write = Write::new(Bounds::default());
        let encoder = write.start_encoder(0, Luck::Good);
        write.push(0, 0..1).unwrap();
        let other = {
            let write = write.clone();
            spawn(move || write.abort())
        };
        assert_eq!(codes(&[write.abort(), other.join().unwrap()]), [0, 0]);
        encoder.join().unwrap();
        write.expect_closed();
    });
}

#[test]
fn an_abort_wakes_a_producer_that_waits_for_room() {
    explore(|| {
        let write = Write::new(Bounds {
            in_flight: 1,
            ..Bounds::default()
        });
        let encoder = write.start_encoder(0, Luck::Good);
        let producer = {
            let write = write.clone();
            spawn(move || (0..3).try_for_each(|row| write.push(0, row..row + 1)))
        };
        write.abort().unwrap();
        let pushed = codes(&[producer.join().unwrap()]);
        assert!([vec![0], vec![code::CANCELLED]].contains(&pushed));
        encoder.join().unwrap();
        write.expect_closed();
    });
}

/// A writer that is freed is aborted, whatever has become of it.
#[test]
fn a_write_is_freed_while_it_fails() {
    explore(|| {
        let write = Write::new(Bounds {
            lanes: 2,
            ..Bounds::default()
        });
        let bad = write.start_encoder(0, Luck::FailsAt(0));
        let good = write.start_encoder(1, Luck::Good);
        let pushed = write.push(0, 0..1).and(write.push(1, 1..2));
        assert!(pushed.is_ok() || pushed == Err(disk_full()));
        write.abort().unwrap();
        bad.join().unwrap();
        good.join().unwrap();
        write.expect_closed();
    });
}

#[test]
fn a_finish_after_a_failure_from_outside_returns_it() {
    let broken = || Error::new(code::IO, "the stream broke");
    explore(move || {
        let write = Write::new(Bounds::default());
        let encoder = write.start_encoder(0, Luck::Good);
        write.push(0, 0..1).unwrap();
        let stream = {
            let write = write.clone();
            spawn(move || write.lanes.fail(broken()))
        };
        let finished = write.finish();
        stream.join().unwrap();
        encoder.join().unwrap();
        let pushed = write.push(0, 1..2).unwrap_err();
        match finished {
            Ok(made) => {
                assert_eq!(made, [vec![0]]);
                assert_eq!(pushed.code, code::INVALID_STATE, "it failed and did not");
            }
            Err(error) => assert_eq!((error, pushed), (broken(), broken())),
        }
        write.expect_closed();
    });
}

/// A callback, which an encoder waits for, frees the writer: the write stops, and another thread closes it.
#[test]
fn a_write_is_freed_by_a_callback_on_an_encoder() {
    explore(|| {
        let write = Write::new(Bounds {
            in_flight: 1,
            ..Bounds::default()
        });
        let encoder = write.start(0, |write| {
            let load = write.next_load(0).unwrap();
            write.lanes.cancel().unwrap();
            let freed = write.clone();
            spawn(move || freed.abort().unwrap());
            drop(load);
            match write.next_load(0) {
                Some(Err(given_up)) => Err(given_up),
                _ => panic!("it was cancelled"),
            }
        });
        let pushed = (0..3).try_for_each(|row| write.push(0, row..row + 1));
        assert_eq!(codes(&[pushed]), [code::CANCELLED]);
        encoder.join().unwrap();
        // Waits for the thread that closes it, or does that.
        write.abort().unwrap();
        write.expect_closed();
    });
}

/// A callback exits the process: its encoder never goes on, and nothing of the caller's is touched from then on.
#[test]
fn nothing_is_released_when_a_callback_has_exited_the_process() {
    explore(|| {
        let write = Write::new(Bounds {
            lanes: 2,
            ..Bounds::default()
        });
        let other = write.start_encoder(1, Luck::Good);
        let exiting = {
            let write = write.clone();
            spawn(move || {
                let load = write.next_load(0).unwrap();
                write.live.stop();
                write.exited.store(true, SeqCst);
                write.lanes.cancel().unwrap();
                load
            })
        };
        let pushed = [(0, 0), (1, 10), (1, 11), (0, 1), (0, 2)]
            .into_iter()
            .try_for_each(|(lane, row)| write.push(lane, row..row + 1));
        if let Err(error) = pushed {
            assert_eq!(error.code, code::CANCELLED);
        }
        let held = exiting.join().unwrap();
        other.join().unwrap();
        drop(held);
    });
}
