//! Hidden columns: what is computed at insert and stored beside a user's columns, so that the store evaluates nothing.
//!
//! The name of a hidden column says how it is computed: [`EXPRESSION`] and the canonical text of an expression over the
//! table's columns (keys, row TTL), or [`CARRIED`] and the name of a column that a view's SELECT left out.
//! They never show in `SELECT *`, DESCRIBE, `system.columns` or exports.

pub use query::layout::EXPRESSION;
/// Prefix of a column carried along from the source of a view.
pub const CARRIED: &str = "\u{1}carried:";

/// The name of the hidden column that holds `expression`.
pub fn expression_column(expression: &str) -> String {
    format!("{EXPRESSION}{expression}")
}

/// The expression that a hidden column holds.
pub fn expression_of(column: &str) -> Option<&str> {
    column.strip_prefix(EXPRESSION)
}

/// The name of the hidden column that carries `column` of a view's source.
pub fn carried_column(column: &str) -> String {
    format!("{CARRIED}{column}")
}

/// The column of a view's source that a hidden column carries.
pub fn carried_of(column: &str) -> Option<&str> {
    column.strip_prefix(CARRIED)
}

/// True for every name that is reserved for hidden columns.
pub fn is_hidden(column: &str) -> bool {
    column.starts_with('\u{1}')
}
