//! What of a filter can be decided from ranges of values: comparisons of a column with constants, joined by AND and OR.
//!
//! A predicate is only ever used to leave out what certainly does not match; whatever it does not understand is
//! [`Predicate::Unknown`], which matches everything.

use std::fmt::Write;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{BinaryExpr, InList};
use datafusion::logical_expr::{Expr, Operator};
use types::Header;

/// A condition on rows, as far as it is understood.
#[derive(Clone, PartialEq, Debug)]
pub enum Predicate {
    /// Nothing is known.
    Unknown,
    /// `column op value`; the value is of the column's Arrow type and not NULL.
    Compare {
        /// Position in the source's header.
        column: usize,
        /// How.
        op: Comparison,
        /// The constant.
        value: ScalarValue,
    },
    /// The column equals one of the values. An empty list matches nothing.
    In {
        /// Position in the source's header.
        column: usize,
        /// Not NULL, of the column's Arrow type.
        values: Vec<ScalarValue>,
    },
    /// All of them; at least two.
    And(Vec<Predicate>),
    /// One of them; at least two.
    Or(Vec<Predicate>),
}

/// How a column is compared with a constant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Predicate {
    /// What is known when all `filters` hold.
    pub fn from_filters(filters: &[Expr], header: &Header) -> Predicate {
        all(filters.iter().map(|filter| Predicate::from_filter(filter, header)))
    }

    /// What is known when `filter` holds.
    pub fn from_filter(filter: &Expr, header: &Header) -> Predicate {
        match filter {
            Expr::Alias(alias) => Predicate::from_filter(&alias.expr, header),
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                all([Predicate::from_filter(left, header), Predicate::from_filter(right, header)])
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                any([Predicate::from_filter(left, header), Predicate::from_filter(right, header)])
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match Comparison::from_operator(*op) {
                Some(op) => compare(left, op, right, header),
                None => Predicate::Unknown,
            },
            Expr::InList(list) if !list.negated => in_list(list, header),
            Expr::Between(between) if !between.negated => all([
                compare(&between.expr, Comparison::GreaterOrEqual, &between.low, header),
                compare(&between.expr, Comparison::LessOrEqual, &between.high, header),
            ]),
            _ => Predicate::Unknown,
        }
    }

    /// The part of the predicate that only looks at columns for which `usable` is true.
    #[must_use]
    pub fn restrict(&self, usable: &dyn Fn(usize) -> bool) -> Predicate {
        match self {
            Predicate::Unknown => Predicate::Unknown,
            Predicate::Compare { column, .. } | Predicate::In { column, .. } if !usable(*column) => Predicate::Unknown,
            Predicate::Compare { .. } | Predicate::In { .. } => self.clone(),
            Predicate::And(parts) => all(parts.iter().map(|part| part.restrict(usable))),
            Predicate::Or(parts) => any(parts.iter().map(|part| part.restrict(usable))),
        }
    }

    /// The predicate with the names of columns, for EXPLAIN.
    pub fn display(&self, header: &Header) -> String {
        let name = |column: usize| header.columns().get(column).map_or("?", |column| &*column.name);
        let join = |parts: &[Predicate], with: &str| {
            parts.iter().map(|part| part.display(header)).collect::<Vec<_>>().join(with)
        };
        match self {
            Predicate::Unknown => "true".to_owned(),
            Predicate::Compare { column, op, value } => {
                format!("{} {} {}", name(*column), op.symbol(), constant(value))
            }
            Predicate::In { column, values } => {
                let values: Vec<String> = values.iter().map(constant).collect();
                format!("{} IN ({})", name(*column), values.join(", "))
            }
            Predicate::And(parts) => join(parts, " AND "),
            Predicate::Or(parts) => format!("({})", join(parts, " OR ")),
        }
    }
}

impl Comparison {
    fn from_operator(op: Operator) -> Option<Comparison> {
        Some(match op {
            Operator::Eq => Comparison::Equal,
            Operator::NotEq => Comparison::NotEqual,
            Operator::Lt => Comparison::Less,
            Operator::LtEq => Comparison::LessOrEqual,
            Operator::Gt => Comparison::Greater,
            Operator::GtEq => Comparison::GreaterOrEqual,
            _ => return None,
        })
    }

