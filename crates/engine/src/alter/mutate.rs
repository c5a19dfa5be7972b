//! Mutations: rows of parts deleted and changed, part by part, granule by granule.
//!
//! ```text
//! reserve parts ─▶ find those with matching rows (a SELECT, with its pruning) ─▶ rewrite these ─▶ edits
//! ```
//! Memory is one block of a part, whatever its size. Rows inserted meanwhile are not touched.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::AsArray;
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;
use parts::file::{Amendment, FilePart};
use parts::rewrite::{Mutation as PartMutation, RowMask, RowSet, rewrite};
use parts::{Derived, PartData, PartName, PartSchema, PartitionId};
use query::QueryContext;
use query::definition::Definition;
use query::expressions::Expressions;
use query::projections::Compiled;
use query::subqueries::run_subqueries;
use sql::Expr;
use sql::ast::{
    AlterAction, ChainOperator, ColumnDefault, Element, ExprKind, Literal, Mutation, ObjectName, QueryBody,
    StatementKind,
};
use store::{ActivePart, Edit, Replacement, RowRanges, TableDef, TableKind};
use types::transform::TransformError;
use types::{Block, DataType, ErrorCode, Header, Setting, TableId};

use super::copy::{rows_as, stage};
use super::materialize::{has_index, materialize, materialize_indexes};
use super::partition::partition_id;
use super::{PAUSE, TRIES_MAX, Work, located, projections, update};
use crate::error::{Error, Result};
use crate::ttl::Ttl;

/// What a user says of answers: which rows they have, where they may break off, how they must be found. A mutation is about all
/// of its rows.
const OF_RESULTS: [Setting; 12] = [
    Setting::ForcePrimaryKey,
    Setting::ForceIndexByDate,
    Setting::MaxPartitionsToRead,
    Setting::FinalByDefault,
    Setting::ForceOptimizeProjection,
    Setting::ForceOptimizeProjectionName,
    Setting::ForceDataSkippingIndices,
    Setting::MaxResultRows,
    Setting::MaxResultBytes,
    Setting::ResultOverflowMode,
    Setting::ReadOverflowMode,
    Setting::ExtremesOutput,
];

/// One command over the parts of a table.
pub(super) struct Change {
    /// Only in this partition.
    pub(super) partition: Option<PartitionId>,
    /// Which parts, and what with them.
    pub(super) what: What,
}

/// Which parts a command is about, and what becomes of them.
pub(super) enum What {
    /// Rows for which the condition holds. An update of files that only some columns take part in has an amendment.
    /// One that asks where rows are is compiled anew for each part, from its command.
    Rows { condition: Expr, mutation: PartMutation, amendment: Option<Amendment>, located: Option<Box<AlterAction>> },
    /// Every part that has not the table's own columns.
    Outdated,
    /// Every part.
    All,
    /// Every file that has not these indexes, by text.
    Indexed(Vec<Arc<str>>),
    /// Every file that has this index, which the new one has not.
    Unindexed(Arc<str>),
    /// Every part that has not these projections.
    Projected(Vec<Arc<Compiled>>),
    /// Every part that has this projection, which the new one has not.
    Unprojected(Arc<Compiled>),
}

impl What {
    /// Rows for which the condition holds; their parts are written again whole.
    pub(super) fn rows(condition: Expr, mutation: PartMutation) -> What {
        What::Rows { condition, mutation, amendment: None, located: None }
    }
}

/// DELETE, UPDATE, MATERIALIZE and the like.
pub(super) async fn run(work: &mut Work<'_>, table: TableId, actions: &[&AlterAction]) -> Result<()> {
    // compiled before anything is taken: what is wrong is said at once
    changes(work, table, actions).await?;
    refuse_rows(work.table(table)?.as_ref(), actions)?;
    let names = reserve(work, table, |_| true).await?;
    let changes = changes(work, table, actions).await?;
    let commands: Vec<Arc<str>> = actions.iter().map(|action| action.to_string().into()).collect();
    let def = work.table(table)?;
    let _running = work.engine.inner.mutations.start(&def, &commands, &work.ctx);
    rewrite_parts(work, table, names, changes, commands).await
}

