//! The syntax tree: what was written, with positions, and nothing about what it means.
//!
//! Like ClickHouse's own parser, ours rewrites sugar while it reads, so that printing a tree gives the text that
//! `SHOW CREATE` of ClickHouse gives, and the binder sees fewer shapes:
//!
//! | written | in the tree |
//! |---|---|
//! | `a BETWEEN 1 AND 2` | `a >= 1 AND a <= 2` |
//! | `CASE WHEN a THEN b END`, `CASE x WHEN 1 THEN 2 ELSE 3 END` | `multiIf(a, b, NULL)`, `caseWithExpression(x, 1, 2, 3)` |
//! | `a ? b : c`, `a \|\| b`, `a DIV b`, `a REGEXP b` | `if(a, b, c)`, `concat(a, b)`, `intDiv(a, b)`, `match(a, b)` |
//! | `INTERVAL 1 DAY`, `DATE 'd'`, `TIMESTAMP 't'` | `toIntervalDay(1)`, `toDate('d')`, `toDateTime('t')` |
//! | `EXTRACT(YEAR FROM x)`, `SUBSTRING(x FROM 1)`, `TRIM(x)` | `toYear(x)`, `substring(x, 1)`, `trimBoth(x)` |
//! | `count(DISTINCT x)`, `sum(a) FILTER (WHERE c)` | `countDistinct(x)`, `sumIf(a, c)` |
//! | `array(1)`, `tuple(1, 2)`, `{'k': 1}` | `[1]`, `(1, 2)`, `map('k', 1)` |
//! | `'1'::UInt8`, `1.5::Decimal(3, 2)` | a cast of the literal's *text*, exact for decimals |
//! | `DISTINCT ON (a)`, `TOP 5`, `FETCH NEXT 3 ROWS ONLY` | `LIMIT 1 BY a`, `LIMIT 5`, `LIMIT 3` |
//!
//! Equality ignores positions and redundant parentheses. Trees are at most [`crate::DEPTH_MAX`] deep, so that
//! whoever walks them recursively cannot run out of stack.

mod alter;
mod backup;
mod create;
mod ddl;
mod dictionary;
mod expr;
mod query;
mod statement;
mod types;
mod visit;
mod walk;

pub use alter::*;
pub use backup::*;
pub use create::*;
pub use ddl::*;
pub use dictionary::*;
pub use expr::*;
pub use query::*;
pub use statement::*;
pub use types::*;
pub use visit::*;

/// Byte positions in the text that was parsed: `start` inclusive, `end` exclusive.
///
/// Every span equals every other, so that trees compare by what they say, not by where they stood.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Span {
    /// The positions `start..end`.
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// From the start of `self` to the end of `other`.
    #[must_use]
    pub fn to(self, other: Span) -> Self {
        Self { start: self.start, end: other.end }
    }

    /// As a range to slice the text with.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

/// A name as written, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name; the parameter's name when `is_parameter`.
    pub name: String,
    /// Written as `{name:Identifier}`: the name comes with the query's parameters.
    pub is_parameter: bool,
    /// Where it stood.
    pub span: Span,
}

impl Ident {
    /// A name that stands nowhere in a text.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), is_parameter: false, span: Span::default() }
    }
}

/// `[database.]name` of a table, view, dictionary…
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    /// The database; the session's one when absent.
    pub database: Option<Ident>,
    /// The name inside the database.
    pub name: Ident,
}

impl ObjectName {
    /// A name without a database.
    pub fn bare(name: impl Into<String>) -> Self {
        Self { database: None, name: Ident::new(name) }
    }

    /// `database.name`.
    pub fn qualified(database: impl Into<String>, name: impl Into<String>) -> Self {
        Self { database: Some(Ident::new(database)), name: Ident::new(name) }
    }

    /// Where it stood.
    pub fn span(&self) -> Span {
        self.database.as_ref().map_or(self.name.span, |database| database.span.to(self.name.span))
    }
}
