//! Waiting until a record is reflected, from async code and from threads.
//!
//! A waiter checks and registers under the same lock the writer takes to wake, so no wake-up is lost. A dropped future
//! leaves nothing behind.

use super::{AsOf, Shared};
use driftline_schema::Position;
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct Waiters {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    next: u64,
    wakers: BTreeMap<u64, (Position, Waker)>,
}

impl Waiters {
    /// Wakes everybody whose position is reflected now.
    pub(super) fn wake(&self, as_of: &AsOf) {
        let mut inner = self.inner.lock();
        inner.wakers.retain(|_, (position, waker)| {
            let reached = as_of.reflects(*position);
            if reached {
                waker.wake_by_ref();
            }
            !reached
        });
        self.changed.notify_all();
    }

    /// How many futures wait.
    pub(super) fn len(&self) -> usize {
        self.inner.lock().wakers.len()
    }
}

/// Completes once a record is reflected in the view. Put a time limit around it: the record may never come.
pub struct Reached {
    shared: Arc<Shared>,
    position: Position,
    id: Option<u64>,
}

impl Reached {
    pub(super) fn new(shared: Arc<Shared>, position: Position) -> Self {
        Self { shared, position, id: None }
    }
}

impl Future for Reached {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.shared);
        let mut inner = shared.waiters.inner.lock();
        if shared.state.read().as_of.reflects(self.position) {
            if let Some(id) = self.id.take() {
                inner.wakers.remove(&id);
            }
            return Poll::Ready(());
        }
        let id = self.id.unwrap_or(inner.next);
        if self.id.is_none() {
            inner.next += 1;
            self.id = Some(id);
        }
        inner.wakers.insert(id, (self.position, context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Reached {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.shared.waiters.inner.lock().wakers.remove(&id);
        }
    }
}

/// Blocks the thread until the view reflects `time` or `limit` has passed; whether it does.
pub(super) fn block_until_time(shared: &Shared, time: u64, limit: Duration) -> bool {
    block(shared, limit, |as_of| as_of.time.is_some_and(|reflected| reflected >= time))
}

/// Blocks the thread until the record at `position` is reflected or `limit` has passed; whether it is reflected.
pub(super) fn block_until(shared: &Shared, position: Position, limit: Duration) -> bool {
    block(shared, limit, |as_of| as_of.reflects(position))
}

fn block(shared: &Shared, limit: Duration, is_there: impl Fn(&AsOf) -> bool) -> bool {
    let end = Instant::now() + limit;
    let mut inner = shared.waiters.inner.lock();
    loop {
        if is_there(&shared.state.read().as_of) {
            return true;
        }
        if shared.waiters.changed.wait_until(&mut inner, end).timed_out() {
            return is_there(&shared.state.read().as_of);
        }
    }
}
