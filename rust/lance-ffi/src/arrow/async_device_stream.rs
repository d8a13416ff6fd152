//! The structs of Arrow's asynchronous device stream, and a consumer behind them. What they mean says
//! <https://arrow.apache.org/docs/format/CDeviceDataInterface.html>.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::offset_of;
use std::ptr::{NonNull, null, null_mut};

use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use lance_engine::{Error, Result};

/// Memory of the CPU, which is no device among several.
pub const DEVICE_CPU: i32 = 1;
const NO_DEVICE_ID: i64 = -1;

/// An array, and where its memory is.
#[repr(C)]
pub struct ArrowDeviceArray {
    array: FFI_ArrowArray,
    device_id: i64,
    device_type: i32,
    reserved_type: i32,
    sync_event: *mut c_void,
    reserved: [i64; 3],
}

impl From<FFI_ArrowArray> for ArrowDeviceArray {
    /// In memory, where it can be read at once.
    fn from(array: FFI_ArrowArray) -> Self {
        Self {
            array,
            device_id: NO_DEVICE_ID,
            device_type: DEVICE_CPU,
            reserved_type: 0,
            sync_event: null_mut(),
            reserved: [0; 3],
        }
    }
}

type ExtractData = unsafe extern "C" fn(*mut ArrowAsyncTask, *mut ArrowDeviceArray) -> c_int;

/// An array that waits to be taken out.
#[repr(C)]
pub struct ArrowAsyncTask {
    pub extract_data: Option<ExtractData>,
    pub private_data: *mut c_void,
}

/// What a consumer asks through.
#[repr(C)]
pub struct ArrowAsyncProducer {
    pub device_type: i32,
    pub reserved: i32,
    pub request: Option<unsafe extern "C" fn(*mut Self, i64)>,
    pub cancel: Option<unsafe extern "C" fn(*mut Self)>,
    pub additional_metadata: *const c_char,
    pub private_data: *mut c_void,
}

/// What a consumer is told through.
#[repr(C)]
pub struct ArrowAsyncDeviceStreamHandler {
    on_schema: Option<unsafe extern "C" fn(*mut Self, *mut FFI_ArrowSchema) -> c_int>,
    on_next_task:
        Option<unsafe extern "C" fn(*mut Self, *mut ArrowAsyncTask, *const c_char) -> c_int>,
    on_error: Option<unsafe extern "C" fn(*mut Self, c_int, *const c_char, *const c_char)>,
    release: Option<unsafe extern "C" fn(*mut Self)>,
    producer: *mut ArrowAsyncProducer,
    private_data: *mut c_void,
}

const _: () = {
    assert!(size_of::<ArrowDeviceArray>() == 128);
    assert!(offset_of!(ArrowDeviceArray, device_id) == 80);
    assert!(offset_of!(ArrowDeviceArray, device_type) == 88);
    assert!(offset_of!(ArrowDeviceArray, sync_event) == 96);
    assert!(offset_of!(ArrowDeviceArray, reserved) == 104);
    assert!(size_of::<ArrowAsyncTask>() == 16);
    assert!(offset_of!(ArrowAsyncTask, private_data) == 8);
    assert!(size_of::<ArrowAsyncProducer>() == 40);
    assert!(offset_of!(ArrowAsyncProducer, request) == 8);
    assert!(offset_of!(ArrowAsyncProducer, cancel) == 16);
    assert!(offset_of!(ArrowAsyncProducer, additional_metadata) == 24);
    assert!(offset_of!(ArrowAsyncProducer, private_data) == 32);
    assert!(size_of::<ArrowAsyncDeviceStreamHandler>() == 48);
    assert!(offset_of!(ArrowAsyncDeviceStreamHandler, on_next_task) == 8);
    assert!(offset_of!(ArrowAsyncDeviceStreamHandler, on_error) == 16);
    assert!(offset_of!(ArrowAsyncDeviceStreamHandler, release) == 24);
    assert!(offset_of!(ArrowAsyncDeviceStreamHandler, producer) == 32);
    assert!(offset_of!(ArrowAsyncDeviceStreamHandler, private_data) == 40);
};

