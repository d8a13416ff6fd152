//! Arrow structs in and out.

mod async_device_stream;
mod export;
mod import;
mod item_names;
mod preflight;
mod same_columns;
mod shells;
mod source;
mod tracked;
mod values;

pub use async_device_stream::{
    ArrowAsyncDeviceStreamHandler, ArrowAsyncProducer, ArrowAsyncTask, ArrowDeviceArray, Consumer,
    DEVICE_CPU,
};
pub use export::{export_array, export_batch, export_schema};
pub use import::{import_array, import_ffi_batch, import_schema};
pub use same_columns::check_same_columns;
pub use shells::{required, take};
pub use source::Source;
