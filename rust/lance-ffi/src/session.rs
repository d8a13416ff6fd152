//! Sessions.

use std::sync::Arc;

use lance_engine::settings::{SessionSettings, SessionStats};
use lance_engine::telemetry::metrics::of_session;
use lance_engine::{Result, Session, runtime};

use crate::handle::Handle;

/// Caches of the caller's own.
pub type LanceSession = Handle<Session>;

pub fn create(settings: SessionSettings) -> Result<Session> {
    runtime::make_session(&settings)
}

pub async fn stats(session: Arc<Session>) -> Result<SessionStats> {
    Ok(of_session(&session).await)
}
