//! The only doors to the outside: clock, randomness, disk, tasks. Real ones and simulated ones both live here.
//!
//! Nothing else in the workspace asks the operating system for the time, for random bytes, for a file of the data
//! folder or for a task. So a whole engine can run inside [`simulated`] on one thread, where the same seed gives the
//! same history, and where the power can be cut between any two disk operations.
//!
//! What is not here: sockets (they are `server`'s), the spill files of the query engine, and any knowledge of what the
//! bytes mean.

pub mod clock;
pub mod disk;
pub mod error;
pub mod real;
pub mod rng;
pub mod simulated;
pub mod spawner;

use std::sync::Arc;

pub use clock::Clock;
pub use disk::{DirEntry, Disk, DiskFile, DiskLock, read_all, write_atomic};
pub use error::{DiskOp, Error, Result};
pub use rng::Rng;
pub use spawner::{AbortOnDrop, BoxTask, Spawner, Task};

/// Everything outside, in one value that is passed down at construction. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Env {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub rng: Arc<dyn Rng>,
    /// Files.
    pub disk: Arc<dyn Disk>,
    /// Tasks.
    pub spawner: Arc<dyn Spawner>,
}
