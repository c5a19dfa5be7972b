//! Expressions. See the table in [`crate::ast`] for what the parser rewrites.

use super::{DataType, Ident, OrderByItem, Query, Span};

/// An expression with its position.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Stood in brackets of its own: printed again, without meaning, ignored by equality.
    pub parenthesized: bool,
    /// Where it stood, without those brackets.
    pub span: Span,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A constant. Arrays and tuples of constants are [`ExprKind::Array`] and [`ExprKind::Tuple`].
    Literal(Literal),
    /// `a`, `t.a`, `db.t.a`, `t.tuple.field`: at least one part.
    Identifier(Vec<Ident>),
    /// `*`, or `t.*` with a qualifier; only where a list of columns can stand.
    Asterisk(Box<Asterisk>),
    /// `COLUMNS('regex')`, `COLUMNS(a, b)`.
    Columns(Box<Columns>),
    /// `f(…)`, aggregates and window functions included.
    Function(Box<Function>),
    /// `NOT a`, `-a`. A negated number is a literal.
    Unary(UnaryOperator, Box<Expr>),
    /// `a + b`, `a = b`, `a LIKE b`…
    Binary(Box<Binary>),
    /// `a AND b AND c` as one node: at least two operands. `(a AND b) AND c` stays nested.
    Chain(ChainOperator, Vec<Expr>),
    /// `a IN …`.
    In(Box<In>),
    /// `a IS NULL`, `a IS NOT NULL` when negated.
    IsNull {
        /// The operand.
        operand: Box<Expr>,
        /// `IS NOT NULL`.
        negated: bool,
    },
    /// `CAST(a AS T)`, `CAST(a, 'T')`, `a::T`. (`CAST(a, <not a type's text>)` is a function.)
    Cast(Box<Cast>),
    /// `[a, b]`, `array(a, b)`.
    Array(Vec<Expr>),
    /// `(a, b)`, `(a,)`, `tuple(…)`.
    Tuple(Vec<Expr>),
    /// `a[i]`: ClickHouse's `arrayElement`.
    ArrayElement(Box<Expr>, Box<Expr>),
    /// `t.1`, `f(x).name`: ClickHouse's `tupleElement`. (`t.name` of a bare `t` is an identifier of two parts.)
    TupleElement(Box<Expr>, TupleIndex),
    /// `(x, y) -> body`.
    Lambda(Box<Lambda>),
    /// `expr AS alias`, anywhere in an expression.
    Alias(Box<Expr>, Ident),
    /// `(SELECT …)` as a value.
    Subquery(Box<Query>),
    /// `EXISTS (SELECT …)`.
    Exists(Box<Query>),
    /// `{name:Type}`: the value comes with the query's parameters.
    Parameter(Ident, Box<DataType>),
}

/// A constant.
#[derive(Debug, Clone)]
pub enum Literal {
    /// `NULL`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An integer that is not negative.
    UInt(u64),
    /// A negative integer.
    Int(i64),
    /// With a point or an exponent, too big for the others, or `nan`, `inf`, `-inf`.
    Float(f64),
    /// Bytes: ClickHouse strings need not be UTF-8.
    String(Vec<u8>),
}

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Literal::Null, Literal::Null) => true,
            (Literal::Bool(a), Literal::Bool(b)) => a == b,
            (Literal::UInt(a), Literal::UInt(b)) => a == b,
            (Literal::Int(a), Literal::Int(b)) => a == b,
            // By bits, so that a tree with a nan equals itself.
            (Literal::Float(a), Literal::Float(b)) => a.to_bits() == b.to_bits(),
            (Literal::String(a), Literal::String(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Literal {}

/// `[qualifier.]* transformers`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asterisk {
    /// `t`, `db.t`; empty for a bare `*`.
    pub qualifier: Vec<Ident>,
    /// Applied in order.
    pub transformers: Vec<ColumnTransformer>,
}

/// `[qualifier.]COLUMNS(…) transformers`.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    /// `t`, `db.t`; empty when absent.
    pub qualifier: Vec<Ident>,
    /// Which columns.
    pub selector: ColumnsSelector,
    /// Applied in order.
    pub transformers: Vec<ColumnTransformer>,
}

/// Which columns `COLUMNS` names.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnsSelector {
    /// Those whose name matches.
    Regex(String),
    /// These, in order; identifiers.
    List(Vec<Expr>),
}

