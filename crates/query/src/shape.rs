//! The shape of a SELECT: its text without the constants that its WHERE compares columns with.
//!
//! Statements of one shape share a plan ([`crate::template`]). Everything that is not such a constant stays part of the
//! shape: what names, types, formats and counts are made of can never be exchanged.

use sql::Query;
use sql::ast::{BinaryOperator, ChainOperator, DataType, ExprKind, Ident, Literal, QueryBody, Select, UnaryOperator};

/// No text of a user has a parameter of a name that begins with this.
const MARK: char = '\u{1}';
/// More constants than these are not worth a plan of their own.
const CONSTANTS_MAX: usize = 64;

/// A SELECT with marks in the place of constants.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The SELECT with marks.
    pub query: Query,
    /// What stood there, by the number of the mark.
    pub constants: Vec<sql::Expr>,
}

impl Shape {
    /// The shape of a SELECT that compares something with constants; `None` for every other query.
    pub(crate) fn of(query: &Query) -> Option<Shape> {
        let QueryBody::Select(select) = &query.body else { return None };
        // what WITH names may be a function, and then calls in constants mean something else
        if select.with.is_some() || !select.filter.as_ref().is_some_and(has_constant) {
            return None;
        }
        let mut shape = Shape { query: query.clone(), constants: Vec::new() };
        let QueryBody::Select(select) = &mut shape.query.body else { return None };
        let filter = select.filter.as_mut()?;
        visit(filter, &mut |constant| {
            let mark = mark(shape.constants.len());
            shape.constants.push(std::mem::replace(constant, mark));
        });
        (shape.constants.len() <= CONSTANTS_MAX).then_some(shape)
    }

    /// The text of the shape; `None` where calls in constants could mean what the statement itself defines.
    pub(crate) fn text(&self) -> Option<String> {
        let text = self.query.to_string();
        let calls = self.constants.iter().any(|constant| !matches!(constant.kind, ExprKind::Literal(_)));
        let marks = text.matches(MARK).count();
        (marks == self.constants.len() && !(calls && text.contains("->"))).then_some(text)
    }

    /// The shape with only those marks for which `keep` is true; `None` when that is none.
    pub(crate) fn narrowed(mut self, keep: &[bool]) -> Option<Shape> {
        let QueryBody::Select(select) = &mut self.query.body else { return None };
        let all = std::mem::take(&mut self.constants);
        let mut given = all.into_iter().zip(keep.iter().copied().chain(std::iter::repeat(false)));
        visit(select.filter.as_mut()?, &mut |place| {
            if let Some((constant, keeps)) = given.next() {
                *place = if keeps { mark(self.constants.len()) } else { constant.clone() };
                if keeps {
                    self.constants.push(constant);
                }
            }
        });
        (!self.constants.is_empty()).then_some(self)
    }

    /// The SELECT with marks.
    pub(crate) fn select(&self) -> Option<&Select> {
        match &self.query.body {
            QueryBody::Select(select) => Some(select),
            QueryBody::Set(_) => None,
        }
    }
}

/// The number of the mark that stands here.
pub(crate) fn mark_of(expr: &sql::Expr) -> Option<usize> {
    match &expr.kind {
        ExprKind::Parameter(name, _) => name.name.strip_prefix(MARK)?.parse().ok(),
        _ => None,
    }
}

fn mark(number: usize) -> sql::Expr {
    sql::Expr::new(ExprKind::Parameter(Ident::new(format!("{MARK}{number}")), Box::new(DataType::simple("Constant"))))
}

/// Gives each constant that a column is compared with to `give`, in order. A mark counts as one.
fn visit(filter: &mut sql::Expr, give: &mut dyn FnMut(&mut sql::Expr)) {
    match &mut filter.kind {
        ExprKind::Chain(ChainOperator::And, operands) => operands.iter_mut().for_each(|operand| visit(operand, give)),
        ExprKind::Binary(binary) if is_comparison(binary.op) => match (is_name(&binary.left), is_name(&binary.right)) {
            (true, false) if is_constant(&binary.right) => give(&mut binary.right),
            (false, true) if is_constant(&binary.left) => give(&mut binary.left),
            _ => {}
        },
        _ => {}
    }
}

