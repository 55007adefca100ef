//! The command line: what may be asked, and how it is answered.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use spunto_core::id::OrgId;
use spunto_core::token::ApiKey;

use crate::answer;
use crate::export::{self, Selection};
use crate::failure::Failure;
use crate::history::History;
use crate::point::Point;
use crate::query::bisect::{self, Predicate};
use crate::query::placement::{self, WhatIf};
use crate::query::{diff, failures, show, state, stats, story, timeline};
use crate::source::{Server, Source};
use crate::verify;

mod follow;

const EXAMPLES: &str = "\
Examples:
  spunto-replay failures                                  what failed, newest first
  spunto-replay story web-1                               the life of node web-1, and what to do next
  spunto-replay state web-1 --at '2026-11-25 03:12'       how it stood then
  spunto-replay diff 2026-11-24 2026-11-25                what changed in a day
  spunto-replay placement api --what-if not-draining=web-2
  spunto-replay bisect 'node web-1 status = draining'     the first event that made it true
  spunto-replay step web-1                                walk through its events
  spunto-replay --url https://spunto.example --org org_… timeline   (key in SPUNTO_API_KEY)

Things are named by id (nod_…, wkr_…, dep_…, org_…) or by name, if need be with the kind: node:web-1.
Points of the log are sequences (1234), positions of the API, times in UTC, or end.

Exit codes: 0 answered; 1 answered with no (bisect: never true; placement: comes out otherwise); 2 wrong usage;
3 nothing of that name or number; 4 the log can't be read (in use, not there, not reachable); 5 the log is damaged.";

/// What happened to a node, and why, at any point in time.
///
/// Reads the log of a stopped server, an exported file, or a running server, and changes nothing.
#[derive(Debug, Parser)]
#[command(name = "spunto-replay", version, about, long_about, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    from: From,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Args)]
struct From {
    /// Data directory of a stopped server
    #[arg(long, global = true, env = "SPUNTO_DATA_DIR", default_value = "spunto-data", value_name = "DIR")]
    data_dir: PathBuf,
    /// An exported file, whole or a slice
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "url")]
    file: Option<PathBuf>,
    /// A running server; the API key (scope events:read) is read from SPUNTO_API_KEY
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// The organisation, with --url; unless said, the one of the API key
    #[arg(long, global = true, value_name = "ORG")]
    org: Option<OrgId>,
    /// A PEM file: trust the authorities in it instead of the public ones, with --url
    #[arg(long, global = true, env = "SSL_CERT_FILE", value_name = "FILE")]
    cacert: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// What failed, newest first: step, class, the provider's words, duration, attempt
    Failures {
        /// Of what
        #[arg(long, value_enum, default_value_t)]
        of: failures::Which,
    },
    /// The life of a node, worker or deployment in plain sentences, and what to do next
    Story {
        /// Id or name
        name: String,
        /// Of a node: with what ran on it
        #[arg(long)]
        units: bool,
    },
    /// Events, one a line
    Timeline {
        /// Only of this node, worker, deployment or organisation
        name: Option<String>,
        /// Only after this point
        #[arg(long, default_value = "0")]
        from: Point,
        /// Only up to this point
        #[arg(long, default_value = "end")]
        to: Point,
        /// Only kinds that start so, such as node. or worker.failed
        #[arg(long)]
        kind: Option<String>,
        /// Only failures
        #[arg(long)]
        failures: bool,
        /// Only the last so many
        #[arg(long, value_name = "NUMBER")]
        last: Option<usize>,
    },
    /// One event with its content, and what it changed
    Show {
        /// Its sequence
        seq: u64,
    },
    /// How something stood at a point; without a name, what there was
    State {
        /// Id or name
        name: Option<String>,
        /// When: a sequence, a position, a time
        #[arg(long, default_value = "end")]
        at: Point,
    },
    /// What is different between two points
    Diff {
        /// The earlier point
        from: Point,
        /// The later point
        #[arg(default_value = "end")]
        to: Point,
        /// Only of this node, worker, deployment or organisation
        #[arg(long, value_name = "NAME")]
        of: Option<String>,
    },
    /// The last events; with -f, those that come (of a running server)
    Tail {
        /// How many
        #[arg(short = 'n', long, default_value_t = 20)]
        lines: usize,
        /// Go on with what comes
        #[arg(short, long)]
        follow: bool,
    },
    /// Why a worker or deployment is where it is, taken again from the log; what it would have been
    Placement {
        /// Id or name of a worker or deployment
        name: String,
        /// Had something been otherwise; may be given several times
        #[arg(long, value_name = "CHANGE", help = format!("Had this been otherwise (several together): {}", placement::WHAT_IF_HELP))]
        what_if: Vec<WhatIf>,
    },
    /// The first event that made something true
    Bisect {
        /// What
        #[arg(help = bisect::PREDICATE_HELP)]
        predicate: Predicate,
        /// Only after this point
        #[arg(long, default_value = "0")]
        from: Point,
        /// Only up to this point
        #[arg(long, default_value = "end")]
        to: Point,
    },
    /// Walk through the events in the terminal: forward, back, to the next failure
    Step {
        /// Only the events of this node, worker, deployment or organisation
        name: Option<String>,
        /// Where to begin
        #[arg(long, default_value = "0")]
        at: Point,
    },
    /// Whether the log is what was written, and holds together; exit code 5 and the exact event when not
    Verify {
        /// Take every placement again too
        #[arg(long)]
        placements: bool,
    },
    /// Write the log, or a slice of it, into a file
    Export {
        /// A new file
        file_out: PathBuf,
        /// Only of this organisation, node, worker or deployment, as a slice
        #[arg(long, value_name = "NAME")]
        of: Option<String>,
        /// Only after this point, as a slice
        #[arg(long)]
        from: Option<Point>,
        /// Only up to this point, as a slice
        #[arg(long)]
        to: Option<Point>,
    },
    /// Make the log of a new data directory from a whole export
    Import {
        /// The exported file
        file_in: PathBuf,
        /// A new data directory
        directory: PathBuf,
    },
    /// How long steps take, how often nodes are lost, how soon they are back
    Stats,
    /// Print the completions of a shell
    Completions {
        /// Which
        shell: Shell,
    },
}

