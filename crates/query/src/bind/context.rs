//! What one bind knows: the names it can read, its settings, who asks.

use std::collections::BTreeMap;

use functions::FunctionContext;
use types::Settings;

use super::relations::Relations;

/// What one bind knows. Everything here is a value of the session or the query; no row is read through it.
#[derive(Clone, Copy)]
pub struct BindContext<'a> {
    /// Tables, views and table functions.
    pub relations: &'a dyn Relations,
    /// The query's settings, before its own SETTINGS clause.
    pub settings: &'a Settings,
    /// The session's database: what unqualified names mean.
    pub database: &'a str,
    /// What functions know: the session's time zone and settings.
    pub functions: &'a FunctionContext,
    /// Values of `{name:Type}`, as text.
    pub params: &'a BTreeMap<String, String>,
    /// `currentUser()`.
    pub user: &'a str,
    /// `queryID()`.
    pub query_id: &'a str,
    /// `hostName()`.
    pub host: &'a str,
    /// What marks in the WHERE of the outermost SELECT stand for, by number.
    pub constants: &'a [sql::Expr],
}
