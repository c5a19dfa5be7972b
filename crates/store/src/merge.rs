//! Running a planned merge: reserve the inputs, merge their rows by the engine's rule, stage the output, commit.
//!
//! A merge changes no answer. It is given up without harm when an input is in other work, was dropped, or the table
//! changed; the policy plans again.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use parts::file::{Caching, Maturity};
use parts::merge::{MERGE_ROWS, Run, merge_runs};
use parts::{Derived, PartName, PartSchema, Purpose};
use types::transform::TransformError;
use types::{BlockTransform, ErrorCode, TableId};

use crate::active_part::ActivePart;
use crate::commit::{Commit, Edit, Receipt};
use crate::courtesy::{self, Waiting};
use crate::definition::TableDef;
use crate::error::{CommitError, Error};
use crate::merge_policy::MergePlan;
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::staging;

/// Smaller merges are soon merged again; making ZSTD ready for each of their pages costs more than it saves.
const PACKED_BYTES_MIN: u64 = 1 << 20;

/// What makes rows of a part rows of its table as it is now.
pub type Upgrade = Arc<dyn Fn(&Snapshot, &ActivePart) -> Result<Arc<dyn BlockTransform>, TransformError> + Send + Sync>;

/// What is done with rows on their way into a part.
pub type Finish = Arc<dyn Fn(Run) -> Run + Send + Sync>;

/// What is computed of the rows of a table that go from memory to a file; none where nothing is.
pub type Derives = Arc<dyn Fn(&Arc<Snapshot>, &TableDef) -> Option<Derived> + Send + Sync>;

/// What a merge does beside the engine's rule.
#[derive(Clone)]
pub struct MergeWork {
    /// Which rule: [`Purpose::Merge`], or [`Purpose::MergeCleanup`] for `FINAL CLEANUP`.
    pub purpose: Purpose,
    /// Brings rows of inputs whose columns are not the table's (it was altered since) into the table's layout. Without
    /// it, such inputs are [`MergeError::Layout`].
    pub upgrade: Option<Upgrade>,
    /// Applied to the merged rows, which stay sorted: expired TTL.
    pub finish: Option<Finish>,
    /// Of rows that are equal in these columns only the first stays: `OPTIMIZE … DEDUPLICATE`.
    pub deduplicate: Option<Vec<usize>>,
    /// What is computed of the rows; without it the new part takes over what its inputs know.
    pub derived: Derived,
    /// For whom the merge rests between pieces of its rows; without it, it never does.
    pub waiting: Option<Waiting>,
}

impl Default for MergeWork {
    fn default() -> MergeWork {
        MergeWork {
            purpose: Purpose::Merge,
            upgrade: None,
            finish: None,
            deduplicate: None,
            derived: Derived::default(),
            waiting: None,
        }
    }
}

/// What became of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It is committed.
    Done(Receipt),
    /// An input is in other work or gone, or the table changed: plan again.
    GivenUp,
}

/// Why a merge failed; its inputs stay as they were.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// An input has other columns than the table and there is no transform.
    #[error("part \"{0}\" has other columns than its table")]
    Layout(PartName),
    /// Rows could not be read, merged or written.
    #[error(transparent)]
    Store(#[from] Error),
    /// The commit failed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl MergeError {
    /// ClickHouse's code for this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            MergeError::Layout(_) => ErrorCode::LOGICAL_ERROR,
            MergeError::Store(error) => error.code(),
            MergeError::Commit(error) => error.code(),
        }
    }
}

/// Runs one merge for which there must be room on the disk.
pub(crate) async fn run_with_room(shared: &Shared, plan: &MergePlan, work: &MergeWork) -> Result<Merged, MergeError> {
    staging::require_space(shared, plan.size_bytes).await?;
    run(shared, plan, work).await
}

