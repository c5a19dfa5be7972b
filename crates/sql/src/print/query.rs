//! SELECT and what stands in it.

use super::Printer;
use crate::ast::{
    GroupBy, GroupByKeys, GroupByModifier, Join, JoinConstraint, JoinKind, JoinLocality, JoinStep, JoinStrictness,
    Limit, LimitBy, LimitByKeys, NullsOrder, OrderBy, OrderByItem, OrderByKeys, Query, QueryBody, Ratio, Select,
    SetOperation, SetOperator, SetQuantifier, SortDirection, TableFunction, TableRef, TableSource, With, WithItem,
};

impl Printer {
    pub(super) fn query(&mut self, query: &Query) {
        self.query_body(&query.body);
    }

    /// `(query)`, as a value or in a FROM.
    pub(super) fn subquery(&mut self, query: &Query) {
        self.text("(");
        self.inner_query(query);
        self.text(")");
    }

    /// A query between brackets that are written by the caller.
    pub(super) fn inner_query(&mut self, query: &Query) {
        self.indented(|printer| {
            printer.soft_line();
            printer.query(query);
        });
        self.soft_line();
    }

    fn query_body(&mut self, body: &QueryBody) {
        match body {
            QueryBody::Select(select) => self.select(select),
            QueryBody::Set(operation) => self.set_operation(operation),
        }
    }

    fn set_operation(&mut self, operation: &SetOperation) {
        for (index, operand) in operation.operands.iter().enumerate() {
            if index > 0 {
                self.line();
                self.text(match operation.op {
                    SetOperator::Union => "UNION",
                    SetOperator::Except => "EXCEPT",
                    SetOperator::Intersect => "INTERSECT",
                });
                match operation.quantifier {
                    Some(SetQuantifier::All) => self.text(" ALL"),
                    Some(SetQuantifier::Distinct) => self.text(" DISTINCT"),
                    None => {}
                }
                self.line();
            }
            if in_brackets(operation.op, operand, index) {
                self.text("(");
                self.indented(|printer| {
                    printer.soft_line();
                    printer.query_body(operand);
                });
                self.soft_line();
                self.text(")");
            } else {
                self.query_body(operand);
            }
        }
    }

    pub(super) fn select(&mut self, select: &Select) {
        if let Some(with) = &select.with {
            self.with(with);
            self.line();
        }
        self.text(if select.distinct { "SELECT DISTINCT" } else { "SELECT" });
        self.clause_list(&select.items, Self::expr);
        self.from(select);
        self.filters(select);
        if let Some(order_by) = &select.order_by {
            self.order_by(order_by);
        }
        self.limits(select);
        if !select.settings.is_empty() {
            self.line();
            self.text("SETTINGS ");
            self.list(&select.settings, Self::setting);
        }
    }

    fn with(&mut self, with: &With) {
        self.text(if with.recursive { "WITH RECURSIVE" } else { "WITH" });
        self.indented(|printer| {
            for (index, item) in with.items.iter().enumerate() {
                if index > 0 {
                    printer.text(",");
                }
                printer.line();
                printer.with_item(item);
            }
        });
    }

    fn with_item(&mut self, item: &WithItem) {
        match item {
            WithItem::Cte(cte) => {
                self.ident(&cte.name);
                if !cte.columns.is_empty() {
                    self.bracketed(&cte.columns, Self::ident);
                }
                self.text(if cte.materialized { " AS MATERIALIZED" } else { " AS" });
                self.line();
                self.subquery(&cte.query);
            }
            WithItem::Expr(expr) => self.expr(expr),
        }
    }

    // ---- FROM ----

    fn from(&mut self, select: &Select) {
        if let Some(table) = &select.from {
            self.line();
            self.text("FROM");
            self.table_on_line(table);
        }
        for step in &select.joins {
            match step {
                JoinStep::Join(join) => self.join(join),
                JoinStep::ArrayJoin(join) => {
                    self.line();
                    self.text(if join.left { "LEFT ARRAY JOIN" } else { "ARRAY JOIN" });
                    self.clause_list(&join.items, Self::expr);
                }
            }
        }
    }

    /// A table after a keyword: subqueries begin a line of their own.
    fn table_on_line(&mut self, table: &TableRef) {
        match table.source {
            TableSource::Subquery(_) => self.line(),
            TableSource::Table(_) | TableSource::Function(_) => self.text(" "),
        }
        self.table_ref(table);
    }

