//! The binder: ClickHouse's syntax tree → DataFusion's logical plan, with ClickHouse's names, types and meaning.
//!
//! Reading order: [`select`] tells the story of one SELECT; `from`, `join`, `array_join`, `group`, `totals`, `windows`,
//! `order`, `fill` are its stages; `slots` leaves constants of WHERE out of the plan; `set_ops` joins several; `subquery` and `attach` bring queries into expressions;
//! `expr` binds expressions, `scope` says what names mean, `library` is the door to the functions.
//!
//! Every column of a plan has a name of its own (`name#7`); the names that users see are in the [`Header`] alone. The
//! binder casts both sides of everything itself, so DataFusion's type coercion stays off. Never here: reading rows, or
//! anything that depends on the time a plan runs.

mod array_join;
mod attach;
mod binder;
pub mod context;
mod data_type;
mod expr;
mod fill;
mod from;
mod group;
pub(crate) mod guard;
mod items;
mod join;
mod join_condition;
mod library;
mod merged;
mod names;
mod order;
mod parameters;
mod projection;
pub mod relations;
mod sample;
mod scope;
mod select;
mod set_ops;
mod settings;
mod slots;
mod subquery;
mod totals;
mod typed;
mod windows;
mod with;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;
use types::{Header, TableId};

pub use context::BindContext;
pub use data_type::bind_type;
pub(crate) use projection::{BoundProjection, bind_projection};
pub use relations::Relations;
pub use settings::setting_text;
pub(crate) use slots::{Slot, bind_constants};
pub use typed::Typed;

use crate::error::Result;
use binder::{Binder, not_supported};
use scope::{Scope, ScopeColumn};

/// A bound query.
#[derive(Debug)]
pub struct Bound {
    /// Its rows. Field names are the plan's own; names and types of the columns are in `header`, by position.
    pub plan: LogicalPlan,
    /// Names and types of the result.
    pub header: Header,
    /// The one row of WITH TOTALS, of the same columns.
    pub totals: Option<LogicalPlan>,
    /// Equal rows give an equal result, at any time and for every user.
    pub deterministic: bool,
    /// The plan holds what only the query that bound it has: its id, its time.
    pub of_one_query: bool,
    /// It reads rows that are neither in a table nor computed: system tables, files.
    pub outside: bool,
    /// The tables and views it reads, with the versions of their definitions.
    pub uses: Vec<(TableId, u64)>,
    /// Binding looked at which tables there are: the plan is for this snapshot's definitions only.
    pub lists_tables: bool,
}

/// Binds a whole query.
pub fn bind_query(query: &sql::Query, context: &BindContext<'_>) -> Result<Bound> {
    Ok(bind_marked(query, context)?.0)
}

/// Binds a whole query with marks; also gives what each mark's constant is compared with.
pub(crate) fn bind_marked(query: &sql::Query, context: &BindContext<'_>) -> Result<(Bound, Vec<Option<Slot>>)> {
    let binder = Binder::new(*context);
    let bound = binder.bind_query_in(query, &binder.session_env(), &Default::default(), None)?;
    let bound = Bound {
        header: bound.header(),
        plan: bound.plan,
        totals: bound.totals,
        deterministic: binder.is_deterministic(),
        of_one_query: binder.is_of_one_query(),
        lists_tables: binder.did_list_tables(),
        outside: binder.is_outside(),
        uses: binder.take_uses(),
    };
    Ok((bound, binder.take_slots()))
}

/// An expression over the columns of a block.
#[derive(Clone, Debug)]
pub struct BoundExpression {
    /// Over columns with the input's names; gives the Arrow type of `ty`.
    pub expr: datafusion::logical_expr::Expr,
    /// The ClickHouse type of its values.
    pub ty: types::DataType,
    /// Its name as a result column.
    pub name: Arc<str>,
    /// Its value, one row, when it is constant.
    pub constant: Option<arrow::array::ArrayRef>,
    /// Equal columns give equal values, at any time.
    pub deterministic: bool,
}

/// Binds expressions over the columns of one block: defaults, constraints, keys, TTL, constants. An alias that one of
/// them gives is seen by all. Aggregates, subqueries and arrayJoin are refused.
pub fn bind_expressions(
    exprs: &[sql::Expr],
    input: &Header,
    context: &BindContext<'_>,
) -> Result<Vec<BoundExpression>> {
    let binder = Binder::new(*context);
    let mut scope = Scope::new(binder.session_env(), Default::default(), None);
    scope.columns = columns_of(input, &binder);
    let select = sql::ast::Select { items: exprs.to_vec(), ..Default::default() };
    scope.aliases = std::rc::Rc::new(binder.collect_aliases(&select, &scope)?);
    let mut bound = Vec::with_capacity(exprs.len());
    for expr in exprs {
        let typed = binder.bind(expr, &scope)?.into_value();
        select::refuse_aggregates(&typed.expr, "an expression over one row")?;
        if !scope.attachments.borrow().is_empty() || has_subquery(&typed.expr) {
            return not_supported("a subquery or arrayJoin in an expression over one row");
        }
        bound.push(BoundExpression {
            name: sql::column_name(expr.split_alias().0).into(),
            ty: typed.ty,
            constant: typed.constant,
            expr: typed.expr,
            deterministic: binder.is_deterministic(),
        });
    }
    Ok(bound)
}

/// The columns of a block as a scope has them, under their own names.
fn columns_of(input: &Header, binder: &Binder<'_>) -> Vec<ScopeColumn> {
    let columns = input.columns().iter().map(|column| ScopeColumn {
        column: binder.named(column.name.to_string(), &column.ty),
        name: column.name.clone(),
        ty: column.ty.clone(),
        source: None,
        in_asterisk: true,
        unqualified: true,
        is_element: false,
    });
    columns.collect()
}

fn has_subquery(expr: &datafusion::logical_expr::Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    use datafusion::logical_expr::Expr;
    expr.exists(|node| Ok(matches!(node, Expr::ScalarSubquery(_) | Expr::Exists(_)))).unwrap_or(true)
}
