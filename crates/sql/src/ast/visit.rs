//! Everything inside of a query or a definition, handed to a visitor that may change it in place.
//!
//! Each `visit_…` does by default what the `walk_…` of the same name does: go on to what is inside. Whoever overrides one
//! calls the walk for the rest. Subqueries, windows, transformers of `*` are gone into: nothing that can name a table is
//! left out. Never here: what a name means.

use super::{
    ApplyFunction, ColumnDefault, ColumnTransformer, ColumnsSelector, Expr, ExprKind, FrameBound, GroupByKeys,
    JoinConstraint, JoinStep, Lambda, LimitByKeys, OrderByItem, OrderByKeys, Query, QueryBody, Select, Storage,
    TableElements, TableRef, TableSource, TtlAction, TtlItem, WindowRef, WindowSpec, WithItem,
};

/// Sees everything inside of a query, from the outside in.
pub trait VisitMut {
    /// A query: a view's, a subquery, that of a CTE.
    fn visit_query(&mut self, query: &mut Query) {
        walk_query(self, query);
    }

    /// One SELECT of a query.
    fn visit_select(&mut self, select: &mut Select) {
        walk_select(self, select);
    }

    /// What stands in FROM or is joined.
    fn visit_table(&mut self, table: &mut TableRef) {
        walk_table(self, table);
    }

    /// An expression.
    fn visit_expr(&mut self, expr: &mut Expr) {
        walk_expr(self, expr);
    }
}

/// Every SELECT of a query.
pub fn walk_query<V: VisitMut + ?Sized>(visitor: &mut V, query: &mut Query) {
    walk_body(visitor, &mut query.body);
}

fn walk_body<V: VisitMut + ?Sized>(visitor: &mut V, body: &mut QueryBody) {
    match body {
        QueryBody::Select(select) => visitor.visit_select(select),
        QueryBody::Set(set) => set.operands.iter_mut().for_each(|operand| walk_body(visitor, operand)),
    }
}

/// WITH, FROM, the items, then the other clauses.
pub fn walk_select<V: VisitMut + ?Sized>(visitor: &mut V, select: &mut Select) {
    for item in select.with.iter_mut().flat_map(|with| &mut with.items) {
        match item {
            WithItem::Cte(cte) => visitor.visit_query(&mut cte.query),
            WithItem::Expr(expr) => visitor.visit_expr(expr),
        }
    }
    walk_from(visitor, select);
    select.items.iter_mut().for_each(|item| visitor.visit_expr(item));
    walk_clauses(visitor, select);
}

/// The tables of a SELECT: the first and those that are joined.
pub fn walk_from<V: VisitMut + ?Sized>(visitor: &mut V, select: &mut Select) {
    select.from.iter_mut().for_each(|table| visitor.visit_table(table));
    for step in &mut select.joins {
        if let JoinStep::Join(join) = step {
            visitor.visit_table(&mut join.table);
        }
    }
}

/// All expressions of a SELECT but those of WITH and its items.
pub fn walk_clauses<V: VisitMut + ?Sized>(visitor: &mut V, select: &mut Select) {
    for step in &mut select.joins {
        match step {
            JoinStep::Join(join) => match &mut join.constraint {
                Some(JoinConstraint::On(on)) => visitor.visit_expr(on),
                Some(JoinConstraint::Using(columns)) => each(visitor, columns),
                None => {}
            },
            JoinStep::ArrayJoin(join) => each(visitor, &mut join.items),
        }
    }
    each(visitor, [&mut select.prewhere, &mut select.filter].into_iter().flatten());
    match select.group_by.as_mut().map(|group| &mut group.keys) {
        Some(GroupByKeys::Exprs(keys)) => each(visitor, keys),
        Some(GroupByKeys::GroupingSets(sets)) => each(visitor, sets.iter_mut().flatten()),
        Some(GroupByKeys::All) | None => {}
    }
    each(visitor, &mut select.having);
    select.windows.iter_mut().for_each(|window| walk_window(visitor, &mut window.spec));
    each(visitor, &mut select.qualify);
    if let Some(order) = &mut select.order_by {
        if let OrderByKeys::Items(items) = &mut order.keys {
            walk_order(visitor, items);
        }
        each(visitor, order.interpolate.iter_mut().flatten().map(|item| &mut item.expr));
    }
    if let Some(limit) = &mut select.limit_by {
        visitor.visit_expr(&mut limit.count);
        each(visitor, &mut limit.offset);
        if let LimitByKeys::Exprs(keys) = &mut limit.keys {
            each(visitor, keys);
        }
    }
    if let Some(limit) = &mut select.limit {
        each(visitor, limit.count.iter_mut().chain(&mut limit.offset));
    }
}

