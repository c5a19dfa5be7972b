//! What of a filter can be decided from ranges of values: comparisons of a column with constants, joined by AND and OR.
//!
//! A predicate is only ever used to leave out what certainly does not match; whatever it does not understand is
//! [`Predicate::Unknown`], which matches everything.

use std::fmt::Write;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{BinaryExpr, InList};
use datafusion::logical_expr::{Expr, Operator};
pub use external::Comparison;
use parts::skip_index::Piece;
use types::{DataType, Header};

use super::{Skips, Source};

/// Parts of times in an IN that are told apart.
const TIMES_MAX: usize = 64;

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
    /// The column is a list that has the value. Only known of columns that an index is made of.
    Has {
        /// Number of the column.
        column: usize,
        /// Not NULL.
        value: ScalarValue,
    },
    /// The column is a text that has all the pieces. Only known of columns that an index is made of.
    Text {
        /// Number of the column.
        column: usize,
        /// What it has.
        pieces: Vec<Piece>,
    },
    /// The column is NULL, or is not. Only known of sources that evaluate conditions ([`Source::evaluates`]).
    Null {
        /// Position in the source's header.
        column: usize,
        /// Or is not.
        is_null: bool,
    },
    /// All of them; at least two.
    And(Vec<Predicate>),
    /// One of them; at least two.
    Or(Vec<Predicate>),
}

/// The columns that predicates can be about: those of the source, by position, and behind them what its indexes are made
/// of.
pub struct Known<'a> {
    header: &'a Header,
    skips: Option<&'a Skips>,
    evaluates: bool,
}

