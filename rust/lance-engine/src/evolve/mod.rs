//! Schema evolution: columns added, altered and dropped, metadata, keys, migrations.

mod add;
mod alter;
mod checkpoint;
mod computing;
mod drop;
mod function;
mod join;
mod metadata;
mod migrate;
mod names;
mod primary_key;
mod progress;
mod rows;
mod upgrade;

pub use add::{
    add_columns, add_columns_by_function, add_columns_from_stream, add_null_columns, merge_columns,
};
pub use alter::alter_columns;
pub use drop::{drop_columns, plan_drop_columns};
pub use function::ColumnFunction;
pub use metadata::{field_metadata, metadata, update_field_metadata, update_metadata};
pub use migrate::{migrate, validate};
pub use primary_key::{primary_key, set_primary_key};
pub use upgrade::upgrade_storage;
