//! What a reviewer would say of every file, said by a test: size, headers, names, leftovers.

#![allow(clippy::unwrap_used, reason = "a file that can't be read fails the test")]

use std::path::{Path, PathBuf};

use spunto_tests::paths::repository;

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const ARCHITECTURE_LINES_MAX: usize = 200;

/// Files that may be longer, with the reason. The list only shrinks.
const LONG_FILES: &[(&str, &str)] = &[("core/src/protocol.rs", "one table of frames; its parts are read together with PROTOCOL.md")];

/// A finding: where, and what.
fn findings(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |what: String| found.push(format!("{path}: {what}"));
    let is_test = path.contains("/tests/") || path.ends_with("tests.rs") || path.starts_with("tests/it/");
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().find(|line| !line.starts_with("#!["));
    if !is_test && !first.is_some_and(|line| line.starts_with("//!")) {
        say("does not open with what it owns (//!)".into());
    }
    let excepted = LONG_FILES.iter().any(|(file, _)| *file == path);
    if !is_test && lines.len() > FILE_LINES_MAX && !excepted {
        say(format!("has {} lines, at most {FILE_LINES_MAX}", lines.len()));
    }
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(super) ").trim_start_matches("pub(crate) ");
        let is_fn = ["fn ", "async fn ", "const fn ", "unsafe fn "].iter().any(|start| words.starts_with(start));
        let end = lines[start..].iter().position(|line| *line == format!("{}}}", " ".repeat(indent)));
        if let (true, false, Some(length)) = (is_fn, is_test, end)
            && length + 1 > FUNCTION_LINES_MAX
        {
            say(format!("line {}: a function of {} lines, at most {FUNCTION_LINES_MAX}", start + 1, length + 1));
        }
        // Put together here, so that this file does not find itself.
        for leftover in
            [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("#[ig", "nore"), concat!("should", "_panic")]
        {
            if line.contains(leftover) {
                say(format!("line {}: {leftover}", start + 1));
            }
        }
    }
    let name = Path::new(path).file_name().unwrap().to_str().unwrap();
    if ["mod.rs", "util.rs", "utils.rs", "common.rs", "helper.rs", "helpers.rs", "misc.rs"].contains(&name) {
        say("a drawer; name what is in it".into());
    }
    found
}

fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "target" && name != "node_modules" && !name.starts_with('.') {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn every_file_is_tidy() {
    let top = repository();
    let mut files = Vec::new();
    sources(&top, &mut files);
    assert!(files.len() > 100, "the search finds the sources");
    let relative = |path: &Path| path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
    let found: Vec<String> = files.iter().flat_map(|path| findings(&relative(path), &std::fs::read_to_string(path).unwrap())).collect();
    assert!(found.is_empty(), "{found:#?}");
    let architecture = std::fs::read_to_string(top.join("ARCHITECTURE.md")).unwrap().lines().count();
    assert!(architecture <= ARCHITECTURE_LINES_MAX, "ARCHITECTURE.md has {architecture} lines");
    for (file, _) in LONG_FILES {
        let lines = std::fs::read_to_string(top.join(file)).unwrap().lines().count();
        assert!(lines > FILE_LINES_MAX, "{file} is short enough now: take it off the list");
    }
}

#[test]
fn each_offence_is_found() {
    let long_function = format!("//! x\nfn f() {{\n{}}}\n", "    x();\n".repeat(FUNCTION_LINES_MAX));
    let long_file = format!("//! x\n{}", "const X: u8 = 0;\n".repeat(FILE_LINES_MAX));
    let leftover = format!("//! x\n// {}: later\n", concat!("TO", "DO"));
    let planted: [(&str, &str); 5] = [
        ("a/src/x.rs", "fn f() {}\n"),
        ("a/src/x.rs", &long_function),
        ("a/src/x.rs", &long_file),
        ("a/src/x.rs", &leftover),
        ("a/src/util.rs", "//! x\n"),
    ];
    for (path, text) in planted {
        assert_eq!(findings(path, text).len(), 1, "{path}: {}", text.chars().take(60).collect::<String>());
    }
    assert_eq!(findings("a/src/x.rs", "//! x\nfn f() {}\n"), Vec::<String>::new());
}