/// Runs one merge, also when it uses the last bytes: a flush makes room for the log to go.
pub(crate) async fn run(shared: &Shared, plan: &MergePlan, work: &MergeWork) -> Result<Merged, MergeError> {
    let Some(_reservation) = shared.reservations.reserve(plan.table, &plan.inputs) else { return Ok(Merged::GivenUp) };
    // The snapshot is taken after the reservation: nobody takes the inputs away between the two.
    let snapshot = shared.snapshot();
    let Some((schema, inputs)) = find(&snapshot, plan) else { return Ok(Merged::GivenUp) };
    let Some(running) = shared.merges.begin(plan, shared.env.clock.now_ns()) else { return Ok(Merged::GivenUp) };
    let progress = running.progress();
    let merged = merged_rows(&snapshot, plan.table, &schema, &inputs, work)?;
    let merged = merged.inspect_ok(move |block| progress(block.rows() as u64)).boxed();
    let merged = match &work.waiting {
        Some(waiting) => {
            let parts = snapshot.table_parts(plan.table).map_or(0, |parts| parts.partition_count(&plan.partition_id));
            with_rests(shared, parts, waiting.clone(), merged)
        }
        None => merged,
    };
    let derived = match work.derived.is_none() {
        true => Derived::of_inputs(inputs.iter().map(|input| &*input.part.meta)).map_err(Error::from)?,
        false => work.derived.clone(),
    };
    let bytes: u64 = inputs.iter().map(|input| input.part.meta.uncompressed_bytes).sum();
    let maturity = if bytes < PACKED_BYTES_MIN { Maturity::Young } else { Maturity::Merged };
    let output = staging::stage_file(shared, &schema, &derived, merged, maturity).await?;
    let commit = Commit {
        reads: snapshot.read_definition(plan.table).into_iter().collect(),
        edits: vec![Edit::Merge { table: plan.table, inputs: plan.inputs.clone(), output }],
        at_ns: 0,
    };
    match shared.commit_now(commit, shared.config.fsync).await {
        Ok(receipt) => Ok(Merged::Done(receipt)),
        Err(CommitError::Conflict(conflict)) if conflict.is_retryable() => Ok(Merged::GivenUp),
        Err(error) => Err(error.into()),
    }
}

/// The same rows, with a rest before each piece but the first while somebody waits.
/// `parts` are those that the partition has.
fn with_rests(shared: &Shared, parts: usize, waiting: Waiting, rows: Run) -> Run {
    let (env, counters) = (shared.env.clone(), Arc::clone(&shared.counters));
    let state = (rows, None::<Duration>);
    let next = move |(mut rows, last): (Run, Option<Duration>)| {
        let (env, counters, waiting) = (env.clone(), counters.clone(), waiting.clone());
        async move {
            if let Some(took) = last {
                courtesy::rest(&waiting, courtesy::rest_max(took, parts), &env, &counters).await;
            }
            let started_ns = env.clock.monotonic_ns();
            let piece = rows.try_next().await?;
            let took = Duration::from_nanos(env.clock.monotonic_ns().saturating_sub(started_ns));
            Ok(piece.map(|piece| (piece, (rows, Some(took)))))
        }
    };
    futures::stream::try_unfold(state, next).boxed()
}

/// The table's layout and the inputs, when all are still there.
fn find(snapshot: &Snapshot, plan: &MergePlan) -> Option<(Arc<PartSchema>, Vec<Arc<ActivePart>>)> {
    let schema = Arc::clone(snapshot.catalog.kept_by_id(plan.table)?.schema.as_ref()?);
    let inputs = plan.inputs.iter().map(|name| snapshot.parts.part(plan.table, name).cloned());
    Some((schema, inputs.collect::<Option<Vec<_>>>()?))
}

fn merged_rows(
    snapshot: &Snapshot,
    table: TableId,
    schema: &PartSchema,
    inputs: &[Arc<ActivePart>],
    work: &MergeWork,
) -> Result<Run, MergeError> {
    let mut runs = Vec::with_capacity(inputs.len());
    for input in inputs {
        runs.push(match (snapshot.is_current(table, schema, input), &work.upgrade) {
            (true, _) => rows_of(input),
            (false, None) => return Err(MergeError::Layout(input.name().clone())),
            (false, Some(upgrade)) => {
                let transform = upgrade(snapshot, input).map_err(parts::Error::from).map_err(Error::from)?;
                transformed(rows_of(input), transform)
            }
        });
    }
    let mut merged = merge_runs(schema, runs, work.purpose, MERGE_ROWS).map_err(Error::from)?;
    if let Some(columns) = &work.deduplicate {
        merged = parts::deduplicated(schema, merged, columns).map_err(Error::from)?;
    }
    Ok(match &work.finish {
        Some(finish) => finish(merged),
        None => merged,
    })
}

/// The rows of one input as they are.
fn rows_of(input: &ActivePart) -> Run {
    let columns: Vec<usize> = (0..input.part.meta.header.len()).collect();
    input.read_all(&columns, Caching::Bypass)
}

