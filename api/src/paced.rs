//! One connection's bytes: a reader that takes too little is cut off, and what the connection is doing is known.
//!
//! Time counts only while the system's own buffer is full, so a reader pays for being slow and never for an answer that
//! takes long to make.

use crate::limits::READER_BYTES_PER_SECOND;
use parking_lot::Mutex;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Sleep;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It has not sent a whole request yet, the first or the next.
    Waiting,
    /// Its request is being answered.
    Answering,
    /// The answer is whole and on its way.
    Sending,
}

/// What is known of a connection, shared by its parts and the server.
pub(crate) struct Activity {
    doing: Mutex<Doing>,
    /// The server wants its place back.
    pub(crate) asked_to_close: Notify,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self { doing: Mutex::new(Doing::Waiting), asked_to_close: Notify::new() }
    }
    pub(crate) fn doing(&self) -> Doing {
        *self.doing.lock()
    }
    pub(crate) fn set(&self, doing: Doing) {
        *self.doing.lock() = doing;
    }
    /// Everything was handed to the system: if the answer was whole, the next request is waited for.
    fn flushed(&self) {
        let mut doing = self.doing.lock();
        if *doing == Doing::Sending {
            *doing = Doing::Waiting;
        }
    }
}

/// A stream whose reader must keep up.
pub(crate) struct Paced {
    stream: TcpStream,
    activity: Arc<Activity>,
    stall_max: Duration,
    /// What the reader took since the system's buffer was full for the first time: what went into it before is no merit
    /// of the reader.
    taken: u64,
    full: bool,
    /// How long answers have waited for the reader so far.
    waited: Duration,
    /// Since when one waits now, and when it has waited too long.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Paced {
    pub(crate) fn new(stream: TcpStream, activity: Arc<Activity>, stall_max: Duration) -> Self {
        Self { stream, activity, stall_max, taken: 0, full: false, waited: Duration::ZERO, waiting: None }
    }

    /// What the stream said to a write; an error once the reader has been waited for too long.
    fn judge(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Ready(outcome) => {
                if let Some((since, _)) = self.waiting.take() {
                    self.waited += since.elapsed();
                }
                if self.full {
                    self.taken += *outcome.as_ref().unwrap_or(&0) as u64;
                }
                Poll::Ready(outcome)
            }
            Poll::Pending => {
                self.full = true;
                let allowed = self.stall_max + Duration::from_secs(self.taken / READER_BYTES_PER_SECOND);
                let left = allowed.saturating_sub(self.waited);
                let (_, limit) =
                    self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(left))));
                limit
                    .as_mut()
                    .poll(context)
                    .map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the reader takes the answer too slowly")))
            }
        }
    }
}

impl AsyncRead for Paced {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, outcome)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.judge(context, outcome)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        if outcome.is_ready() {
            self.activity.flushed();
        }
        outcome
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