/// What follows `*` or `COLUMNS(…)`.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnTransformer {
    /// `APPLY f`, `APPLY f(parameters)`, `APPLY (x -> …)`.
    Apply(ApplyFunction),
    /// `EXCEPT [STRICT] (a, b)`.
    Except {
        /// Every name must exist.
        strict: bool,
        /// At least one.
        columns: Vec<Ident>,
    },
    /// `EXCEPT 'regex'`.
    ExceptRegex(String),
    /// `REPLACE [STRICT] (expr AS column, …)`.
    Replace {
        /// Every name must exist.
        strict: bool,
        /// The new expression of each named column.
        items: Vec<(Expr, Ident)>,
    },
}

/// What `APPLY` applies.
#[derive(Debug, Clone, PartialEq)]
pub enum ApplyFunction {
    /// A function by name, with parameters put after the column: `APPLY quantile(0.5)`.
    Named(Ident, Vec<Expr>),
    /// A lambda of one argument.
    Lambda(Box<Lambda>),
}

/// `name[(parameters)](arguments) [RESPECT|IGNORE NULLS] [OVER …]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// As written: some names ignore case, which only the registry of functions knows.
    pub name: Ident,
    /// Of a parametric aggregate: `quantile(0.5)(x)`. Empty when absent.
    pub parameters: Vec<Expr>,
    /// In order. `count(*)` has an [`ExprKind::Asterisk`].
    pub arguments: Vec<Expr>,
    /// `RESPECT NULLS`, `IGNORE NULLS`.
    pub nulls: Option<NullsTreatment>,
    /// Makes it a window function.
    pub over: Option<WindowRef>,
}

/// What an aggregate does with NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullsTreatment {
    /// `RESPECT NULLS`.
    Respect,
    /// `IGNORE NULLS`.
    Ignore,
}

/// The window after `OVER`.
#[derive(Debug, Clone, PartialEq)]
pub enum WindowRef {
    /// `OVER w`.
    Named(Ident),
    /// `OVER (…)`.
    Inline(Box<WindowSpec>),
}

/// `([base] [PARTITION BY …] [ORDER BY …] [frame])`.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowSpec {
    /// A named window that this one extends.
    pub base: Option<Ident>,
    /// Empty when absent.
    pub partition_by: Vec<Expr>,
    /// Empty when absent.
    pub order_by: Vec<OrderByItem>,
    /// ClickHouse's default frame when absent.
    pub frame: Option<WindowFrame>,
}

/// `ROWS BETWEEN start AND end`; without BETWEEN the end is the current row.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowFrame {
    /// What is counted.
    pub unit: FrameUnit,
    /// First row.
    pub start: FrameBound,
    /// Last row.
    pub end: FrameBound,
}

/// What a frame counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameUnit {
    /// Rows.
    Rows,
    /// Values of the one ORDER BY expression.
    Range,
    /// Groups of peers.
    Groups,
}

/// One end of a frame.
#[derive(Debug, Clone, PartialEq)]
pub enum FrameBound {
    /// `UNBOUNDED PRECEDING`.
    UnboundedPreceding,
    /// `n PRECEDING`.
    Preceding(Expr),
    /// `CURRENT ROW`.
    CurrentRow,
    /// `n FOLLOWING`.
    Following(Expr),
    /// `UNBOUNDED FOLLOWING`.
    UnboundedFollowing,
}

/// Operators before their one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `NOT`
    Not,
    /// `-`
    Negate,
}

/// `left op right`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    /// Which.
    pub op: BinaryOperator,
    /// Before the operator.
    pub left: Expr,
    /// After it.
    pub right: Expr,
}

/// Operators between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`, `MOD`
    Modulo,
    /// `=`, `==`
    Equals,
    /// `!=`, `<>`
    NotEquals,
    /// `<`
    Less,
    /// `<=`
    LessOrEquals,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEquals,
    /// `LIKE`
    Like,
    /// `NOT LIKE`
    NotLike,
    /// `ILIKE`
    ILike,
    /// `NOT ILIKE`
    NotILike,
    /// `IS DISTINCT FROM`
    IsDistinctFrom,
    /// `IS NOT DISTINCT FROM`, `<=>`
    IsNotDistinctFrom,
}

/// Operators that take any number of operands from two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainOperator {
    /// `AND`
    And,
    /// `OR`
    Or,
}

/// `left [GLOBAL] [NOT] IN right`.
#[derive(Debug, Clone, PartialEq)]
pub struct In {
    /// The value (or tuple) looked for.
    pub left: Expr,
    /// A [`ExprKind::Tuple`] of the listed values (of two or more), one value, a [`ExprKind::Subquery`], an
    /// identifier (of a table, if no column has the name), an array…: `IN (x)` and `IN x` are the same.
    pub right: Expr,
    /// `NOT IN`.
    pub negated: bool,
    /// `GLOBAL IN`.
    pub global: bool,
}

