//! `export` and `import`: a whole log as one file and back, the same bytes each time; a slice of it for a bug report.

use std::fs::{self, File};
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::Serialize;
use spunto_core::extract::Extract;
use spunto_core::id::OrgId;
use spunto_core::record::StreamId;
use spunto_events::codec;
use spunto_events::frame::FrameRef;
use spunto_events::group::Hash;
use spunto_events::log::file::SegmentFile;
use spunto_events::log::sled::{LogOptions, import as make_log};
use spunto_events::slice::SliceWriter;

use crate::answer::{Answer, Page};
use crate::failure::Failure;
use crate::history::History;
use crate::point::Point;
use crate::source::Source;
use crate::subject;

/// What to put into a slice.
#[derive(Clone, Debug)]
pub struct Selection {
    /// An organisation or a node; everything when none.
    pub subject: Option<String>,
    /// Only after this point.
    pub from: Point,
    /// Only up to this point.
    pub to: Point,
}

/// What was written.
#[derive(Debug, Serialize)]
pub struct Written {
    /// Where.
    pub path: PathBuf,
    /// Events in it.
    pub events: u64,
    /// Events of which only the digest is in it.
    pub omitted: u64,
    /// The last event that its chain covers.
    pub last: u64,
    /// Hash of the last group.
    pub hash: String,
    /// In words.
    pub what: String,
}

fn must_be_new(path: &Path) -> Result<(), Failure> {
    if path.exists() { Err(Failure::Usage(format!("{} is there already: give a new name", path.display()))) } else { Ok(()) }
}

/// Writes a whole log into one file.
///
/// # Errors
/// The log is a slice or empty; the file is there already or can't be written.
pub fn whole(source: &Source, path: &Path) -> Result<Written, Failure> {
    must_be_new(path)?;
    if !source.is_whole() {
        return Err(Failure::Usage("a slice can't be exported whole; copy the file".to_owned()));
    }
    if source.end() == 0 {
        return Err(Failure::NotFound("the log is empty: there is nothing to export".to_owned()));
    }
    let written = SegmentFile::write(path, source.incarnation(), 1, Hash::default(), source.iter(1))?.summary();
    let what = "the whole log".to_owned();
    Ok(Written { path: path.to_owned(), events: written.last, omitted: 0, last: written.last, hash: format!("{:?}", written.hash), what })
}

/// Which frames a slice keeps.
struct Keep {
    what: What,
    from: u64,
    to: u64,
}

enum What {
    Everything,
    System,
    Org(OrgId),
    Life(Extract),
}

impl Keep {
    fn takes(&self, frame: FrameRef<'_>) -> bool {
        let header = frame.header;
        let wanted = || match &self.what {
            What::Everything => true,
            What::System => header.stream == StreamId::System,
            What::Org(org) => header.org == Some(*org),
            What::Life(extract) => {
                let of_org = || codec::decode(frame).is_ok_and(|record| extract.takes(&record.event));
                header.org == extract.org() && extract.takes_stream(header.stream).unwrap_or_else(of_org)
            }
        };
        header.seq > self.from && header.seq <= self.to && wanted()
    }
}

/// Writes a slice.
///
/// # Errors
/// There is nothing of that name or in that time; the file is there already or can't be written.
pub fn slice(history: &History, selection: &Selection, path: &Path) -> Result<Written, Failure> {
    must_be_new(path)?;
    let source = history.source();
    if !source.is_whole() {
        return Err(Failure::Usage("a slice is cut from a whole log, not from another slice".to_owned()));
    }
    let (from, to) = (selection.from.resolve(source)?, selection.to.resolve(source)?);
    let (keep, what) = choose(history, selection, from, to)?;
    let draft = path.with_added_extension("new");
    let unwritable = |error: std::io::Error| Failure::io(draft.display(), error);
    let file = File::create(&draft).map_err(unwritable)?;
    let mut writer = SliceWriter::new(BufWriter::new(file), source.incarnation(), 1, Hash::default(), &what);
    source.groups(1, |group| {
        if group.first > to {
            return Ok(ControlFlow::Break(()));
        }
        writer.push(group, |frame| keep.takes(frame))?;
        Ok(ControlFlow::Continue(()))
    })?;
    let (out, summary) = writer.finish()?;
    let finish = || -> std::io::Result<()> {
        out.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        fs::rename(&draft, path)
    };
    finish().map_err(unwritable)?;
    if summary.kept == 0 {
        fs::remove_file(path).map_err(unwritable)?;
        return Err(Failure::NotFound(format!("no event is in {what}")));
    }
    let hash = format!("{:?}", summary.hash);
    Ok(Written { path: path.to_owned(), events: summary.kept, omitted: summary.omitted, last: summary.last, hash, what })
}

fn choose(history: &History, selection: &Selection, from: u64, to: u64) -> Result<(Keep, String), Failure> {
    let span = format!("events {} to {to}", from + 1);
    let keep = |what| Keep { what, from, to };
    let Some(text) = &selection.subject else { return Ok((keep(What::Everything), span)) };
    let survey = history.survey(|_, _| Ok(()))?;
    let stream = subject::find(text, &survey.state, &survey.names)?;
    let name = format!("{} ({}), {span}", survey.names.stream(stream), subject::id_of(stream));
    let what = match stream {
        StreamId::Org(org) => What::Org(org),
        StreamId::System => What::System,
        _ => {
            let mut extract = Extract::about(stream);
            history.source().visit(1, |record| {
                extract.see(&record);
                Ok(ControlFlow::Continue(()))
            })?;
            What::Life(extract)
        }
    };
    Ok((keep(what), name))
}

/// Makes the log of a data directory from a whole export: the same log, with its incarnation.
///
/// # Errors
/// The file is a slice or damaged; the directory holds a log already, or can't be written.
pub fn import(source: &Source, directory: &Path) -> Result<Written, Failure> {
    if !source.is_whole() {
        return Err(Failure::Usage("only a whole export can be imported: a slice leaves events out".to_owned()));
    }
    let log = directory.join("log");
    if log.exists() {
        return Err(Failure::Usage(format!("{} holds a log already: give a new directory", directory.display())));
    }
    let head = make_log(&log, source.incarnation(), LogOptions::default(), source.iter(1))?;
    let what = "the log; secrets are in the vault, which an export does not hold".to_owned();
    Ok(Written { path: log, events: head.seq, omitted: 0, last: head.seq, hash: format!("{:?}", head.hash), what })
}

impl Answer for Written {
    fn page(&self, page: &mut Page) {
        let Self { path, events, omitted, hash, what, .. } = self;
        page.line(format!("{}: {events} events, {what}", path.display()));
        if *omitted > 0 {
            page.line(format!("with the digests of {omitted} others that stand between them, so that anybody can verify it"));
        }
        page.line(format!("head {hash}"));
    }
}