/// Refuses commands that ask where in its part a row stands.
pub(super) fn refuse_rows(def: &TableDef, actions: &[&AlterAction]) -> Result<()> {
    for action in actions {
        if let AlterAction::Delete(mutation) | AlterAction::Update(mutation) = action {
            located::refuse_rows(def, mutation)?;
        }
    }
    Ok(())
}

/// Takes the parts that `is_meant` says, once nobody else works on them; the names of those that are there then.
pub(super) async fn reserve(
    work: &mut Work<'_>,
    table: TableId,
    is_meant: impl Fn(&PartName) -> bool,
) -> Result<Vec<PartName>> {
    for _ in 0..TRIES_MAX {
        work.pin_again()?;
        let store_parts = work.engine.inner.store.snapshot();
        let names: Vec<PartName> = names_of(&store_parts, table).filter(|name| is_meant(name)).collect();
        if let Some(reservation) = work.engine.inner.store.reservations().reserve(table, &names) {
            work.pin_again()?;
            // nobody took them away between the look and the reservation
            if names.iter().all(|name| work.engine.inner.store.snapshot().parts.part(table, name).is_some()) {
                work.reservations.push(reservation);
                let there = names_of(&work.ctx.snapshot, table).collect::<BTreeSet<_>>();
                return Ok(names.into_iter().filter(|name| there.contains(name)).collect());
            }
        }
        work.ctx.check()?;
        work.engine.env().clock.sleep(PAUSE).await;
    }
    let table = work.table(table)?;
    let message = format!("parts of {} are being merged or changed; try again", table.qualified_name());
    Err(Error::refused(ErrorCode::CANNOT_ASSIGN_ALTER, message))
}

fn names_of(snapshot: &store::Snapshot, table: TableId) -> impl Iterator<Item = PartName> + '_ {
    snapshot.table_parts(table).into_iter().flat_map(|parts| parts.parts()).map(|part| part.name().clone())
}

pub(super) async fn changes(work: &Work<'_>, table: TableId, actions: &[&AlterAction]) -> Result<Vec<Change>> {
    let def = work.table(table)?;
    let mut changes = Vec::new();
    for action in actions {
        let within = |partition: &Option<sql::ast::Partition>| match (partition, &def.schema) {
            (Some(partition), Some(schema)) => partition_id(schema, partition, &work.ctx).map(Some),
            _ => Ok(None),
        };
        match action {
            AlterAction::Delete(mutation) => {
                let condition = prepared(&def, &mutation.filter, &work.ctx).await?;
                let sampled = located::sampled(&condition, &def);
                let mutation_of = PartMutation::Delete { matches: mask(def.stored_columns(), &sampled, &work.ctx)? };
                let mut what = What::rows(condition.clone(), mutation_of);
                if let (What::Rows { located, .. }, true) = (&mut what, located::asks(&condition, &def)) {
                    let again = Mutation { filter: condition, ..mutation.clone() };
                    *located = Some(Box::new(AlterAction::Delete(again)));
                }
                changes.push(Change { partition: within(&mutation.partition)?, what });
            }
            AlterAction::Update(mutation) => {
                let what = update::compiled(&def, mutation, &work.ctx).await?;
                changes.push(Change { partition: within(&mutation.partition)?, what });
            }
            AlterAction::MaterializeTtl(partition) => {
                let partition = within(partition)?;
                let ttl = Ttl::of(&def)?.ok_or_else(|| {
                    let message = format!("there is no TTL set for table {}", def.qualified_name());
                    Error::refused(ErrorCode::INCORRECT_QUERY, format!("cannot MATERIALIZE TTL as {message}"))
                })?;
                changes.extend(of_ttl(&def, &ttl, partition, &work.ctx)?);
            }
            AlterAction::Materialize(Element::Column, what) => {
                let partition = within(&what.partition)?;
                changes.extend(materialize(&def, what, partition, &work.ctx)?);
            }
            AlterAction::Materialize(Element::Index, what) => {
                let partition = within(&what.partition)?;
                changes.extend(materialize_indexes(&def, what, partition, &work.ctx)?);
            }
            AlterAction::Materialize(Element::Projection, what) => {
                let partition = within(&what.partition)?;
                changes.extend(projections::materialize(&def, what, partition, &work.ctx)?);
            }
            AlterAction::Materialize(Element::Statistics, _) => {
                return Err(Error::NotImplemented("MATERIALIZE STATISTICS".to_owned()));
            }
            AlterAction::RewriteParts(partition) => {
                changes.push(Change { partition: within(partition)?, what: What::All });
            }
            AlterAction::ApplyDeletedMask(partition) => {
                changes.push(Change { partition: within(partition)?, what: What::Outdated });
            }
            // updates leave no patches
            _ => {}
        }
    }
    Ok(changes)
}

