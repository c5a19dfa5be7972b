//! What a call or an engine is given: arguments by position, or a named collection and arguments by name.

use std::collections::BTreeMap;

use sql::ast::{BinaryOperator, ExprKind, Function, SettingValue, StatementKind};
use sql::foreign::{Dialect, print_for};
use types::ErrorCode;

use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::expressions::constant;

/// Arguments, taken apart. It has credentials in it and is never printed.
pub(crate) struct Given {
    /// The name of the function or engine, for errors.
    pub(crate) what: &'static str,
    /// By position; words without quotes are texts.
    pub(crate) positional: Vec<Value>,
    /// By name; those of a collection first, then those that the call has in their place.
    named: Option<BTreeMap<String, String>>,
    /// By name, behind those by position.
    options: BTreeMap<String, String>,
    /// `headers('name' = 'value', …)`.
    pub(crate) headers: Vec<(String, String)>,
    /// A collection was named: what it has can change.
    pub(crate) has_collection: bool,
}

/// What may stand among the arguments.
pub(crate) struct Takes {
    /// A word in the first place is the name of a collection.
    pub(crate) collection: bool,
    /// Arguments by name that may stand behind those by position.
    pub(crate) options: Vec<&'static str>,
    /// Queries in the language of this database may stand in the place of a table.
    pub(crate) queries: Option<Dialect>,
}

/// One argument by position.
#[derive(Clone)]
pub(crate) enum Value {
    /// A word without quotes: `NOSIGN`, `CSV`.
    Word(String),
    /// A constant string, or a number as text.
    Text(String),
    /// A query for another database: `query('…')` or `(SELECT …)`.
    Query(String),
}

impl Value {
    pub(crate) fn text(&self) -> &str {
        match self {
            Value::Word(text) | Value::Text(text) | Value::Query(text) => text,
        }
    }
}

impl Given {
    /// Takes arguments apart.
    pub(crate) fn new(what: &'static str, arguments: &[sql::Expr], takes: &Takes, ctx: &QueryContext) -> Result<Given> {
        let mut given = Given {
            what,
            positional: Vec::new(),
            named: None,
            options: BTreeMap::new(),
            headers: Vec::new(),
            has_collection: false,
        };
        let mut rest = arguments;
        if takes.collection
            && let Some((first, others)) = arguments.split_first()
            && let Some(name) = word(first)
        {
            given.named = Some(BTreeMap::new());
            given.take_collection(&name, others, ctx)?;
            given.has_collection = true;
            rest = &[];
        }
        for argument in rest {
            given.take(argument, takes, ctx)?;
        }
        Ok(given)
    }

    fn take(&mut self, argument: &sql::Expr, takes: &Takes, ctx: &QueryContext) -> Result<()> {
        if let Some((key, value)) = pair(argument)
            && !takes.options.is_empty()
        {
            return self.take_option(key, value, takes, ctx);
        }
        if !self.options.is_empty() {
            return Err(self.bad("arguments by position stand in front of those by name"));
        }
        match (&argument.kind, takes.queries) {
            (ExprKind::Function(call), Some(_)) if call.name.name.eq_ignore_ascii_case("query") => {
                let query = self.query(call)?;
                self.positional.push(Value::Query(query));
                return Ok(());
            }
            (ExprKind::Subquery(query), Some(dialect)) => {
                self.positional.push(Value::Query(print_for(query, dialect)));
                return Ok(());
            }
            _ => {}
        }
        match &argument.kind {
            ExprKind::Function(call) if call.name.name == "headers" => self.take_headers(call, ctx)?,
            ExprKind::Function(call) if call.name.name == "extra_credentials" => {
                return Err(Error::NotSupported(format!("extra_credentials of {}", self.what)));
            }
            _ if pair(argument).is_some() => {
                return Err(Error::NotSupported(format!("an argument by name of {} without a collection", self.what)));
            }
            _ => self.positional.push(match word(argument) {
                Some(word) => Value::Word(word),
                None => Value::Text(self.constant(argument, ctx)?),
            }),
        }
        Ok(())
    }