// SAFETY: never changed after it is made.
unsafe impl Send for ArrowAsyncProducer {}
// SAFETY: as above.
unsafe impl Sync for ArrowAsyncProducer {}

/// Whoever is told of a stream through its handler, which stays where its owner has put it: callbacks may find what they
/// need from its address. Dropping this releases it.
pub struct Consumer(NonNull<ArrowAsyncDeviceStreamHandler>);

// SAFETY: by the contract of `take` callbacks can be called on any thread, one after the other.
unsafe impl Send for Consumer {}

impl Consumer {
    /// Take over a handler. One that lacks a callback is released.
    ///
    /// # Safety
    /// `handler` is NULL or points to an initialised handler, whose callbacks can be called on any thread and never unwind.
    /// Nobody else calls or moves it until its release was called.
    pub unsafe fn take(handler: *mut ArrowAsyncDeviceStreamHandler) -> Result<Self> {
        let consumer = NonNull::new(handler)
            .map(Self)
            .ok_or_else(|| Error::invalid_argument("handler is NULL"))?;
        let lacks = {
            let handler = consumer.handler();
            [
                ("release", handler.release.is_none()),
                ("on_schema", handler.on_schema.is_none()),
                ("on_next_task", handler.on_next_task.is_none()),
                ("on_error", handler.on_error.is_none()),
            ]
        };
        match lacks.into_iter().find(|(_, is_missing)| *is_missing) {
            Some((name, _)) => Err(Error::invalid_argument(format!(
                "handler has no {name}, or is released"
            ))),
            None => Ok(consumer),
        }
    }

    /// Say who its producer is.
    ///
    /// # Safety
    /// `producer` lives longer than this.
    pub unsafe fn connect(&mut self, producer: *const ArrowAsyncProducer) {
        // SAFETY: valid by the contract of `take`. What it points to is read only.
        unsafe { (*self.0.as_ptr()).producer = producer.cast_mut() };
    }

    /// Give the schema away. False if the consumer wants nothing more.
    pub fn give_schema(&mut self, mut schema: FFI_ArrowSchema) -> bool {
        let call = self.handler().on_schema;
        // SAFETY: by the contract of `take`. A schema that the consumer has not moved out is released here.
        call.is_some_and(|call| unsafe { call(self.0.as_ptr(), &mut schema) == 0 })
    }

    /// Give the next task away, or tell the end. False if the consumer wants nothing more.
    pub fn give_task(&mut self, mut task: Option<ArrowAsyncTask>) -> bool {
        let call = self.handler().on_next_task;
        let task = task.as_mut().map_or(null_mut(), std::ptr::from_mut);
        // SAFETY: by the contract of `take`. The consumer copies what it needs of the task.
        call.is_some_and(|call| unsafe { call(self.0.as_ptr(), task, null()) == 0 })
    }

    /// Tell of the error that ends the stream.
    pub fn tell_error(&mut self, number: c_int, message: &CStr, metadata: &[(&CStr, &CStr)]) {
        let metadata = encode_metadata(metadata);
        if let Some(call) = self.handler().on_error {
            // SAFETY: by the contract of `take`; the texts live until the call returns.
            unsafe {
                call(
                    self.0.as_ptr(),
                    number,
                    message.as_ptr(),
                    metadata.as_ptr().cast(),
                );
            }
        }
    }

    /// Not to be kept across a callback, which may change it.
    fn handler(&self) -> &ArrowAsyncDeviceStreamHandler {
        // SAFETY: valid by the contract of `take`.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if let Some(release) = self.handler().release {
            // SAFETY: by the contract of `take`; it is not used any more.
            unsafe { release(self.0.as_ptr()) };
        }
    }
}

/// Keys and values as the metadata of a schema has them.
fn encode_metadata(pairs: &[(&CStr, &CStr)]) -> Vec<u8> {
    let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX).to_ne_bytes();
    let mut encoded = number(pairs.len()).to_vec();
    for text in pairs.iter().flat_map(|(key, value)| [key, value]) {
        encoded.extend(number(text.count_bytes()));
        encoded.extend(text.to_bytes());
    }
    encoded
}
