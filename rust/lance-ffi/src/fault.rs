//! The fault points of test builds, for C.

#![cfg(feature = "fault-injection")]

use lance_engine::fault;

/// Make the `k`-th step from now fail: mode 0 never, 1 with an error, 2 with a panic.
#[unsafe(no_mangle)]
pub extern "C" fn lance_testing_fail_at(k: i64, mode: i32) {
    fault::fail_at(k, mode);
}

/// How many steps were passed since the last call of `lance_testing_fail_at`.
#[unsafe(no_mangle)]
pub extern "C" fn lance_testing_points_hit() -> i64 {
    fault::points_hit()
}
