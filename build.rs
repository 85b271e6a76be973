//! Lets Node resolve the N-API symbols when it loads the addon.

fn main() {
    if std::env::var_os("CARGO_FEATURE_NODE").is_some() {
        napi_build::setup();
    }
}
