//! What each question is answered with, word for word; the transcripts are in `tests/transcripts`.
//!
//! A missing transcript is written, and the test fails until somebody has read and committed it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use spunto_events::log::EventLog;
use spunto_events::log::memory::MemoryLog;
use spunto_events::log::sled::import;

use crate::scenario::{OPTIONS, Scenario, asked};

/// A data directory with the night in it, always the same log.
pub(crate) fn night(directory: &Path) -> String {
    let log = MemoryLog::new(0x5eed);
    Scenario::night().append_to(&log);
    let groups = log.read(1, usize::MAX).unwrap();
    import(&directory.join("log"), log.head().incarnation, OPTIONS, groups.into_iter().map(Ok)).unwrap();
    directory.to_str().unwrap().to_owned()
}

fn transcripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

/// Compares an answer with its transcript.
fn check(name: &str, text: &str) -> Result<(), String> {
    let path = transcripts().join(name);
    match fs::read_to_string(&path) {
        Ok(stored) if stored == text => Ok(()),
        Ok(stored) => Err(format!("{name} is answered otherwise now:\n{text}\nit was:\n{stored}")),
        Err(_) => {
            fs::create_dir_all(transcripts()).unwrap();
            fs::write(&path, text).unwrap();
            Err(format!("{name} is new: its transcript was written; read it and commit it"))
        }
    }
}

/// Each question with its exit code; the first word names the transcript.
const QUESTIONS: &[(&str, i32, &[&str])] = &[
    ("failures", 0, &["failures"]),
    ("failures-nodes", 0, &["failures", "--of", "nodes"]),
    ("story-quota", 0, &["story", "cloud-3"]),
    ("story-node", 0, &["story", "web-1"]),
    ("story-units", 0, &["story", "web-2", "--units"]),
    ("story-worker", 0, &["story", "worker:cart"]),
    ("timeline", 0, &["timeline", "web-1"]),
    ("timeline-failures", 0, &["timeline", "--failures"]),
    ("timeline-kind", 0, &["timeline", "--kind", "node.", "--from", "2026-11-25T03:01", "--to", "end"]),
    ("show", 0, &["show", "9"]),
    ("show-none", 3, &["show", "1000"]),
    ("state", 0, &["state"]),
    ("state-at", 0, &["state", "web-2", "--at", "2026-11-25 03:03"]),
    ("state-early", 3, &["state", "web-2", "--at", "3"]),
    ("diff", 0, &["diff", "24", "28"]),
    ("diff-of", 0, &["diff", "2026-11-25", "end", "--of", "web-2"]),
    ("tail", 0, &["tail", "-n", "3"]),
    ("placement", 0, &["placement", "mail", "--what-if", "not-draining=web-2"]),
    ("placement-labels", 0, &["placement", "api"]),
    ("placement-node", 2, &["placement", "web-1"]),
    ("placement-unknown", 3, &["placement", "mail", "--what-if", "ready=web-9"]),
    ("bisect", 0, &["bisect", "node web-2 status = draining"]),
    ("bisect-never", 1, &["bisect", "node web-2 load > 100"]),
    ("bisect-field", 2, &["bisect", "node web-2 colour = red"]),
    ("verify", 0, &["verify", "--placements"]),
    ("stats", 0, &["stats"]),
    ("unknown", 3, &["story", "nobody"]),
    ("after-the-end", 3, &["state", "--at", "5000"]),
];

#[test]
fn every_question_is_answered_as_its_transcript_says() {
    let directory = tempfile::tempdir().unwrap();
    let data = night(directory.path());
    let mut wrong = Vec::new();
    for (name, exit, question) in QUESTIONS {
        let (text, code) = asked(&[&["--data-dir", &data], *question].concat());
        let transcript = format!("$ spunto-replay {}\n{text}", question.join(" "));
        wrong.extend(check(&format!("{name}.txt"), &transcript).err());
        assert_eq!(code, *exit, "{transcript}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_readme_shows_what_is_answered() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let shown = QUESTIONS
        .iter()
        .filter(|(name, ..)| readme.contains(fs::read_to_string(transcripts().join(format!("{name}.txt"))).unwrap().trim_end()));
    let asked = readme.lines().filter(|line| line.starts_with("$ spunto-replay ")).count();
    assert!(asked >= 4 && shown.count() == asked, "the README shows {asked} answers");
}

#[test]
fn every_answer_is_json_too_and_says_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let data = night(directory.path());
    for (name, exit, question) in QUESTIONS {
        let (text, code) = asked(&[&["--data-dir", &data, "--json"], *question].concat());
        assert_eq!(code, *exit, "{name}");
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"));
        assert!(value.is_object(), "{name}");
    }
    let (text, _) = asked(&["--data-dir", &data, "--json", "failures", "--of", "nodes"]);
    let failures: Value = serde_json::from_str(&text).unwrap();
    let row = &failures["failures"][0];
    assert_eq!(row["step"], "create_machine");
    assert_eq!(row["class"], "quota");
    assert_eq!(row["message"], "server limit reached (limit: 10)");
    assert_eq!(row["position"], "0000000000005eed.0.15");
    assert_eq!((&row["duration_ms"], &row["attempt"], &row["standing"]), (&23_400.into(), &1.into(), &true.into()));
}

#[test]
fn asking_changes_nothing_in_the_data_directory() {
    let directory = tempfile::tempdir().unwrap();
    Scenario::night().save(directory.path());
    let data = directory.path().to_str().unwrap().to_owned();
    let contents = || {
        let mut found = Vec::new();
        let mut open = vec![directory.path().to_owned()];
        while let Some(path) = open.pop() {
            for entry in fs::read_dir(path).unwrap() {
                let entry = entry.unwrap();
                let modified = entry.metadata().unwrap().modified().unwrap();
                if entry.path().is_dir() {
                    open.push(entry.path())
                }
                found.push((entry.path(), modified, fs::read(entry.path()).unwrap_or_default()));
            }
        }
        found.sort();
        found
    };
    let before = contents();
    for (name, exit, question) in QUESTIONS {
        assert_eq!(asked(&[&["--data-dir", &data], *question].concat()).1, *exit, "{name}");
        assert!(contents() == before, "{name} changed the data directory");
    }
}

#[test]
fn a_server_that_runs_on_it_and_a_directory_without_a_log_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let data = night(directory.path());
    let log = spunto_events::log::sled::SledLog::open(&directory.path().join("log"), OPTIONS).unwrap();
    let (text, code) = asked(&["--data-dir", &data, "failures"]);
    assert!(code == 4 && text.contains("a server runs on") && text.contains("--url"), "{text}");
    drop(log);
    let empty = tempfile::tempdir().unwrap();
    let (text, code) = asked(&["--data-dir", empty.path().to_str().unwrap(), "failures"]);
    assert!(code == 4 && text.contains("holds no log") && text.contains("--data-dir"), "{text}");
    assert_eq!(asked(&["--url", "https://127.0.0.1:1", "--org", "org_aaaaaaaaaaaaa", "failures"]).1, 2, "no key");
    assert_eq!(asked(&["nonsense"]).1, 2);
}

