//! Threads for work that nobody waits for, merges above all: the system gives them what statements leave.
//!
//! On the runtime's own threads a merge would be in the way twice: a statement whose turn comes waits until the merge
//! lets go of the thread, and the system shares the processors fairly between the two.

use std::sync::OnceLock;
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};

/// How much the threads give way, in steps of `nice`: against one busy thread of a statement they get a tenth.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// The stack of a thread: as large as those of statements need it, whose plans merges run too.
const STACK_BYTES: usize = 16 << 20;

/// A runtime whose threads have low priority. Started when it is first asked for.
#[derive(Debug, Default)]
pub(super) struct Background {
    runtime: OnceLock<Option<Runtime>>,
}

impl Background {
    /// Where to start such work: with the statements, when no threads can be had.
    pub(super) fn handle(&self) -> Handle {
        let runtime = self.runtime.get_or_init(|| {
            let threads = thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads).thread_name("background").thread_stack_size(STACK_BYTES);
            builder.enable_all().on_thread_start(give_way).build().ok()
        });
        runtime.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // The last owner may itself be a task, and must not wait for threads.
        if let Some(Some(runtime)) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lowers the priority of the thread that calls. On Linux alone: elsewhere the call is for the whole process.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        // Refused, the work runs all the same, only as important as statements.
        let _refused = rustix::process::setpriority_process(None, NICENESS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn its_threads_give_way_and_those_of_statements_do_not() {
        let background = Background::default();
        let niceness = || rustix::process::getpriority_process(None).expect("a thread knows its priority");
        let lowered = background.handle().spawn(async move { niceness() }).await.expect("the task ends");
        assert_eq!(lowered - niceness(), if cfg!(target_os = "linux") { 10 } else { 0 });
    }

    #[tokio::test]
    async fn a_task_may_be_the_last_owner() {
        let background = std::sync::Arc::new(Background::default());
        let handle = background.handle();
        let ended = handle.spawn(async move { drop(background) });
        // ended by the shutdown or by itself: either way nothing panics or hangs
        if let Err(error) = ended.await {
            assert!(error.is_cancelled(), "{error}");
        }
    }
}