/// What TTL drops and resets in the parts there are.
pub(super) fn of_ttl(
    def: &TableDef,
    ttl: &Ttl,
    partition: Option<PartitionId>,
    ctx: &QueryContext,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let Some(schema) = &def.schema else { return Ok(changes) };
    let now_s = crate::ttl::now_s(ctx);
    for rule in &ttl.rows {
        let condition = rule.condition(now_s);
        let mutation = PartMutation::Delete { matches: mask(def.stored_columns(), &condition, ctx)? };
        changes.push(Change { partition: partition.clone(), what: What::rows(condition, mutation) });
    }
    for rule in &ttl.columns {
        let condition = rule.condition(now_s);
        let transform = query::transform::ttl(&[], std::slice::from_ref(rule), now_s, (&schema.header, ctx))?;
        let mutation = PartMutation::Update { matches: mask(def.stored_columns(), &condition, ctx)?, transform };
        changes.push(Change { partition: partition.clone(), what: What::rows(condition, mutation) });
    }
    if !ttl.groups.is_empty() {
        changes.push(Change { partition, what: What::All });
    }
    Ok(changes)
}

/// A condition or value as it can be evaluated over stored columns: subqueries run, ALIAS columns in full.
pub(super) async fn prepared(def: &TableDef, expr: &Expr, ctx: &Arc<QueryContext>) -> Result<Expr> {
    if expr.has_array_join() {
        return Err(Error::refused(ErrorCode::UNEXPECTED_EXPRESSION, "arrayJoin is not allowed in mutations"));
    }
    let definition = Definition::parse(def)?;
    let mut expr = run_subqueries(expr, ctx).await?;
    // an alias may read another one; each round opens one level, and there are no cycles among them
    for _ in 0..definition.columns().len() {
        let mut opened = false;
        expr.replace_identifiers(&mut |name| match definition.column(name)?.default.as_ref()? {
            ColumnDefault::Alias(alias) => {
                opened = true;
                Some(alias.clone())
            }
            _ => None,
        });
        if !opened {
            break;
        }
    }
    Ok(expr)
}

/// What changes rows, and does not drop them, takes a condition that is true or false, not any number.
pub(super) fn check_flag(def: &TableDef, condition: &Expr, ctx: &QueryContext) -> Result<()> {
    let compiled = Expressions::compile(std::slice::from_ref(condition), def.stored_columns(), ctx)?;
    match compiled.types().next().map(DataType::base) {
        None | Some(DataType::UInt8 | DataType::Bool | DataType::Nothing) => Ok(()),
        Some(other) => {
            let message = format!("illegal type {other} of condition {condition}: must be UInt8");
            Err(Error::refused(ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT, message))
        }
    }
}

/// Which rows of blocks of `header` a condition takes.
pub(super) fn mask(header: &Header, condition: &Expr, ctx: &QueryContext) -> Result<RowMask> {
    let compiled = Expressions::compile(std::slice::from_ref(condition), header, ctx)?;
    compiled.eval_conditions(&Block::empty(header.clone())).map_err(|error| match error.code() {
        ErrorCode::ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER => Error::refused(ErrorCode::BAD_ARGUMENTS, error.to_string()),
        _ => Error::from(error),
    })?;
    Ok(Arc::new(move |block: &Block| {
        let fail = |error: query::Error| TransformError { code: error.code(), message: error.to_string() };
        let mut holds = compiled.eval_conditions(block).map_err(fail)?;
        Ok(holds.remove(0))
    }))
}

