//! `step`: walks through events in the terminal; the state before and after each, what changed lit.
//!
//! At home at 80 × 24 over SSH: no mouse, no colour that carries meaning alone, one write a key.

use std::io::{self, IsTerminal};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::failure::Failure;
use crate::history::History;
use crate::point::Point;

mod screen;
mod walk;

pub use screen::draw;
pub use walk::{Mode, Walk};

/// Events that a page key passes.
const PAGE_EVENTS: usize = 10;

/// Walks until the person has enough.
///
/// # Errors
/// There is nothing of that name; the log can't be read; this is no terminal.
pub fn run(history: &History, name: Option<&str>, at: Point) -> Result<u8, Failure> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Failure::Usage("step needs a terminal; `timeline` lists events anywhere".to_owned()));
    }
    let mut walk = Walk::start(history, name, at)?;
    let mut terminal = ratatui::try_init().map_err(|error| Failure::io("the terminal can't be used", error))?;
    let walked = (|| loop {
        terminal.draw(|frame| draw(frame, &walk)).map_err(|error| Failure::io("the terminal can't be written", error))?;
        if let Event::Key(key) = event::read().map_err(|error| Failure::io("the terminal can't be read", error))?
            && key.kind == KeyEventKind::Press
            && !press(&mut walk, key)?
        {
            return Ok(0);
        }
    })();
    ratatui::restore();
    walked
}

/// What a key does; false when it ends the walk.
///
/// # Errors
/// The log can't be read.
pub fn press(walk: &mut Walk<'_>, key: KeyEvent) -> Result<bool, Failure> {
    if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
        return Ok(false);
    }
    if let Mode::Typing(text) = &mut walk.mode {
        match key.code {
            KeyCode::Char(letter) => text.push(letter),
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Esc => walk.mode = Mode::Walking,
            KeyCode::Enter => {
                let wanted = std::mem::take(text);
                walk.mode = Mode::Walking;
                walk.filter(wanted)?;
            }
            _ => {}
        }
        return Ok(true);
    }
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => return Ok(false),
        KeyCode::Right | KeyCode::Down | KeyCode::Char('n' | 'j' | 'l' | ' ') => walk.forward(1)?,
        KeyCode::Left | KeyCode::Up | KeyCode::Char('p' | 'k' | 'h') => walk.back(1)?,
        KeyCode::PageDown => walk.forward(PAGE_EVENTS)?,
        KeyCode::PageUp => walk.back(PAGE_EVENTS)?,
        KeyCode::Home | KeyCode::Char('g') => walk.back(usize::MAX)?,
        KeyCode::End | KeyCode::Char('G') => walk.forward(usize::MAX)?,
        KeyCode::Char('f') => walk.next_failure()?,
        KeyCode::Char('F') => walk.previous_failure()?,
        KeyCode::Char('/') => walk.mode = Mode::Typing(String::new()),
        _ => {}
    }
    Ok(true)
}
