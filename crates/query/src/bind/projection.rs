//! The SELECT of a projection: keys, aggregates and conditions over the columns of a table's parts.

use std::collections::HashMap;
use std::rc::Rc;

use datafusion::logical_expr::Expr;
use sql::ast::Select;
use types::{DataType, Header};

use super::binder::{Binder, not_supported};
use super::context::BindContext;
use super::expr::contains_window;
use super::group::{Rewriter, collect_aggregates};
use super::scope::Scope;
use super::select::{refuse_aggregates, split_and};
use super::{columns_of, has_subquery};
use crate::error::Result;

/// What a projection is made of, over columns with the table's names.
#[derive(Debug)]
pub(crate) struct BoundProjection {
    /// Each with the type of its values.
    pub keys: Vec<(Expr, DataType)>,
    /// Every aggregate of the SELECT, each once.
    pub aggregates: Vec<Expr>,
    /// All must be true of a row that is in it.
    pub filters: Vec<Expr>,
}

/// Binds the SELECT of a projection. Subqueries, window functions and arrayJoin are refused by name, as is one without any
/// aggregation.
pub(crate) fn bind_projection(select: &Select, input: &Header, context: &BindContext<'_>) -> Result<BoundProjection> {
    let binder = Binder::new(*context);
    let mut scope = Scope::new(binder.session_env(), Default::default(), None);
    scope.columns = columns_of(input, &binder);
    scope.aliases = Rc::new(binder.collect_aliases(select, &scope)?);
    let items = binder.bind_items(&select.items, &scope)?;
    let mut filters = Vec::new();
    let mut conjuncts = Vec::new();
    select.filter.iter().for_each(|filter| split_and(filter, &mut conjuncts));
    for conjunct in conjuncts {
        let typed = binder.bind(conjunct, &scope)?;
        refuse_aggregates(&typed.expr, "WHERE")?;
        filters.push(typed.predicate()?);
    }
    let Some(grouped) = binder.bind_group_by(select, &items, &[], &scope)? else {
        return not_supported("a projection of the normal kind (without aggregation)");
    };
    if grouped.sets.is_some() {
        return not_supported("a projection of grouping sets");
    }
    let mut aggregates = Vec::new();
    for item in &items {
        collect_aggregates(&item.typed.expr, &mut aggregates)?;
    }
    let keys: Vec<(Expr, DataType)> = grouped.keys.iter().map(|key| (key.clone().value(), key.ty.clone())).collect();
    let mut all = items.iter().map(|item| &item.typed.expr).chain(keys.iter().map(|(key, _)| key)).chain(&filters);
    if !scope.attachments.borrow().is_empty() || all.clone().any(has_subquery) {
        return not_supported("a subquery or arrayJoin in a projection");
    }
    if all.any(contains_window) {
        return not_supported("a window function in a projection");
    }
    // only to refuse columns that are neither keys nor aggregated
    let after = Rewriter {
        keys: grouped.keys.iter().map(|key| (key.expr.clone(), datafusion::logical_expr::lit(1u8))).collect(),
        aggregates: HashMap::from_iter(
            aggregates.iter().map(|aggregate| (aggregate.clone(), binder.fresh("aggregate", &DataType::UInt8))),
        ),
        grouping_flags: Vec::new(),
        keep: Vec::new(),
    };
    for item in &items {
        after.rewrite(item.typed.expr.clone())?;
    }
    Ok(BoundProjection { keys, aggregates, filters })
}
