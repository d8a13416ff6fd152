//! Gives the shared library its SONAME, major.minor while the version is 0.x, and says how it is linked.

fn main() {
    let major = std::env::var("CARGO_PKG_VERSION_MAJOR").expect("set by cargo");
    let minor = std::env::var("CARGO_PKG_VERSION_MINOR").expect("set by cargo");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,liblance_ffi.so.{major}.{minor}");
    // Other crates have C symbols of their own (crc-fast): they stay inside.
    println!("cargo::rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
    // dlclose() would take the code away from under the runtime's threads.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rerun-if-env-changed=CARGO_PKG_VERSION");
}