#[test]
fn export_import_export_gives_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    Scenario::night().save(directory.path());
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let data = directory.path().to_str().unwrap().to_owned();
    assert_eq!(asked(&["--data-dir", &data, "export", &path("one")]).1, 0);
    assert_eq!(asked(&["import", &path("one"), &path("again")]).1, 0);
    assert_eq!(asked(&["--data-dir", &path("again"), "export", &path("two")]).1, 0);
    assert!(fs::read(path("one")).unwrap() == fs::read(path("two")).unwrap());
    assert_eq!(asked(&["--file", &path("one"), "export", &path("three")]).1, 0);
    assert!(fs::read(path("one")).unwrap() == fs::read(path("three")).unwrap());
    for taken in [vec!["--file", &path("one"), "export", &path("two")], vec!["import", &path("one"), &path("again")]] {
        let (text, code) = asked(&taken);
        assert!(code == 2 && text.contains("already"), "{text}");
    }
    for question in [["story", "web-1"], ["show", "9"], ["placement", "mail"], ["state", "web-2"]] {
        let of_directory = asked(&[&["--data-dir", data.as_str()], question.as_slice()].concat());
        for form in [["--file", &path("one")], ["--data-dir", &path("again")]] {
            assert_eq!(asked(&[form.as_slice(), question.as_slice()].concat()), of_directory, "{question:?} of {form:?}");
        }
    }
}

#[test]
fn a_slice_of_a_node_verifies_alone_and_tells_the_same_story() {
    let directory = tempfile::tempdir().unwrap();
    let data = night(directory.path());
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    for (name, of) in [("node", "web-2"), ("quota", "cloud-3"), ("worker", "mail"), ("org", "ACME")] {
        let slice = path(name);
        let (text, code) = asked(&["--data-dir", &data, "export", &slice, "--of", of]);
        assert!(code == 0 && text.contains("with the digests of"), "{text}");
        let (text, code) = asked(&["--file", &slice, "verify"]);
        assert!(code == 0 && text.contains("sound"), "{text}");
        if of != "ACME" {
            let of_log = asked(&["--data-dir", &data, "state", of]);
            let (text, code) = asked(&["--file", &slice, "state", of]);
            assert!(code == 0 && text.contains("this is a slice"), "{text}");
            let tree = |text: &str| {
                text.lines().filter(|line| !line.contains("slice") && !line.starts_with("after")).collect::<Vec<_>>().join("\n")
            };
            assert_eq!(tree(&text), tree(&of_log.0), "{of}");
        }
    }
    let (told, code) = asked(&["--file", &path("quota"), "story", "cloud-3"]);
    assert_eq!((told, code), asked(&["--data-dir", &data, "story", "cloud-3"]));
    assert_eq!(asked(&["--file", &path("node"), "placement", "cart"]).1, 2, "a slice does not show all nodes");
    assert_eq!(asked(&["--file", &path("node"), "show", "3"]).1, 3, "only its digest is there");
    let (text, code) = asked(&["--data-dir", &data, "export", &path("span"), "--from", "10", "--to", "2026-11-25T03:02"]);
    assert!(code == 0 && text.contains("10 events, events 11 to 20"), "{text}");
    assert_eq!(asked(&["--file", &path("span"), "verify"]).1, 0);
    let mut bytes = fs::read(path("span")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path("span"), bytes).unwrap();
    let (text, code) = asked(&["--file", &path("span"), "verify"]);
    assert!(code == 5 && text.contains("damaged at event"), "{text}");
}

#[test]
fn help_has_examples_and_exit_codes_and_every_shell_its_completions() {
    let (help, code) = asked(&["--help"]);
    assert_eq!(code, 0);
    for word in ["Examples:", "Exit codes:", "failures", "--what-if", "SPUNTO_API_KEY", "bisect"] {
        assert!(help.contains(word), "{word}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let (text, code) = asked(&["completions", shell]);
        assert!(code == 0 && text.contains("spunto-replay") && text.contains("placement"), "{shell}");
    }
}
