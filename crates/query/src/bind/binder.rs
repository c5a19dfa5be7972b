//! The state of one bind: fresh column names, the definitions used, depth.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use datafusion::common::Column;
use functions::FunctionContext;
use types::{ErrorCode, Settings, TableId};

use super::context::BindContext;
use crate::error::{Error, Result};

/// The deepest nesting of queries, views, aliases and expressions together. A level of binding takes a few kilobytes of
/// stack in a debug build; views and aliases nest deeper than the text that the parser has limited.
pub(crate) const DEPTH_MAX: u32 = 250;

/// One bind, from the outermost query down.
pub(crate) struct Binder<'a> {
    pub context: BindContext<'a>,
    next_id: Cell<u32>,
    depth: Cell<u32>,
    uses: RefCell<Vec<(TableId, u64)>>,
    deterministic: Cell<bool>,
}

/// What holds for one SELECT and what stands below it, until its SETTINGS or a view change it.
#[derive(Clone)]
pub(crate) struct QueryEnv {
    pub settings: Settings,
    pub functions: FunctionContext,
    pub database: Rc<str>,
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
            uses: RefCell::default(),
            deterministic: Cell::new(true),
        }
    }

    /// The session's own environment.
    pub(crate) fn session_env(&self) -> Rc<QueryEnv> {
        Rc::new(QueryEnv {
            settings: self.context.settings.clone(),
            functions: self.context.functions.clone(),
            database: self.context.database.into(),
        })
    }

    /// A plan column that no other has the name of. The user's name in it is for EXPLAIN only.
    pub(crate) fn fresh(&self, name: &str) -> Column {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        Column::new_unqualified(format!("{name}#{id}"))
    }

    /// One level deeper, until the guard is dropped; TOO_DEEP_RECURSION beyond the limit.
    pub(crate) fn descend(&self) -> Result<Level<'_>> {
        let depth = self.depth.get() + 1;
        if depth > DEPTH_MAX {
            return Err(Error::refused(
                ErrorCode::TOO_DEEP_RECURSION,
                format!("query nests deeper than {DEPTH_MAX} levels, views and aliases included"),
            ));
        }
        self.depth.set(depth);
        Ok(Level(&self.depth))
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

    pub(crate) fn is_deterministic(&self) -> bool {
        self.deterministic.get()
    }

    pub(crate) fn take_uses(&self) -> Vec<(TableId, u64)> {
        self.uses.take()
    }
}

/// A thing that ClickHouse has and Everview does not.
pub(crate) fn not_supported<T>(what: impl Into<String>) -> Result<T> {
    Err(Error::NotSupported(what.into()))
}
