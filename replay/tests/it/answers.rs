//! Transcripts.

use crate::scenario::{Scenario, asked};

#[test]
fn night() {
    let directory = tempfile::tempdir().unwrap();
    Scenario::night().save(directory.path());
    let data = directory.path().to_str().unwrap();
    for q in [vec!["failures"], vec!["story", "web-1", "--units"], vec!["story", "cloud-3"], vec!["story","cart"], vec!["timeline","--last","12"], vec!["show","9"], vec!["state"], vec!["state","web-2","--at","2026-11-25 03:03"], vec!["diff","20","30"], vec!["placement","mail","--what-if","not-draining=web-2"], vec!["bisect","node web-2 status = draining"], vec!["verify","--placements"], vec!["stats"], vec!["tail","-n","2"], vec!["story","nope"], vec!["state","web-1","--json"]] {
        let mut args = vec!["--data-dir", data];
        args.extend(q.iter());
        let (text, code) = asked(&args);
        println!("$ spunto-replay {}\n{text}[{code}]\n", q.join(" "));
    }
}