/// A conversion.
#[derive(Debug, Clone, PartialEq)]
pub struct Cast {
    /// What is converted.
    pub operand: Expr,
    /// To which type.
    pub data_type: DataType,
}

/// Which element of a tuple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TupleIndex {
    /// From 1.
    Position(u64),
    /// Negative: from the end, -1 is the last.
    FromEnd(u64),
    /// By name.
    Name(Ident),
}

/// `(parameters) -> body`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lambda {
    /// Possibly none.
    pub parameters: Vec<Ident>,
    /// Sees the parameters and everything outside.
    pub body: Expr,
}

impl Expr {
    /// An expression that stands nowhere in a text.
    pub fn new(kind: ExprKind) -> Self {
        Self::at(kind, Span::default())
    }

    /// An expression at a position.
    pub fn at(kind: ExprKind, span: Span) -> Self {
        Self { kind, parenthesized: false, span }
    }

    /// A column by one name.
    pub fn column(name: impl Into<String>) -> Self {
        Self::new(ExprKind::Identifier(vec![Ident::new(name)]))
    }

    /// `name(arguments)`.
    pub fn call(name: impl Into<String>, arguments: Vec<Expr>) -> Self {
        Self::new(ExprKind::Function(Box::new(Function::plain(Ident::new(name), arguments))))
    }

    /// A constant.
    pub fn literal(literal: Literal) -> Self {
        Self::new(ExprKind::Literal(literal))
    }

    /// `left op right`.
    pub fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Self {
        Self::new(ExprKind::Binary(Box::new(Binary { op, left, right })))
    }

    /// The items of a tuple, or the expression itself as the only one: the columns of a key.
    pub fn items(&self) -> &[Expr] {
        match &self.kind {
            ExprKind::Tuple(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The alias it was given, and the expression under it.
    pub fn split_alias(&self) -> (&Expr, Option<&Ident>) {
        match &self.kind {
            ExprKind::Alias(expr, alias) => (expr, Some(alias)),
            _ => (self, None),
        }
    }
}

impl Function {
    /// Without parameters, NULL treatment and window.
    pub fn plain(name: Ident, arguments: Vec<Expr>) -> Self {
        Self { name, parameters: Vec::new(), arguments, nulls: None, over: None }
    }
}

impl Literal {
    /// A string constant.
    pub fn string(text: impl Into<Vec<u8>>) -> Self {
        Literal::String(text.into())
    }
}

impl UnaryOperator {
    /// ClickHouse's function of the operator.
    pub fn function_name(self) -> &'static str {
        match self {
            UnaryOperator::Not => "not",
            UnaryOperator::Negate => "negate",
        }
    }
}

impl ChainOperator {
    /// ClickHouse's function of the operator.
    pub fn function_name(self) -> &'static str {
        match self {
            ChainOperator::And => "and",
            ChainOperator::Or => "or",
        }
    }
}

impl BinaryOperator {
    /// ClickHouse's function of the operator.
    pub fn function_name(self) -> &'static str {
        self.names().0
    }

    /// As printed between the operands.
    pub fn symbol(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            BinaryOperator::Plus => ("plus", "+"),
            BinaryOperator::Minus => ("minus", "-"),
            BinaryOperator::Multiply => ("multiply", "*"),
            BinaryOperator::Divide => ("divide", "/"),
            BinaryOperator::Modulo => ("modulo", "%"),
            BinaryOperator::Equals => ("equals", "="),
            BinaryOperator::NotEquals => ("notEquals", "!="),
            BinaryOperator::Less => ("less", "<"),
            BinaryOperator::LessOrEquals => ("lessOrEquals", "<="),
            BinaryOperator::Greater => ("greater", ">"),
            BinaryOperator::GreaterOrEquals => ("greaterOrEquals", ">="),
            BinaryOperator::Like => ("like", "LIKE"),
            BinaryOperator::NotLike => ("notLike", "NOT LIKE"),
            BinaryOperator::ILike => ("ilike", "ILIKE"),
            BinaryOperator::NotILike => ("notILike", "NOT ILIKE"),
            BinaryOperator::IsDistinctFrom => ("isDistinctFrom", "IS DISTINCT FROM"),
            BinaryOperator::IsNotDistinctFrom => ("isNotDistinctFrom", "<=>"),
        }
    }
}

impl In {
    /// ClickHouse's function of the operator.
    pub fn function_name(&self) -> &'static str {
        match (self.global, self.negated) {
            (false, false) => "in",
            (false, true) => "notIn",
            (true, false) => "globalIn",
            (true, true) => "globalNotIn",
        }
    }
}
