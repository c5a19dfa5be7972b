//! What is past its time goes by itself: parts whose every row has expired are dropped whole, others are merged.
//!
//! ```text
//! rules of the table, bounds of each part, now ─▶ decide() -> Due   (pure)
//! Drop: at once, nothing is read or written │ Merge: of a partition at most once in merge_with_ttl_timeout
//! ```
//! Parts of before a rule know nothing of it: then the bounds of the column that the rule follows tell; where those tell
//! nothing either, the part is taken for due, and the merge makes it know. Views over the table are
//! not touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use parts::{PartName, PartitionId};
use query::definition::Definition;
use query::derive::{Estimate, Moments, RuleKind, TtlRule, ttl_rules};
use query::{QueryContext, Runtime};
use store::merge_policy::{INPUT_BYTES_MAX, INPUTS_MAX};
use store::{ActivePart, Commit, CommitError, Edit, MergePlan, Merged, Snapshot, Store, TableDef, TableParts, Waiting};
use types::TableId;

use crate::error::Result;

/// `merge_with_ttl_timeout` of tables that do not say, in seconds, as in ClickHouse.
const TIMEOUT_S: i64 = 14_400;
/// What is past its time is looked for at most this often, in nanoseconds.
const LOOK_EVERY_NS: u64 = 1_000_000_000;
/// Parts of a table whose estimates are kept; beyond it, all are forgotten and made again.
const ESTIMATED_MAX: usize = 4_096;
const SECOND_NS: i64 = 1_000_000_000;

/// Looks for what is past its time.
#[derive(Default)]
pub(super) struct Expiry {
    /// By table, for the version of its definition; `None` for tables without TTL.
    known: BTreeMap<TableId, (u64, Option<Arc<Rules>>)>,
    /// When a partition may be merged again, in nanoseconds since 1970.
    next_ns: BTreeMap<(TableId, PartitionId), i64>,
    looked_ns: Option<u64>,
}

/// A table's rules and how they are applied.
struct Rules {
    /// With what tells of parts that know nothing of the rule.
    rules: Vec<(TtlRule, Option<Estimate>)>,
    /// `ttl_only_drop_parts`: nothing is merged for its TTL.
    only_drop: bool,
    timeout_ns: i64,
    /// Of parts that do not know all rules themselves: a part never changes.
    estimated: Mutex<BTreeMap<PartName, Told>>,
}

/// For each rule of a table what it means for a part; none when nobody knows.
type Told = Vec<(RuleKind, Option<Moments>)>;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    /// These parts have no row that is not past its time.
    Drop(Vec<PartName>),
    /// Something in these parts is past its time.
    Merge(MergePlan),
}

impl Expiry {
    /// Does the next thing there is to do; false when there is none.
    pub(super) async fn next(&mut self, store: &Store, runtime: &Arc<Runtime>, waiting: &Waiting) -> bool {
        let clock = &runtime.env.clock;
        let now_ns = clock.monotonic_ns();
        if self.looked_ns.is_some_and(|looked| now_ns < looked.saturating_add(LOOK_EVERY_NS)) {
            return false;
        }
        let Some((table, due)) = self.find(store, runtime) else {
            self.looked_ns = Some(now_ns);
            return false;
        };
        let done = match &due {
            Due::Drop(parts) => drop_parts(store, &table, parts).await,
            Due::Merge(plan) => {
                let rules = self.known.get(&table.id).and_then(|(_, rules)| rules.clone());
                let timeout_ns = rules.map_or(TIMEOUT_S * SECOND_NS, |rules| rules.timeout_ns);
                let next_ns = clock.now_ns().saturating_add(timeout_ns);
                self.next_ns.insert((table.id, plan.partition_id.clone()), next_ns);
                super::merge(store, runtime, &table, plan, waiting).await.map(|merged| merged != Merged::GivenUp)
            }
        };
        done.unwrap_or_else(|error| {
            tracing::warn!(table = %table.qualified_name(), %error, "what is past its time stays for now");
            // not again at once: what failed would fail again
            self.looked_ns = Some(now_ns);
            false
        })
    }

    fn find(&mut self, store: &Store, runtime: &Arc<Runtime>) -> Option<(Arc<TableDef>, Due)> {
        let (snapshot, now_ns) = (store.snapshot(), runtime.env.clock.now_ns());
        let (catalog, reservations) = (&snapshot.catalog, store.reservations());
        self.known.retain(|table, _| catalog.table_by_id(*table).is_some());
        self.next_ns.retain(|(table, _), next_ns| now_ns < *next_ns && catalog.table_by_id(*table).is_some());
        for (id, parts) in snapshot.parts.tables() {
            let Some(table) = catalog.table_by_id(*id).filter(|_| 0 < parts.count()) else { continue };
            let Some(rules) = self.rules(table, &snapshot, runtime) else { continue };
            if !store.merges().may_expire(*id) || !store.merges().may_run(*id) {
                continue;
            }
            let looked = Looked {
                rules: &rules,
                is_todays: &|part| snapshot.has_todays_columns(*id, part),
                now_s: now_ns / SECOND_NS,
                is_free: &|part| reservations.is_free(*id, part),
                may_merge: &|partition| !self.next_ns.contains_key(&(*id, partition.clone())),
            };
            if let Some(due) = looked.decide(*id, parts) {
                return Some((Arc::clone(table), due));
            }
        }
        None
    }

    fn rules(&mut self, table: &TableDef, snapshot: &Arc<Snapshot>, runtime: &Arc<Runtime>) -> Option<Arc<Rules>> {
        if let Some((_, rules)) = self.known.get(&table.id).filter(|(version, _)| *version == table.version) {
            return rules.clone();
        }
        let rules = Rules::of(table, &super::context(table, Arc::clone(snapshot), runtime)).unwrap_or_else(|error| {
            tracing::error!(table = %table.qualified_name(), %error, "the table's TTL cannot be read");
            None
        });
        let rules = rules.map(Arc::new);
        self.known.insert(table.id, (table.version, rules.clone()));
        rules
    }
}

