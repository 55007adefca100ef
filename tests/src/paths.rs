//! Where things lie in the repository.

use std::path::{Path, PathBuf};

/// The repository's top.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_owned)
}

/// The server's binary, beside the one that runs.
#[must_use]
pub fn server_binary() -> PathBuf {
    let mut directory = std::env::current_exe().unwrap_or_default();
    directory.pop();
    // Test binaries lie one deeper.
    if directory.ends_with("deps") {
        directory.pop();
    }
    directory.join("spunto")
}

/// A command of the tests' Python environment, which `make test` makes.
#[must_use]
pub fn python(command: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python/bin").join(command)
}
