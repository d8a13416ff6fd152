//! Tables by name: where they are, how they are reached, and who keeps their versions.

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;

use arrow::datatypes::Schema;
use async_trait::async_trait;
use futures::future::AbortRegistration;

use super::Namespace;
use super::catalog::Found;
use super::names::shown;
use crate::credentials::{Source, StorageOptions};
use crate::error::{Error, Result, code};
use crate::open::{Access, Keeper};
use crate::place::Place;
use crate::read::Opened;
use crate::read::dataset::open_where;
use crate::settings::{OpenSettings, WriteMode, WriteSettings};
use crate::task::Task;
use crate::write::Write;

pub fn open_table(
    namespace: Arc<Namespace>,
    id: Vec<String>,
    mut settings: OpenSettings,
) -> Task<Opened> {
    Box::pin(async move {
        settings.session = settings.session.or_else(|| namespace.session.clone());
        let found = namespace.find(&id, true).await?;
        let is_declared_only = found.description.is_declared_only == Some(true);
        let named = shown(&id);
        let locate = move |given| ready(namespace.reach(id, found, given));
        match open_where(settings, locate).await {
            Err(error) if is_declared_only && error.code() == code::DATASET_NOT_FOUND => {
                let message = format!("table {named:?} is only declared, and has no version yet");
                Err(Error::with_detail(error.code(), &message, error.detail()))
            }
            opened => opened,
        }
    })
}

pub fn open_writer(
    namespace: Arc<Namespace>,
    id: Vec<String>,
    schema: Schema,
    mut settings: WriteSettings,
    stop: AbortRegistration,
) -> Result<Write> {
    settings.session = settings.session.or_else(|| namespace.session.clone());
    let mode = settings.mode;
    let locate = move |given| async move {
        let found = namespace.find_or_declare(&id, mode).await?;
        namespace.reach(id, found, given)
    };
    Write::open_where(settings, schema, locate, stop)
}

impl Namespace {
    /// Look up what is written to. What is to be made is declared, unless it has been before.
    async fn find_or_declare(&self, id: &[String], mode: WriteMode) -> Result<Found> {
        if mode == WriteMode::Create {
            return self
                .declare_once(id, |found| found.description.is_declared_only == Some(true))
                .await;
        }
        match self.find(id, true).await {
            Err(error) if mode != WriteMode::Append && error.code() == code::DATASET_NOT_FOUND => {
                self.declare_once(id, |_| true).await
            }
            found => found,
        }
    }

    async fn declare_once(
        &self,
        id: &[String],
        may_exist: impl FnOnce(&Found) -> bool,
    ) -> Result<Found> {
        let exists = match self.declare(id, HashMap::new(), true).await {
            Err(error) if error.code() == code::ALREADY_EXISTS => error,
            declared => return declared,
        };
        let found = self.find(id, true).await?;
        match may_exist(&found) {
            true => Ok(found),
            false => Err(exists),
        }
    }

    /// The place of a table, and the way there.
    fn reach(
        self: Arc<Self>,
        id: Vec<String>,
        found: Found,
        given: Access,
    ) -> Result<(Place, Access)> {
        let place = Place::of(&found.description.location).map_err(|error| {
            let what = format!("the namespace names a place for table {:?}", shown(&id));
            error.with_code(code::NAMESPACE).context(&what)
        })?;
        let mut access = given;
        let mut storage_options = self.properties.storage_options();
        storage_options.extend(access.storage_options);
        access.storage_options = storage_options;
        if found.description.manages_versions {
            access.keeper = Some(Keeper {
                client: self.client.clone(),
                table: id.clone(),
            });
        }
        Ok((
            place,
            match found.storage_options {
                Some(first) => access.renewed_from(
                    first,
                    Arc::new(Vended {
                        namespace: self,
                        id,
                    }),
                ),
                None => access,
            },
        ))
    }
}

/// The storage options that a namespace gives for a table.
#[derive(Debug)]
struct Vended {
    namespace: Arc<Namespace>,
    id: Vec<String>,
}

#[async_trait]
impl Source for Vended {
    async fn fetch(&self) -> Result<StorageOptions> {
        let found = self.namespace.find(&self.id, true).await?;
        Ok(found.storage_options.unwrap_or_default())
    }

    fn id(&self) -> String {
        format!("namespace {} table {:?}", self.namespace.number, self.id)
    }
}
