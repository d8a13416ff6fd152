//! What is in a namespace, and what becomes of it.

use std::collections::HashMap;
use std::sync::Arc;

use lance_namespace::models::{
    CreateNamespaceRequest, DeclareTableRequest, DeregisterTableRequest, DescribeNamespaceRequest,
    DescribeTableRequest, DropNamespaceRequest, DropTableRequest, ListNamespacesRequest,
    ListTablesRequest, NamespaceExistsRequest, RegisterTableRequest, TableExistsRequest,
};

use super::Namespace;
use super::names::shown;
use crate::error::{Error, Result, code, nearest_hint};
use crate::settings::{NamespaceDescription, NamespaceItem, TableDescription};
use crate::task::Task;

/// Of a long list, as many are looked through for the nearest names.
const MOST_COMPARED: i32 = 1000;

/// A table as its namespace knows it.
pub struct Found {
    pub description: TableDescription,
    pub storage_options: Option<HashMap<String, String>>,
}

pub fn list_namespaces(namespace: Arc<Namespace>, id: Vec<String>) -> Task<Vec<NamespaceItem>> {
    Box::pin(async move {
        namespace.check_names(&id)?;
        let (namespace, id) = (&namespace, &id);
        let items = all_pages(|page_token| async move {
            let request = ListNamespacesRequest {
                id: Some(id.clone()),
                page_token,
                ..Default::default()
            };
            let page = namespace
                .ask(namespace.client.list_namespaces(request))
                .await;
            let page = page.map_err(|error| named(error, id))?;
            Ok((page.namespaces, page.page_token))
        })
        .await?;
        if items.is_empty() {
            namespace.check_exists(id).await?;
        }
        Ok(items)
    })
}

pub fn list_tables(namespace: Arc<Namespace>, id: Vec<String>) -> Task<Vec<NamespaceItem>> {
    Box::pin(async move {
        namespace.check_names(&id)?;
        let (namespace, id) = (&namespace, &id);
        let items = all_pages(|page_token| async move {
            let page = namespace.page_of_tables(id, page_token, None).await;
            page.map_err(|error| named(error, id))
        })
        .await?;
        if items.is_empty() {
            namespace.check_exists(id).await?;
        }
        Ok(items)
    })
}

pub fn describe_namespace(
    namespace: Arc<Namespace>,
    id: Vec<String>,
) -> Task<Vec<NamespaceDescription>> {
    Box::pin(async move {
        namespace.check_names(&id)?;
        let request = DescribeNamespaceRequest {
            id: Some(id.clone()),
            ..Default::default()
        };
        let answer = namespace
            .ask(namespace.client.describe_namespace(request))
            .await;
        let properties = answer.map_err(|error| named(error, &id))?.properties;
        Ok(vec![NamespaceDescription {
            properties: sorted(properties),
        }])
    })
}

pub fn create_namespace(
    namespace: Arc<Namespace>,
    id: Vec<String>,
    properties: HashMap<String, String>,
) -> Task<()> {
    Box::pin(async move {
        namespace.check_id(&id)?;
        let request = CreateNamespaceRequest {
            id: Some(id.clone()),
            properties: Some(properties).filter(|it| !it.is_empty()),
            ..Default::default()
        };
        let answer = namespace
            .ask(namespace.client.create_namespace(request))
            .await;
        answer.map(drop).map_err(|error| match error.code() {
            code::NOT_FOUND => named(error, &id[..id.len() - 1]),
            _ => named(error, &id),
        })
    })
}

pub fn drop_namespace(namespace: Arc<Namespace>, id: Vec<String>) -> Task<()> {
    Box::pin(async move {
        namespace.check_id(&id)?;
        let request = DropNamespaceRequest {
            id: Some(id.clone()),
            ..Default::default()
        };
        let answer = namespace
            .ask(namespace.client.drop_namespace(request))
            .await;
        answer.map(drop).map_err(|error| named(error, &id))
    })
}

pub fn describe_table(namespace: Arc<Namespace>, id: Vec<String>) -> Task<Vec<TableDescription>> {
    Box::pin(async move { Ok(vec![namespace.find(&id, false).await?.description]) })
}

pub fn table_exists(namespace: Arc<Namespace>, id: Vec<String>) -> Task<bool> {
    Box::pin(async move {
        namespace.check_id(&id)?;
        let request = TableExistsRequest {
            id: Some(id.clone()),
            ..Default::default()
        };
        match namespace.ask(namespace.client.table_exists(request)).await {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.code(), code::DATASET_NOT_FOUND | code::NOT_FOUND) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    })
}

