//! The name of a column that was given none.
//!
//! As ClickHouse 26 names it: operators as the functions they are, identifiers as they were written, without the
//! table where the binder takes it away.

use super::Printer;
use crate::ast::{
    ApplyFunction, ColumnTransformer, ColumnsSelector, Expr, ExprKind, Function, Lambda, TupleIndex, WindowRef,
};

/// Names are cut here: trees can share subtrees, so that a name may be much longer than the text.
const NAME_BYTES_MAX: usize = 64 << 10;

/// The name ClickHouse gives the column of an expression without an alias: `plus(a, 1)`, `count()`, `[1, 2]`.
///
/// Names of identifiers keep every part (`t.a`): whether a part is a table is for the binder, who knows tables.
/// Subqueries are `_subquery`; ClickHouse numbers them in an order that only the binder sees.
pub fn column_name(expr: &Expr) -> String {
    let mut printer = Printer::new(false);
    printer.name(expr);
    if printer.out.len() > NAME_BYTES_MAX {
        let end = printer.out.floor_char_boundary(NAME_BYTES_MAX);
        printer.out.truncate(end);
    }
    printer.out
}

impl Printer {
    fn name(&mut self, expr: &Expr) {
        if self.out.len() > NAME_BYTES_MAX {
            return;
        }
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal),
            ExprKind::Identifier(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    self.text(if index > 0 { "." } else { "" });
                    self.text(&part.name);
                }
            }
            ExprKind::Alias(_, alias) => self.text(&alias.name),
            ExprKind::Function(function) => self.function_name(function),
            ExprKind::Unary(op, operand) => self.call_name(op.function_name(), [&**operand]),
            ExprKind::Binary(binary) => self.call_name(binary.op.function_name(), [&binary.left, &binary.right]),
            ExprKind::Chain(op, operands) => self.call_name(op.function_name(), operands),
            ExprKind::In(operator) => self.call_name(operator.function_name(), [&operator.left, &operator.right]),
            ExprKind::IsNull { operand, negated } => {
                self.call_name(if *negated { "isNotNull" } else { "isNull" }, [&**operand]);
            }
            ExprKind::Cast(cast) => {
                self.text("CAST(");
                self.name(&cast.operand);
                self.text(", ");
                let data_type = cast.data_type.to_string();
                self.string(&data_type);
                self.text(")");
            }
            ExprKind::Array(items) => {
                self.text("[");
                self.names(items);
                self.text("]");
            }
            ExprKind::Tuple(items) => {
                self.text("(");
                self.names(items);
                self.text(")");
            }
            ExprKind::ArrayElement(array, index) => self.call_name("arrayElement", [&**array, &**index]),
            ExprKind::TupleElement(tuple, index) => self.element_name(tuple, index),
            ExprKind::Lambda(lambda) => self.lambda_name(lambda),
            ExprKind::Subquery(_) => self.text("_subquery"),
            ExprKind::Exists(_) => self.text("exists(_subquery)"),
            ExprKind::Parameter(name, data_type) => self.display(format_args!("_CAST({}, '{data_type}')", name.name)),
            ExprKind::Asterisk(asterisk) => {
                self.text("*");
                self.transformer_names(&asterisk.transformers);
            }
            ExprKind::Columns(columns) => {
                self.text("COLUMNS(");
                match &columns.selector {
                    ColumnsSelector::Regex(regex) => self.string(regex),
                    ColumnsSelector::List(list) => self.names(list),
                }
                self.text(")");
                self.transformer_names(&columns.transformers);
            }
        }
    }

    fn names<'a>(&mut self, exprs: impl IntoIterator<Item = &'a Expr>) {
        for (index, expr) in exprs.into_iter().enumerate() {
            self.text(if index > 0 { ", " } else { "" });
            self.name(expr);
        }
    }

    fn call_name<'a>(&mut self, name: &str, arguments: impl IntoIterator<Item = &'a Expr>) {
        self.text(name);
        self.text("(");
        self.names(arguments);
        self.text(")");
    }

    fn function_name(&mut self, function: &Function) {
        self.text(&function.name.name);
        if !function.parameters.is_empty() {
            self.text("(");
            self.names(&function.parameters);
            self.text(")");
        }
        self.text("(");
        // `count(*)` is called `count()`.
        match function.arguments.as_slice() {
            [Expr { kind: ExprKind::Asterisk(all), .. }]
                if all.transformers.is_empty() && function.name.name.eq_ignore_ascii_case("count") => {}
            arguments => self.names(arguments),
        }
        self.text(")");
        match &function.over {
            Some(WindowRef::Named(name)) => {
                self.text(" OVER ");
                self.text(&name.name);
            }
            Some(WindowRef::Inline(spec)) => {
                self.text(" OVER ");
                self.window_spec(spec);
            }
            None => {}
        }
    }

    fn element_name(&mut self, tuple: &Expr, index: &TupleIndex) {
        self.text("tupleElement(");
        self.name(tuple);
        self.text(", ");
        match index {
            TupleIndex::Position(position) => self.display(position),
            TupleIndex::FromEnd(position) => self.display(format_args!("-{position}")),
            TupleIndex::Name(name) => self.string(&name.name),
        }
        self.text(")");
    }

    fn lambda_name(&mut self, lambda: &Lambda) {
        self.text("lambda(tuple(");
        for (index, parameter) in lambda.parameters.iter().enumerate() {
            self.text(if index > 0 { ", " } else { "" });
            self.text(&parameter.name);
        }
        self.text("), ");
        self.name(&lambda.body);
        self.text(")");
    }

    fn transformer_names(&mut self, transformers: &[ColumnTransformer]) {
        for transformer in transformers {
            if let ColumnTransformer::Apply(ApplyFunction::Named(name, _)) = transformer {
                self.display(format_args!(" APPLY {}", name.name));
            }
        }
    }
}
