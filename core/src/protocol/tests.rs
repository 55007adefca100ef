#![allow(clippy::unwrap_used, reason = "a failed parse is a failed test")]
use super::*;

const DOCUMENT: &str = include_str!("../../PROTOCOL.md");

/// The examples of one sort of block in the document.
fn examples(sort: &str) -> Vec<&'static str> {
    let fence = format!("```json {sort}\n");
    let blocks = DOCUMENT.split(&fence).skip(1);
    blocks.flat_map(|block| block.split("```").next().unwrap().lines()).collect()
}

fn check<T: Serialize + DeserializeOwned>(example: &str, parse: impl Fn(&str) -> Result<T, FrameError>) -> String {
    let value: serde_json::Value = serde_json::from_str(example).unwrap();
    let frame = parse(example).unwrap_or_else(|error| panic!("{example}: {error}"));
    let back: serde_json::Value = serde_json::from_str(&write(&frame)).unwrap();
    assert_eq!(back, value, "the example has a field that the frame has not, or lacks one");
    value["type"].as_str().unwrap_or("").to_owned()
}

#[test]
fn every_example_is_a_frame_and_every_frame_has_an_example() {
    let mut seen: Vec<String> = examples("agent").into_iter().map(|example| check(example, FromAgent::parse)).collect();
    seen.dedup();
    assert_eq!(seen, FROM_AGENT_TYPES);
    let mut seen: Vec<String> = examples("server").into_iter().map(|example| check(example, FromServer::parse)).collect();
    seen.dedup();
    assert_eq!(seen, FROM_SERVER_TYPES);
    for example in examples("logs") {
        serde_json::from_str::<LogsEnd>(example).unwrap();
    }
}

#[test]
fn the_document_names_the_limits_that_hold() {
    for number in ["8,192", "262,144", "every 3 s", "after 5 s", "after 8 s", "for 12 s", "within 5 s", "pages of at most 8"] {
        assert!(DOCUMENT.contains(number), "{number}");
    }
    assert_eq!((FRAME_TO_SERVER_BYTES_MAX, FRAME_TO_AGENT_BYTES_MAX, INVENTORY_PAGE_UNITS_MAX), (8192, 262_144, 8));
    assert_eq!((PING_EVERY_MS, SUSPECT_AFTER_MS, DEADLINE_MS, SERVER_SILENCE_MS, HELLO_WITHIN_MS), (3000, 5000, 8000, 12_000, 5000));
}

#[test]
fn newer_peers_are_told_from_broken_ones() {
    assert_eq!(FromAgent::parse(r#"{"type":"dance","to":1}"#), Err(FrameError::UnknownType("dance".into())));
    assert!(FromAgent::parse(r#"{"type":"pong","nonce":1,"later":"added"}"#).is_ok());
    for text in ["", "{}", "[]", "null", "\u{0}", r#"{"type":"pong"}"#, r#"{"type":"pong","nonce":-1}"#, r#"{"type":7}"#] {
        assert!(matches!(FromAgent::parse(text), Err(FrameError::Malformed(_))), "{text}");
    }
    let long = format!(r#"{{"type":"goodbye","reason":"{}"}}"#, "a".repeat(FRAME_TO_SERVER_BYTES_MAX));
    assert!(matches!(FromAgent::parse(&long), Err(FrameError::TooLong { .. })));
    let deep = "[".repeat(5000);
    assert!(matches!(FromAgent::parse(&deep), Err(FrameError::Malformed(_))));
}

#[test]
fn an_environment_value_is_in_no_error_and_no_debug() {
    let order = examples("server").into_iter().find(|example| example.contains("GREETING")).unwrap();
    assert!(!format!("{:?}", FromServer::parse(order).unwrap()).contains("hello"));
    let broken = order.replace("\"unless_stopped\"", "\"hunter2\"");
    assert!(!FromServer::parse(&broken).unwrap_err().to_string().contains("hunter2"));
}

#[test]
fn the_longest_inventory_page_fits_in_a_frame() {
    let found = Found {
        unit: "x".repeat(63),
        operation: "x".repeat(63),
        container: "f".repeat(64),
        observed: Observed::Started {
            container: "f".repeat(64),
            image_digest: "f".repeat(71),
            started_at: crate::time::Timestamp::from_ms(1),
        },
    };
    let page = FromAgent::Inventory { page: u32::MAX, units: vec![found; INVENTORY_PAGE_UNITS_MAX], last: false };
    assert!(write(&page).len() <= FRAME_TO_SERVER_BYTES_MAX);
}

#[test]
fn versions_agree_on_the_newest_that_both_speak() {
    let hello = |protocol_min, protocol| {
        let Ok(FromAgent::Hello(hello)) = FromAgent::parse(examples("agent")[0]) else { panic!("the first example is a hello") };
        Hello { protocol, protocol_min, ..hello }
    };
    assert_eq!(agree(&hello(1, 1)), Some(1));
    assert_eq!(agree(&hello(1, 9)), Some(1));
    assert_eq!(agree(&hello(2, 9)), None);
    assert_eq!(agree(&hello(0, 0)), None);
}