pub fn declare_table(
    namespace: Arc<Namespace>,
    id: Vec<String>,
    properties: HashMap<String, String>,
) -> Task<Vec<TableDescription>> {
    Box::pin(async move {
        let declared = namespace.declare(&id, properties, false).await?;
        Ok(vec![declared.description])
    })
}

pub fn register_table(namespace: Arc<Namespace>, id: Vec<String>, location: String) -> Task<()> {
    Box::pin(async move {
        namespace.check_id(&id)?;
        let request = RegisterTableRequest {
            id: Some(id.clone()),
            location,
            ..Default::default()
        };
        let answer = namespace
            .ask(namespace.client.register_table(request))
            .await;
        answer.map(drop).map_err(|error| exists_already(error, &id))
    })
}

pub fn deregister_table(namespace: Arc<Namespace>, id: Vec<String>) -> Task<()> {
    Box::pin(async move {
        namespace.check_id(&id)?;
        let request = DeregisterTableRequest {
            id: Some(id.clone()),
            ..Default::default()
        };
        let answer = namespace
            .ask(namespace.client.deregister_table(request))
            .await;
        namespace.with_nearest(answer.map(drop), &id).await
    })
}

pub fn drop_table(namespace: Arc<Namespace>, id: Vec<String>) -> Task<()> {
    Box::pin(async move {
        namespace.check_id(&id)?;
        let request = DropTableRequest {
            id: Some(id.clone()),
            ..Default::default()
        };
        let answer = namespace.ask(namespace.client.drop_table(request)).await;
        namespace.with_nearest(answer.map(drop), &id).await
    })
}

impl Namespace {
    /// Look a table up, and for `vend` the credentials to reach it with.
    pub(super) async fn find(&self, id: &[String], vend: bool) -> Result<Found> {
        self.check_id(id)?;
        let request = DescribeTableRequest {
            id: Some(id.to_vec()),
            check_declared: Some(true),
            vend_credentials: Some(vend),
            ..Default::default()
        };
        let answer = self.ask(self.client.describe_table(request)).await;
        let answer = self.with_nearest(answer, id).await?;
        Ok(Found {
            description: TableDescription {
                location: location(answer.location.or(answer.table_uri))?,
                version: answer.version.and_then(|version| version.try_into().ok()),
                is_declared_only: answer.is_only_declared,
                manages_versions: answer.managed_versioning == Some(true),
                properties: sorted(answer.properties),
            },
            storage_options: answer.storage_options,
        })
    }

    /// Give a table its place.
    pub(super) async fn declare(
        &self,
        id: &[String],
        properties: HashMap<String, String>,
        vend: bool,
    ) -> Result<Found> {
        self.check_id(id)?;
        self.check_exists(&id[..id.len() - 1]).await?;
        let request = DeclareTableRequest {
            id: Some(id.to_vec()),
            properties: Some(properties).filter(|it| !it.is_empty()),
            vend_credentials: Some(vend),
            ..Default::default()
        };
        let answer = self.ask(self.client.declare_table(request)).await;
        let answer = answer.map_err(|error| exists_already(error, id))?;
        Ok(Found {
            description: TableDescription {
                location: location(answer.location)?,
                version: None,
                is_declared_only: Some(true),
                manages_versions: answer.managed_versioning == Some(true),
                properties: sorted(answer.properties),
            },
            storage_options: answer.storage_options,
        })
    }

    /// A directory takes tables of namespaces that do not exist, and lists what is in them.
    async fn check_exists(&self, id: &[String]) -> Result<()> {
        if id.is_empty() {
            return Ok(());
        }
        let request = NamespaceExistsRequest {
            id: Some(id.to_vec()),
            ..Default::default()
        };
        match self.ask(self.client.namespace_exists(request)).await {
            Err(error) if error.code() == code::NOT_FOUND => Err(named(error, id)),
            // Whatever else there is comes up again.
            _ => Ok(()),
        }
    }

    async fn page_of_tables(
        &self,
        id: &[String],
        page_token: Option<String>,
        limit: Option<i32>,
    ) -> Result<(Vec<String>, Option<String>)> {
        let request = ListTablesRequest {
            id: Some(id.to_vec()),
            page_token,
            limit,
            ..Default::default()
        };
        let page = self.ask(self.client.list_tables(request)).await?;
        Ok((page.tables, page.page_token))
    }