impl<'a> Known<'a> {
    /// The columns of a source.
    pub fn of(source: &'a dyn Source) -> Known<'a> {
        let skips = source.skips().filter(|skips| !skips.is_empty());
        Known { header: source.header(), skips, evaluates: source.evaluates() }
    }

    /// The columns of a header alone.
    pub fn header(header: &'a Header) -> Known<'a> {
        Known { header, skips: None, evaluates: false }
    }

    fn position(&self, expr: &Expr) -> Option<usize> {
        match expr {
            Expr::Column(column) => self.header.position(&column.name),
            Expr::Alias(alias) => self.position(&alias.expr),
            other => self.skips?.position(other),
        }
    }

    fn column(&self, position: usize) -> Option<(&str, &DataType)> {
        let stored = self.header.columns().get(position).map(|column| (&*column.name, &column.ty));
        stored.or_else(|| self.skips?.column(position))
    }
}

impl Predicate {
    /// What is known when all `filters` hold.
    pub fn from_filters(filters: &[Expr], known: &Known<'_>) -> Predicate {
        all(filters.iter().map(|filter| Predicate::from_filter(filter, known)))
    }

    /// What is known when `filter` holds.
    pub fn from_filter(filter: &Expr, known: &Known<'_>) -> Predicate {
        match filter {
            Expr::Alias(alias) => Predicate::from_filter(&alias.expr, known),
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                all([Predicate::from_filter(left, known), Predicate::from_filter(right, known)])
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                any([Predicate::from_filter(left, known), Predicate::from_filter(right, known)])
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match comparison(*op) {
                Some(op) => compare(left, op, right, known),
                None => Predicate::Unknown,
            },
            Expr::InList(list) if !list.negated => in_list(list, known),
            Expr::IsNull(column) => null(column, true, known),
            Expr::IsNotNull(column) => null(column, false, known),
            Expr::Not(inner) => match &**inner {
                Expr::IsNull(column) => null(column, false, known),
                _ => Predicate::Unknown,
            },
            Expr::Between(between) if !between.negated => all([
                compare(&between.expr, Comparison::GreaterOrEqual, &between.low, known),
                compare(&between.expr, Comparison::LessOrEqual, &between.high, known),
            ]),
            Expr::Cast(cast) => guarded(&cast.expr, known),
            _ => Predicate::Unknown,
        }
    }

    /// The part of the predicate that only looks at columns for which `usable` is true.
    #[must_use]
    pub fn restrict(&self, usable: &dyn Fn(usize) -> bool) -> Predicate {
        match self {
            Predicate::Unknown => Predicate::Unknown,
            Predicate::Compare { column, .. }
            | Predicate::In { column, .. }
            | Predicate::Has { column, .. }
            | Predicate::Text { column, .. }
            | Predicate::Null { column, .. } => match usable(*column) {
                true => self.clone(),
                false => Predicate::Unknown,
            },
            Predicate::And(parts) => all(parts.iter().map(|part| part.restrict(usable))),
            Predicate::Or(parts) => any(parts.iter().map(|part| part.restrict(usable))),
        }
    }

    /// The predicate with the names of columns, for EXPLAIN.
    pub fn display(&self, known: &Known<'_>) -> String {
        let name = |column: usize| known.column(column).map_or("?", |(name, _)| name);
        let join = |parts: &[Predicate], with: &str| {
            parts.iter().map(|part| part.display(known)).collect::<Vec<_>>().join(with)
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
            Predicate::Has { column, value } => format!("{} has {}", name(*column), constant(value)),
            Predicate::Text { column, pieces } => {
                let pieces: Vec<String> =
                    pieces.iter().map(|piece| format!("'{}'", String::from_utf8_lossy(&piece.bytes))).collect();
                format!("{} contains {}", name(*column), pieces.join(", "))
            }
            Predicate::Null { column, is_null } => {
                format!("{} IS {}NULL", name(*column), if *is_null { "" } else { "NOT " })
            }
            Predicate::And(parts) => join(parts, " AND "),
            Predicate::Or(parts) => format!("({})", join(parts, " OR ")),
        }
    }
}

fn comparison(op: Operator) -> Option<Comparison> {
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

fn compare(left: &Expr, op: Comparison, right: &Expr, known: &Known<'_>) -> Predicate {
    let said = call(left, op, right, known).or_else(|| by_function(left, op, right, known));
    let said = said.or_else(|| part_of_time(left, op, right, known));
    if let Some(said) = said.or_else(|| part_of_time(right, op.mirrored(), left, known)) {
        return said;
    }
    let (column, op, value) = match (known.position(left), constant_of(right)) {
        (Some(column), Some(value)) => (column, op, value),
        _ => match (known.position(right), constant_of(left)) {
            (Some(column), Some(value)) => (column, op.mirrored(), value),
            _ => return Predicate::Unknown,
        },
    };
    match fits(column, &value, known) {
        true => Predicate::Compare { column, op, value },
        false => match same_number(column, &value, known).filter(|value| fits(column, value, known)) {
            Some(value) => Predicate::Compare { column, op, value },
            None => Predicate::Unknown,
        },
    }
}

/// A number of another type than the column's as the same number of its type, for who evaluates conditions; none when the
/// type does not have it.
fn same_number(column: usize, value: &ScalarValue, known: &Known<'_>) -> Option<ScalarValue> {
    let (_, ty) = known.column(column).filter(|(_, ty)| known.evaluates && ty.base().is_number())?;
    let from = value.data_type();
    let there = value.cast_to(&ty.arrow_type()).ok().filter(|_| from.is_numeric())?;
    (there.cast_to(&from).ok()? == *value).then_some(there)
}

/// A comparison that is a function, since ranges of values do not tell it (floats have NaN): `greater(column, constant) != 0`.
fn by_function(left: &Expr, op: Comparison, right: &Expr, known: &Known<'_>) -> Option<Predicate> {
    let Expr::ScalarFunction(function) = left else { return None };
    let is_true = op == Comparison::NotEqual && constant_of(right)? == ScalarValue::UInt8(Some(0));
    let ([left, right], true, true) = (function.args.as_slice(), is_true, known.evaluates) else { return None };
    let op = match function.name() {
        "equals" => Comparison::Equal,
        "notEquals" => Comparison::NotEqual,
        "less" => Comparison::Less,
        "lessOrEquals" => Comparison::LessOrEqual,
        "greater" => Comparison::Greater,
        "greaterOrEquals" => Comparison::GreaterOrEqual,
        _ => return None,
    };
    Some(compare(left, op, right, known))
}

fn null(expr: &Expr, is_null: bool, known: &Known<'_>) -> Predicate {
    match known.position(expr).filter(|_| known.evaluates) {
        Some(column) => Predicate::Null { column, is_null },
        None => Predicate::Unknown,
    }
}

/// A part of a time compared with a constant: `toDate(column) >= constant`.
fn part_of_time(left: &Expr, op: Comparison, right: &Expr, known: &Known<'_>) -> Option<Predicate> {
    let Expr::ScalarFunction(function) = left else { return None };
    let ([column], false) = (function.args.as_slice(), known.evaluates) else { return None };
    let value = super::monotone::whole(&constant_of(right)?)?;
    let column = known.position(column)?;
    super::monotone::of(function.name(), (column, known.column(column)?.1), op, value)
}

/// A function that says yes, of a column that an index is made of and a constant: `f(column, constant) != 0`; and a value of
/// a map: `map[key] = value`.
fn call(left: &Expr, op: Comparison, right: &Expr, known: &Known<'_>) -> Option<Predicate> {
    let skips = known.skips?;
    let Expr::ScalarFunction(function) = left else { return None };
    let [operand, argument] = function.args.as_slice() else { return None };
    let (argument, right) = (constant_of(argument)?, constant_of(right)?);
    let in_map = |part: &str, value: &ScalarValue| has(skips.position_in(part, operand)?, value, known);
    if let ("arrayElement", Comparison::Equal, false) = (function.name(), op, is_default(&right)) {
        // a key that is not there gives the default
        let said = all(in_map("mapKeys", &argument).into_iter().chain(in_map("mapValues", &right)));
        return (said != Predicate::Unknown).then_some(said);
    }
    if op != Comparison::NotEqual || right != ScalarValue::UInt8(Some(0)) {
        return None;
    }
    match function.name() {
        "mapContains" | "mapContainsKey" => return in_map("mapKeys", &argument),
        "mapContainsValue" => return in_map("mapValues", &argument),
        _ => {}
    }
    let column = known.position(operand)?;
    if !matches!(known.column(column)?.1, DataType::Array(_)) {
        return super::skip::of_call(function.name(), column, &argument);
    }
    let each = || {
        let ScalarValue::List(list) = &argument else { return None };
        let items = list.iter().next().flatten()?;
        let item = |at| has(column, &ScalarValue::try_from_array(&items, at).ok()?, known);
        (0..items.len()).map(item).collect::<Option<Vec<Predicate>>>().filter(|items| !items.is_empty())
    };
    match function.name() {
        "has" => has(column, &argument, known),
        "hasAny" => each().map(any),
        "hasAll" => each().map(all),
        _ => None,
    }
}

/// A list has values of its own items' type only: a number of another type is made one, when it is the same then.
fn has(column: usize, value: &ScalarValue, known: &Known<'_>) -> Option<Predicate> {
    let DataType::Array(item) = known.column(column)?.1 else { return None };
    let there = match item.arrow_type() == value.data_type() {
        true => value.clone(),
        false => {
            let there = value.cast_to(&item.arrow_type()).ok().filter(|_| value.data_type().is_integer())?;
            (there.cast_to(&value.data_type()).ok()? == *value).then_some(there)?
        }
    };
    (!there.is_null()).then_some(Predicate::Has { column, value: there })
}

/// True for what stands for nothing, and for what may.
fn is_default(value: &ScalarValue) -> bool {
    match value {
        ScalarValue::Binary(Some(bytes)) => bytes.is_empty(),
        ScalarValue::Int8(_)
        | ScalarValue::Int16(_)
        | ScalarValue::Int32(_)
        | ScalarValue::Int64(_)
        | ScalarValue::UInt8(_)
        | ScalarValue::UInt16(_)
        | ScalarValue::UInt32(_)
        | ScalarValue::UInt64(_) => {
            value.is_null() || ScalarValue::new_zero(&value.data_type()).is_ok_and(|zero| zero == *value)
        }
        _ => true,
    }
}

/// A condition that is evaluated for some rows only: `CASE WHEN a THEN b ELSE false END` is `a AND b`.
fn guarded(case: &Expr, known: &Known<'_>) -> Predicate {
    let Expr::Case(case) = case else { return Predicate::Unknown };
    let is_false = |expr: &Expr| {
        matches!(constant_of(expr), Some(ScalarValue::UInt8(Some(0)) | ScalarValue::Boolean(Some(false))))
    };
    match (&case.expr, case.when_then_expr.as_slice(), &case.else_expr) {
        (None, [(when, then)], Some(otherwise)) if is_false(otherwise) => {
            let then = match &**then {
                // booleans go through a CASE as numbers
                Expr::Cast(cast) => &cast.expr,
                other => other,
            };
            all([Predicate::from_filter(when, known), Predicate::from_filter(then, known)])
        }
        _ => Predicate::Unknown,
    }
}

fn in_list(list: &InList, known: &Known<'_>) -> Predicate {
    let Some(column) = known.position(&list.expr) else {
        let each = list.list.iter().map(|item| part_of_time(&list.expr, Comparison::Equal, item, known));
        let times = each.take(TIMES_MAX + 1).collect::<Option<Vec<Predicate>>>();
        return times.filter(|times| times.len() <= TIMES_MAX).map_or(Predicate::Unknown, any);
    };
    let mut values = Vec::with_capacity(list.list.len());
    for item in &list.list {
        match constant_of(item) {
            // NULL in the list never makes a row match.
            Some(value) if value.is_null() => {}
            Some(value) if fits(column, &value, known) => values.push(value),
            _ => return Predicate::Unknown,
        }
    }
    Predicate::In { column, values }
}

fn constant_of(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Alias(alias) => constant_of(&alias.expr),
        _ => None,
    }
}

/// True when the constant can be compared with values of the column as they are. NaN cannot: it has no place in a range.
fn fits(column: usize, value: &ScalarValue, known: &Known<'_>) -> bool {
    let nan = match value {
        ScalarValue::Float32(Some(v)) => v.is_nan(),
        ScalarValue::Float64(Some(v)) => v.is_nan(),
        _ => false,
    };
    !nan && !value.is_null() && known.column(column).is_some_and(|(_, ty)| ty.arrow_type() == value.data_type())
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
        Predicate::from_filter(&filter, &Known::header(&header())).display(&Known::header(&header()))
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
    fn who_evaluates_conditions_is_told_of_null() {
        let header = header();
        let known = Known { header: &header, skips: None, evaluates: true };
        let text = |filter: Expr| Predicate::from_filter(&filter, &known).display(&known);
        assert_eq!(text(col("id").is_null().or(col("id").eq(lit(1_u64)))), "(id IS NULL OR id = 1)");
        assert_eq!(text(col("name").is_not_null()), "name IS NOT NULL");
        assert_eq!(text(col("id").eq(lit(1_i8))), "id = 1");
        assert_eq!(text(col("id").eq(lit(-1_i8)).or(col("id").eq(lit(1.5)))), "true");
    }

    #[test]
    fn a_restriction_keeps_only_the_usable_columns() {
        let filter = col("id").gt(lit(1_u64)).and(col("name").eq(lit(ScalarValue::Binary(Some(b"x".to_vec())))));
        let header = header();
        let known = Known::header(&header);
        let predicate = Predicate::from_filter(&filter, &known);
        assert_eq!(predicate.restrict(&|column| column == 0).display(&known), "id > 1");
    }
}
