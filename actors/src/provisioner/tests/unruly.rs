//! A provider that does at a chosen call what real ones do at bad moments.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spunto_core::id::NodeId;

use crate::cloud::{
    Account, Architecture, Begun, Deletion, Fault, FaultKind, Happened, Image, Location, MachineType, Operation, Order, Progress, Provider,
    Reply, Resource,
};

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing is done, and the caller is told so.
    Refused,
    /// Too many calls: nothing is done.
    RateLimited,
    /// The connection breaks, and nothing is done.
    Lost,
    /// It is done, and the connection breaks.
    AnswerLost,
    /// It is done, and answered 20 s later.
    AnsweredLate,
    /// The connection breaks, and it is done 20 s later.
    DoneLate,
}

pub(super) const TROUBLES: [Trouble; 6] =
    [Trouble::Refused, Trouble::RateLimited, Trouble::Lost, Trouble::AnswerLost, Trouble::AnsweredLate, Trouble::DoneLate];

/// How late.
pub(super) const LATE: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
struct Plan {
    calls: usize,
    at: Option<(usize, Trouble)>,
    creates: usize,
}

/// Makes providers unruly. Clones share one plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Unruly(Arc<Mutex<Plan>>);

impl Unruly {
    /// The `call`-th call from here on has this trouble.
    pub(super) fn plan(&self, call: usize, trouble: Trouble) {
        let mut plan = self.0.lock();
        (plan.calls, plan.at) = (0, Some((call, trouble)));
    }

    /// Calls since the plan was made.
    pub(super) fn calls(&self) -> usize {
        self.0.lock().calls
    }

    /// Calls to make a machine, ever.
    pub(super) fn creates(&self) -> usize {
        self.0.lock().creates
    }

    pub(super) fn around(&self, inner: Arc<dyn Provider>) -> Arc<dyn Provider> {
        Arc::new(Around { inner, unruly: self.clone() })
    }

    fn next(&self) -> Option<Trouble> {
        let mut plan = self.0.lock();
        plan.calls += 1;
        plan.at.filter(|(call, _)| *call == plan.calls).map(|(_, trouble)| trouble)
    }
}

struct Around {
    inner: Arc<dyn Provider>,
    unruly: Unruly,
}

fn fault(kind: FaultKind, happened: Happened) -> Fault {
    Fault::new("Fake Cloud", kind, happened, "trouble", "planned trouble")
}

impl Around {
    fn call<T: Send + 'static>(&self, act: impl Fn(Arc<dyn Provider>) -> Reply<'static, T> + Send + 'static) -> Reply<'_, T> {
        let (trouble, inner) = (self.unruly.next(), Arc::clone(&self.inner));
        Box::pin(async move {
            let lost = fault(FaultKind::Unavailable, Happened::Unknown);
            match trouble {
                None => act(inner).await,
                Some(Trouble::Refused) => Err(fault(FaultKind::Unavailable, Happened::No)),
                Some(Trouble::RateLimited) => {
                    let retry_after = Some(Duration::from_secs(30));
                    Err(fault(FaultKind::RateLimited { retry_after }, Happened::No))
                }
                Some(Trouble::Lost) => Err(lost),
                Some(Trouble::AnswerLost) => {
                    let _ = act(inner).await;
                    Err(lost)
                }
                Some(Trouble::AnsweredLate) => {
                    let answer = act(inner).await;
                    tokio::time::sleep(LATE).await;
                    answer
                }
                Some(Trouble::DoneLate) => {
                    // Not a part of any server: it happens though the caller is gone.
                    tokio::spawn(async move {
                        tokio::time::sleep(LATE).await;
                        let _ = act(inner).await;
                    });
                    Err(lost)
                }
            }
        })
    }
}

/// A call on an owned provider, for as long as it takes.
macro_rules! owned {
    ($inner:ident, $call:expr) => {
        Box::pin(async move {
            let $inner = $inner;
            $call.await
        })
    };
}

impl Provider for Around {
    fn verify(&self) -> Reply<'_, Account> {
        self.call(|inner| owned!(inner, inner.verify()))
    }

    fn locations(&self) -> Reply<'_, Vec<Location>> {
        self.call(|inner| owned!(inner, inner.locations()))
    }

    fn machine_types<'a>(&'a self, location: &'a str) -> Reply<'a, Vec<MachineType>> {
        let location = location.to_owned();
        self.call(move |inner| {
            let location = location.clone();
            owned!(inner, inner.machine_types(&location))
        })
    }

    fn images(&self, architecture: Architecture) -> Reply<'_, Vec<Image>> {
        self.call(move |inner| owned!(inner, inner.images(architecture)))
    }

    fn create<'a>(&'a self, order: &'a Order) -> Reply<'a, Begun> {
        self.unruly.0.lock().creates += 1;
        let order = order.clone();
        self.call(move |inner| {
            let order = order.clone();
            owned!(inner, inner.create(&order))
        })
    }

    fn progress<'a>(&'a self, operation: &'a Operation) -> Reply<'a, Progress> {
        let operation = operation.clone();
        self.call(move |inner| {
            let operation = operation.clone();
            owned!(inner, inner.progress(&operation))
        })
    }

    fn find(&self, node: NodeId) -> Reply<'_, Vec<Resource>> {
        self.call(move |inner| owned!(inner, inner.find(node)))
    }

    fn delete<'a>(&'a self, resource: &'a Resource) -> Reply<'a, Deletion> {
        let resource = resource.clone();
        self.call(move |inner| {
            let resource = resource.clone();
            owned!(inner, inner.delete(&resource))
        })
    }

    fn list(&self) -> Reply<'_, Vec<Resource>> {
        self.call(|inner| owned!(inner, inner.list()))
    }
}
