//! `tail -f`: what a running server appends, as it comes.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::time::Duration;

use spunto_core::names::Names;

use crate::answer::{Page, date};
use crate::failure::Failure;
use crate::query::timeline::Entry;
use crate::source::{Server, Source};

/// How often the server is asked for more.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a server that does not answer is asked again.
const AWAY_MAX: u32 = 300;

/// Prints the last events, then those that come, until it is interrupted or nobody reads any more.
pub(super) fn follow(server: Option<Server>, lines: usize, json: bool) -> Result<u8, Failure> {
    let server = server.ok_or_else(|| {
        Failure::Usage("-f follows a running server: give --url and --org; the log of a stopped one does not grow".to_owned())
    })?;
    let mut printer = Printer { names: Names::default(), json, day: String::new() };
    let source = Source::server(&server)?;
    let mut entries = std::collections::VecDeque::new();
    let mut after = source.covered();
    source.visit(1, |record| {
        printer.names.observe(&record);
        entries.push_back(Entry::new(&record, &printer.names));
        if entries.len() > lines {
            entries.pop_front();
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for entry in &entries {
        if !printer.print(entry)? {
            return Ok(0);
        }
    }
    drop(source);
    let mut away = 0;
    loop {
        std::thread::sleep(PAUSE);
        let more = match Source::server_after(&server, after) {
            Ok(more) => more,
            // Servers are started again; what was appended meanwhile comes then.
            Err(Failure::Unreachable(why)) if away < AWAY_MAX => {
                if away == 0 {
                    // With nobody to tell, it is tried again all the same.
                    let _ = writeln!(io::stderr(), "spunto-replay: {why}; trying again");
                }
                away += 1;
                continue;
            }
            Err(other) => return Err(other),
        };
        away = 0;
        let mut open = true;
        more.visit(after + 1, |record| {
            printer.names.observe(&record);
            open = printer.print(&Entry::new(&record, &printer.names))?;
            Ok(if open { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        if !open {
            return Ok(0);
        }
        after = after.max(more.covered());
    }
}

struct Printer {
    names: Names,
    json: bool,
    day: String,
}

impl Printer {
    /// Prints an entry; false when nobody reads any more.
    fn print(&mut self, entry: &Entry) -> Result<bool, Failure> {
        let mut out = io::stdout().lock();
        let page = Page::new(io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());
        let mut write = || -> io::Result<()> {
            if self.json {
                serde_json::to_writer(&mut out, entry)?;
                writeln!(out)?;
            } else {
                if date(entry.at) != self.day {
                    self.day = date(entry.at);
                    writeln!(out, "{}", page.dim(&format!("{} (UTC)", self.day)))?;
                }
                writeln!(out, "{}", entry.line(&page))?;
            }
            out.flush()
        };
        match write() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::io("the answer could not be written", error)),
        }
    }
}