    pub(super) fn table_ref(&mut self, table: &TableRef) {
        match &table.source {
            TableSource::Table(name) => self.object_name(name),
            TableSource::Function(function) => self.table_function(function),
            TableSource::Subquery(query) => self.subquery(query),
        }
        if let Some(alias) = &table.alias {
            self.text(" AS ");
            self.ident(alias);
        }
        if !table.column_aliases.is_empty() {
            self.bracketed(&table.column_aliases, Self::ident);
        }
        if table.is_final {
            self.line();
            self.text("FINAL");
        }
        if let Some(sample) = &table.sample {
            self.line();
            self.text("SAMPLE ");
            self.ratio(sample.ratio);
            if let Some(offset) = sample.offset {
                self.text(" OFFSET ");
                self.ratio(offset);
            }
        }
        if let Some(generation) = table.generation {
            self.line();
            self.display(format_args!("GENERATION {generation}"));
        }
    }

    fn ratio(&mut self, ratio: Ratio) {
        self.display(ratio.numerator);
        if ratio.denominator != 1 {
            self.display(format_args!(" / {}", ratio.denominator));
        }
    }

    pub(super) fn table_function(&mut self, function: &TableFunction) {
        use crate::ast::ExprKind;
        if let Some(database) = &function.database {
            self.ident(database);
            self.text(".");
        }
        self.ident(&function.name);
        self.text("(");
        match function.arguments.as_slice() {
            [crate::ast::Expr { kind: ExprKind::Subquery(query), .. }] if function.settings.is_empty() => {
                self.inner_query(query);
            }
            arguments => self.exprs(arguments),
        }
        if !function.settings.is_empty() {
            self.text(if function.arguments.is_empty() { "SETTINGS " } else { ", SETTINGS " });
            self.list(&function.settings, Self::setting);
        }
        self.text(")");
    }

    fn join(&mut self, join: &Join) {
        if join.kind == JoinKind::Comma {
            self.text(",");
            return self.table_on_line(&join.table);
        }
        self.line();
        match join.locality {
            Some(JoinLocality::Global) => self.text("GLOBAL "),
            Some(JoinLocality::Local) => self.text("LOCAL "),
            None => {}
        }
        self.text(if join.natural { "NATURAL " } else { "" });
        self.text(match join.strictness {
            Some(JoinStrictness::Any) => "ANY ",
            Some(JoinStrictness::All) => "ALL ",
            Some(JoinStrictness::Asof) => "ASOF ",
            Some(JoinStrictness::Semi) => "SEMI ",
            Some(JoinStrictness::Anti) => "ANTI ",
            None => "",
        });
        self.text(match join.kind {
            JoinKind::Inner => "INNER JOIN",
            JoinKind::Left => "LEFT JOIN",
            JoinKind::Right => "RIGHT JOIN",
            JoinKind::Full => "FULL OUTER JOIN",
            JoinKind::Cross | JoinKind::Comma => "CROSS JOIN",
            JoinKind::Paste => "PASTE JOIN",
        });
        self.table_on_line(&join.table);
        match &join.constraint {
            Some(JoinConstraint::On(condition)) => {
                self.text(" ON ");
                self.expr(condition);
            }
            Some(JoinConstraint::Using(columns)) => {
                self.text(" USING ");
                self.bracketed(columns, Self::expr);
            }
            None => {}
        }
    }

    // ---- clauses ----

    fn filters(&mut self, select: &Select) {
        let clauses = [("PREWHERE ", &select.prewhere), ("WHERE ", &select.filter)];
        for (keyword, expr) in clauses {
            self.clause(keyword, expr.as_ref());
        }
        if let Some(group_by) = &select.group_by {
            self.group_by(group_by);
        }
        self.clause("HAVING ", select.having.as_ref());
        if !select.windows.is_empty() {
            self.line();
            self.text("WINDOW");
            self.clause_list(&select.windows, |printer, window| {
                printer.ident(&window.name);
                printer.text(" AS ");
                printer.window_spec(&window.spec);
            });
        }
        self.clause("QUALIFY ", select.qualify.as_ref());
    }

    fn clause(&mut self, keyword: &str, expr: Option<&crate::ast::Expr>) {
        if let Some(expr) = expr {
            self.line();
            self.text(keyword);
            self.expr(expr);
        }
    }

    fn group_by(&mut self, group_by: &GroupBy) {
        match &group_by.keys {
            GroupByKeys::Exprs(keys) if keys.is_empty() => {}
            GroupByKeys::Exprs(keys) => {
                self.line();
                self.text("GROUP BY");
                self.clause_list(keys, Self::expr);
            }
            GroupByKeys::All => {
                self.line();
                self.text("GROUP BY ALL");
            }
            GroupByKeys::GroupingSets(sets) => self.grouping_sets(sets),
        }
        self.indented(|printer| {
            if let Some(modifier) = group_by.modifier {
                printer.line();
                printer.text(match modifier {
                    GroupByModifier::Rollup => "WITH ROLLUP",
                    GroupByModifier::Cube => "WITH CUBE",
                });
            }
            if group_by.totals {
                printer.line();
                printer.text("WITH TOTALS");
            }
        });
    }

