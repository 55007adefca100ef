//! The walk in the terminal: what is drawn at 80 × 24, and the program itself in a real terminal, driven by tmux.

use std::process::Command;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::{Color, Modifier};
use spunto_replay::history::History;
use spunto_replay::point::Point;
use spunto_replay::source::Source;
use spunto_replay::step::{Walk, draw, press};

use crate::answers::night;

/// Longest wait for a screen; machines of CI are slow.
const SOON: Duration = Duration::from_secs(30);

struct Screen<'a> {
    terminal: Terminal<TestBackend>,
    walk: Walk<'a>,
}

impl<'a> Screen<'a> {
    fn new(history: &'a History, name: Option<&str>) -> Self {
        let terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let mut screen = Self { terminal, walk: Walk::start(history, name, Point::Seq(0)).unwrap() };
        screen.draw();
        screen
    }

    fn draw(&mut self) {
        self.terminal.draw(|frame| draw(frame, &self.walk)).unwrap();
    }

    fn press(&mut self, keys: &str) -> bool {
        let mut goes_on = true;
        for key in keys.chars() {
            let code = match key {
                '→' => KeyCode::Right,
                '←' => KeyCode::Left,
                '⏎' => KeyCode::Enter,
                '⎋' => KeyCode::Esc,
                key => KeyCode::Char(key),
            };
            goes_on = press(&mut self.walk, KeyEvent::from(code)).unwrap();
        }
        self.draw();
        goes_on
    }

    fn text(&self) -> String {
        self.terminal.backend().to_string()
    }

    /// Whether the text stands somewhere in this colour.
    fn is_lit(&self, text: &str, colour: Color) -> bool {
        let buffer = self.terminal.backend().buffer();
        (0..24).any(|row| {
            let line: Vec<&str> = (0..80).map(|column| buffer[(column, row)].symbol()).collect();
            let place = line.concat().find(text).map(|byte| line.concat()[..byte].chars().count());
            place.is_some_and(|column| buffer[(u16::try_from(column).unwrap(), row)].fg == colour)
        })
    }
}

#[test]
fn it_steps_forward_and_back_and_lights_what_changed() {
    let directory = tempfile::tempdir().unwrap();
    let data = night(directory.path());
    let history = History::new(Source::directory(data.as_ref()).unwrap());
    let mut screen = Screen::new(&history, None);
    assert!(screen.text().contains("#1  2026-11-25 03:00:00 UTC  (1 of 96)"), "{}", screen.text());
    screen.press("f");
    assert!(
        screen.text().contains("#15 ") && screen.text().contains("▶    15 ✗ 03:01:16 node cloud-3: attempt 1 failed"),
        "{}",
        screen.text()
    );
    assert!(
        screen.is_lit("• status.state: provisioning", Color::Yellow) && screen.is_lit("• status.state: provisioning_failed", Color::Yellow)
    );
    assert!(screen.is_lit("• status.class: quota", Color::Yellow) && !screen.is_lit("  provider: cloud", Color::Yellow));
    screen.press("f→");
    assert!(screen.text().contains("#20 ") && screen.is_lit("• status.reason: new kernel", Color::Yellow), "{}", screen.text());
    screen.press("F");
    assert!(screen.text().contains("#19 "));
    screen.press("←←F");
    assert!(screen.text().contains("#15 "));
    screen.press("G→→");
    assert!(screen.text().contains("(96 of 96)"), "{}", screen.text());
    screen.press("g←");
    assert!(screen.text().contains("(1 of 96)"));
    let here = screen.terminal.backend().buffer()[(1, 1)].modifier;
    assert!(here.contains(Modifier::REVERSED), "the present event is marked without colour too");
    assert!(!screen.press("q"));
}

#[test]
fn it_filters_and_keeps_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let data = night(directory.path());
    let history = History::new(Source::directory(data.as_ref()).unwrap());
    let mut screen = Screen::new(&history, None);
    screen.press("ff/node.onlinX⎋");
    assert!(screen.text().contains("(19 of 96)"), "left with Esc: {}", screen.text());
    screen.press("/node.online");
    assert!(screen.text().contains("filter: node.online█"));
    screen.press("⏎");
    assert!(screen.text().contains("#24 ") && screen.text().contains("(3 of 4)  only: node.online"), "{}", screen.text());
    screen.press("/nothing of the kind⏎");
    assert!(screen.text().contains("no event  only: nothing of the kind"), "{}", screen.text());
    screen.press("→f←F/⏎");
    assert!(screen.text().contains("of 96)"));
    let mut screen = Screen::new(&history, Some("web-1"));
    assert!(screen.text().contains("(1 of 4)  only: node web-1"), "{}", screen.text());
    screen.press("f");
    assert!(screen.is_lit("• status.reason: no_answer", Color::Yellow), "{}", screen.text());
}

/// A terminal of 80 × 24 with the program in it. Its server is gone with it.
struct Tmux {
    socket: String,
}

impl Tmux {
    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-L", &self.socket, "-f", "/dev/null"])
            .args(arguments)
            .output()
            .expect("tmux is installed; tests/make/tmux.sh does it");
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn screen(&self) -> String {
        self.run(&["capture-pane", "-p", "-t", "0"])
    }

    /// Waits until the screen holds all of this.
    fn until(&self, wanted: &[&str]) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if wanted.iter().all(|text| screen.contains(text)) {
                return screen;
            }
            assert!(start.elapsed() < SOON, "never came: {wanted:?}\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys", "-t", "0"], keys].concat());
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // It may have ended with the program.
        let _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).output();
    }
}

#[test]
fn a_person_at_80_by_24_walks_to_a_failure_and_back() {
    let directory = tempfile::tempdir().unwrap();
    let data = night(directory.path());
    let tmux = Tmux { socket: format!("spunto-replay-{}", std::process::id()) };
    let program = env!("CARGO_BIN_EXE_spunto-replay");
    let shell = format!("{program} --data-dir {data} step; echo exit code $?; exec cat");
    tmux.run(&["new-session", "-d", "-x", "80", "-y", "24", "-e", "TERM=screen-256color", "-e", "LC_ALL=C.UTF-8", &shell]);
    tmux.until(&["(1 of 96)", "q quit"]);
    tmux.keys(&["f"]);
    let failed = tmux.until(&["#15 ", "status.class: quota", "provisioning_failed"]);
    assert_eq!(failed.lines().count(), 24);
    assert!(failed.contains("server limit reached (limit: 10) — the control plane"), "told whole, not cut at the edge: {failed}");
    assert!(failed.lines().all(|line| line.chars().count() <= 80));
    tmux.keys(&["Right"]);
    tmux.until(&["(16 of 96)", "worker api before"]);
    tmux.keys(&["Left", "Left"]);
    tmux.until(&["(14 of 96)"]);
    tmux.keys(&["/", "worker.failed", "Enter"]);
    tmux.until(&["(1 of 1)  only: worker.failed", "manifest for shop"]);
    tmux.keys(&["q"]);
    let left = tmux.until(&["exit code 0"]);
    assert!(!left.contains("q quit"), "the terminal is as it was: {left}");
}

#[test]
fn without_a_terminal_it_says_what_to_use() {
    let directory = tempfile::tempdir().unwrap();
    let data = night(directory.path());
    let (text, code) = crate::scenario::asked(&["--data-dir", &data, "step"]);
    assert!(code == 2 && text.contains("timeline"), "{text}");
}
