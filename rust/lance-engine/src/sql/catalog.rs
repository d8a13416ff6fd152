//! The tables of a context, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::error::Result as PlanResult;

use super::table::Table;
use crate::error::{Error, Result, code, nearest_hint};
use crate::sync::{Mutex, lock};

#[derive(Debug, Default)]
pub struct Tables(Mutex<BTreeMap<String, Arc<Table>>>);

impl Tables {
    pub fn refuse_taken(&self, name: &str) -> Result<()> {
        match lock(&self.0).contains_key(name) {
            true => Err(taken(name)),
            false => Ok(()),
        }
    }

    pub fn insert(&self, name: String, table: Arc<Table>) -> Result<()> {
        let mut tables = lock(&self.0);
        if tables.contains_key(&name) {
            return Err(taken(&name));
        }
        tables.insert(name, table);
        Ok(())
    }

    pub fn remove(&self, name: &str) -> Result<()> {
        let removed = lock(&self.0).remove(name);
        match removed {
            Some(_) => Ok(()),
            None => Err(self.no_such(name)),
        }
    }

    pub fn all(&self) -> Vec<(String, Arc<Table>)> {
        let tables = lock(&self.0);
        tables
            .iter()
            .map(|(name, table)| (name.clone(), table.clone()))
            .collect()
    }

    /// The table of this name, or the only one whose name differs in case alone: names that are not quoted come in
    /// lower case.
    pub fn find(&self, name: &str) -> Option<Arc<Table>> {
        let tables = lock(&self.0);
        tables.get(name).cloned().or_else(|| {
            let mut alike = tables
                .iter()
                .filter(|(other, _)| other.eq_ignore_ascii_case(name));
            let (_, table) = alike.next()?;
            alike.next().is_none().then(|| table.clone())
        })
    }

    pub fn no_such(&self, name: &str) -> Error {
        let hint = nearest_hint(name, lock(&self.0).keys());
        Error::new(code::NOT_FOUND, format!("there is no table {name:?}{hint}"))
    }
}

fn taken(name: &str) -> Error {
    Error::new(
        code::ALREADY_EXISTS,
        format!("there is a table {name:?} already: deregister it first"),
    )
}

#[async_trait]
impl SchemaProvider for Tables {
    fn table_names(&self) -> Vec<String> {
        lock(&self.0).keys().cloned().collect()
    }

    async fn table(&self, name: &str) -> PlanResult<Option<Arc<dyn TableProvider>>> {
        Ok(self.find(name).map(|table| table as Arc<dyn TableProvider>))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
}