    fn grouping_sets(&mut self, sets: &[Vec<crate::ast::Expr>]) {
        self.line();
        self.text("GROUP BY");
        self.indented(|printer| {
            printer.line();
            printer.text("GROUPING SETS (");
            printer.indented(|printer| {
                for (index, set) in sets.iter().enumerate() {
                    if index > 0 {
                        printer.text(",");
                        printer.line();
                    } else {
                        printer.soft_line();
                    }
                    printer.bracketed(set, Self::expr);
                }
            });
            printer.text(")");
        });
    }

    fn order_by(&mut self, order_by: &OrderBy) {
        self.line();
        self.text("ORDER BY");
        match &order_by.keys {
            OrderByKeys::Items(items) => self.clause_list(items, Self::order_by_item),
            OrderByKeys::All(direction, nulls) => {
                self.text(" ALL");
                self.sort(*direction, *nulls);
            }
        }
        if let Some(items) = &order_by.interpolate {
            self.line();
            self.text("INTERPOLATE");
            if !items.is_empty() {
                self.text(" ");
                self.bracketed(items, |printer, item| {
                    printer.quoted_ident(&item.column);
                    printer.text(" AS ");
                    printer.expr(&item.expr);
                });
            }
        }
    }

    fn sort(&mut self, direction: SortDirection, nulls: Option<NullsOrder>) {
        self.text(match direction {
            SortDirection::Ascending if self.in_projection && nulls.is_none() => "",
            SortDirection::Ascending => " ASC",
            SortDirection::Descending => " DESC",
        });
        match nulls {
            Some(NullsOrder::First) => self.text(" NULLS FIRST"),
            Some(NullsOrder::Last) => self.text(" NULLS LAST"),
            None => {}
        }
    }

    pub(super) fn order_by_item(&mut self, item: &OrderByItem) {
        self.expr(&item.expr);
        self.sort(item.direction, item.nulls);
        if let Some(collation) = &item.collation {
            self.text(" COLLATE ");
            self.string(collation);
        }
        if let Some(fill) = &item.fill {
            self.text(" WITH FILL");
            let parts =
                [(" FROM ", &fill.from), (" TO ", &fill.to), (" STEP ", &fill.step), (" STALENESS ", &fill.staleness)];
            for (keyword, expr) in parts {
                if let Some(expr) = expr {
                    self.text(keyword);
                    self.expr(expr);
                }
            }
        }
    }

    fn limits(&mut self, select: &Select) {
        if let Some(limit_by) = &select.limit_by {
            self.limit_by(limit_by);
        }
        if let Some(limit) = &select.limit {
            self.limit(limit);
        }
    }

    fn limit_by(&mut self, limit_by: &LimitBy) {
        self.line();
        self.text("LIMIT ");
        if let Some(offset) = &limit_by.offset {
            self.expr(offset);
            self.text(", ");
        }
        self.expr(&limit_by.count);
        self.text(" BY");
        match &limit_by.keys {
            LimitByKeys::Exprs(keys) => self.clause_list(keys, Self::expr),
            LimitByKeys::All => self.text(" ALL"),
        }
    }

    fn limit(&mut self, limit: &Limit) {
        self.line();
        match (&limit.count, &limit.offset) {
            (Some(count), Some(offset)) => {
                self.text("LIMIT ");
                self.expr(offset);
                self.text(", ");
                self.expr(count);
            }
            (Some(count), None) => {
                self.text("LIMIT ");
                self.expr(count);
            }
            (None, Some(offset)) => {
                self.text("OFFSET ");
                self.expr(offset);
            }
            (None, None) => {}
        }
        if limit.with_ties {
            self.line();
            self.text(" WITH TIES");
        }
    }
}

/// Whether an operand of a set operation stands in brackets: as its meaning demands, and always next to EXCEPT.
fn in_brackets(op: SetOperator, operand: &QueryBody, index: usize) -> bool {
    match operand {
        QueryBody::Select(_) => op == SetOperator::Except,
        QueryBody::Set(inner) => {
            let tighter = inner.op == SetOperator::Intersect && op != SetOperator::Intersect;
            let same_level = (inner.op == SetOperator::Intersect) == (op == SetOperator::Intersect);
            !(tighter || index == 0 && same_level)
        }
    }
}
