//! Namespaces: datasets by name.

use std::sync::Arc;

use arrow::ffi::FFI_ArrowSchema;
use futures::future::AbortRegistration;
use lance_engine::Result;
use lance_engine::namespace::{self, Namespace};
use lance_engine::settings::WriteSettings;
use lance_engine::write::Write;

use crate::arrow::import_schema;
use crate::handle::Handle;

/// A connection to a namespace.
pub type LanceNamespace = Handle<Namespace>;

pub use lance_engine::namespace::{
    connect, create_namespace, declare_table, deregister_table, describe_namespace, describe_table,
    drop_namespace, drop_table, list_namespaces, list_tables, open_table, register_table,
    table_exists,
};

pub fn open_writer(
    namespace: Arc<Namespace>,
    id: Vec<String>,
    schema: FFI_ArrowSchema,
    settings: WriteSettings,
    stop: AbortRegistration,
) -> Result<Write> {
    namespace::open_writer(namespace, id, import_schema(&schema)?, settings, stop)
}
