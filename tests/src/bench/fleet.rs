//! Thousands of agents in a process of their own: real sockets, the real protocol, no containers. Told what to do by lines on its
//! standard input; answers by lines.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use spunto_core::observe::Observed;
use spunto_core::protocol::{FromAgent, FromServer, Gauges, Work, write};
use spunto_core::time::Timestamp;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Interval;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::scripted::hello;

/// What a bare round trip carries: a ping of the protocol.
pub const PING: &[u8] = br#"{"type":"ping","nonce":4294967295}"#;
/// Connections that are being opened at a time.
const OPENING_MAX: usize = 1024;

#[derive(Default)]
struct Counts {
    welcomed: AtomicU64,
    orders: AtomicU64,
    lost: AtomicU64,
}

/// What every agent is told.
#[derive(Clone, Debug, PartialEq)]
enum Word {
    Stay,
    Drop,
    /// Send so many gauges.
    Gauges(u32),
    /// Send gauges each time so many milliseconds have passed, not all agents at once.
    Pace(u32),
    /// Answer nothing any more, but stay.
    Mute,
}

type Sink = SplitSink<WebSocketStream<TcpStream>, Message>;

async fn say(sink: &mut Sink, frame: &FromAgent) -> anyhow::Result<()> {
    Ok(sink.send(Message::text(write(frame))).await?)
}

async fn agent(
    address: String,
    token: String,
    number: u64,
    counts: Arc<Counts>,
    mut words: watch::Receiver<Word>,
    opened: mpsc::Sender<()>,
) -> anyhow::Result<()> {
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{address}/api/agent/connect").into_client_request()?;
    request.headers_mut().insert("Authorization", format!("Bearer {token}").parse()?);
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    let (mut sink, mut incoming) = socket.split();
    say(&mut sink, &FromAgent::Hello(hello(number + 1))).await?;
    let mut mute = false;
    let mut pace: Option<Interval> = None;
    loop {
        tokio::select! {
            () = next(&mut pace) => say(&mut sink, &FromAgent::Gauges(varied(number))).await?,
            message = incoming.next() => {
                let message = message.context("the connection was closed")??;
                let Message::Text(text) = message else { continue };
                if mute { continue }
                match FromServer::parse(&text)? {
                    FromServer::Welcome { .. } => {
                        say(&mut sink, &FromAgent::Inventory { page: 0, units: Vec::new(), last: true }).await?;
                        counts.welcomed.fetch_add(1, Ordering::Relaxed);
                        let _ = opened.send(()).await;
                    }
                    FromServer::Ping { nonce } => say(&mut sink, &FromAgent::Pong { nonce }).await?,
                    FromServer::Operate { operation, work } => {
                        counts.orders.fetch_add(1, Ordering::Relaxed);
                        say(&mut sink, &FromAgent::Accepted { operation }).await?;
                        if let Work::Run { unit, .. } = work {
                            let (container, image_digest) = (operation.to_string(), "sha256:0".to_owned());
                            let observed = Observed::Started { container, image_digest, started_at: Timestamp::from_ms(number) };
                            say(&mut sink, &FromAgent::Observation { id: operation.as_u64(), unit, operation, observed }).await?;
                        }
                    }
                    _ => {}
                }
            }
            Ok(()) = words.changed() => {
                let word = words.borrow_and_update().clone();
                match word {
                    Word::Stay => {}
                    Word::Drop => return Ok(()),
                    Word::Mute => mute = true,
                    Word::Pace(each_ms) => {
                        let first = u64::from(each_ms) * (number % 1000) / 1000;
                        let start = tokio::time::Instant::now() + Duration::from_millis(first);
                        pace = Some(tokio::time::interval_at(start, Duration::from_millis(each_ms.into())));
                    }
                    Word::Gauges(many) => for _ in 0..many {
                        say(&mut sink, &FromAgent::Gauges(Gauges { cpu_percent: 1.0, ..Gauges::default() })).await?;
                    },
                }
            }
        }
    }
}