fn has_constant(filter: &sql::Expr) -> bool {
    match &filter.kind {
        ExprKind::Chain(ChainOperator::And, operands) => operands.iter().any(has_constant),
        ExprKind::Binary(binary) if is_comparison(binary.op) => {
            (is_name(&binary.left) && is_constant(&binary.right))
                || (is_name(&binary.right) && is_constant(&binary.left))
        }
        _ => false,
    }
}

fn is_comparison(op: BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(op, B::Equals | B::NotEquals | B::Less | B::LessOrEquals | B::Greater | B::GreaterOrEquals)
}

fn is_name(expr: &sql::Expr) -> bool {
    matches!(&expr.kind, ExprKind::Identifier(parts) if parts.iter().all(|part| !part.is_parameter))
}

/// No column, query, alias or lambda in it. NULL is none: comparing with it is no comparison.
fn is_constant(expr: &sql::Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(literal) => *literal != Literal::Null,
        ExprKind::Parameter(..) => true,
        ExprKind::Unary(UnaryOperator::Negate, operand) => is_constant(operand),
        ExprKind::Binary(binary) => {
            use BinaryOperator as B;
            let is_arithmetic = matches!(binary.op, B::Plus | B::Minus | B::Multiply | B::Divide | B::Modulo);
            is_arithmetic && is_constant(&binary.left) && is_constant(&binary.right)
        }
        ExprKind::Function(call) => {
            let simple = call.over.is_none() && call.nulls.is_none() && call.parameters.is_empty();
            simple && !call.name.is_parameter && call.arguments.iter().all(is_constant)
        }
        ExprKind::Cast(cast) => is_constant(&cast.operand),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(sql: &str) -> Option<Shape> {
        let statement = sql::parse_statement(sql).unwrap();
        let sql::ast::StatementKind::Query(query) = statement.kind else { panic!("no query: {sql}") };
        Shape::of(&query)
    }

    fn text(sql: &str) -> String {
        shape(sql).and_then(|shape| shape.text()).unwrap_or_default()
    }

    #[test]
    fn statements_that_differ_in_compared_constants_have_one_shape() {
        let one = text("SELECT a FROM t WHERE a = 1 AND 'x' < b AND c BETWEEN 3 AND now() - INTERVAL 1 DAY");
        let other = text("SELECT a FROM t WHERE a = 256 AND 'y' < b AND c BETWEEN -7 AND toDate('2026-01-01')");
        assert_eq!(one, other);
        assert_eq!(one.matches(MARK).count(), 4);
    }

    #[test]
    fn everything_else_is_part_of_the_shape() {
        let sql = "SELECT plus(a, 1) FROM t WHERE a = 1 GROUP BY a HAVING count() > 1 ORDER BY a LIMIT 1";
        let same = text(sql);
        assert_eq!(same, text(&sql.replace("a = 1", "a = 2")));
        for (part, changed) in [("plus(a, 1)", "plus(a, 2)"), ("> 1", "> 2"), ("LIMIT 1", "LIMIT 2")] {
            assert_ne!(same, text(&sql.replace(part, changed)), "{changed}");
        }
        assert_ne!(same, text(&sql.replace("a = 1", "a < 1")));
    }

    #[test]
    fn what_is_no_comparison_of_a_name_with_a_constant_has_no_marks() {
        for sql in [
            "SELECT 1",
            "SELECT a FROM t WHERE a + 0 = 1",
            "SELECT a FROM t WHERE a = NULL",
            "SELECT a FROM t WHERE a = b",
            "SELECT a FROM t WHERE a = (1 AS x)",
            "SELECT a FROM t WHERE a = 1 OR b = 2",
            "WITH 1 AS x SELECT a FROM t WHERE a = 1",
            "SELECT a FROM t WHERE a = 1 UNION ALL SELECT 2",
        ] {
            assert!(shape(sql).is_none(), "{sql}");
        }
        assert_eq!(text("SELECT arrayMap(x -> x, [1]) FROM t WHERE a = abs(1)"), "");
    }

    #[test]
    fn a_narrowed_shape_has_the_other_constants_back() {
        let shape = shape("SELECT a FROM t WHERE a = 1 AND b = 2.5 AND c = 'x'").unwrap();
        let narrowed = shape.narrowed(&[true, false, true]).unwrap();
        assert!(narrowed.query.to_string().contains("b = 2.5"));
        let kept: Vec<String> = narrowed.constants.iter().map(ToString::to_string).collect();
        assert_eq!(kept, ["1", "'x'"]);
        assert!(narrowed.narrowed(&[false, false]).is_none());
    }
}
