//! Events of many commits, made by several threads and handed out in order.
//!
//! Commits are cut into windows, dealt to the threads in turn. Each thread has a queue of its own, bounded in bytes, and
//! the reader takes from the queues in the same turn: the order needs no sorting, and memory is bounded whoever is
//! slower.

use super::blobs::BlobCache;
use super::change::{Composer, Draft};
use super::error::CollectError;
use super::history::Shared;
use driftline_schema::Event;
use gix::ObjectId;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Commits that are drafted newest first before they are finished oldest first.
const WINDOW_COMMITS: usize = 256;
/// Files in the drafts of a window; beyond, commits are drafted one by one. A draft takes some 200 bytes a file.
const DRAFT_FILES_MAX: usize = 100_000;
/// Contents read ahead for a window, in bytes; beyond, they are read when they are needed.
const READ_AHEAD_BYTES: usize = 4 << 20;
/// Memory for contents, in bytes: a window of each of two threads, and as much again for what is in use.
const CONTENTS_BYTES: usize = 16 << 20;
/// Memory for events a thread has ready, in bytes; one event may exceed it when it is alone.
const QUEUE_BYTES: usize = 8 << 20;
/// Stack of a thread, in bytes (reserved, not used): the comparison of lines recurses on adversarial texts.
const STACK_BYTES: usize = 64 << 20;

type Outcome = Result<Event, CollectError>;

/// The events of a history in order; ends after the first error. Dropping it stops the threads.
pub struct Events {
    queues: Vec<Arc<Queue>>,
    threads: Vec<JoinHandle<()>>,
    commits: usize,
    next: usize,
}

impl Events {
    pub(super) fn start(
        shared: &Arc<Shared>,
        commits: Vec<ObjectId>,
        threads: NonZeroUsize,
    ) -> Result<Self, CollectError> {
        let threads = threads.get().min(commits.len().div_ceil(WINDOW_COMMITS));
        let mut events = Self { queues: Vec::new(), threads: Vec::new(), commits: commits.len(), next: 0 };
        let commits: Arc<[ObjectId]> = commits.into();
        let contents = Arc::new(BlobCache::new(CONTENTS_BYTES));
        for index in 0..threads {
            let mut composer = Composer::new(shared.clone(), contents.clone());
            let (queue, commits) = (Arc::<Queue>::default(), commits.clone());
            let (producer, cpu) = (Producer(queue.clone()), shared.cpu.clone());
            let thread = std::thread::Builder::new()
                .name(format!("collect-{index}"))
                .stack_size(STACK_BYTES)
                .spawn(move || {
                    for window in commits.chunks(WINDOW_COMMITS).skip(index).step_by(threads) {
                        let _measuring = cpu.measure();
                        if !work(&mut composer, window, &producer.0) {
                            break;
                        }
                    }
                })
                .map_err(|source| CollectError::Thread { repository: shared.name.clone(), source })?;
            events.threads.push(thread);
            events.queues.push(queue);
        }
        Ok(events)
    }

    /// Commits whose events were not taken yet.
    pub fn remaining(&self) -> usize {
        self.commits - self.next
    }

    /// Waits for the threads; a panic in one becomes a panic here.
    fn join(&mut self) {
        self.queues.iter().for_each(|queue| queue.abandon());
        for thread in self.threads.drain(..) {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

impl Iterator for Events {
    type Item = Outcome;

    fn next(&mut self) -> Option<Outcome> {
        if self.next == self.commits {
            self.join();
            return None;
        }
        let turn = self.next / WINDOW_COMMITS % self.queues.len();
        let outcome = self.queues[turn].pop();
        match &outcome {
            Some(Ok(_)) => self.next += 1,
            // Nothing may follow an error: what comes after would lack a commit.
            Some(Err(_)) | None => {
                self.next = self.commits;
                self.join();
            }
        }
        outcome
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.remaining()))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.queues.iter().for_each(|queue| queue.abandon());
        } else {
            self.join();
        }
    }
}

/// Makes the events of a window; false when no more are wanted.
fn work(composer: &mut Composer, window: &[ObjectId], queue: &Queue) -> bool {
    // When something in the window cannot be read, what is older is told all the same, one by one up to there.
    let (undrafted, drafts) = drafts(composer, window).unwrap_or_else(|_| (window, Vec::new()));
    undrafted.iter().all(|id| {
        let outcome = composer.draft(*id).and_then(|draft| composer.finish(draft));
        queue.push_and_go_on(outcome)
    }) && drafts.into_iter().rev().all(|draft| queue.push_and_go_on(composer.finish(draft)))
}

/// The drafts of a window, newest first, and the oldest commits for which there was no memory. Packs hold a file's
/// newest version whole and older ones as differences from newer ones, so reading backwards costs one difference a
/// version where reading forwards costs a chain of them.
fn drafts<'a>(composer: &mut Composer, window: &'a [ObjectId]) -> Result<(&'a [ObjectId], Vec<Draft>), CollectError> {
    let (mut drafts, mut bytes, mut files, mut left) = (Vec::with_capacity(window.len()), 0, 0, window);
    while let Some((id, older)) = left.split_last()
        && files < DRAFT_FILES_MAX
    {
        let draft = composer.draft(*id)?;
        files += draft.file_count();
        if bytes < READ_AHEAD_BYTES {
            bytes += composer.read_ahead(&draft, READ_AHEAD_BYTES - bytes)?;
        }
        drafts.push(draft);
        left = older;
    }
    Ok((left, drafts))
}

/// Events one thread has ready.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<(Outcome, usize)>,
    bytes: usize,
    /// The thread is done.
    closed: bool,
    /// Nobody will take more.
    abandoned: bool,
}

/// The writing end of a queue; closes it when the thread ends, however it ends.
struct Producer(Arc<Queue>);

impl Drop for Producer {
    fn drop(&mut self) {
        self.0.state.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl Queue {
    /// Adds an event; false when it was an error or nobody will take it.
    fn push_and_go_on(&self, outcome: Outcome) -> bool {
        let fine = outcome.is_ok();
        self.push(outcome) && fine
    }

    /// Adds an event, waiting for room; false when nobody will take it.
    fn push(&self, outcome: Outcome) -> bool {
        let weight = outcome.as_ref().map_or(0, weight);
        let mut state = self.state.lock();
        while !state.abandoned && !state.events.is_empty() && state.bytes + weight > QUEUE_BYTES {
            self.changed.wait(&mut state);
        }
        state.bytes += weight;
        state.events.push_back((outcome, weight));
        self.changed.notify_all();
        !state.abandoned
    }

    /// The next event; `None` when the thread ended without one.
    fn pop(&self) -> Option<Outcome> {
        let mut state = self.state.lock();
        while state.events.is_empty() && !state.closed {
            self.changed.wait(&mut state);
        }
        let (outcome, weight) = state.events.pop_front()?;
        state.bytes -= weight;
        self.changed.notify_all();
        Some(outcome)
    }

    fn abandon(&self) {
        let mut state = self.state.lock();
        state.abandoned = true;
        state.events.clear();
        self.changed.notify_all();
    }
}

/// Memory an event takes, in bytes, without small things.
fn weight(event: &Event) -> usize {
    let files = event.change.iter().flat_map(|change| &change.files);
    let texts = files.map(|file| {
        let removed: usize = file.hunks.iter().map(|hunk| 64 + hunk.removed.len()).sum();
        256 + file.content.as_deref().map_or(0, str::len) + removed
    });
    512 + texts.sum::<usize>()
}
