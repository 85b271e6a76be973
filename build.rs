//! Compiles the one C function, and lets Node resolve the N-API symbols when it loads the addon.

fn main() {
    if std::env::var_os("CARGO_FEATURE_NODE").is_some() {
        napi_build::setup();
    }
    println!("cargo::rerun-if-changed=src/store/sqlite/syscalls.c");
    if std::env::var_os("CARGO_CFG_UNIX").is_some() {
        cc::Build::new()
            .file("src/store/sqlite/syscalls.c")
            .warnings_into_errors(true)
            .compile("config13_system");
    }
}
