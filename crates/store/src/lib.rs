//! The spine: one log of commits, one writer, immutable snapshots.
//!
//! In reading order: what a table is ([`definition`], [`catalog`]); what changes ([`commit`]) and what it means
//! ([`apply`], a pure function over [`snapshot`], [`part_set`] and [`history`]); how changes are kept ([`log`], [`checkpoint`]) and
//! found again (`recovery`); who makes them (`committer`, behind [`store`]); and the work in the background
//! ([`merge_policy`], [`reservations`], [`compact`], [`garbage`]).
//!
//! Evaluates no expression, knows no SQL (definitions are text to it), plans no query. Everything it does is repeatable
//! from a seed in `env::simulated`.

pub mod active_part;
pub mod apply;
mod background;
pub mod catalog;
pub mod check;
pub mod checkpoint;
pub mod codec;
pub mod commit;
mod committer;
pub mod compact;
pub mod config;
mod courtesy;
pub mod definition;
pub mod error;
mod folder;
pub mod garbage;
pub mod history;
pub mod in_flight;
pub mod log;
pub mod merge;
pub mod merge_policy;
pub mod merges;
pub mod part_set;
pub mod published;
mod recovery;
pub mod reservations;
pub mod row_ranges;
mod shared;
pub mod slow;
pub mod snapshot;
mod staging;
pub mod stats;
pub mod store;
pub mod tokens;

pub use active_part::ActivePart;
pub use apply::Applied;
pub use catalog::{Catalog, RetiredTable};
pub use check::{CheckReport, check};
pub use commit::{ChangeKind, Commit, Edit, NewPart, Read, Receipt, Replacement};
pub use config::StoreConfig;
pub use courtesy::Waiting;
pub use definition::{DatabaseDef, QualifiedName, Readiness, TableDef, TableKind, Target, ViewDef, Visibility};
pub use error::{CommitError, Conflict, Error, Result};
pub use garbage::PartFile;
pub use history::{ColumnChange, MutationRecord, TableHistory};
pub use in_flight::{Hold, InFlight, Passage};
pub use log::FsyncMode;
pub use merge::{Derives, Finish, MergeError, MergeWork, Merged, Upgrade};
pub use merge_policy::{MergePlan, MergePolicy};
pub use merges::{Merges, RunningMerge};
pub use part_set::{PartSet, TableParts};
pub use published::Subscription;
pub use reservations::{Reservation, Reservations};
pub use row_ranges::RowRanges;
pub use snapshot::Snapshot;
pub use stats::Stats;
pub use store::Store;
