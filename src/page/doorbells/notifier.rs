//! A thread that rings the doorbells where there are too many for a connection each, so that the thread that made the
//! change need not wait for it.
//!
//! There is one in a process, while there is something to ring. A writer hands it a message about a change that was
//! made; the thread takes the message back *before* it rings, so that a change which comes meanwhile is another
//! message.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use once_cell::sync::Lazy;

use super::Shared;
use crate::sync::lock;

/// The thread ends when there was nothing to ring for this long.
const IDLE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Notifier {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    is_running: bool,
}

struct Message {
    doorbells: Arc<Shared>,
    /// The time of the first change that it announces.
    changed_at: u64,
}

static NOTIFIER: Lazy<Notifier> = Lazy::new(Notifier::default);

/// Has the thread ring those doorbells soon. Fails when the thread cannot be started.
pub fn hand_over(doorbells: &Arc<Shared>, changed_at: u64) -> io::Result<()> {
    let mut state = NOTIFIER.state();
    state.ensure_running()?;
    let is_same = |message: &Message| Arc::ptr_eq(&message.doorbells, doorbells);
    if !state.messages.iter().any(is_same) {
        state.messages.push(Message {
            doorbells: Arc::clone(doorbells),
            changed_at,
        });
    }
    drop(state);
    NOTIFIER.changed.notify_one();
    Ok(())
}

/// Starts the thread, unless it runs.
pub fn ensure_running() -> io::Result<()> {
    NOTIFIER.state().ensure_running()
}

impl State {
    fn ensure_running(&mut self) -> io::Result<()> {
        if !self.is_running {
            Builder::new()
                .name("13byte-notifier".to_owned())
                .spawn(|| NOTIFIER.run())?;
            self.is_running = true;
        }
        Ok(())
    }
}

impl Notifier {
    fn run(&self) {
        while let Some(messages) = self.take() {
            for Message {
                doorbells,
                changed_at,
            } in messages
            {
                doorbells.ring_all(changed_at);
            }
        }
    }

    /// Waits for messages. `None` when the thread is to end.
    fn take(&self) -> Option<Vec<Message>> {
        let is_idle = |state: &mut State| state.messages.is_empty();
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.state(), IDLE, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        state.is_running = !state.messages.is_empty();
        state
            .is_running
            .then(|| std::mem::take(&mut state.messages))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}
