//! A few threads for the calls that wait for the device: syncs, and changes of folders.
//!
//! Reads and appends do not come here: they mostly meet the page cache, where a hop to another thread costs more than
//! the call.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Threads: a sync waits and does not compute, so there may be more than cores.
const THREADS: usize = 4;
/// Calls that may wait for a thread; more make the caller wait.
const QUEUE_MAX: usize = 1024;

type Call = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
pub(super) struct Pool {
    calls: SyncSender<Call>,
}

impl Pool {
    pub(super) fn start() -> Pool {
        let (calls, receive) = sync_channel::<Call>(QUEUE_MAX);
        let receive = Arc::new(Mutex::new(receive));
        for number in 0..THREADS {
            let receive = Arc::clone(&receive);
            let started = thread::Builder::new().name(format!("disk-{number}")).spawn(move || serve(&receive));
            // Without threads every call would run inline (see `run`), slower but right.
            drop(started);
        }
        Pool { calls }
    }

    /// Runs `call` on a thread of the pool and waits for its result.
    pub(super) async fn run<T: Send + 'static>(&self, call: impl FnOnce() -> T + Send + 'static) -> T {
        let (send, receive) = oneshot::channel();
        let job: Call = Box::new(move || {
            // Nobody may be waiting.
            let _unheard = send.send(call());
        });
        if let Err(refused) = self.calls.send(job) {
            (refused.0)();
        }
        match receive.await {
            Ok(result) => result,
            // The thread died inside the call: what it did to the disk is unknown.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Runs calls until the pool is dropped.
fn serve(calls: &Mutex<Receiver<Call>>) {
    loop {
        let call = calls.lock().recv();
        match call {
            Ok(call) => call(),
            Err(_) => return,
        }
    }
}