impl Rules {
    fn of(table: &TableDef, ctx: &QueryContext) -> Result<Option<Rules>> {
        let rules = ttl_rules(table)?;
        if rules.is_empty() || table.schema.is_none() {
            return Ok(None);
        }
        let definition = Definition::parse(table)?;
        let setting = |name: &str| views::tables::setting(&definition, name);
        let timeout_s = setting("merge_with_ttl_timeout").and_then(|value| value.parse().ok()).unwrap_or(TIMEOUT_S);
        let with_estimate = |rule: TtlRule| {
            let estimate = rule.estimate(table, ctx)?;
            Ok((rule, estimate))
        };
        Ok(Some(Rules {
            rules: rules.into_iter().map(with_estimate).collect::<Result<_>>()?,
            only_drop: setting("ttl_only_drop_parts").is_some_and(|value| value == "1"),
            timeout_ns: timeout_s.saturating_mul(SECOND_NS),
            estimated: Mutex::default(),
        }))
    }

    /// For each rule what it means for the part; none when nobody knows.
    fn moments(&self, part: &ActivePart, is_todays: &dyn Fn(&ActivePart) -> bool) -> Told {
        let meta = &part.part.meta;
        let known: Told = self.rules.iter().map(|(rule, _)| (rule.kind, rule.moments(meta))).collect();
        if known.iter().all(|(_, moments)| moments.is_some()) {
            return known;
        }
        let mut estimated = self.estimated.lock();
        if let Some(moments) = estimated.get(part.name()) {
            return moments.clone();
        }
        if ESTIMATED_MAX <= estimated.len() {
            estimated.clear();
        }
        let is_todays = is_todays(part);
        let estimates = self.rules.iter().map(|(_, estimate)| {
            let estimate = estimate.as_ref().filter(|_| is_todays)?;
            // an estimate that fails is none
            estimate.moments(meta).ok()?
        });
        let moments = known.into_iter().zip(estimates).map(|((kind, known), other)| (kind, known.or(other)));
        let moments: Told = moments.collect();
        estimated.insert(part.name().clone(), moments.clone());
        moments
    }
}

/// Everything that a decision looks at.
struct Looked<'a> {
    rules: &'a Rules,
    /// Whether a part's columns are called as they are today.
    is_todays: &'a dyn Fn(&ActivePart) -> bool,
    now_s: i64,
    is_free: &'a dyn Fn(&PartName) -> bool,
    may_merge: &'a dyn Fn(&PartitionId) -> bool,
}

impl Looked<'_> {
    fn decide(&self, table: TableId, parts: &TableParts) -> Option<Due> {
        let is_gone = |part: &ActivePart| self.all_expired(part) && (self.is_free)(part.name());
        let gone: Vec<PartName> = parts.parts().filter(|part| is_gone(part)).map(|part| part.name().clone()).collect();
        if !gone.is_empty() {
            return Some(Due::Drop(gone));
        }
        if self.rules.only_drop {
            return None;
        }
        let partitions = parts.partitions().filter(|partition| (self.may_merge)(partition));
        let runs = partitions.filter_map(|partition| self.first_run(parts, partition));
        runs.filter_map(|run| MergePlan::of(table, &run)).map(Due::Merge).next()
    }

    /// True when a rule drops every row of the part.
    fn all_expired(&self, part: &ActivePart) -> bool {
        let moments = self.rules.moments(part, self.is_todays);
        moments.into_iter().any(|(kind, moments)| {
            let range = moments.filter(|moments| kind == RuleKind::Rows && !moments.some_never);
            range.and_then(|moments| moments.range).is_some_and(|(_, last)| last <= self.now_s)
        })
    }

    /// True when something in the part is past its time, or nobody knows.
    fn some_expired(&self, part: &ActivePart) -> bool {
        let moments = self.rules.moments(part, self.is_todays);
        moments.into_iter().any(|(_, moments)| match moments {
            Some(moments) => moments.range.is_some_and(|(first, _)| first <= self.now_s),
            None => true,
        })
    }

    /// The first neighbours that all have something past its time.
    fn first_run<'a>(&self, parts: &'a TableParts, partition: &PartitionId) -> Option<Vec<&'a ActivePart>> {
        let mut run: Vec<&ActivePart> = Vec::new();
        let mut bytes = 0;
        for part in parts.partition(partition) {
            let is_due = self.some_expired(part) && (self.is_free)(part.name());
            bytes += part.size_bytes();
            let fits = run.len() < INPUTS_MAX && bytes <= INPUT_BYTES_MAX;
            match (is_due, run.is_empty()) {
                (true, true) => (run, bytes) = (vec![&**part], part.size_bytes()),
                (true, false) if fits => run.push(part),
                (false, true) => {}
                (_, false) => break,
            }
        }
        (!run.is_empty()).then_some(run)
    }
}

/// True when the parts are gone, false when they are in other work: the next look sees to them.
async fn drop_parts(store: &Store, table: &TableDef, parts: &[PartName]) -> Result<bool> {
    let Some(_reservation) = store.reservations().reserve(table.id, parts) else { return Ok(false) };
    let commit = Commit {
        // another TTL may have come since
        reads: vec![store::Read::Definition { table: table.id, version: table.version }],
        edits: vec![Edit::DropParts { table: table.id, parts: parts.to_vec() }],
        at_ns: 0,
    };
    match store.commit(commit).await {
        Ok(_) => Ok(true),
        Err(CommitError::Conflict(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