fn transformed(rows: Run, transform: Arc<dyn BlockTransform>) -> Run {
    rows.map(move |block| Ok(transform.apply(&block?)?)).boxed()
}

/// Parts in memory that should be written to files: runs of neighbours of the table's layout that are many bytes or old;
/// all of them when `all`.
pub(crate) fn plan_flush(shared: &Shared, snapshot: &Snapshot, now_ns: i64, all: bool) -> Vec<MergePlan> {
    let age_max = i64::try_from(shared.config.memory_age_max.as_nanos()).unwrap_or(i64::MAX);
    let mut plans = Vec::new();
    for (table, parts) in snapshot.parts.tables() {
        let Some(schema) = snapshot.catalog.kept_by_id(*table).and_then(|def| def.schema.as_ref()) else { continue };
        let may_merge = shared.merges.may_run(*table);
        for partition in parts.partitions() {
            let fits = |part: &ActivePart| part.is_in_memory() && snapshot.is_current(*table, schema, part);
            let is_cut = |left: &ActivePart, right: &ActivePart| {
                !may_merge || parts.has_mark_between(left.name().max_block, right.name().min_block)
            };
            for run in memory_runs(&fits, parts.partition(partition), &is_cut) {
                let bytes: u64 = run.iter().map(|part| part.size_bytes()).sum();
                let is_old = run.iter().any(|part| age_max <= now_ns.saturating_sub(part.created_ns));
                if all || is_old || shared.config.inline_bytes_max as u64 <= bytes {
                    plans.extend(MergePlan::of(*table, &run));
                }
            }
        }
    }
    plans
}

/// A part in memory that no flush writes, because its table changed or rows of it were deleted since, and that is old:
/// merged alone it gets today's columns and a file.
pub(crate) fn plan_outdated(shared: &Shared, snapshot: &Snapshot, now_ns: i64) -> Option<MergePlan> {
    let age_max = i64::try_from(shared.config.memory_age_max.as_nanos()).unwrap_or(i64::MAX);
    let crowded = shared.config.memory_bytes_max / 2 <= snapshot.parts.memory_bytes();
    snapshot.parts.parts().find_map(|(table, part)| {
        let schema = snapshot.catalog.table_by_id(table)?.schema.as_ref()?;
        let is_old = crowded || age_max <= now_ns.saturating_sub(part.created_ns);
        let is_meant = part.is_in_memory()
            && is_old
            && !snapshot.is_current(table, schema, part)
            && shared.reservations.is_free(table, part.name());
        is_meant.then(|| MergePlan::of(table, &[part])).flatten()
    })
}

/// Neighbours in memory, of the table's layout, apart where they may not be merged.
fn memory_runs<'a>(
    fits: &dyn Fn(&ActivePart) -> bool,
    parts: impl Iterator<Item = &'a Arc<ActivePart>>,
    is_cut: &dyn Fn(&ActivePart, &ActivePart) -> bool,
) -> Vec<Vec<&'a ActivePart>> {
    let mut runs: Vec<Vec<&ActivePart>> = vec![Vec::new()];
    for part in parts {
        let fits = fits(part);
        match runs.last_mut() {
            Some(run) if fits && !run.last().is_some_and(|last| is_cut(last, part)) => run.push(part),
            _ if fits => runs.push(vec![part]),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Writes rows in memory to files, so that neither the log nor the next checkpoint has to hold them.
pub(crate) async fn flush(shared: &Shared, all: bool) -> Result<(), MergeError> {
    let snapshot = shared.snapshot();
    for plan in plan_flush(shared, &snapshot, shared.env.clock.now_ns(), all) {
        let derives = shared.derives.get();
        let table = snapshot.catalog.table_by_id(plan.table);
        let derived = derives.zip(table).and_then(|(derives, table)| derives.0(&snapshot, table));
        let work = MergeWork { derived: derived.unwrap_or_default(), ..MergeWork::default() };
        match run(shared, &plan, &work).await {
            Ok(Merged::Done(_) | Merged::GivenUp) => {}
            Err(MergeError::Store(Error::Part(error))) if error.code() == ErrorCode::NOT_IMPLEMENTED => {
                // A column type that files cannot hold: the rows stay in memory and in the checkpoint.
                tracing::warn!(%error, table = %plan.table, "rows stay in memory");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
