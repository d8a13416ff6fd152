//! Statistics of a write.

use lance::dataset::progress::WriteStats as LaneStats;

use super::lanes::Accepted;
use crate::settings::WriteStats;

/// What was accepted, and what the encoder of each lane has written.
pub fn stats(accepted: &Accepted, written: &[LaneStats]) -> WriteStats {
    WriteStats {
        batches: accepted.batches,
        rows: accepted.rows,
        bytes: accepted.bytes,
        bytes_in_flight: accepted.bytes_in_flight,
        peak_bytes_in_flight: accepted.peak_bytes_in_flight,
        rows_written: written.iter().map(|lane| lane.rows_written).sum(),
        bytes_written: written.iter().map(|lane| lane.bytes_written).sum(),
        files_written: written
            .iter()
            .map(|lane| u64::from(lane.files_written))
            .sum(),
    }
}
