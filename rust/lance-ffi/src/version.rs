//! Version numbers, for programs and for the ABI handshake.

use std::ffi::c_char;

use crate::generated::base::ABI_VERSION;

/// The ABI version this library was built with.
#[unsafe(no_mangle)]
pub extern "C" fn lance_abi_version() -> u32 {
    ABI_VERSION
}

/// The version of this library.
#[unsafe(no_mangle)]
pub extern "C" fn lance_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of the `lance` crate inside, which Cargo.toml pins exactly.
#[unsafe(no_mangle)]
pub extern "C" fn lance_engine_version() -> *const c_char {
    c"14.0.2".as_ptr()
}
