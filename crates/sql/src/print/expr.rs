//! Expressions. Operands that are operators themselves stand in brackets, as ClickHouse prints them.

use super::Printer;
use crate::ast::{
    ApplyFunction, Binary, Cast, ChainOperator, ColumnTransformer, Columns, ColumnsSelector, Expr, ExprKind,
    FrameBound, FrameUnit, Function, In, Lambda, Literal, NullsTreatment, TupleIndex, UnaryOperator, WindowFrame,
    WindowRef, WindowSpec,
};

impl Printer {
    /// Where any expression can stand.
    pub(super) fn expr(&mut self, expr: &Expr) {
        let bracketed = expr.parenthesized && !has_own_brackets(expr);
        if bracketed {
            self.text("(");
        }
        self.expr_kind(&expr.kind);
        if bracketed {
            self.text(")");
        }
    }

    pub(super) fn exprs(&mut self, exprs: &[Expr]) {
        self.list(exprs, Self::expr);
    }

    /// Next to an operator.
    fn operand(&mut self, expr: &Expr) {
        self.expr_in(expr, is_operator(expr));
    }

    /// Before `[…]` or `.n`: a number would take the point.
    fn postfix_operand(&mut self, expr: &Expr) {
        self.expr_in(expr, is_operator(expr) || matches!(expr.kind, ExprKind::Literal(_)));
    }

    /// With one pair of brackets when `needs` or the text had them.
    fn expr_in(&mut self, expr: &Expr, needs: bool) {
        if needs || expr.parenthesized && !has_own_brackets(expr) {
            self.text("(");
            self.expr_kind(&expr.kind);
            self.text(")");
        } else {
            self.expr_kind(&expr.kind);
        }
    }