    /// Of a table that does not exist, tell which ones are called alike.
    async fn with_nearest<T>(&self, answer: Result<T>, id: &[String]) -> Result<T> {
        let error = match answer {
            Err(error) if error.code() == code::DATASET_NOT_FOUND => error,
            Err(error) if error.code() == code::NOT_FOUND => {
                return Err(named(error, &id[..id.len() - 1]));
            }
            other => return other,
        };
        let (name, parent) = id.split_last().ok_or_else(|| error.clone())?;
        let beside = self.page_of_tables(parent, None, Some(MOST_COMPARED)).await;
        let hint = match beside {
            Ok((tables, _)) => nearest_hint(name, tables),
            Err(_) => String::new(),
        };
        let message = format!("there is no table {:?}{hint}", shown(id));
        Err(Error::with_detail(error.code(), &message, error.detail()))
    }
}

/// Ask for page after page. Each is asked for with the token of the one before.
async fn all_pages<F>(page: impl Fn(Option<String>) -> F) -> Result<Vec<NamespaceItem>>
where
    F: Future<Output = Result<(Vec<String>, Option<String>)>>,
{
    let mut items = Vec::new();
    let mut token = None;
    loop {
        let (names, next) = page(token.clone()).await?;
        items.extend(names.into_iter().map(|name| NamespaceItem { name }));
        // An empty one is the end, too.
        let next = next.filter(|next| !next.is_empty());
        if next.is_none() {
            return Ok(items);
        }
        if next == token {
            return Err(Error::new(
                code::NAMESPACE,
                "the server gives one page of the list again and again",
            ));
        }
        token = next;
    }
}

/// Say which namespace it is that is missing or exists already.
fn named(error: Error, id: &[String]) -> Error {
    let said = match error.code() {
        // That is the server itself.
        code::NOT_FOUND if id.is_empty() => return error,
        code::NOT_FOUND => format!("there is no namespace {:?}", shown(id)),
        code::ALREADY_EXISTS => format!("{:?} exists already", shown(id)),
        code::FAILED_PRECONDITION => return error.context(&shown(id)),
        _ => return error,
    };
    Error::with_detail(error.code(), &said, error.detail())
}

fn exists_already(error: Error, id: &[String]) -> Error {
    match error.code() {
        code::ALREADY_EXISTS => Error::with_detail(
            code::ALREADY_EXISTS,
            &format!(
                "table {:?} already exists: append to it, overwrite it, or choose another name",
                shown(id)
            ),
            error.detail(),
        ),
        code::NOT_FOUND => named(error, &id[..id.len() - 1]),
        _ => error,
    }
}

fn location(told: Option<String>) -> Result<String> {
    told.filter(|location| !location.is_empty()).ok_or_else(|| {
        Error::new(
            code::NAMESPACE,
            "the namespace does not say where the table is",
        )
    })
}

fn sorted(properties: Option<HashMap<String, String>>) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = properties.unwrap_or_default().into_iter().collect();
    pairs.sort();
    pairs
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::ready;

    use futures::executor::block_on;

    use super::*;

    #[test]
    fn pages_are_asked_for_until_the_last_one() {
        for end in [None, Some(String::new())] {
            let asked = RefCell::new(Vec::new());
            let items = block_on(all_pages(|token| {
                asked.borrow_mut().push(token.clone());
                ready(Ok(match token.as_deref() {
                    None => (
                        vec!["a".to_string(), "b".to_string()],
                        Some("b".to_string()),
                    ),
                    Some("b") => (vec![], Some("c".to_string())),
                    _ => (vec!["d".to_string()], end.clone()),
                }))
            }));
            let names: Vec<_> = items.unwrap().into_iter().map(|item| item.name).collect();
            assert_eq!(names, ["a", "b", "d"]);
            let tokens = asked.into_inner();
            assert_eq!(tokens, [None, Some("b".to_string()), Some("c".to_string())]);
        }
    }

    #[test]
    fn a_list_without_an_end_is_an_error() {
        let page = |_| ready(Ok((vec!["a".to_string()], Some("same".to_string()))));
        let error = block_on(all_pages(page)).unwrap_err();
        assert_eq!(error.code(), code::NAMESPACE);
    }
}
