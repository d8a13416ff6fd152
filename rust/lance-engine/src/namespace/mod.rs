//! Namespaces: catalogs that know datasets by name, in a directory or behind a server.

mod catalog;
mod names;
mod properties;
mod tables;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lance::session::Session;
use lance_namespace::LanceNamespace;
use lance_namespace_impls::ConnectBuilder;
use tokio::time::timeout;

pub use catalog::{
    create_namespace, declare_table, deregister_table, describe_namespace, describe_table,
    drop_namespace, drop_table, list_namespaces, list_tables, register_table, table_exists,
};
pub use tables::{open_table, open_writer};

use crate::error::{Error, Result, code};
use crate::runtime::session;
use crate::settings::NamespaceSettings;
use crate::task::Task;
use properties::Properties;

/// A connection to a namespace.
#[derive(Debug)]
pub struct Namespace {
    /// Others may go to the same server with other credentials.
    number: u64,
    client: Arc<dyn LanceNamespace>,
    properties: Properties,
    session: Option<Arc<Session>>,
    /// None: what is asked is done here, and takes as long as it takes.
    patience: Option<Duration>,
}

/// Connect to a namespace of this kind, "dir" or "rest".
pub fn connect(
    kind: String,
    properties: HashMap<String, String>,
    settings: NamespaceSettings,
) -> Task<Namespace> {
    Box::pin(async move {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let properties = Properties::check(&kind, properties)?;
        let builder = ConnectBuilder::new(kind)
            .properties(properties.all().clone())
            .session(settings.session.clone().map_or_else(session, Ok)?);
        let client = builder.connect().await;
        Ok(Namespace {
            number: MADE.fetch_add(1, Ordering::Relaxed),
            client: client.map_err(|error| properties.without_secrets(error.into()))?,
            session: settings.session,
            patience: properties.is_remote().then_some(settings.timeout),
            properties,
        })
    })
}

impl Namespace {
    /// Wait for an answer, which names no credentials when it is an error.
    async fn ask<T>(&self, answer: impl Future<Output = lance_core::Result<T>>) -> Result<T> {
        let answer = match self.patience {
            None => answer.await,
            Some(patience) => timeout(patience, answer).await.map_err(|_| {
                let seconds = patience.as_secs();
                let message = format!("the server has not answered within {seconds} seconds");
                Error::new(code::TIMEOUT, message)
            })?,
        };
        answer.map_err(|error| self.properties.without_secrets(error.into()))
    }
}
