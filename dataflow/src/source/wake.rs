//! Wakes one waiting thread.
//!
//! A wake that comes before the wait is kept, so none is lost between looking and waiting.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Duration;

/// A flag that a thread can wait for. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<(Mutex<bool>, Condvar)>);

impl Wake {
    /// Wakes the waiting thread, or the next to wait.
    pub fn wake(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_one();
    }

    /// Waits for a wake, at most this long, and takes it.
    pub fn wait(&self, timeout: Duration) {
        let mut woken = self.0.0.lock();
        if !*woken {
            self.0.1.wait_for(&mut woken, timeout);
        }
        *woken = false;
    }
}
