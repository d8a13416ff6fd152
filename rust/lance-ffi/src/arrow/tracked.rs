//! Arrays whose release is counted.

use std::ffi::c_void;
use std::sync::Arc;

use arrow::ffi::FFI_ArrowArray;
use lance_engine::write::Live;

struct Tracked {
    contents: FFI_ArrowArray,
    live: Arc<Live>,
}

/// Wrap an array so that its release is counted.
pub fn track(contents: FFI_ArrowArray, live: &Arc<Live>) -> FFI_ArrowArray {
    live.add();
    let mut view = FFI_ArrowArray {
        length: contents.length,
        null_count: contents.null_count,
        offset: contents.offset,
        n_buffers: contents.n_buffers,
        n_children: contents.n_children,
        buffers: contents.buffers,
        children: contents.children,
        dictionary: contents.dictionary,
        release: Some(release_tracked),
        private_data: std::ptr::null_mut(),
    };
    let tracked = Box::new(Tracked {
        contents,
        live: live.clone(),
    });
    view.private_data = Box::into_raw(tracked).cast::<c_void>();
    view
}

/// # Safety
/// `array` was made by `track` and is released for the first time.
unsafe extern "C" fn release_tracked(array: *mut FFI_ArrowArray) {
    // SAFETY: by contract the array is live and its private data is a `Tracked`.
    let tracked = unsafe {
        (*array).release = None;
        Box::from_raw((*array).private_data.cast::<Tracked>())
    };
    let Tracked { contents, live } = *tracked;
    live.release(contents);
}