/// What is inside of a subquery or a call in FROM.
pub fn walk_table<V: VisitMut + ?Sized>(visitor: &mut V, table: &mut TableRef) {
    match &mut table.source {
        TableSource::Table(_) => {}
        TableSource::Function(call) => each(visitor, &mut call.arguments),
        TableSource::Subquery(query) => visitor.visit_query(query),
    }
}

/// The expressions and queries directly inside of an expression.
pub fn walk_expr<V: VisitMut + ?Sized>(visitor: &mut V, expr: &mut Expr) {
    match &mut expr.kind {
        ExprKind::Function(call) => {
            each(visitor, call.parameters.iter_mut().chain(&mut call.arguments));
            if let Some(WindowRef::Inline(spec)) = &mut call.over {
                walk_window(visitor, spec);
            }
        }
        ExprKind::Subquery(query) | ExprKind::Exists(query) => visitor.visit_query(query),
        ExprKind::Asterisk(asterisk) => walk_transformers(visitor, &mut asterisk.transformers),
        ExprKind::Columns(columns) => {
            if let ColumnsSelector::List(list) = &mut columns.selector {
                each(visitor, list);
            }
            walk_transformers(visitor, &mut columns.transformers);
        }
        _ => each(visitor, expr.children_mut()),
    }
}

/// Expressions of columns, indexes, constraints and projections.
pub fn walk_elements<V: VisitMut + ?Sized>(visitor: &mut V, elements: &mut TableElements) {
    for column in &mut elements.columns {
        match &mut column.default {
            Some(ColumnDefault::Default(expr) | ColumnDefault::Materialized(expr) | ColumnDefault::Alias(expr)) => {
                visitor.visit_expr(expr);
            }
            Some(ColumnDefault::Ephemeral(expr)) => each(visitor, expr),
            Some(ColumnDefault::AutoIncrement) | None => {}
        }
        each(visitor, &mut column.ttl);
    }
    each(visitor, elements.indexes.iter_mut().map(|index| &mut index.expr));
    each(visitor, elements.constraints.iter_mut().map(|constraint| &mut constraint.expr));
    elements.projections.iter_mut().for_each(|projection| visitor.visit_select(&mut projection.select));
    each(visitor, &mut elements.primary_key);
}

/// Keys and TTL of a table; the arguments of its engine are no expressions.
pub fn walk_storage<V: VisitMut + ?Sized>(visitor: &mut V, storage: &mut Storage) {
    each(visitor, [&mut storage.partition_by, &mut storage.primary_key, &mut storage.sample_by].into_iter().flatten());
    each(visitor, storage.order_by.iter_mut().flat_map(|key| &mut key.items).map(|item| &mut item.expr));
    storage.ttl.iter_mut().for_each(|item| walk_ttl(visitor, item));
}

fn walk_ttl<V: VisitMut + ?Sized>(visitor: &mut V, item: &mut TtlItem) {
    visitor.visit_expr(&mut item.expr);
    if let TtlAction::GroupBy { keys, assignments } = &mut item.action {
        each(visitor, keys);
        each(visitor, assignments.iter_mut().map(|assignment| &mut assignment.expr));
    }
    each(visitor, &mut item.filter);
}

fn each<'a, V: VisitMut + ?Sized>(visitor: &mut V, exprs: impl IntoIterator<Item = &'a mut Expr>) {
    exprs.into_iter().for_each(|expr| visitor.visit_expr(expr));
}

fn walk_lambda<V: VisitMut + ?Sized>(visitor: &mut V, lambda: &mut Lambda) {
    visitor.visit_expr(&mut lambda.body);
}