    /// The text of `query('…')`.
    fn query(&self, call: &Function) -> Result<String> {
        let [argument] = call.arguments.as_slice() else {
            return Err(self.bad("function `query` for an external database expects exactly one argument"));
        };
        match &argument.kind {
            ExprKind::Literal(sql::ast::Literal::String(text)) => {
                String::from_utf8(text.to_vec()).map_err(|_| self.bad("its arguments must be valid UTF-8"))
            }
            _ => Err(self.bad("function `query` for an external database expects a string literal argument")),
        }
    }

    fn take_option(&mut self, key: String, value: &sql::Expr, takes: &Takes, ctx: &QueryContext) -> Result<()> {
        if !takes.options.contains(&key.as_str()) {
            let message = format!("{} has no argument `{key}`: there are {}", self.what, takes.options.join(", "));
            return Err(Error::refused(ErrorCode::UNKNOWN_IDENTIFIER, message));
        }
        let ExprKind::Literal(sql::ast::Literal::String(_)) = &value.kind else {
            return Err(self.bad(&format!("argument `{key}` must be a literal with type String")));
        };
        let value = self.constant(value, ctx)?;
        match self.options.insert(key.clone(), value) {
            Some(_) => Err(self.bad(&format!("argument `{key}` is specified more than once"))),
            None => Ok(()),
        }
    }

    fn take_headers(&mut self, call: &Function, ctx: &QueryContext) -> Result<()> {
        for argument in &call.arguments {
            let ExprKind::Binary(binary) = &argument.kind else { return Err(self.bad("headers are 'name' = 'value'")) };
            let (name, value) = (self.constant(&binary.left, ctx)?, self.constant(&binary.right, ctx)?);
            self.headers.push((name, value));
        }
        Ok(())
    }

