//! Names in queries and expressions.
//!
//! ```text
//! FROM a.t             ─▶ FROM b.u            and `AS t`, where columns are named `t.x` or tables are joined
//! a.t.x                ─▶ b.u.x               of a table in FROM
//! x IN a.t             ─▶ x IN b.u            where no column is called so
//! dictGet('a.d', …)    ─▶ dictGet('b.d', …)   joinGet, dictionary() and the rest of the family as well
//! merge('a', '…')      ─▶ merge('b', '…')
//! a.v(p = 1)           ─▶ b.v(p = 1)          a view with parameters
//! SELECT dictGet('a.d', …)   ─▶ SELECT dictGet('b.d', …) AS `dictGet('a.d', …)`
//! ```
//! The last because the column of a view's table is called by the text that it had.

use std::collections::BTreeSet;

use query::table_functions::is_known;
use sql::Expr;
use sql::ast::{
    ColumnTransformer, ExprKind, Function, Ident, In, JoinStep, Literal, ObjectName, Select, TableFunction, TableRef,
    TableSource, VisitMut, WithItem, walk_clauses, walk_expr, walk_from, walk_query, walk_table,
};
use store::QualifiedName;

use super::text::{Follower, name_of};

/// Where in a query the follower is, and what is known of the whole query.
#[derive(Default)]
pub(super) struct Place {
    /// Names of CTEs around.
    ctes: Vec<String>,
    /// The SELECTs around, innermost last.
    selects: Vec<Names>,
    /// Every name that stands in front of a column somewhere.
    qualifiers: BTreeSet<String>,
    /// Every alias of an expression.
    aliases: BTreeSet<String>,
    /// Every table and what stands in FROM under what alias.
    tables: Vec<ObjectName>,
}

/// How the tables of one SELECT are named in front of columns.
#[derive(Default)]
struct Names {
    /// Tables as they were called and as they are now.
    tables: Vec<(QualifiedName, QualifiedName)>,
    aliases: Vec<String>,
}

/// What must be known of a query before names in it are followed.
impl VisitMut for Place {
    fn visit_table(&mut self, table: &mut TableRef) {
        if let TableSource::Table(name) = &table.source {
            self.tables.push(name.clone());
        }
        walk_table(self, table);
    }

    fn visit_expr(&mut self, expr: &mut Expr) {
        let mut qualifier = |parts: &[Ident]| self.qualifiers.extend(parts.first().map(|first| first.name.clone()));
        match &expr.kind {
            ExprKind::Identifier(parts) if 1 < parts.len() => qualifier(parts),
            ExprKind::Asterisk(asterisk) => qualifier(&asterisk.qualifier),
            ExprKind::Columns(columns) => qualifier(&columns.qualifier),
            ExprKind::Alias(_, alias) => {
                self.aliases.insert(alias.name.clone());
            }
            _ => {}
        }
        walk_expr(self, expr);
    }
}

impl VisitMut for Follower<'_> {
    fn visit_query(&mut self, query: &mut sql::Query) {
        // the names of a WITH are seen by the SELECTs of a UNION that follow it
        let outer = self.place.ctes.len();
        walk_query(self, query);
        self.place.ctes.truncate(outer);
    }

    fn visit_select(&mut self, select: &mut Select) {
        let is_recursive = select.with.as_ref().is_some_and(|with| with.recursive);
        for item in select.with.iter_mut().flat_map(|with| &mut with.items) {
            if let WithItem::Cte(cte) = item {
                let name = cte.name.name.clone();
                if is_recursive {
                    self.place.ctes.push(name.clone());
                }
                self.visit_query(&mut cte.query);
                self.place.ctes.push(name);
            }
        }
        let is_joined = select.joins.iter().any(|step| matches!(step, JoinStep::Join(_)));
        let names = self.names(select);
        for table in tables_mut(select) {
            self.keep_qualifier(table, is_joined);
        }
        self.place.selects.push(names);
        walk_from(self, select);
        for item in select.with.iter_mut().flat_map(|with| &mut with.items) {
            if let WithItem::Expr(expr) = item {
                self.visit_expr(expr);
            }
        }
        for item in &mut select.items {
            self.item(item, is_joined);
        }
        walk_clauses(self, select);
        self.place.selects.pop();
    }

    fn visit_table(&mut self, table: &mut TableRef) {
        match &mut table.source {
            TableSource::Table(name) => {
                if !self.is_cte(name) {
                    self.name(name);
                }
            }
            TableSource::Function(call) => self.call_in_from(call),
            TableSource::Subquery(query) => self.visit_query(query),
        }
    }

    fn visit_expr(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Identifier(parts) => self.qualified(parts, 3),
            ExprKind::Asterisk(asterisk) => self.qualified(&mut asterisk.qualifier, 2),
            ExprKind::Columns(columns) => self.qualified(&mut columns.qualifier, 2),
            ExprKind::In(is_in) => return self.is_in(is_in),
            _ => {}
        }
        let named = match &expr.kind {
            ExprKind::Function(call) => self.named_argument(call),
            _ => None,
        };
        walk_expr(self, expr);
        if let (ExprKind::Function(call), Some((at, name))) = (&mut expr.kind, named)
            && let Some(argument) = call.arguments.get_mut(at)
        {
            *argument = name;
        }
    }
}

