//! A fake cloud behind a socket: real HTTP by hyper, which the agent's Docker client brings along anyway; actix belongs to the server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Cloud;
use super::plan::{Answer, Plan, newer};
use super::wire::{Request, Response, pairs};

/// How often time passes in a cloud that nobody asks.
const TICK: Duration = Duration::from_millis(10);
const CHUNK: usize = 64 * 1024;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A cloud that answers on a port of its own, until it is dropped.
#[derive(Debug)]
pub struct Running<C> {
    /// The cloud.
    pub cloud: Arc<C>,
    /// What is to go wrong.
    pub plan: Arc<Plan>,
    /// Where it is, without a slash at the end.
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl<C: Cloud> Running<C> {
    /// Starts it.
    ///
    /// # Errors
    /// There is no socket or thread to be had.
    pub fn start(cloud: C) -> anyhow::Result<Self> {
        let (cloud, plan) = (Arc::new(cloud), Arc::new(Plan::default()));
        let listener = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let served = (Arc::clone(&cloud), Arc::clone(&plan));
        let thread = std::thread::Builder::new().name("fake cloud".to_owned()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = serve(listener, served.0, served.1) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { cloud, plan, url, stop: Some(stop), thread: Some(thread) })
    }
}

impl<C> Drop for Running<C> {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve<C: Cloud>(listener: std::net::TcpListener, cloud: Arc<C>, plan: Arc<Plan>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let (cloud, plan) = (Arc::clone(&cloud), Arc::clone(&plan));
                let service = service_fn(move |request| answer(request, Arc::clone(&cloud), Arc::clone(&plan)));
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
            _ = ticks.tick() => cloud.tick(),
        }
    }
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

async fn answer<C: Cloud>(request: hyper::Request<Incoming>, cloud: Arc<C>, plan: Arc<Plan>) -> Result<hyper::Response<Body>, Closed> {
    let (parts, body) = request.into_parts();
    let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let request = Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default()),
        bearer: authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned),
        body: body.collect().await.map_err(|_| Closed)?.to_bytes().to_vec(),
    };
    let (acts, how) = plan.next(&request);
    let usual = if acts { Some(cloud.answer(&request)) } else { None };
    let usual = usual.unwrap_or_else(|| Response::json(200, &serde_json::Value::Null));
    plan.keep(&request, &usual);
    match how {
        Answer::Usual => Ok(whole(usual)),
        Answer::This(response) => Ok(whole(response)),
        Answer::Newer => Ok(whole(newer(usual))),
        Answer::Close => Err(Closed),
        Answer::DoneLate(wait) => {
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                if !acts {
                    cloud.answer(&request);
                }
                plan.note_late();
            });
            Err(Closed)
        }
        Answer::Kill(process) => {
            let process = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
            let killed = process.map(|process| rustix::process::kill_process(process, rustix::process::Signal::KILL));
            assert_eq!(killed, Some(Ok(())), "who asks lives");
            Err(Closed)
        }
        Answer::Never => std::future::pending().await,
        Answer::Late(wait) => {
            tokio::time::sleep(wait).await;
            Ok(whole(usual))
        }
        Answer::Huge(bytes) => Ok(pieces(usual, huge(bytes), Duration::ZERO)),
        Answer::Drip(apart) => {
            let bytes = usual.body.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();
            Ok(pieces(usual, bytes, apart))
        }
    }
}

fn huge(bytes: usize) -> Vec<Bytes> {
    let chunk = Bytes::from(vec![b' '; CHUNK]);
    std::iter::repeat_n(chunk, bytes.div_ceil(CHUNK)).collect()
}

fn head(response: &Response) -> hyper::http::response::Builder {
    let start = hyper::Response::builder().status(response.status).header(CONTENT_TYPE, response.kind);
    response.headers.iter().fold(start, |builder, (name, value)| builder.header(name, value))
}

fn whole(response: Response) -> hyper::Response<Body> {
    let head = head(&response);
    head.body(Full::new(Bytes::from(response.body)).boxed_unsync()).expect("fakes write headers that are headers")
}

fn pieces(response: Response, pieces: Vec<Bytes>, apart: Duration) -> hyper::Response<Body> {
    let stream = stream::unfold(pieces.into_iter(), move |mut pieces| async move {
        tokio::time::sleep(apart).await;
        pieces.next().map(|piece| (Ok::<_, Infallible>(Frame::data(piece)), pieces))
    });
    head(&response).body(StreamBody::new(stream).boxed_unsync()).expect("fakes write headers that are headers")
}
