//! Tasks with names, all of them joined at shutdown.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// What a task runs.
pub type BoxTask = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// Starts tasks. Must be called inside a tokio runtime.
#[async_trait]
pub trait Spawner: Send + Sync + Debug {
    /// Starts `task`. The task runs on when the returned [`Task`] is dropped.
    fn spawn(&self, name: &'static str, task: BoxTask) -> Task;

    /// Starts `task` where it is least in the way of those that [`Spawner::spawn`] started: work that nobody waits for,
    /// such as merges. Tasks that it starts by itself are there too.
    fn spawn_background(&self, name: &'static str, task: BoxTask) -> Task {
        self.spawn(name, task)
    }

    /// Waits until every task that was started has ended. Tell them to end first.
    async fn join_all(&self);

    /// Ends every task at its next `.await`, without telling it.
    fn abort_all(&self);

    /// The names of the tasks that have not ended, sorted.
    fn running(&self) -> Vec<&'static str>;
}

/// A task that was started.
#[derive(Debug)]
pub struct Task {
    abort: Option<AbortHandle>,
    ended: oneshot::Receiver<()>,
}

impl Task {
    /// Waits until the task has ended, by itself, by a panic or by [`Task::abort`].
    pub async fn join(self) {
        // An error means that the sender was dropped unsent: the task panicked or was ended. It has ended all the same.
        let _ended = self.ended.await;
    }

    /// The task, ended when the returned value is dropped.
    pub fn abort_on_drop(self) -> AbortOnDrop {
        AbortOnDrop(self)
    }

    /// Ends the task at its next `.await`.
    pub fn abort(&self) {
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub struct AbortOnDrop(Task);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The tasks of one spawner that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    running: Mutex<Vec<Entry>>,
    panicked: AtomicU64,
}

/// Counts its task when that ends by a panic, which nobody else may notice.
struct PanicWatch {
    tasks: Arc<Tasks>,
}

impl Drop for PanicWatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tasks.panicked.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
struct Entry {
    name: &'static str,
    abort: AbortHandle,
}

impl Tasks {
    pub(crate) fn spawn(self: &Arc<Self>, runtime: &Handle, name: &'static str, task: BoxTask) -> Task {
        let (send, ended) = oneshot::channel();
        let watch = PanicWatch { tasks: Arc::clone(self) };
        let join = runtime.spawn(async move {
            let _watch = watch;
            task.await;
            // Nobody may be waiting.
            let _unheard = send.send(());
        });
        let abort = join.abort_handle();
        let mut running = self.running.lock();
        running.retain(|entry| !entry.abort.is_finished());
        running.push(Entry { name, abort: abort.clone() });
        Task { abort: Some(abort), ended }
    }

    /// A task that never runs.
    pub(crate) fn refuse(task: BoxTask) -> Task {
        drop(task);
        let (_send, ended) = oneshot::channel();
        Task { abort: None, ended }
    }

    pub(crate) async fn join_all(&self) {
        while self.running.lock().iter().any(|entry| !entry.abort.is_finished()) {
            tokio::time::sleep(JOIN_POLL).await;
        }
    }

    pub(crate) fn abort_all(&self) {
        for entry in self.running.lock().drain(..) {
            entry.abort.abort();
        }
    }

    pub(crate) fn panicked(&self) -> u64 {
        self.panicked.load(Ordering::Relaxed)
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> =
            self.running.lock().iter().filter(|entry| !entry.abort.is_finished()).map(|entry| entry.name).collect();
        names.sort_unstable();
        names
    }
}

/// How often `join_all` looks; it runs once, at shutdown.
const JOIN_POLL: std::time::Duration = std::time::Duration::from_millis(2);