impl Follower<'_> {
    fn is_cte(&self, name: &ObjectName) -> bool {
        name.database.is_none() && self.place.ctes.contains(&name.name.name)
    }

    /// How columns can be named in a SELECT.
    fn names(&self, select: &mut Select) -> Names {
        let mut names = Names::default();
        for table in tables_mut(select) {
            names.aliases.extend(table.alias.iter().map(|alias| alias.name.clone()));
            if let TableSource::Table(name) = &table.source
                && !self.is_cte(name)
            {
                let old = self.meant(name);
                let new = self.renames.of(&old);
                names.tables.push((old, new));
            }
        }
        names
    }

    /// A table whose name changes keeps the old one as its alias, where columns are named by it: in front of them, or in
    /// the names that a join gives to columns that both sides have.
    fn keep_qualifier(&mut self, table: &mut TableRef, is_joined: bool) {
        let TableSource::Table(name) = &table.source else { return };
        let old = name.name.name.clone();
        let is_renamed = !self.is_cte(name) && self.moved(name).is_some_and(|new| new.name.name != old);
        if is_renamed && table.alias.is_none() && (is_joined || self.place.qualifiers.contains(&old)) {
            table.alias = Some(Ident::new(old));
        }
    }

    /// `database.table` in front of a column of one of the tables around. `least` is how many parts such a name has.
    fn qualified(&mut self, parts: &mut [Ident], least: usize) {
        if parts.len() < least {
            return;
        }
        let [database, table, ..] = parts else { return };
        let mut around = self.place.selects.iter().rev().flat_map(|select| &select.tables);
        let found = around.find(|(old, _)| *old.database == *database.name && *old.name == *table.name);
        if let Some((_, new)) = found.filter(|(old, new)| old != new) {
            (*database, *table) = (Ident::new(&*new.database), Ident::new(&*new.name));
            self.changed();
        }
    }

    /// An item of a SELECT. Its column goes on being called as it was.
    fn item(&mut self, item: &mut Expr, is_joined: bool) {
        let before = item.clone();
        self.visit_expr(item);
        if *item == before {
            return;
        }
        match &item.kind {
            ExprKind::Alias(..) => return,
            ExprKind::Asterisk(_) | ExprKind::Columns(_) => {
                if applied(item) != applied(&before) {
                    self.stuck(format!("the columns that {before} gives would be called otherwise"));
                }
                return;
            }
            _ => {}
        }
        let was = self.shown(&before, false);
        if was == self.shown(item, true) {
            return;
        }
        if is_joined && self.is_qualified(&before) {
            self.stuck(format!("column {before} would be called otherwise: it needs an alias"));
        }
        let bare = std::mem::replace(item, Expr::literal(Literal::Null));
        *item = Expr::new(ExprKind::Alias(Box::new(bare), Ident::new(was)));
    }

    /// What a column of this expression is called: its text, without the tables in front of columns.
    fn shown(&self, expr: &Expr, is_new: bool) -> String {
        let mut shown = expr.clone();
        shown.replace_identifiers(&mut |name| {
            let parts: Vec<&str> = name.split('.').collect();
            let skipped = self.qualifier_of(&parts, is_new)?;
            Some(Expr::new(ExprKind::Identifier(parts[skipped..].iter().map(|part| Ident::new(*part)).collect())))
        });
        sql::column_name(&shown)
    }

    /// How many parts in front name a table of this SELECT.
    fn qualifier_of(&self, parts: &[&str], is_new: bool) -> Option<usize> {
        let select = self.place.selects.last()?;
        let first = parts.first()?;
        let mut tables = select.tables.iter().map(|(old, new)| if is_new { new } else { old });
        let is_full =
            |table: &QualifiedName| Some(&&*table.database) == parts.first() && Some(&&*table.name) == parts.get(1);
        match parts.len() {
            3.. if tables.clone().any(is_full) => Some(2),
            2.. if select.aliases.iter().any(|alias| alias == first) => Some(1),
            // the old name stands as an alias
            2.. if tables.any(|table| *table.name == **first) => Some(1),
            2.. if select.tables.iter().any(|(old, _)| *old.name == **first) => Some(1),
            _ => None,
        }
    }

    fn is_qualified(&self, expr: &Expr) -> bool {
        let names = expr.identifiers();
        names.iter().any(|name| self.qualifier_of(&name.split('.').collect::<Vec<_>>(), false).is_some())
    }

    /// The argument of a function that is the name of a dictionary or table, as it is now.
    fn named_argument(&mut self, call: &Function) -> Option<(usize, Expr)> {
        let at = match call.name.name.as_str() {
            "in" | "notIn" | "globalIn" | "globalNotIn" => 1,
            "joinGet" | "joinGetOrNull" => 0,
            name if name.starts_with("dict") => 0,
            _ => return None,
        };
        let mut name = call.arguments.get(at)?.clone();
        match at {
            0 => self.argument(&mut name),
            _ => self.right_of_in(&mut name),
        }
        Some((at, name)).filter(|(_, name)| matches!(name.kind, ExprKind::Identifier(_) | ExprKind::Literal(_)))
    }

    fn is_in(&mut self, is_in: &mut In) {
        self.visit_expr(&mut is_in.left);
        match &is_in.right.kind {
            ExprKind::Identifier(_) => self.right_of_in(&mut is_in.right),
            ExprKind::Function(call) if is_known(&call.name.name) => {
                let mut table = TableFunction {
                    database: None,
                    name: call.name.clone(),
                    arguments: call.arguments.clone(),
                    settings: Vec::new(),
                };
                self.call_in_from(&mut table);
                if let ExprKind::Function(call) = &mut is_in.right.kind {
                    call.arguments = table.arguments;
                }
            }
            _ => self.visit_expr(&mut is_in.right),
        }
    }

    /// A table, where no column and no alias is called so.
    fn right_of_in(&mut self, expr: &mut Expr) {
        let ExprKind::Identifier(parts) = &mut expr.kind else { return };
        let is_column = match parts.as_slice() {
            [name] => self.is_column(&name.name),
            [first, _] => {
                let around = self.place.selects.iter();
                let mut named = around.flat_map(|names| {
                    names.aliases.iter().map(String::as_str).chain(names.tables.iter().map(|(old, _)| &*old.name))
                });
                named.any(|name| name == first.name) || self.place.aliases.contains(&first.name)
            }
            _ => true,
        };
        match name_of(parts).filter(|_| !is_column) {
            Some(name) if !self.is_cte(&name) => {
                // what nothing is known of is some other identifier
                if name.database.is_some() || (self.known)(&self.meant(&name)).is_some() {
                    self.argument(expr);
                }
            }
            _ => self.qualified(parts, 3),
        }
    }

    /// True when an alias or a column of one of the tables of the query has the name.
    fn is_column(&self, name: &str) -> bool {
        let has = |table: &ObjectName| {
            let known = (self.known)(&self.meant(table));
            known.is_some_and(|table| table.columns.column(name).is_some())
        };
        self.place.aliases.contains(name) || self.place.tables.iter().any(has)
    }

    /// A table function, or a view with parameters.
    fn call_in_from(&mut self, call: &mut TableFunction) {
        match (call.name.name.as_str(), call.arguments.as_mut_slice()) {
            ("merge", [database, _]) => self.database(database),
            ("merge", [_]) => self.merge_of_own_database(call),
            ("dictionary", [name]) => self.argument(name),
            (name, _) if call.database.is_some() || !is_known(name) => self.view_call(call),
            _ => {}
        }
        if Follower::is_elsewhere(&call.name.name) {
            // its queries are about tables of another database
            call.arguments.iter_mut().filter(|it| !matches!(it.kind, ExprKind::Subquery(_))).for_each(|argument| {
                self.visit_expr(argument);
            });
            return;
        }
        if !matches!(call.name.name.as_str(), "merge" | "dictionary") {
            call.arguments.iter_mut().for_each(|argument| self.visit_expr(argument));
        }
    }

    /// `merge('…')` looks into the database of the view.
    fn merge_of_own_database(&mut self, call: &mut TableFunction) {
        let database = self.renames.of_database(&self.from);
        if database != self.to {
            call.arguments.insert(0, Expr::literal(Literal::string(&*database)));
            self.changed();
        }
    }

    fn view_call(&mut self, call: &mut TableFunction) {
        let name = ObjectName { database: call.database.clone(), name: call.name.clone() };
        if (call.database.is_some() || (self.known)(&self.meant(&name)).is_some())
            && let Some(new) = self.moved(&name)
        {
            (call.database, call.name) = (new.database, new.name);
            self.changed();
        }
    }
}

/// The tables of a SELECT that stand in FROM and JOIN.
fn tables_mut(select: &mut Select) -> impl Iterator<Item = &mut TableRef> {
    let joined = select.joins.iter_mut().filter_map(|step| match step {
        JoinStep::Join(join) => Some(&mut join.table),
        JoinStep::ArrayJoin(_) => None,
    });
    select.from.iter_mut().chain(joined)
}

/// What APPLY makes of columns.
fn applied(item: &Expr) -> Vec<&ColumnTransformer> {
    let transformers = match &item.kind {
        ExprKind::Asterisk(asterisk) => asterisk.transformers.as_slice(),
        ExprKind::Columns(columns) => columns.transformers.as_slice(),
        _ => &[],
    };
    transformers.iter().filter(|transformer| matches!(transformer, ColumnTransformer::Apply(_))).collect()
}