    /// The values of a collection, and what the call has in the place of some.
    fn take_collection(&mut self, name: &str, others: &[sql::Expr], ctx: &QueryContext) -> Result<()> {
        let mut values = BTreeMap::new();
        let mut fixed = Vec::new();
        for item in items_of(name, ctx)? {
            if item.overridable == Some(false) {
                fixed.push(item.key.name.clone());
            }
            values.insert(item.key.name, value_text(&item.value));
        }
        for argument in others {
            if let ExprKind::Function(call) = &argument.kind
                && call.name.name == "headers"
            {
                self.take_headers(call, ctx)?;
                continue;
            }
            let Some((key, value)) = pair(argument) else {
                return Err(self.bad("after a named collection there are only arguments by name: key = value"));
            };
            if fixed.contains(&key) {
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, format!("override not allowed for '{key}'")));
            }
            let value = self.constant(value, ctx)?;
            values.insert(key, value);
        }
        self.named = Some(values);
        Ok(())
    }

    /// A constant as text; credentials may be in it, so no error repeats it.
    fn constant(&self, argument: &sql::Expr, ctx: &QueryContext) -> Result<String> {
        let no_constant = |_| self.bad("its arguments must be constants");
        let value = constant(argument, ctx).map_err(no_constant)?;
        if let Some(bytes) = value.as_bytes() {
            return String::from_utf8(bytes).map_err(|_| self.bad("its arguments must be valid UTF-8"));
        }
        value
            .as_u64()
            .map(|number| number.to_string())
            .ok_or_else(|| self.bad("its arguments must be constant strings"))
    }

    /// What a collection and the call have under a name, with `keys` as all names that mean something.
    pub(crate) fn named(&self, required: &[&str], optional: &[&str]) -> Result<Option<&BTreeMap<String, String>>> {
        let Some(named) = &self.named else { return Ok(None) };
        let list = |keys: &[&str]| keys.join(", ");
        let all = |key: &str| required.contains(&key) || optional.contains(&key);
        if let Some(unknown) = named.keys().find(|key| !all(key)) {
            let message = format!(
                "unexpected key `{unknown}` in named collection. Required keys: {}, optional keys: {}",
                list(required),
                list(optional)
            );
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        if let Some(missing) = required.iter().find(|key| !named.contains_key(**key)) {
            let message = format!("required key `{missing}` is missing in named collection");
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        Ok(Some(named))
    }

    /// An argument by name: behind those by position, or of a collection.
    pub(crate) fn option(&self, key: &str) -> Option<&str> {
        self.named.as_ref().unwrap_or(&self.options).get(key).map(String::as_str)
    }

    /// An error unless there are that many arguments by position.
    pub(crate) fn expect(&self, least: usize, most: usize, signature: &str) -> Result<()> {
        if (least..=most).contains(&self.positional.len()) {
            return Ok(());
        }
        let message = format!("{} takes {signature}; {} arguments given", self.what, self.positional.len());
        Err(Error::refused(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, message))
    }

    pub(crate) fn bad(&self, reason: &str) -> Error {
        Error::refused(ErrorCode::BAD_ARGUMENTS, format!("{}: {reason}", self.what))
    }

    /// The text of an argument by position.
    pub(crate) fn at(&self, at: usize) -> Option<&str> {
        self.positional.get(at).map(Value::text)
    }

    /// The same, or an empty text.
    pub(crate) fn text(&self, at: usize) -> String {
        self.at(at).unwrap_or_default().to_owned()
    }
}

/// A word without quotes.
fn word(argument: &sql::Expr) -> Option<String> {
    match &argument.kind {
        ExprKind::Identifier(parts) => match parts.as_slice() {
            [only] => Some(only.name.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// `key = value`.
fn pair(argument: &sql::Expr) -> Option<(String, &sql::Expr)> {
    match &argument.kind {
        ExprKind::Binary(binary) if binary.op == BinaryOperator::Equals => Some((word(&binary.left)?, &binary.right)),
        _ => None,
    }
}

/// The items of a collection; NAMED_COLLECTION_DOESNT_EXIST.
pub fn items_of(name: &str, ctx: &QueryContext) -> Result<Vec<sql::ast::CollectionItem>> {
    let unknown = || {
        let message = format!("there is no named collection `{name}`");
        Error::refused(ErrorCode::NAMED_COLLECTION_DOESNT_EXIST, message)
    };
    parse_items(ctx.snapshot.catalog.collection(name).ok_or_else(unknown)?)
}

/// True when a definition, as this program prints it, may have a call or an engine with the named collection.
pub fn names_collection(sql: &str, name: &str) -> bool {
    let name = sql::ast::Ident::new(name);
    let word = sql::Expr::new(ExprKind::Identifier(vec![name])).to_string();
    sql.match_indices(&format!("({word}")).any(|(at, found)| {
        sql.get(at + found.len()..).is_some_and(|rest| rest.starts_with(')') || rest.starts_with(','))
    })
}

/// The items of a collection's text. It was printed by this program, so an error means that it is damaged.
pub fn parse_items(text: &str) -> Result<Vec<sql::ast::CollectionItem>> {
    match sql::parse_statement(text).map(|statement| statement.kind) {
        Ok(StatementKind::CreateNamedCollection(create)) => Ok(create.items),
        _ => Err(Error::refused(ErrorCode::CORRUPTED_DATA, "cannot read the definition of a named collection")),
    }
}

/// A value as text.
fn value_text(value: &SettingValue) -> String {
    use sql::ast::Literal;
    match value {
        SettingValue::Literal(Literal::String(text)) => String::from_utf8_lossy(text).into_owned(),
        SettingValue::Literal(Literal::Bool(flag)) => u8::from(*flag).to_string(),
        SettingValue::Literal(other) => sql::Expr::literal(other.clone()).to_string(),
        SettingValue::Expr(expr) => expr.to_string(),
        SettingValue::Implicit => "1".to_owned(),
        SettingValue::Default | SettingValue::Map(_) => String::new(),
    }
}
