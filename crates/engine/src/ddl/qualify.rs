//! Names of tables in a view's SELECT get their database: the view means the same in every session.

use query::external::Kind;
use sql::Expr;
use sql::ast::{
    ExprKind, Ident, JoinConstraint, JoinStep, OrderByKeys, Query, QueryBody, Select, TableRef, TableSource, WithItem,
};
use store::QualifiedName;

/// Puts `database` before every table name without one, except names of CTEs.
pub(crate) fn qualify(query: &mut Query, database: &str) {
    Qualifier { database, ctes: Vec::new(), tables: 0, named: Vec::new() }.body(&mut query.body);
}

/// How many tables and table functions a query names, in subqueries too, each as often as it is named.
pub(crate) fn tables_named(query: &Query) -> usize {
    let mut query = query.clone();
    let mut qualifier = Qualifier { database: "", ctes: Vec::new(), tables: 0, named: Vec::new() };
    qualifier.body(&mut query.body);
    qualifier.tables
}

/// The tables that a query names, in subqueries too; those without a database are in `database`.
pub(crate) fn names_in(query: &Query, database: &str) -> Vec<QualifiedName> {
    let mut query = query.clone();
    let mut qualifier = Qualifier { database, ctes: Vec::new(), tables: 0, named: Vec::new() };
    qualifier.body(&mut query.body);
    qualifier.named
}

/// As [`qualify`], for the subqueries of an expression.
pub(crate) fn qualify_expr(expr: &mut Expr, database: &str) {
    Qualifier { database, ctes: Vec::new(), tables: 0, named: Vec::new() }.expr(expr);
}

struct Qualifier<'a> {
    database: &'a str,
    ctes: Vec<String>,
    /// Tables and table functions so far.
    tables: usize,
    /// The tables among them.
    named: Vec<QualifiedName>,
}

impl Qualifier<'_> {
    fn body(&mut self, body: &mut QueryBody) {
        match body {
            QueryBody::Select(select) => self.select(select),
            QueryBody::Set(set) => set.operands.iter_mut().for_each(|operand| self.body(operand)),
        }
    }

    fn select(&mut self, select: &mut Select) {
        let outer = self.ctes.len();
        for item in select.with.iter_mut().flat_map(|with| &mut with.items) {
            match item {
                WithItem::Cte(cte) => {
                    self.body(&mut cte.query.body);
                    self.ctes.push(cte.name.name.clone());
                }
                WithItem::Expr(expr) => self.expr(expr),
            }
        }
        if let Some(from) = &mut select.from {
            self.table(from);
        }
        for step in &mut select.joins {
            match step {
                JoinStep::Join(join) => {
                    self.table(&mut join.table);
                    match &mut join.constraint {
                        Some(JoinConstraint::On(on)) => self.expr(on),
                        Some(JoinConstraint::Using(columns)) => columns.iter_mut().for_each(|column| self.expr(column)),
                        None => {}
                    }
                }
                JoinStep::ArrayJoin(join) => join.items.iter_mut().for_each(|item| self.expr(item)),
            }
        }
        select.items.iter_mut().for_each(|item| self.expr(item));
        let conditions = [&mut select.prewhere, &mut select.filter, &mut select.having, &mut select.qualify];
        conditions.into_iter().flatten().for_each(|condition| self.expr(condition));
        if let Some(OrderByKeys::Items(items)) = select.order_by.as_mut().map(|order| &mut order.keys) {
            items.iter_mut().for_each(|item| self.expr(&mut item.expr));
        }
        self.ctes.truncate(outer);
    }

    fn table(&mut self, table: &mut TableRef) {
        self.source(table);
        if let TableSource::Table(name) = &table.source
            && let Some(database) = &name.database
        {
            self.named.push(QualifiedName::new(database.name.as_str(), name.name.name.as_str()));
        }
    }

    fn source(&mut self, table: &mut TableRef) {
        match &mut table.source {
            TableSource::Table(name) if name.database.is_none() && !self.ctes.contains(&name.name.name) => {
                // the table's own name stays its alias-less qualifier: `t.a` still means it
                name.database = Some(Ident::new(self.database));
                self.tables += 1;
            }
            TableSource::Table(name) => self.tables += usize::from(name.database.is_some()),
            TableSource::Function(function) => {
                self.tables += 1;
                let is_elsewhere = Kind::of_function(&function.name.name).is_some_and(Kind::runs_queries);
                for argument in &mut function.arguments {
                    // tables of another database
                    if !(is_elsewhere && matches!(argument.kind, ExprKind::Subquery(_))) {
                        self.expr(argument);
                    }
                }
            }
            TableSource::Subquery(query) => self.body(&mut query.body),
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Subquery(query) | ExprKind::Exists(query) => self.body(&mut query.body),
            ExprKind::Function(function) => function.arguments.iter_mut().for_each(|argument| self.expr(argument)),
            ExprKind::Unary(_, operand) => self.expr(operand),
            ExprKind::Binary(binary) => {
                self.expr(&mut binary.left);
                self.expr(&mut binary.right);
            }
            ExprKind::Chain(_, operands) | ExprKind::Array(operands) | ExprKind::Tuple(operands) => {
                operands.iter_mut().for_each(|operand| self.expr(operand));
            }
            ExprKind::In(within) => {
                self.expr(&mut within.left);
                self.expr(&mut within.right);
            }
            ExprKind::IsNull { operand, .. } => self.expr(operand),
            ExprKind::Cast(cast) => self.expr(&mut cast.operand),
            ExprKind::ArrayElement(array, index) => {
                self.expr(array);
                self.expr(index);
            }
            ExprKind::TupleElement(tuple, _) => self.expr(tuple),
            ExprKind::Lambda(lambda) => self.expr(&mut lambda.body),
            ExprKind::Alias(aliased, _) => self.expr(aliased),
            ExprKind::Literal(_)
            | ExprKind::Identifier(_)
            | ExprKind::Asterisk(_)
            | ExprKind::Columns(_)
            | ExprKind::Parameter(..) => {}
        }
    }
}