async fn next(pace: &mut Option<Interval>) {
    match pace {
        Some(pace) => drop(pace.tick().await),
        None => std::future::pending().await,
    }
}

/// Gauges that differ from node to node, and from time to time.
fn varied(number: u64) -> Gauges {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().subsec_millis();
    let share = (number * 37 + u64::from(now)) % 1000;
    Gauges {
        cpu_percent: share as f32 / 10.0,
        memory_used_bytes: share << 22,
        memory_total_bytes: 4 << 30,
        disk_used_bytes: share << 26,
        disk_total_bytes: 64 << 30,
        uptime_s: 3600 + number,
        load_1m: share as f32 / 500.0,
    }
}

/// Runs until its standard input ends.
///
/// # Errors
/// It can't read what it is told.
pub async fn run(url: &str, tokens: Vec<String>) -> anyhow::Result<()> {
    let address = url.trim_start_matches("http://").to_owned();
    let counts = Arc::new(Counts::default());
    let mut words = watch::channel(Word::Stay).0;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let mut parts = line.split(' ');
        match (parts.next().unwrap_or(""), parts.next().and_then(|number| number.parse::<u32>().ok())) {
            ("connect", many) => {
                words = watch::channel(Word::Stay).0;
                let wanted = many.map_or(tokens.len(), |many| usize::try_from(many).unwrap_or(usize::MAX)).min(tokens.len());
                let took = connect(&address, &tokens[..wanted], &counts, &words).await;
                println!("online {} {}", took.as_micros(), counts.lost.swap(0, Ordering::Relaxed));
            }
            ("gauges", many) => {
                words.send_replace(Word::Gauges(many.unwrap_or(1)));
                println!("sent");
            }
            ("pace", each_ms) => {
                words.send_replace(Word::Pace(each_ms.unwrap_or(5000)));
                println!("paced");
            }
            ("mute", _) => {
                words.send_replace(Word::Mute);
                println!("mute");
            }
            ("drop", _) => {
                words.send_replace(Word::Drop);
                counts.welcomed.store(0, Ordering::Relaxed);
                println!("dropped");
            }
            ("echo", _) => println!("echo {}", echo()?),
            ("orders", _) => println!("orders {}", counts.orders.load(Ordering::Relaxed)),
            (other, _) => anyhow::bail!("unknown word {other}"),
        }
    }
    Ok(())
}

/// A port that sends back what it gets: the far end of the bare round trip that ours is compared with.
fn echo() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || -> std::io::Result<()> {
        let (mut near, _) = listener.accept()?;
        near.set_nodelay(true)?;
        let mut bytes = [0; PING.len()];
        loop {
            near.read_exact(&mut bytes)?;
            near.write_all(&bytes)?;
        }
    });
    Ok(port)
}

/// Opens all at once; how long until all are welcome.
async fn connect(address: &str, tokens: &[String], counts: &Arc<Counts>, words: &watch::Sender<Word>) -> Duration {
    let start = Instant::now();
    let (opened, mut welcome) = mpsc::channel(OPENING_MAX);
    for (number, token) in (0_u64..).zip(tokens) {
        let (address, token, counts, words, opened) =
            (address.to_owned(), token.clone(), Arc::clone(counts), words.subscribe(), opened.clone());
        tokio::spawn(async move {
            let again = (address.clone(), token.clone(), opened.clone());
            if let Err(error) = agent(address, token, number, Arc::clone(&counts), words.clone(), opened).await
                && *words.borrow() == Word::Stay
            {
                if counts.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                    eprintln!("an agent lost its connection: {error:#}");
                }
                // As a real one it comes back.
                tokio::time::sleep(Duration::from_millis(100)).await;
                let _ = agent(again.0, again.1, number, counts, words, again.2).await;
            }
        });
    }
    for _ in tokens {
        if tokio::time::timeout(Duration::from_secs(60), welcome.recv()).await.is_err() {
            break;
        }
    }
    start.elapsed()
}
