//! Builds the dashboard with npm and puts its files, compressed as well, into the binary as a table.
//!
//! `SPUNTO_DASHBOARD_DIST` names a directory with a dashboard that is built already: then npm is not needed, only Node.js, which
//! compresses it.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCES: &[&str] =
    &["src", "scripts", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts", "svelte.config.js", "tsconfig.json"];
const DIST: &str = "SPUNTO_DASHBOARD_DIST";

fn main() {
    let dashboard = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("dashboard");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("set by cargo"));
    println!("cargo::rerun-if-env-changed={DIST}");
    let dist = match std::env::var_os(DIST) {
        Some(dist) => {
            println!("cargo::rerun-if-changed={}", Path::new(&dist).display());
            PathBuf::from(dist)
        }
        None => build(&dashboard, &out.join("dashboard")),
    };
    let smaller = out.join("compressed");
    run(Command::new("node").arg(dashboard.join("scripts/compress.mjs")).args([&dist, &smaller]));
    let mut files = Vec::new();
    list(&dist, "", &mut files);
    files.sort();
    assert!(files.iter().any(|file| file == "index.html"), "{}: there is no index.html; is this a built dashboard?", dist.display());
    fs::write(out.join("dashboard.rs"), table(&dist, &smaller, &files)).expect("cargo's directory can be written");
}

fn build(dashboard: &Path, dist: &Path) -> PathBuf {
    for source in SOURCES.iter().map(|source| dashboard.join(source)).filter(|source| source.exists()) {
        println!("cargo::rerun-if-changed={}", source.display());
    }
    // What npm installed stays while the lock file says the same.
    let (lock, mark) = (fs::read(dashboard.join("package-lock.json")).unwrap_or_default(), dashboard.join("node_modules/.installed-lock"));
    if fs::read(&mark).ok().as_ref() != Some(&lock) {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(dashboard));
        fs::write(&mark, &lock).expect("npm has just made this directory");
    }
    run(Command::new("npm").args(["run", "--silent", "build"]).env("SPUNTO_DASHBOARD_OUT", dist).current_dir(dashboard));
    dist.to_owned()
}

/// The names of all files below a directory, with `/` between parts.
fn list(directory: &Path, prefix: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("the dashboard was built there").flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.path().is_dir() {
            true => list(&entry.path(), &format!("{name}/"), files),
            // The bundler's own list is for its checks.
            false if name.ends_with("manifest.json") => {}
            false => files.push(name),
        }
    }
}

fn table(dist: &Path, smaller: &Path, files: &[String]) -> String {
    let mut text = String::from("/// Every file of the dashboard, by path.\nconst FILES: &[File] = &[\n");
    for file in files {
        let path = dist.join(file);
        let bytes = fs::read(&path).expect("the file was just listed");
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let include = |path: &Path| format!("include_bytes!({:?})", path.to_string_lossy());
        let optional = |end: &str| {
            let path = smaller.join(format!("{file}.{end}"));
            if path.exists() { format!("Some({})", include(&path)) } else { "None".to_owned() }
        };
        let (plain, brotli, gzip, tag) = (include(&path), optional("br"), optional("gz"), hasher.finish());
        writeln!(text, "    File {{ path: {file:?}, tag: \"\\\"{tag:016x}\\\"\", plain: {plain}, brotli: {brotli}, gzip: {gzip} }},")
            .expect("writing to a string");
    }
    text.push_str("];\n");
    text
}

fn run(command: &mut Command) {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("building the dashboard: {command:?} ended with {status}; what it printed is above"),
        Err(error) => panic!(
            "building the dashboard takes Node.js 20 or newer with npm, and `{name}` can't be run ({error}): install it \
             (npm is not needed where {DIST} names a dashboard that is built already)"
        ),
    }
}