impl From {
    fn server(&self) -> Result<Option<Server>, Failure> {
        let Some(url) = &self.url else { return Ok(None) };
        let key = std::env::var("SPUNTO_API_KEY").map_err(|_| {
            Failure::Usage("--url needs an API key with the scope events:read in the environment variable SPUNTO_API_KEY".to_owned())
        })?;
        let of_key = || {
            let parsed = ApiKey::parse(&key).map(|key| key.org);
            parsed.map_err(|_| {
                Failure::Usage("SPUNTO_API_KEY holds no API key: one looks like spk_… and is shown once, when it is made".to_owned())
            })
        };
        let org = self.org.map_or_else(of_key, Ok)?;
        Server::new(url, org, key, self.cacert.as_deref()).map(Some)
    }

    fn open(&self) -> Result<Source, Failure> {
        if let Some(file) = &self.file {
            return Source::file(file);
        }
        match self.server()? {
            Some(server) => Source::server(&server),
            None => Source::directory(&self.data_dir),
        }
    }

    /// What to do when what is read here turns out to be damaged.
    const fn next_when_damaged(&self) -> &'static str {
        if self.file.is_some() {
            "take another backup or export, as this file restores nothing; keep it if it is the only one"
        } else if self.url.is_some() {
            "ask again; if that says the same, stop the server and verify its data directory"
        } else {
            "don't start a server on it; copy the data directory away as it is, then restore a backup of all of it"
        }
    }
}

/// Answers; the exit code.
///
/// # Errors
/// See [`Failure`].
pub fn run(cli: Cli) -> Result<u8, Failure> {
    let Cli { from, json, question } = cli;
    match question {
        Question::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "spunto-replay", &mut io::stdout());
            Ok(0)
        }
        Question::Verify { placements } => print(&verify::verify(from.open(), placements)?.advised(from.next_when_damaged()), json, None),
        Question::Import { file_in, directory } => print(&export::import(&Source::file(&file_in)?, &directory)?, json, None),
        Question::Tail { lines, follow: true } => follow::follow(from.server()?, lines, json),
        Question::Step { name, at } => crate::step::run(&History::new(from.open()?), name.as_deref(), at),
        question => ask(&History::new(from.open()?), question, json),
    }
}

fn ask(history: &History, question: Question, json: bool) -> Result<u8, Failure> {
    let source = Some(history.source());
    match question {
        Question::Failures { of } => print(&failures::collect(history, of)?, json, source),
        Question::Story { name, units } => print(&story::tell(history, &name, units)?, json, source),
        Question::Timeline { name, from, to, kind, failures, last } => {
            let wanted = timeline::Wanted { subject: name, from, to, kind, failures, last };
            print(&timeline::list(history, &wanted)?, json, source)
        }
        Question::Tail { lines, .. } => {
            let last = Some(lines);
            let wanted = timeline::Wanted { subject: None, from: Point::Seq(0), to: Point::End, kind: None, failures: false, last };
            print(&timeline::list(history, &wanted)?, json, source)
        }
        Question::Show { seq } => print(&show::show(history, seq)?, json, source),
        Question::State { name, at } => print(&state::at(history, name.as_deref(), at)?, json, source),
        Question::Diff { from, to, of } => print(&diff::compare(history, from, to, of.as_deref())?, json, source),
        Question::Placement { name, what_if } => print(&placement::decide_again(history, &name, &what_if)?, json, source),
        Question::Bisect { predicate, from, to } => print(&bisect::search(history, &predicate, from, to)?, json, source),
        Question::Export { file_out, of: None, from: None, to: None } => print(&export::whole(history.source(), &file_out)?, json, source),
        Question::Export { file_out, of, from, to } => {
            let selection = Selection { subject: of, from: from.unwrap_or(Point::Seq(0)), to: to.unwrap_or(Point::End) };
            print(&export::slice(history, &selection, &file_out)?, json, source)
        }
        Question::Stats => print(&stats::measure(history)?, json, source),
        Question::Verify { .. } | Question::Import { .. } | Question::Step { .. } | Question::Completions { .. } => {
            unreachable!("these were answered before a history was opened")
        }
    }
}

fn print(found: &impl answer::Answer, json: bool, source: Option<&Source>) -> Result<u8, Failure> {
    let out = io::stdout();
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let written = answer::write(found, json, colour, source, &mut out.lock());
    match written {
        // Whoever reads had enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(found.exit()),
        written => written.map_err(|error| Failure::io("the answer could not be written", error)),
    }
}

/// Runs the program; its exit code.
#[must_use]
pub fn main() -> u8 {
    let cli = Cli::parse();
    let json = cli.json;
    run(cli).unwrap_or_else(|failure| {
        let mut out = io::stderr();
        // With nobody to tell, the exit code has to do.
        let _ = if json {
            writeln!(out, "{}", serde_json::json!({ "error": failure.to_string(), "exit": failure.exit() }))
        } else {
            writeln!(out, "spunto-replay: {failure}")
        };
        failure.exit()
    })
}
