//! Names of tables in a view's SELECT get their database: the view means the same in every session.

use query::external::Kind;
use sql::Expr;
use sql::ast::{ExprKind, Ident, Query, Select, TableRef, TableSource, VisitMut, WithItem, walk_clauses, walk_from};
use store::QualifiedName;

/// Puts `database` before every table name without one, except names of CTEs.
pub(crate) fn qualify(query: &mut Query, database: &str) {
    Qualifier { database, ctes: Vec::new(), tables: 0, named: Vec::new() }.visit_query(query);
}

/// How many tables and table functions a query names, in subqueries too, each as often as it is named.
pub(crate) fn tables_named(query: &Query) -> usize {
    let mut query = query.clone();
    let mut qualifier = Qualifier { database: "", ctes: Vec::new(), tables: 0, named: Vec::new() };
    qualifier.visit_query(&mut query);
    qualifier.tables
}

/// The tables that a query names, in subqueries too; those without a database are in `database`.
pub(crate) fn names_in(query: &Query, database: &str) -> Vec<QualifiedName> {
    let mut query = query.clone();
    let mut qualifier = Qualifier { database, ctes: Vec::new(), tables: 0, named: Vec::new() };
    qualifier.visit_query(&mut query);
    qualifier.named
}

/// As [`names_in`], for the subqueries of an expression.
pub(crate) fn names_in_expr(expr: &Expr, database: &str) -> Vec<QualifiedName> {
    let mut qualifier = Qualifier { database, ctes: Vec::new(), tables: 0, named: Vec::new() };
    qualifier.visit_expr(&mut expr.clone());
    qualifier.named
}

/// As [`qualify`], for the subqueries of an expression.
pub(crate) fn qualify_expr(expr: &mut Expr, database: &str) {
    Qualifier { database, ctes: Vec::new(), tables: 0, named: Vec::new() }.visit_expr(expr);
}

struct Qualifier<'a> {
    database: &'a str,
    ctes: Vec<String>,
    /// Tables and table functions so far.
    tables: usize,
    /// The tables among them.
    named: Vec<QualifiedName>,
}

impl VisitMut for Qualifier<'_> {
    fn visit_select(&mut self, select: &mut Select) {
        let outer = self.ctes.len();
        for item in select.with.iter_mut().flat_map(|with| &mut with.items) {
            match item {
                WithItem::Cte(cte) => {
                    self.visit_query(&mut cte.query);
                    self.ctes.push(cte.name.name.clone());
                }
                WithItem::Expr(expr) => self.visit_expr(expr),
            }
        }
        walk_from(self, select);
        select.items.iter_mut().for_each(|item| self.visit_expr(item));
        walk_clauses(self, select);
        self.ctes.truncate(outer);
    }

    fn visit_table(&mut self, table: &mut TableRef) {
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
                        self.visit_expr(argument);
                    }
                }
            }
            TableSource::Subquery(query) => self.visit_query(query),
        }
        if let TableSource::Table(name) = &table.source
            && let Some(database) = &name.database
        {
            self.named.push(QualifiedName::new(database.name.as_str(), name.name.name.as_str()));
        }
    }
}