fn walk_transformers<V: VisitMut + ?Sized>(visitor: &mut V, transformers: &mut [ColumnTransformer]) {
    for transformer in transformers {
        match transformer {
            ColumnTransformer::Apply(ApplyFunction::Named(_, parameters)) => each(visitor, parameters),
            ColumnTransformer::Apply(ApplyFunction::Lambda(lambda)) => walk_lambda(visitor, lambda),
            ColumnTransformer::Replace { items, .. } => each(visitor, items.iter_mut().map(|(expr, _)| expr)),
            ColumnTransformer::Except { .. } | ColumnTransformer::ExceptRegex(_) => {}
        }
    }
}

fn walk_window<V: VisitMut + ?Sized>(visitor: &mut V, spec: &mut WindowSpec) {
    each(visitor, &mut spec.partition_by);
    walk_order(visitor, &mut spec.order_by);
    for bound in spec.frame.iter_mut().flat_map(|frame| [&mut frame.start, &mut frame.end]) {
        match bound {
            FrameBound::Preceding(expr) | FrameBound::Following(expr) => visitor.visit_expr(expr),
            FrameBound::UnboundedPreceding | FrameBound::CurrentRow | FrameBound::UnboundedFollowing => {}
        }
    }
}

fn walk_order<V: VisitMut + ?Sized>(visitor: &mut V, items: &mut [OrderByItem]) {
    for item in items {
        visitor.visit_expr(&mut item.expr);
        if let Some(fill) = &mut item.fill {
            let bounds = [&mut fill.from, &mut fill.to, &mut fill.step, &mut fill.staleness];
            each(visitor, bounds.into_iter().flatten());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::{ObjectName, StatementKind};
    use crate::parse_statement;

    /// Every table under another name.
    struct Moved;

    impl VisitMut for Moved {
        fn visit_table(&mut self, table: &mut TableRef) {
            if let TableSource::Table(name) = &mut table.source {
                *name = ObjectName::bare("moved");
            }
            walk_table(self, table);
        }
    }

    #[test]
    fn tables_are_met_wherever_a_query_can_stand() {
        let from = "(SELECT max(a) FROM t)";
        let text = format!(
            "WITH c AS {from}, {from} AS w SELECT DISTINCT f({from}), sum(a) OVER (PARTITION BY {from} ORDER BY {from}), \
             * REPLACE ({from} AS a), COLUMNS('x') APPLY(x -> x + {from}), EXISTS {from}, [{from}], ({from}, 1), \
             a IN {from}, {from}::UInt8, if(a IS NULL, {from}, a) FROM {from} AS s JOIN t AS u ON u.a = {from} \
             ARRAY JOIN {from} AS z PREWHERE {from} WHERE {from} GROUP BY {from} HAVING {from} \
             WINDOW v AS (PARTITION BY {from}) QUALIFY {from} ORDER BY {from} WITH FILL FROM {from} \
             LIMIT 1 BY {from} LIMIT {from} UNION ALL SELECT {from}"
        );
        let StatementKind::Query(mut query) = parse_statement(&text).expect("it parses").kind else {
            panic!("it is a query")
        };
        let tables = query.to_string().matches("FROM t").count() + 1;
        assert!(25 < tables, "{query}");
        Moved.visit_query(&mut query);
        let moved = query.to_string();
        assert_eq!(moved.matches("moved").count(), tables, "{moved}");
        assert!(!moved.contains("FROM t") && !moved.contains("JOIN t"), "{moved}");
    }

    #[test]
    fn tables_are_met_in_definitions() {
        let text = "CREATE TABLE t (a UInt8 DEFAULT a IN (SELECT 1 FROM t), INDEX i (a IN (SELECT 2 FROM t)) TYPE minmax, \
                    CONSTRAINT c CHECK a IN (SELECT 3 FROM t), PROJECTION p (SELECT a WHERE a IN (SELECT 4 FROM t))) \
                    ENGINE = MergeTree ORDER BY a IN (SELECT 5 FROM t) TTL d DELETE WHERE a IN (SELECT 6 FROM t)";
        let mut statement = parse_statement(text).expect("it parses");
        let StatementKind::CreateTable(create) = &mut statement.kind else { panic!("it is a table") };
        walk_elements(&mut Moved, create.elements.as_mut().expect("it has columns"));
        walk_storage(&mut Moved, &mut create.storage);
        assert_eq!(statement.to_string().matches("FROM moved").count(), 6, "{statement}");
    }
}