/// The parts that have rows for which one of the changes' conditions holds.
async fn affected(work: &Work<'_>, def: &TableDef, changes: &[Change]) -> Result<BTreeSet<String>> {
    let conditions: Vec<Expr> = changes
        .iter()
        .filter_map(|change| match &change.what {
            What::Rows { condition, .. } => Some(condition.clone()),
            _ => None,
        })
        .collect();
    let condition = match conditions.len() {
        0 => return Ok(BTreeSet::new()),
        1 => conditions.into_iter().next().unwrap_or_else(|| Expr::literal(Literal::UInt(1))),
        _ => Expr::new(ExprKind::Chain(ChainOperator::Or, conditions)),
    };
    if def.stored_columns().position("_part").is_some() {
        // the name of a column of its own: any part may have such rows
        return Ok(names_of(&work.ctx.snapshot, def.id).map(|name| name.to_string()).collect());
    }
    let mut parts = BTreeSet::new();
    let mut found = rows_where(work, def, "DISTINCT _part", condition).await?;
    while let Some(block) = found.try_next().await? {
        let names = block.array(0).as_binary::<i32>();
        parts.extend(names.iter().flatten().map(|name| String::from_utf8_lossy(name).into_owned()));
    }
    Ok(parts)
}

/// These columns of the rows in the parts of the table for which the condition holds: a SELECT, with its pruning and threads.
pub(super) async fn rows_where(
    work: &Work<'_>,
    def: &TableDef,
    columns: &str,
    condition: Expr,
) -> Result<query::BlockStream> {
    // by its own name a Join table shows one row a key; a mutation is about the rows in its parts
    let name = match def.kind {
        TableKind::Join => ObjectName::qualified(&*def.database, query::state_table_name(def.id)),
        _ => ObjectName::qualified(&*def.database, &*def.name),
    };
    let statement = sql::parse_statement(&format!("SELECT {columns} FROM {name} WHERE 1"))?;
    let StatementKind::Query(mut query) = statement.kind else {
        return Err(Error::refused(ErrorCode::LOGICAL_ERROR, "a SELECT is no query".to_owned()));
    };
    if let QueryBody::Select(select) = &mut query.body {
        select.filter = Some(condition);
    }
    let mut settings = work.ctx.settings.clone();
    for setting in OF_RESULTS {
        settings.reset(setting);
    }
    let mut ctx = work.ctx.with_settings(settings);
    if let Some(deadline) = &mut ctx.deadline {
        deadline.breaks = false;
    }
    let ctx = Arc::new(ctx);
    Ok(query::prepare(&query, &ctx).await?.compiled.run(&ctx).await?)
}

