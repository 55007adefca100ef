//! Hashes the sources that decide what a view of the log holds and how snapshots keep it: all of `core/` and `events/`, the view,
//! and the exact versions of what they are built with. A change of a rule changes what the same log folds to, though no shape
//! changes; so the sources, and not only the shapes, tell a snapshot of another program.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let mut hasher = blake3::Hasher::new();
    for part in ["../core/src", "../events/src", "src/view.rs", "../Cargo.toml"] {
        println!("cargo:rerun-if-changed={part}");
        let mut files = Vec::new();
        collect(Path::new(part), &mut files);
        files.sort();
        for file in files {
            let content = fs::read(&file).unwrap_or_else(|error| panic!("reading {}: {error}", file.display()));
            for bytes in [file.to_string_lossy().as_bytes(), &content] {
                hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
            }
        }
    }
    println!("cargo:rustc-env=SPUNTO_VIEW_SOURCES={}", hasher.finalize());
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    match fs::read_dir(path) {
        Ok(entries) => entries.for_each(|entry| collect(&entry.expect("the directory can be listed").path(), files)),
        Err(_) => files.push(path.to_owned()),
    }
}
