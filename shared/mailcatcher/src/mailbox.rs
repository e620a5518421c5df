//! What was accepted, and how the next mail will be treated.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};

use crate::{Behaviour, CaughtMail};

#[derive(Debug)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    accepted: watch::Sender<u64>,
    offered: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    behaviour: Behaviour,
    mails: Vec<CaughtMail>,
    subscribers: Vec<mpsc::UnboundedSender<CaughtMail>>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { state: Mutex::default(), accepted: watch::Sender::new(0), offered: AtomicU64::new(0) }
    }
}

impl Mailbox {
    /// A panic elsewhere leaves a list of whole mails: nothing to be afraid of.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn behaviour(&self) -> Behaviour {
        self.state().behaviour
    }

    pub(crate) fn set_behaviour(&self, behaviour: Behaviour) {
        self.state().behaviour = behaviour;
    }

    /// Keeps one mail; the number is given under the lock, so that numbers and order agree.
    pub(crate) fn keep(&self, envelope_from: String, recipients: Vec<String>, raw: Vec<u8>) -> u64 {
        let mut state = self.state();
        let accepted_no = *self.accepted.borrow() + 1;
        let mail = CaughtMail { envelope_from, recipients, raw, accepted_no };
        state.subscribers.retain(|subscriber| subscriber.send(mail.clone()).is_ok());
        state.mails.push(mail);
        self.accepted.send_replace(accepted_no);
        accepted_no
    }

    pub(crate) fn take(&self) -> Vec<CaughtMail> {
        std::mem::take(&mut self.state().mails)
    }

    pub(crate) fn all(&self) -> Vec<CaughtMail> {
        self.state().mails.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.state().mails.len()
    }

    pub(crate) fn offer(&self) {
        self.offered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn offered(&self) -> u64 {
        self.offered.load(Ordering::Relaxed)
    }

    pub(crate) fn accepted(&self) -> u64 {
        *self.accepted.borrow()
    }

    pub(crate) async fn wait_for(&self, count: u64) {
        // The sender lives in `self`, so the channel cannot close while this waits.
        let _ = self.accepted.subscribe().wait_for(|accepted| *accepted >= count).await;
    }

    pub(crate) fn subscribe(&self) -> mpsc::UnboundedReceiver<CaughtMail> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.state().subscribers.push(sender);
        receiver
    }
}