/// Rewrites the parts among `names` that change, and records the commands.
pub(super) async fn rewrite_parts(
    work: &mut Work<'_>,
    table: TableId,
    names: Vec<PartName>,
    changes: Vec<Change>,
    commands: Vec<Arc<str>>,
) -> Result<()> {
    let def = work.table(table)?;
    let affected = affected(work, &def, &changes).await.map_err(|error| unfinished(error, &commands))?;
    let finish = match Ttl::of(&def)? {
        Some(ttl) if !ttl.groups.is_empty() && changes.iter().any(|change| matches!(change.what, What::All)) => {
            Some(ttl.finish(&def, &work.ctx)?)
        }
        _ => None,
    };
    let mut replacements = Vec::new();
    for name in &names {
        work.ctx.check()?;
        let Some(part) = work.ctx.snapshot.parts.part(table, name).cloned() else { continue };
        let chosen: Vec<&Change> = changes
            .iter()
            .filter(|change| change.partition.as_ref().is_none_or(|id| name.partition_id == *id))
            .collect();
        let is_touched = chosen.iter().any(|change| match change.what {
            What::Rows { .. } => affected.contains(&name.to_string()),
            What::Outdated => is_outdated(work, &def, &part),
            What::All => true,
            What::Indexed(ref texts) => texts.iter().any(|text| has_index(&part, text) == Some(false)),
            What::Unindexed(ref text) => has_index(&part, text) == Some(true),
            What::Projected(_) | What::Unprojected(_) => projections::touches(&change.what, &def, &part, &work.ctx),
        });
        if is_touched {
            let anew = of_part(work, &def, &chosen, name).await.map_err(|error| unfinished(error, &commands))?;
            let chosen: Vec<&Change> =
                chosen.iter().zip(&anew).map(|(change, anew)| anew.as_ref().unwrap_or(change)).collect();
            let replaced = replace(work, &def, &part, &chosen, finish.as_ref()).await;
            replacements.extend(replaced.map_err(|error| unfinished(error, &commands))?);
        }
    }
    work.rely_on(table);
    let mut edits = Vec::new();
    if !commands.is_empty() && def.kind == TableKind::MergeTree {
        edits.push(Edit::RecordMutation { table, commands });
    }
    if !replacements.is_empty() {
        edits.push(Edit::Rewrite { table, replacements });
    }
    work.add(edits)
}

/// The changes that are others in this part.
async fn of_part(
    work: &Work<'_>,
    def: &Arc<TableDef>,
    chosen: &[&Change],
    name: &PartName,
) -> Result<Vec<Option<Change>>> {
    let mut anew = Vec::with_capacity(chosen.len());
    for change in chosen {
        anew.push(located::for_part(work, def, change, name).await?);
    }
    Ok(anew)
}

/// Parts whose columns are not the table's own are written again as they are read.
pub(super) async fn rewrite_outdated(
    work: &mut Work<'_>,
    table: TableId,
    names: Vec<PartName>,
    mut changes: Vec<Change>,
    commands: Vec<Arc<str>>,
) -> Result<()> {
    changes.insert(0, Change { partition: None, what: What::Outdated });
    rewrite_parts(work, table, names, changes, commands).await
}

fn is_outdated(work: &Work<'_>, def: &TableDef, part: &ActivePart) -> bool {
    def.schema.as_ref().is_some_and(|schema| !work.ctx.snapshot.is_current(def.id, schema, part))
}

async fn replace(
    work: &Work<'_>,
    def: &TableDef,
    part: &Arc<ActivePart>,
    changes: &[&Change],
    finish: Option<&store::Finish>,
) -> Result<Option<Replacement>> {
    let Some(schema) = &def.schema else { return Ok(None) };
    let derived = derived_of(def, changes, &work.ctx)?;
    if let (Some((file, amendment)), true, None) = (amendable(schema, part, changes), derived.is_none(), finish)
        && !is_outdated(work, def, part)
    {
        let amended = work.engine.inner.store.stage_amended(schema, file, amendment).await?;
        return Ok(amended.map(|(output, changed)| {
            let changed = RowRanges::from_rows(changed.rows().iter().copied());
            Replacement { input: part.name().clone(), output: Some(output), changed }
        }));
    }
    let mutations: Vec<PartMutation> = changes
        .iter()
        .filter_map(|change| match &change.what {
            What::Rows { mutation, .. } => Some(mutation.clone()),
            _ => None,
        })
        .collect();
    let changed: Arc<Mutex<Vec<u32>>> = Arc::default();
    let collected = Arc::clone(&changed);
    let on_changed = move |rows: &RowSet| collected.lock().extend_from_slice(rows.rows());
    let rows = rows_as(part, def, &schema.header, &work.ctx)?;
    let rows = rewrite(rows, mutations, on_changed);
    let rows = match finish {
        Some(finish) => finish(rows),
        None => rows,
    };
    let output = match kept_columns(work, def, part, changes).filter(|_| derived.is_none() && finish.is_none()) {
        Some(kept) => {
            let narrow = schema.project(&kept)?;
            let rows = rows.map_ok(move |block| block.project(&kept)).boxed();
            stage(work.engine, (&narrow, &derived), part, rows).await?
        }
        None => stage(work.engine, (schema, &derived), part, rows).await?,
    };
    let changed = std::mem::take(&mut *changed.lock());
    let is_rewritten = changes.iter().any(|change| !matches!(change.what, What::Rows { .. }));
    if changed.is_empty() && !is_rewritten && !is_outdated(work, def, part) {
        return Ok(None);
    }
    let changed = match finish {
        // groups of rows became one: which, is not followed
        Some(_) => RowRanges::from_rows(0..u32::try_from(part.rows()).unwrap_or(u32::MAX)),
        None => part.numbers_of(&changed),
    };
    Ok(Some(Replacement { input: part.name().clone(), output, changed }))
}

