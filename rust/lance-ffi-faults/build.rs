//! Gives the library the SONAME of the one it stands in for.

fn main() {
    let major = std::env::var("CARGO_PKG_VERSION_MAJOR").expect("set by cargo");
    let minor = std::env::var("CARGO_PKG_VERSION_MINOR").expect("set by cargo");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,liblance_ffi.so.{major}.{minor}");
    // Other crates have C symbols of their own (crc-fast): they stay inside.
    println!("cargo::rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
    println!("cargo::rerun-if-changed=build.rs");
}
