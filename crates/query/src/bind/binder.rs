//! The state of one bind: fresh column names, the definitions used, depth.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::Expr;
use functions::FunctionContext;
use types::{DataType, ErrorCode, Settings, TableId};

use super::attach::collect_columns;
use super::context::BindContext;
use super::expr::AggregateDescription;
use super::slots::Slot;
use crate::error::{Error, Result};

/// The deepest nesting of queries, views, aliases and expressions together. Views and aliases nest deeper than the text
/// that the parser has limited.
pub(crate) const DEPTH_MAX: u32 = 250;
/// The most stack that binding may take. A level takes a few kilobytes, in a debug build ten times that; the optimizer
/// needs about as much again for the same tree, and threads have 2 MiB.
const STACK_BYTES_MAX: usize = 640 << 10;

/// One bind, from the outermost query down.
pub(crate) struct Binder<'a> {
    pub context: BindContext<'a>,
    next_id: Cell<u32>,
    depth: Cell<u32>,
    /// Where the stack was when binding began.
    stack_start: usize,
    column_types: RefCell<HashMap<String, ArrowType>>,
    aggregates: RefCell<Vec<(Expr, AggregateDescription)>>,
    uses: RefCell<Vec<(TableId, u64)>>,
    deterministic: Cell<bool>,
    of_one_query: Cell<bool>,
    lists_tables: Cell<bool>,
    slots: RefCell<Vec<Option<Slot>>>,
    outside: Cell<bool>,
    /// The query being bound is a table right of IN.
    pub reads_set: Cell<bool>,
}

/// What holds for one SELECT and what stands below it, until its SETTINGS or a view change it.
#[derive(Clone)]
pub(crate) struct QueryEnv {
    pub settings: Settings,
    pub functions: FunctionContext,
    pub database: Rc<str>,
    /// Values of `{name:Type}` inside a view that has parameters; none: the query's own.
    pub params: Option<Rc<BTreeMap<String, String>>>,
}

/// Goes one level up again when dropped.
pub(crate) struct Level<'b>(&'b Cell<u32>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl<'a> Binder<'a> {
    pub(crate) fn new(context: BindContext<'a>) -> Binder<'a> {
        Binder {
            context,
            next_id: Cell::new(0),
            depth: Cell::new(0),
            stack_start: stack_position(),
            column_types: RefCell::default(),
            aggregates: RefCell::default(),
            uses: RefCell::default(),
            deterministic: Cell::new(true),
            of_one_query: Cell::new(false),
            lists_tables: Cell::new(false),
            slots: RefCell::new(vec![None; context.constants.len()]),
            outside: Cell::new(false),
            reads_set: Cell::new(false),
        }
    }

    /// The session's own environment.
    pub(crate) fn session_env(&self) -> Rc<QueryEnv> {
        Rc::new(QueryEnv {
            settings: self.context.settings.clone(),
            functions: self.context.functions.clone(),
            database: self.context.database.into(),
            params: None,
        })
    }

    /// A plan column that no other has the name of. The user's name in it is for EXPLAIN only.
    pub(crate) fn fresh(&self, name: &str, ty: &DataType) -> Column {
        self.fresh_arrow(name, ty.arrow_type())
    }

    /// As [`Binder::fresh`], for columns that no user sees.
    pub(crate) fn fresh_arrow(&self, name: &str, ty: ArrowType) -> Column {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let name = format!("{name}#{id}");
        self.column_types.borrow_mut().insert(name.clone(), ty);
        Column::new_unqualified(name)
    }

    /// A column of exactly that name, which the caller keeps apart from all others.
    pub(crate) fn named(&self, name: String, ty: &DataType) -> Column {
        self.column_types.borrow_mut().insert(name.clone(), ty.arrow_type());
        Column::new_unqualified(name)
    }

    /// A schema of every column that `exprs` name, so that they can be typed and compiled outside of a plan.
    pub(crate) fn schema_of(&self, exprs: &[&Expr]) -> Result<DFSchema> {
        let mut columns = HashSet::new();
        exprs.iter().for_each(|expr| collect_columns(expr, &mut columns));
        let types = self.column_types.borrow();
        let mut fields: Vec<Field> = columns
            .iter()
            .filter_map(|column| Some(Field::new(column.name.clone(), types.get(&column.name)?.clone(), true)))
            .collect();
        fields.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(DFSchema::from_unqualified_fields(fields.into(), Default::default())?)
    }

    /// One level deeper, until the guard is dropped; TOO_DEEP_RECURSION beyond the limit.
    pub(crate) fn descend(&self) -> Result<Level<'_>> {
        let depth = self.depth.get() + 1;
        if depth > DEPTH_MAX || stack_position().abs_diff(self.stack_start) > STACK_BYTES_MAX {
            return Err(Error::refused(
                ErrorCode::TOO_DEEP_RECURSION,
                "query nests too deep, views and aliases included",
            ));
        }
        self.depth.set(depth);
        Ok(Level(&self.depth))
    }