/// The columns that an updated part is written with, when some of the table's stay away: those that it never had, nobody
/// assigns and no key needs. As in ClickHouse, their values go on following the columns that their defaults read.
fn kept_columns(work: &Work<'_>, def: &TableDef, part: &ActivePart, changes: &[&Change]) -> Option<Vec<usize>> {
    let schema = def.schema.as_ref()?;
    let mut written: BTreeSet<usize> = BTreeSet::new();
    for change in changes {
        let What::Rows { amendment: Some(amendment), .. } = &change.what else { return None };
        written.extend(&amendment.written);
    }
    let given = work.ctx.snapshot.header_of(def.id, part);
    let needed =
        schema.final_columns(&[]).into_iter().chain(schema.partition_key.iter().chain(&schema.min_max).copied());
    written.extend(needed);
    let is_visible = |name: &str| name != query::layout::COMMIT && !name.starts_with(query::layout::EXPRESSION);
    let stays_away = |position: usize, name: &str| {
        is_visible(name) && given.position(name).is_none() && !written.contains(&position)
    };
    let columns = schema.header.columns().iter().enumerate();
    let kept: Vec<usize> = columns.filter(|(at, column)| !stays_away(*at, &column.name)).map(|(at, _)| at).collect();
    (kept.len() < schema.header.len()).then_some(kept)
}

/// The file of a part in which an update can leave most columns as they are.
fn amendable<'a>(
    schema: &PartSchema,
    part: &'a ActivePart,
    changes: &[&'a Change],
) -> Option<(&'a FilePart, &'a Amendment)> {
    let ([Change { what: What::Rows { amendment: Some(amendment), .. }, .. }], PartData::File(file)) =
        (changes, &part.part.data)
    else {
        return None;
    };
    file.can_amend(schema, amendment).then_some((file, amendment))
}

/// What is computed of the rows of a part, without what the changes clear.
fn derived_of(def: &TableDef, changes: &[&Change], ctx: &Arc<QueryContext>) -> Result<Derived> {
    let is_cleared =
        |text: &str| changes.iter().any(|change| matches!(&change.what, What::Unindexed(gone) if **gone == *text));
    let derived = query::derive::derived(def, None, ctx)?.retain_indexes(|index| !is_cleared(&index.text));
    let is_cleared = |text: &str| {
        let is_it = |gone: &Arc<Compiled>| *gone.projection.text == *text;
        changes.iter().any(|change| matches!(&change.what, What::Unprojected(gone) if is_it(gone)))
    };
    Ok(derived.retain_projections(|projection| !is_cleared(&projection.text)))
}

/// An expression that failed on the rows of a part.
pub(super) fn unfinished(error: Error, commands: &[Arc<str>]) -> Error {
    let failed = match &error {
        Error::Store(store::Error::Part(parts::Error::Transform(failed)))
        | Error::Parts(parts::Error::Transform(failed)) => Some(Error::refused(failed.code, failed.to_string())),
        Error::Query(failed) if failed.code() == ErrorCode::QUERY_WAS_CANCELLED => None,
        Error::Query(failed) => Some(Error::refused(failed.code(), failed.to_string())),
        _ => None,
    };
    match failed {
        Some(failed) => Error::Unfinished { commands: commands.join(", "), source: Box::new(failed) },
        None => error,
    }
}
