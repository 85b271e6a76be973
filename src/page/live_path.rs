//! Where the file of a live page is.

use std::ffi::OsString;
use std::path::PathBuf;

/// Whether file systems take `A` and `a` for the same name.
pub const FOLDS_CASE: bool = cfg!(any(target_vendor = "apple", windows));

/// The path of a live file: `owner` is the path of the database, or what processes without one have in common.
///
/// Different owners and environments never have the same path. The name of an environment is part of it with `~` for
/// each `-`, so what follows the last `-` is the environment, and what precedes the `-live` before it is the owner.
/// macOS and Windows do not tell upper case from lower case in paths, and Windows drops a dot at the end; there, a `+`
/// precedes each upper-case letter and follows that dot.
pub fn live_path(owner: impl Into<OsString>, environment: &str) -> PathBuf {
    let mut path = owner.into();
    path.push("-live-");
    path.push(escaped(environment, FOLDS_CASE));
    path.into()
}

/// Neither `~` nor `+` is allowed in the name of an environment.
pub fn escaped(name: &str, folds_case: bool) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        if folds_case && letter.is_ascii_uppercase() {
            text.push('+');
        }
        text.push(if letter == '-' { '~' } else { letter });
    }
    if folds_case && text.ends_with('.') {
        text.push('+');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::Path;

    use super::*;

    #[test]
    fn live_files_of_different_configs_have_different_paths() {
        let parts = [
            "a",
            "live",
            "a-live",
            "live-a",
            "-live-",
            "a-live-b",
            "doorbells",
            "a.db-wal",
        ];
        let mut paths = HashMap::new();
        for owner in parts {
            for environment in parts {
                let other = paths.insert(live_path(owner, environment), (owner, environment));
                assert_eq!(other, None, "{owner} / {environment}");
            }
        }
        assert_eq!(
            live_path("/data/flags.db", "eu.1"),
            Path::new("/data/flags.db-live-eu.1")
        );
    }

    #[test]
    fn case_counts_where_the_file_system_ignores_it() {
        let names = ["prod", "Prod", "pROD", "a-B", "A-b"];
        let folded = names.map(|name| escaped(name, true).to_lowercase());
        assert_eq!(folded, ["prod", "+prod", "p+r+o+d", "a~+b", "+a~b"]);
        assert_eq!(escaped("Eu-West", false), "Eu~West");
        assert_eq!(
            ["eu", "eu."].map(|name| escaped(name, true)),
            ["eu", "eu.+"]
        );
    }
}
