//! What is to go wrong, call by call, and what was called.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::wire::{Request, Response};

/// How a call is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// As the cloud does.
    Usual,
    /// With this instead.
    This(Response),
    /// The connection is closed without a word.
    Close,
    /// Never; the connection stays open.
    Never,
    /// Never: whoever asks, the process of this id, is killed in the same moment.
    Kill(u32),
    /// As the cloud does, so much later.
    Late(Duration),
    /// The connection is closed without a word; so much later it is carried out all the same, unless it was before.
    DoneLate(Duration),
    /// With so many bytes that never end in anything useful.
    Huge(usize),
    /// As the cloud does, a byte at a time, so far apart.
    Drip(Duration),
    /// As the cloud does in some years: unknown fields, and unknown words where there was a choice.
    Newer,
}

#[derive(Clone, Debug)]
struct Planned {
    method: String,
    path: String,
    acts: bool,
    answer: Answer,
    times: usize,
}

/// What is planned for the n-th call from some moment on, whatever it asks.
#[derive(Clone, Debug)]
struct Nth {
    calls_to_go: usize,
    acts: bool,
    answer: Answer,
}

/// The plan of one cloud.
#[derive(Debug, Default)]
pub struct Plan {
    planned: Mutex<VecDeque<Planned>>,
    nth: Mutex<Option<Nth>>,
    struck: Mutex<Option<String>>,
    late: AtomicUsize,
    calls: Mutex<Vec<String>>,
    exchanges: Mutex<Option<Vec<Value>>>,
}

impl Plan {
    /// The next call of this method whose path contains `path` is answered so, without being carried out.
    pub fn instead(&self, method: &str, path: &str, answer: Answer) {
        self.add(method, path, false, answer, 1);
    }

    /// The next such call is carried out and then answered so.
    pub fn after(&self, method: &str, path: &str, answer: Answer) {
        self.add(method, path, true, answer, 1);
    }

    /// Every such call is carried out and answered so.
    pub fn always(&self, method: &str, path: &str, answer: Answer) {
        self.add(method, path, true, answer, usize::MAX);
    }

    /// No such call is carried out; every one is answered so.
    pub fn never(&self, method: &str, path: &str, answer: Answer) {
        self.add(method, path, false, answer, usize::MAX);
    }

    fn add(&self, method: &str, path: &str, acts: bool, answer: Answer, times: usize) {
        self.planned.lock().push_back(Planned { method: method.to_owned(), path: path.to_owned(), acts, answer, times });
    }

    /// The `nth` call from here on (1 is the next), whatever it asks, is carried out or not, and answered so.
    pub fn at(&self, nth: usize, acts: bool, answer: Answer) {
        *self.struck.lock() = None;
        *self.nth.lock() = Some(Nth { calls_to_go: nth, acts, answer });
    }

    /// The call that [`at`](Self::at) was meant for, once it was made: method and path.
    #[must_use]
    pub fn struck(&self) -> Option<String> {
        self.struck.lock().clone()
    }

    /// How many calls were carried out after their connection was closed, see [`Answer::DoneLate`].
    #[must_use]
    pub fn done_late(&self) -> usize {
        self.late.load(Ordering::SeqCst)
    }

    /// Counts one.
    pub(super) fn note_late(&self) {
        self.late.fetch_add(1, Ordering::SeqCst);
    }

    /// Forgets what was planned and not used.
    pub fn clear(&self) {
        self.planned.lock().clear();
        *self.nth.lock() = None;
    }

    /// What was called so far: method and path.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().clone()
    }

    /// From now on, requests and responses are kept.
    pub fn record(&self) {
        *self.exchanges.lock() = Some(Vec::new());
    }

    /// What was kept: `method`, `path`, `query`, `request`, `status`, `response`.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Value> {
        self.exchanges.lock().clone().unwrap_or_default()
    }

    /// Keeps an exchange, if that is wanted.
    pub(super) fn keep(&self, request: &Request, response: &Response) {
        if let Some(kept) = self.exchanges.lock().as_mut() {
            let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            kept.push(json!({ "method": request.method, "path": request.path, "query": request.query, "request": request.json(),
                "status": response.status, "response": answer }));
        }
    }

    /// What was planned for this call by its number.
    fn nth_comes(&self) -> Option<Nth> {
        let mut planned = self.nth.lock();
        let nth = planned.as_mut()?;
        nth.calls_to_go = nth.calls_to_go.saturating_sub(1);
        if nth.calls_to_go == 0 { planned.take() } else { None }
    }

    /// Whether to act, and how to answer.
    pub(super) fn next(&self, request: &Request) -> (bool, Answer) {
        let call = format!("{} {}", request.method, request.path);
        self.calls.lock().push(call.clone());
        if let Some(Nth { acts, answer, .. }) = self.nth_comes() {
            *self.struck.lock() = Some(call);
            return (acts, answer);
        }
        let mut planned = self.planned.lock();
        let fits = |planned: &Planned| planned.method == request.method && request.path.contains(&planned.path);
        let Some(place) = planned.iter().position(fits) else { return (true, Answer::Usual) };
        planned[place].times -= 1;
        if planned[place].times == 0 {
            return planned.remove(place).map_or((true, Answer::Usual), |used| (used.acts, used.answer));
        }
        (planned[place].acts, planned[place].answer.clone())
    }
}

/// A response as a newer API would give it: every object has a field more, every state and architecture is a new word.
pub(super) fn newer(response: Response) -> Response {
    fn grow(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(grow),
            Value::Object(fields) => {
                fields.values_mut().for_each(grow);
                for word in ["architecture", "cpu_type", "type", "kind", "storage_type", "category"] {
                    if fields.get(word).is_some_and(Value::is_string) {
                        fields.insert(word.to_owned(), json!("quantum"));
                    }
                }
                fields.insert("since_2031".to_owned(), json!({ "nested": [1, null, "x"] }));
            }
            _ => {}
        }
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(&response.body) else { return response };
    // Labels are the user's: no API adds to them.
    let labels: Vec<Value> = find_labels(&value);
    grow(&mut value);
    put_labels(&mut value, &mut labels.into_iter());
    Response { body: value.to_string().into_bytes(), ..response }
}

fn find_labels(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(find_labels).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| if name == "labels" { vec![value.clone()] } else { find_labels(value) }).collect()
        }
        _ => Vec::new(),
    }
}

fn put_labels(value: &mut Value, labels: &mut impl Iterator<Item = Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| put_labels(item, labels)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if name == "labels" {
                    *value = labels.next().unwrap_or_default();
                } else {
                    put_labels(value, labels);
                }
            }
        }
        _ => {}
    }
}
