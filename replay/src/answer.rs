//! An answer: for programs as JSON, for people as a page of text.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use spunto_core::time::Timestamp;

use crate::failure::EXIT_OK;
use crate::source::Source;

/// What a question is answered with.
pub trait Answer: Serialize {
    /// Writes it for people.
    fn page(&self, page: &mut Page);

    /// The exit code that goes with it.
    fn exit(&self) -> u8 {
        EXIT_OK
    }
}

/// Text for people, in colour where the terminal shows it.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    colour: bool,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub const fn new(colour: bool) -> Self {
        Self { text: String::new(), colour }
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds a line.
    pub fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref().trim_end());
        self.text.push('\n');
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What matters most.
    #[must_use]
    pub fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What can be passed over.
    #[must_use]
    pub fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What failed.
    #[must_use]
    pub fn red(&self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What works.
    #[must_use]
    pub fn green(&self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What is worth a look.
    #[must_use]
    pub fn yellow(&self, text: &str) -> String {
        self.paint("33", text)
    }

    /// A tree of names and values, indented.
    pub fn tree(&mut self, value: &Value) {
        self.branch(value, 0);
    }

    fn branch(&mut self, value: &Value, depth: usize) {
        let indent = "  ".repeat(depth);
        match value {
            Value::Object(map) => {
                for (name, inner) in map {
                    match inner {
                        Value::Object(more) if !more.is_empty() => {
                            self.line(format!("{indent}{name}:"));
                            self.branch(inner, depth + 1);
                        }
                        Value::Array(items) if items.iter().any(Value::is_object) => {
                            self.line(format!("{indent}{name}:"));
                            for item in items {
                                self.line(format!("{indent}  - {}", inline(item)));
                            }
                        }
                        _ => self.line(format!("{indent}{name}: {}", inline(inner))),
                    }
                }
            }
            other => self.line(format!("{indent}{}", inline(other))),
        }
    }

    /// Rows under a heading, in columns as wide as they need to be; the last one is not padded.
    pub fn table(&mut self, heading: &[&str], rows: &[Vec<String>]) {
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([heading[column].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..heading.len()).map(width).collect();
        let lay = |cells: Vec<&str>| {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(&widths) {
                let _ = write!(line, "{cell}{}  ", " ".repeat(width - cell.chars().count()));
            }
            line.trim_end().to_owned()
        };
        let heading = lay(heading.to_vec());
        self.line(self.dim(&heading));
        for row in rows {
            self.line(lay(row.iter().map(String::as_str).collect()));
        }
    }
}

/// A value in one line.
#[must_use]
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(inline).collect::<Vec<_>>().join(", "),
        Value::Object(map) if map.is_empty() => "none".to_owned(),
        Value::Object(map) => {
            let fields: Vec<String> = map
                .iter()
                .filter(|(_, value)| !value.is_null() && *value != "")
                .map(|(name, value)| format!("{name} {}", inline(value)))
                .collect();
            fields.join(", ")
        }
        other => other.to_string(),
    }
}

/// The time of day, to the second, UTC.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    at.to_string()[11..19].to_owned()
}

/// The date, UTC.
#[must_use]
pub fn date(at: Timestamp) -> String {
    at.to_string()[..10].to_owned()
}

/// Writes an answer; its exit code. In JSON every event has, beside its `seq`, its `position` as the API writes it.
///
/// # Errors
/// The output is closed.
pub fn write(answer: &impl Answer, json: bool, colour: bool, source: Option<&Source>, out: &mut impl Write) -> io::Result<u8> {
    if json {
        let mut value = serde_json::to_value(answer).map_err(io::Error::other)?;
        if let Some(source) = source {
            place(&mut value, source);
        }
        serde_json::to_writer_pretty(&mut *out, &value)?;
        writeln!(out)?;
    } else {
        let mut page = Page::new(colour);
        answer.page(&mut page);
        out.write_all(page.text().as_bytes())?;
    }
    out.flush()?;
    Ok(answer.exit())
}

/// Puts positions beside sequences.
fn place(value: &mut Value, source: &Source) {
    match value {
        Value::Object(map) => {
            if let Some(seq) = map.get("seq").and_then(Value::as_u64) {
                map.insert("position".to_owned(), source.position(seq).to_string().into());
            }
            map.values_mut().for_each(|inner| place(inner, source));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| place(item, source)),
        _ => {}
    }
}