    /// The comparison with its sides exchanged.
    fn mirrored(self) -> Comparison {
        match self {
            Comparison::Equal | Comparison::NotEqual => self,
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}

/// A constant as EXPLAIN shows it: bytes as text where they are.
fn constant(value: &ScalarValue) -> String {
    match value {
        ScalarValue::Binary(Some(bytes)) | ScalarValue::FixedSizeBinary(_, Some(bytes)) => {
            let mut text = String::new();
            // Writing to a String cannot fail.
            let _ = write!(text, "'{}'", String::from_utf8_lossy(bytes));
            text
        }
        other => other.to_string(),
    }
}

/// The conjunction, without what says nothing.
fn all(parts: impl IntoIterator<Item = Predicate>) -> Predicate {
    let mut known = Vec::new();
    for part in parts {
        match part {
            Predicate::Unknown => {}
            Predicate::And(inner) => known.extend(inner),
            other => known.push(other),
        }
    }
    match known.len() {
        0 => Predicate::Unknown,
        1 => known.remove(0),
        _ => Predicate::And(known),
    }
}

/// The disjunction: one part that says nothing makes the whole say nothing.
fn any(parts: impl IntoIterator<Item = Predicate>) -> Predicate {
    let mut known = Vec::new();
    for part in parts {
        match part {
            Predicate::Unknown => return Predicate::Unknown,
            Predicate::Or(inner) => known.extend(inner),
            other => known.push(other),
        }
    }
    match known.len() {
        0 => Predicate::Unknown,
        1 => known.remove(0),
        _ => Predicate::Or(known),
    }
}

fn compare(left: &Expr, op: Comparison, right: &Expr, header: &Header) -> Predicate {
    let (column, op, value) = match (column_of(left, header), constant_of(right)) {
        (Some(column), Some(value)) => (column, op, value),
        _ => match (column_of(right, header), constant_of(left)) {
            (Some(column), Some(value)) => (column, op.mirrored(), value),
            _ => return Predicate::Unknown,
        },
    };
    match fits(column, &value, header) {
        true => Predicate::Compare { column, op, value },
        false => Predicate::Unknown,
    }
}

fn in_list(list: &InList, header: &Header) -> Predicate {
    let Some(column) = column_of(&list.expr, header) else { return Predicate::Unknown };
    let mut values = Vec::with_capacity(list.list.len());
    for item in &list.list {
        match constant_of(item) {
            // NULL in the list never makes a row match.
            Some(value) if value.is_null() => {}
            Some(value) if fits(column, &value, header) => values.push(value),
            _ => return Predicate::Unknown,
        }
    }
    Predicate::In { column, values }
}

fn column_of(expr: &Expr, header: &Header) -> Option<usize> {
    match expr {
        Expr::Column(column) => header.position(&column.name),
        Expr::Alias(alias) => column_of(&alias.expr, header),
        _ => None,
    }
}

fn constant_of(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Alias(alias) => constant_of(&alias.expr),
        _ => None,
    }
}

/// True when the constant can be compared with values of the column as they are. NaN cannot: it has no place in a range.
fn fits(column: usize, value: &ScalarValue, header: &Header) -> bool {
    let nan = match value {
        ScalarValue::Float32(Some(v)) => v.is_nan(),
        ScalarValue::Float64(Some(v)) => v.is_nan(),
        _ => false,
    };
    !nan && !value.is_null()
        && header.columns().get(column).is_some_and(|column| column.ty.arrow_type() == value.data_type())
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};
    use types::{Column, DataType};

    use super::*;

    fn header() -> Header {
        Header::new(vec![Column::new("id", DataType::UInt64), Column::new("name", DataType::String)])
    }

    fn text(filter: Expr) -> String {
        Predicate::from_filter(&filter, &header()).display(&header())
    }

    #[test]
    fn comparisons_with_constants_are_understood_on_both_sides() {
        assert_eq!(text(col("id").lt(lit(5_u64))), "id < 5");
        assert_eq!(text(lit(5_u64).lt_eq(col("id"))), "id >= 5");
        assert_eq!(text(col("name").eq(lit(ScalarValue::Binary(Some(b"x".to_vec()))))), "name = 'x'");
        assert_eq!(text(col("id").in_list(vec![lit(1_u64), lit(2_u64)], false)), "id IN (1, 2)");
    }

    #[test]
    fn what_is_not_understood_never_narrows() {
        let unknown = col("id").is_null();
        assert_eq!(text(unknown.clone()), "true");
        assert_eq!(text(col("id").eq(lit(1_u64)).and(unknown.clone())), "id = 1");
        assert_eq!(text(col("id").eq(lit(1_u64)).or(unknown)), "true");
        // Another type: the comparison is not on the stored values.
        assert_eq!(text(col("id").eq(lit(1_i32))), "true");
        assert_eq!(text(col("id").in_list(vec![lit(1_u64)], true)), "true");
    }

    #[test]
    fn a_restriction_keeps_only_the_usable_columns() {
        let filter = col("id").gt(lit(1_u64)).and(col("name").eq(lit(ScalarValue::Binary(Some(b"x".to_vec())))));
        let predicate = Predicate::from_filter(&filter, &header());
        assert_eq!(predicate.restrict(&|column| column == 0).display(&header()), "id > 1");
    }
}
