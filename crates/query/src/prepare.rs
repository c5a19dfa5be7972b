//! From a syntax tree to a plan that runs: bind and compile, or take what the plan cache has.

use std::sync::Arc;

use sql::Query;
use store::Snapshot;
use types::{Header, TableId};

use crate::bind::{Bound, bind_query};
use crate::cache::PlanKey;
use crate::compile::{Compiled, compile};
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::expressions::{bind_context, function_context};
use crate::external::describe;
use crate::relations::SnapshotRelations;
use crate::run::BlockStream;
use crate::template;

/// A query that is ready to run, any number of times.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The plan.
    pub compiled: Compiled,
    /// Equal rows give an equal result, at any time and for every user.
    pub deterministic: bool,
    /// The plan holds what only the query that it was made for has; others with the same text need their own.
    pub of_one_query: bool,
    /// It reads rows that are neither in a table nor computed: system tables, files.
    pub outside: bool,
    /// The tables and views it reads, with the versions of their definitions.
    pub uses: Arc<[(TableId, u64)]>,
    /// The plan also depends on which tables there are: it is right for the snapshot it was made over.
    pub lists_tables: bool,
}

impl Prepared {
    /// Names and types of the result.
    pub fn header(&self) -> &Header {
        self.compiled.header()
    }

    /// True when it may be kept for later queries with the same text and settings, as long as [`Prepared::is_current`].
    pub fn is_lasting(&self) -> bool {
        !self.of_one_query && !self.lists_tables
    }

    /// True when every definition that it was made from is the one of the snapshot.
    pub fn is_current(&self, snapshot: &Snapshot) -> bool {
        self.uses
            .iter()
            .all(|(id, version)| snapshot.catalog.table_by_id(*id).is_some_and(|def| def.version == *version))
    }
}

/// Binds a query over the names of the context's snapshot.
pub fn bind(query: &Query, ctx: &QueryContext) -> Result<Bound> {
    let functions = function_context(ctx)?;
    let relations = SnapshotRelations::new(ctx);
    let mut bound = bind_query(query, &bind_context(&relations, &functions, ctx))?;
    bound.lists_tables |= relations.named_collections();
    bound.uses.extend(relations.passed());
    Ok(bound)
}

/// Binds and compiles, past the plan cache: for views, which keep their plan themselves.
pub async fn prepare(query: &Query, ctx: &QueryContext) -> Result<Prepared> {
    let shared = ctx.runtime.config.shared_plans.as_ref().map(|plans| (plans, PlanKey::new(&query.to_string(), ctx)));
    if let Some(prepared) = shared.as_ref().and_then(|(plans, key)| plans.get(key, &ctx.snapshot)) {
        return Ok(prepared);
    }
    let (mut bound, ctx) = bind_with_structures(query, ctx).await?;
    // a source may have other columns the next time
    bound.deterministic &= ctx.described.is_empty();
    bound.of_one_query |= !ctx.described.is_empty();
    let compiled = compile(&bound, &ctx).await?;
    let prepared = Prepared {
        compiled,
        deterministic: bound.deterministic,
        of_one_query: bound.of_one_query,
        outside: bound.outside,
        uses: bound.uses.into(),
        lists_tables: bound.lists_tables,
    };
    if let Some((plans, key)) = shared {
        plans.put(key, &prepared, &ctx.snapshot);
    }
    Ok(prepared)
}

/// Binding reads nothing; where it needs to know what columns a source elsewhere has, or a dictionary that is not loaded, that is done
/// and it starts again.
async fn bind_with_structures(query: &Query, ctx: &QueryContext) -> Result<(Bound, QueryContext)> {
    let mut ctx = ctx.clone();
    loop {
        match bind(query, &ctx) {
            Err(Error::NotDescribed(outside)) if !ctx.described.contains_key(outside.key()) => {
                let described = describe(&outside, &Arc::new(ctx.clone())).await?;
                ctx = ctx.with_described(outside.key().clone(), described);
            }
            Err(Error::DictionaryNotLoaded(id)) if !ctx.loaded.contains(&id) => {
                ctx.runtime.dictionaries.load(id, &ctx).await?;
                ctx = ctx.with_loaded(id);
            }
            bound => return Ok((bound?, ctx)),
        }
    }
}

/// Runs a query; its plan comes from the plan cache when the same statement, or one that differs only in constants that
/// columns are compared with, was run before.
pub async fn select(query: &Query, ctx: &Arc<QueryContext>) -> Result<BlockStream> {
    if let Some(filled) = template::of_statement(query, ctx).await {
        return filled.run(ctx).await;
    }
    let plans = &ctx.runtime.plans;
    // A block in the place of a table changes rows only, but whoever gives one keeps the plan himself.
    let key = PlanKey::new(&query.to_string(), ctx);
    if let Some(prepared) = plans.get(&key, &ctx.snapshot) {
        return prepared.compiled.run(ctx).await;
    }
    let prepared = prepare(query, ctx).await?;
    plans.put(key, &prepared);
    prepared.compiled.run(ctx).await
}
