//! Draws a walk: the events above, the state before and after below, the keys at the foot.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Wrap};
use spunto_core::story::Tone;

use super::walk::{Field, Mode, Walk};
use crate::answer::{clock, date};
use crate::query::timeline::Entry;

/// Share of the height that events take, in parts of a hundred.
const EVENTS_PERCENT: u16 = 40;
/// Lines in which the present event is told whole; in the list it is cut at the edge.
const WORDS_LINES: u16 = 2;
const KEYS: &str = " →/← step  PgDn/PgUp ten  f/F failure  / filter  g/G ends  q quit";

/// Draws all of it.
pub fn draw(frame: &mut Frame<'_>, walk: &Walk<'_>) {
    let rows = Layout::vertical([
        Constraint::Length(1),
        Constraint::Percentage(EVENTS_PERCENT),
        Constraint::Length(WORDS_LINES),
        Constraint::Min(3),
        Constraint::Length(1),
    ]);
    let [title, events, words, state, foot] = rows.areas(frame.area());
    frame.render_widget(Paragraph::new(title_of(walk)).style(Style::new().reversed()), title);
    draw_events(frame, walk, events);
    if let Some(entry) = walk.around.get(walk.here) {
        let whole = format!("{} — {}", entry.sentence.text, entry.actor);
        frame.render_widget(Paragraph::new(whole).wrap(Wrap { trim: true }).style(Style::new().bold()), words);
    }
    draw_state(frame, walk, state);
    let foot_line = match &walk.mode {
        Mode::Typing(text) => format!(" filter: {text}█   (Enter takes it, Esc leaves it)"),
        Mode::Walking => KEYS.to_owned(),
    };
    frame.render_widget(Paragraph::new(foot_line).style(Style::new().reversed()), foot);
}

fn title_of(walk: &Walk<'_>) -> String {
    let filter = walk.filter_words();
    let filter = if filter.is_empty() { String::new() } else { format!("  only: {filter}") };
    match (walk.place(), walk.around.get(walk.here)) {
        (Some((place, of)), Some(entry)) => {
            format!(" #{}  {} {} UTC  ({place} of {of}){filter}", entry.seq, date(entry.at), clock(entry.at))
        }
        _ => format!(" no event{filter}"),
    }
}

fn draw_events(frame: &mut Frame<'_>, walk: &Walk<'_>, area: Rect) {
    let height = usize::from(area.height);
    let start = walk.here.saturating_sub(height / 2).min(walk.around.len().saturating_sub(height));
    let lines: Vec<Line<'_>> =
        walk.around.iter().enumerate().skip(start).take(height).map(|(number, entry)| event_line(entry, number == walk.here)).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn event_line(entry: &Entry, is_here: bool) -> Line<'static> {
    // The marks say what the colours say, for terminals and eyes without them.
    let (mark, style) = match entry.sentence.tone {
        Tone::Failure => ("✗", Style::new().red()),
        Tone::Warning => ("!", Style::new().yellow()),
        Tone::Good => ("✓", Style::new().green()),
        Tone::Plain => (" ", Style::new()),
    };
    let style = if is_here { style.add_modifier(Modifier::BOLD | Modifier::REVERSED) } else { style };
    let pointer = if is_here { "▶" } else { " " };
    Line::from(Span::styled(
        format!("{pointer}{:>6} {mark} {} {}: {}", entry.seq, clock(entry.at), entry.about, entry.sentence.text),
        style,
    ))
}

fn draw_state(frame: &mut Frame<'_>, walk: &Walk<'_>, area: Rect) {
    let [left, right] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(area);
    for (side, title, value) in [
        (left, format!(" {} before ", walk.about), (|field: &Field| field.before.clone()) as fn(&Field) -> Option<String>),
        (right, " after ".to_owned(), |field: &Field| field.after.clone()),
    ] {
        let lines: Vec<Line<'_>> = walk.fields.iter().map(|field| field_line(field, value(field))).collect();
        let block = Block::new().borders(Borders::TOP).title(title);
        frame.render_widget(Paragraph::new(lines).block(block), side);
    }
}

fn field_line(field: &Field, value: Option<String>) -> Line<'static> {
    let Some(value) = value else { return Line::from(Span::styled(if field.is_changed() { "· (none)" } else { "" }, Style::new().dim())) };
    if field.is_changed() {
        Line::from(Span::styled(format!("• {}: {value}", field.path), Style::new().yellow().bold()))
    } else {
        Line::from(Span::styled(format!("  {}: {value}", field.path), Style::new().dim()))
    }
}
