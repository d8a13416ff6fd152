//! Maintenance: checks for damage, cleanups.

use lance_engine::Result;
use lance_engine::place::Place;
use lance_engine::settings::{CheckSettings, CheckSummary, Problem};

pub use lance_engine::maintain::{clean_up as cleanup, explain_cleanup};

pub async fn check(place: Place, settings: CheckSettings) -> Result<(CheckSummary, Vec<Problem>)> {
    let findings = lance_engine::maintain::check(place, settings).await?;
    Ok((findings.summary, findings.problems))
}