    fn expr_kind(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Literal(literal) => self.literal(literal),
            ExprKind::Identifier(parts) => self.path(parts),
            ExprKind::Asterisk(asterisk) => {
                for part in &asterisk.qualifier {
                    self.ident(part);
                    self.text(".");
                }
                self.text("*");
                self.transformers(&asterisk.transformers);
            }
            ExprKind::Columns(columns) => self.columns(columns),
            ExprKind::Function(function) => self.function(function),
            ExprKind::Unary(op, operand) => self.unary(*op, operand),
            ExprKind::Binary(binary) => self.binary(binary),
            ExprKind::Chain(op, operands) => self.chain(*op, operands),
            ExprKind::In(operator) => self.in_operator(operator),
            ExprKind::IsNull { operand, negated } => {
                self.operand(operand);
                self.text(if *negated { " IS NOT NULL" } else { " IS NULL" });
            }
            ExprKind::Cast(cast) => self.cast(cast),
            ExprKind::Array(items) => {
                self.text("[");
                self.exprs(items);
                self.text("]");
            }
            ExprKind::Tuple(items) => self.tuple(items),
            ExprKind::ArrayElement(array, index) => {
                self.postfix_operand(array);
                self.text("[");
                self.expr(index);
                self.text("]");
            }
            ExprKind::TupleElement(tuple, index) => self.tuple_element(tuple, index),
            ExprKind::Lambda(lambda) => self.lambda(lambda),
            ExprKind::Alias(expr, alias) => {
                // `x -> x AS a` would name the body.
                self.expr_in(expr, matches!(expr.kind, ExprKind::Alias(..)));
                self.text(" AS ");
                self.ident(alias);
            }
            ExprKind::Subquery(query) => self.subquery(query),
            ExprKind::Exists(query) => {
                self.text("exists(");
                self.subquery(query);
                self.text(")");
            }
            ExprKind::Parameter(name, data_type) => {
                self.text("{");
                self.text(&name.name);
                self.text(":");
                self.data_type(data_type);
                self.text("}");
            }
        }
    }

    fn binary(&mut self, binary: &Binary) {
        self.operand(&binary.left);
        self.display(format_args!(" {} ", binary.op.symbol()));
        self.operand(&binary.right);
    }

    fn chain(&mut self, op: ChainOperator, operands: &[Expr]) {
        for (index, operand) in operands.iter().enumerate() {
            if index > 0 {
                self.text(match op {
                    ChainOperator::And => " AND ",
                    ChainOperator::Or => " OR ",
                });
            }
            self.operand(operand);
        }
    }

    fn cast(&mut self, cast: &Cast) {
        self.text("CAST(");
        self.expr(&cast.operand);
        self.text(", ");
        let data_type = cast.data_type.to_string();
        self.string(&data_type);
        self.text(")");
    }

    fn unary(&mut self, op: UnaryOperator, operand: &Expr) {
        match op {
            UnaryOperator::Not => self.text("NOT "),
            UnaryOperator::Negate => self.text("-"),
        }
        // `-5` would be read as a constant.
        let number = matches!(operand.kind, ExprKind::Literal(Literal::UInt(_) | Literal::Int(_) | Literal::Float(_)));
        self.expr_in(operand, is_operator(operand) || op == UnaryOperator::Negate && number);
    }

    fn in_operator(&mut self, operator: &In) {
        self.operand(&operator.left);
        self.text(if operator.global { " GLOBAL" } else { "" });
        self.text(if operator.negated { " NOT IN " } else { " IN " });
        let bare = matches!(
            operator.right.kind,
            ExprKind::Tuple(_)
                | ExprKind::Subquery(_)
                | ExprKind::Array(_)
                | ExprKind::Function(_)
                | ExprKind::Cast(_)
                | ExprKind::Exists(_)
        );
        self.expr_in(&operator.right, !bare);
    }

    /// `(a, b)`; of less than two items `tuple(a)`, which cannot be taken for brackets.
    fn tuple(&mut self, items: &[Expr]) {
        self.text(if items.len() < 2 { "tuple(" } else { "(" });
        self.exprs(items);
        self.text(")");
    }

    fn tuple_element(&mut self, tuple: &Expr, index: &TupleIndex) {
        match index {
            TupleIndex::Name(name) => {
                self.text("tupleElement(");
                self.expr(tuple);
                self.text(", ");
                self.string(&name.name);
                self.text(")");
            }
            TupleIndex::Position(position) => {
                self.postfix_operand(tuple);
                self.display(format_args!(".{position}"));
            }
            TupleIndex::FromEnd(position) => {
                self.postfix_operand(tuple);
                self.display(format_args!(".-{position}"));
            }
        }
    }

    pub(super) fn lambda(&mut self, lambda: &Lambda) {
        match lambda.parameters.as_slice() {
            [only] => self.ident(only),
            several => self.bracketed(several, Self::ident),
        }
        self.text(" -> ");
        self.operand(&lambda.body);
    }

    fn function(&mut self, function: &Function) {
        self.ident(&function.name);
        if !function.parameters.is_empty() {
            self.bracketed(&function.parameters, Self::expr);
        }
        self.text("(");
        match (function.name.name.to_ascii_lowercase().as_str(), function.arguments.as_slice()) {
            ("view" | "viewifpermitted", [Expr { kind: ExprKind::Subquery(query), .. }]) => self.inner_query(query),
            (_, arguments) => self.exprs(arguments),
        }
        self.text(")");
        match function.nulls {
            Some(NullsTreatment::Respect) => self.text(" RESPECT NULLS"),
            Some(NullsTreatment::Ignore) => self.text(" IGNORE NULLS"),
            None => {}
        }
        match &function.over {
            Some(WindowRef::Named(name)) => {
                self.text(" OVER ");
                self.ident(name);
            }
            Some(WindowRef::Inline(spec)) => {
                self.text(" OVER ");
                self.window_spec(spec);
            }
            None => {}
        }
    }

    pub(super) fn window_spec(&mut self, spec: &WindowSpec) {
        self.text("(");
        let mut gap = "";
        if let Some(base) = &spec.base {
            self.ident(base);
            gap = " ";
        }
        if !spec.partition_by.is_empty() {
            self.text(gap);
            self.text("PARTITION BY ");
            self.exprs(&spec.partition_by);
            gap = " ";
        }
        if !spec.order_by.is_empty() {
            self.text(gap);
            self.text("ORDER BY ");
            self.list(&spec.order_by, Self::order_by_item);
            gap = " ";
        }
        if let Some(frame) = &spec.frame {
            self.text(gap);
            self.window_frame(frame);
        }
        self.text(")");
    }

    fn window_frame(&mut self, frame: &WindowFrame) {
        self.text(match frame.unit {
            FrameUnit::Rows => "ROWS BETWEEN ",
            FrameUnit::Range => "RANGE BETWEEN ",
            FrameUnit::Groups => "GROUPS BETWEEN ",
        });
        self.frame_bound(&frame.start);
        self.text(" AND ");
        self.frame_bound(&frame.end);
    }

    fn frame_bound(&mut self, bound: &FrameBound) {
        match bound {
            FrameBound::UnboundedPreceding => self.text("UNBOUNDED PRECEDING"),
            FrameBound::Preceding(distance) => {
                self.expr(distance);
                self.text(" PRECEDING");
            }
            FrameBound::CurrentRow => self.text("CURRENT ROW"),
            FrameBound::Following(distance) => {
                self.expr(distance);
                self.text(" FOLLOWING");
            }
            FrameBound::UnboundedFollowing => self.text("UNBOUNDED FOLLOWING"),
        }
    }

    fn columns(&mut self, columns: &Columns) {
        for part in &columns.qualifier {
            self.ident(part);
            self.text(".");
        }
        self.text("COLUMNS(");
        match &columns.selector {
            ColumnsSelector::Regex(regex) => self.string(regex),
            ColumnsSelector::List(list) => self.exprs(list),
        }
        self.text(")");
        self.transformers(&columns.transformers);
    }

    fn transformers(&mut self, transformers: &[ColumnTransformer]) {
        for transformer in transformers {
            match transformer {
                ColumnTransformer::Apply(ApplyFunction::Named(name, parameters)) => {
                    self.text(" APPLY ");
                    self.ident(name);
                    if !parameters.is_empty() {
                        self.bracketed(parameters, Self::expr);
                    }
                }
                ColumnTransformer::Apply(ApplyFunction::Lambda(lambda)) => {
                    self.text(" APPLY (");
                    self.lambda(lambda);
                    self.text(")");
                }
                ColumnTransformer::Except { strict, columns } => {
                    self.text(if *strict { " EXCEPT STRICT " } else { " EXCEPT " });
                    match columns.as_slice() {
                        [only] => self.dotted_ident(only),
                        several => self.bracketed(several, Self::dotted_ident),
                    }
                }
                ColumnTransformer::ExceptRegex(regex) => {
                    self.text(" EXCEPT ");
                    self.string(regex);
                }
                ColumnTransformer::Replace { strict, items } => {
                    self.text(if *strict { " REPLACE STRICT " } else { " REPLACE " });
                    self.bracketed(items, |printer, (expr, column)| {
                        printer.expr(expr);
                        printer.text(" AS ");
                        printer.ident(column);
                    });
                }
            }
        }
    }
}

/// What is printed between brackets of its own kind anyway.
fn has_own_brackets(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Tuple(items) => items.len() > 1,
        ExprKind::Subquery(_) => true,
        _ => false,
    }
}

/// What needs brackets next to an operator.
fn is_operator(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Unary(..)
        | ExprKind::Binary(_)
        | ExprKind::Chain(..)
        | ExprKind::In(_)
        | ExprKind::IsNull { .. }
        | ExprKind::ArrayElement(..)
        | ExprKind::Lambda(_)
        | ExprKind::Alias(..) => true,
        ExprKind::TupleElement(_, index) => !matches!(index, TupleIndex::Name(_)),
        // `* EXCEPT a` would go on reading.
        ExprKind::Asterisk(asterisk) => !asterisk.transformers.is_empty(),
        ExprKind::Columns(columns) => !columns.transformers.is_empty(),
        ExprKind::Literal(_)
        | ExprKind::Identifier(_)
        | ExprKind::Function(_)
        | ExprKind::Cast(_)
        | ExprKind::Array(_)
        | ExprKind::Tuple(_)
        | ExprKind::Subquery(_)
        | ExprKind::Exists(_)
        | ExprKind::Parameter(..) => false,
    }
}