    /// Notes what an aggregate was resolved from, for the totals.
    pub(crate) fn note_aggregate(&self, expr: &Expr, description: AggregateDescription) {
        self.aggregates.borrow_mut().push((expr.clone(), description));
    }

    /// What an aggregate was resolved from.
    pub(crate) fn description_of(&self, expr: &Expr) -> Option<AggregateDescription> {
        self.aggregates.borrow().iter().find(|(known, _)| known == expr).map(|(_, description)| description.clone())
    }

    /// Notes that the plan depends on a definition.
    pub(crate) fn uses(&self, id: TableId, version: u64) {
        let mut uses = self.uses.borrow_mut();
        if !uses.contains(&(id, version)) {
            uses.push((id, version));
        }
    }

    /// Notes that running again may give another result over the same rows.
    pub(crate) fn not_deterministic(&self) {
        self.deterministic.set(false);
    }

    /// Notes that the plan holds what only this query has: its id, or its time where binding needed a value.
    pub(crate) fn of_one_query(&self) {
        self.not_deterministic();
        self.of_one_query.set(true);
    }

    pub(crate) fn is_of_one_query(&self) -> bool {
        self.of_one_query.get()
    }

    /// Notes that the plan depends on which tables there are.
    pub(crate) fn lists_tables(&self) {
        self.lists_tables.set(true);
    }

    pub(crate) fn did_list_tables(&self) -> bool {
        self.lists_tables.get()
    }

    /// Notes that rows are read that are in no table.
    pub(crate) fn reads_outside(&self) {
        self.outside.set(true);
    }

    pub(crate) fn is_outside(&self) -> bool {
        self.outside.get()
    }

    pub(crate) fn is_deterministic(&self) -> bool {
        self.deterministic.get()
    }

    /// Takes back what a constant noted that no plan holds.
    pub(crate) fn set_deterministic(&self, deterministic: bool) {
        self.deterministic.set(deterministic);
    }

    /// Notes what the constant of a mark is compared with.
    pub(crate) fn note_slot(&self, number: usize, slot: Slot) {
        if let Some(place) = self.slots.borrow_mut().get_mut(number) {
            *place = Some(slot);
        }
    }

    /// By mark; none where the constant is part of the plan.
    pub(crate) fn take_slots(&self) -> Vec<Option<Slot>> {
        self.slots.take()
    }

    pub(crate) fn take_uses(&self) -> Vec<(TableId, u64)> {
        self.uses.take()
    }
}

/// About where the stack is now.
#[inline(never)]
fn stack_position() -> usize {
    let here = 0u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

/// A thing that ClickHouse has and Everview does not.
pub(crate) fn not_supported<T>(what: impl Into<String>) -> Result<T> {
    Err(Error::NotSupported(what.into()))
}
