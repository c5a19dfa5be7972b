//! CREATE DICTIONARY and its parts.

use super::{CreateHead, DataType, Expr, Ident, Literal, Setting};

/// `CREATE DICTIONARY`. Clauses that were not written are none or empty: which must be there, is for whoever makes it.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateDictionary {
    /// The beginning.
    pub head: CreateHead,
    /// `(columns)`.
    pub attributes: Vec<DictionaryAttribute>,
    /// `PRIMARY KEY a, b`.
    pub primary_key: Vec<Ident>,
    /// `SOURCE(…)`.
    pub source: Option<KeyValues>,
    /// `LIFETIME(…)`.
    pub lifetime: Option<Lifetime>,
    /// `LAYOUT(…)`.
    pub layout: Option<KeyValues>,
    /// `RANGE(MIN a MAX b)`.
    pub range: Option<(Ident, Ident)>,
    /// `SETTINGS(a = 1, …)`.
    pub settings: Vec<Setting>,
    /// `COMMENT '…'`.
    pub comment: Option<String>,
}

/// A column of a dictionary.
#[derive(Debug, Clone, PartialEq)]
pub struct DictionaryAttribute {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub data_type: DataType,
    /// `DEFAULT literal`.
    pub default: Option<Expr>,
    /// `EXPRESSION expr`.
    pub expression: Option<Expr>,
    /// `HIERARCHICAL`.
    pub hierarchical: bool,
    /// `BIDIRECTIONAL`.
    pub bidirectional: bool,
    /// `INJECTIVE`.
    pub injective: bool,
    /// `IS_OBJECT_ID`.
    pub is_object_id: bool,
}

/// `NAME(KEY value KEY value …)`; name and keys in upper case.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyValues {
    /// What it is.
    pub name: Ident,
    /// In the order written; none without brackets.
    pub pairs: Option<Vec<(Ident, KeyValue)>>,
}

/// A value inside of [`KeyValues`].
#[derive(Debug, Clone, PartialEq)]
pub enum KeyValue {
    /// `'text'`, `5`
    Literal(Literal),
    /// `name`
    Name(Ident),
    /// `(KEY value …)`
    Pairs(Vec<(Ident, KeyValue)>),
}

/// `LIFETIME(MIN a MAX b)`, `LIFETIME(b)`: seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// The least, inclusive.
    pub min: u64,
    /// The most, inclusive.
    pub max: u64,
}

impl KeyValues {
    /// Keys and values in the order written.
    pub fn pairs(&self) -> &[(Ident, KeyValue)] {
        self.pairs.as_deref().unwrap_or_default()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&KeyValue> {
        self.pairs().iter().find(|(name, _)| name.name == key).map(|(_, value)| value)
    }
}

impl KeyValue {
    /// The value as a text: a string's content, a name, a number.
    pub fn text(&self) -> Option<String> {
        match self {
            KeyValue::Literal(Literal::String(bytes)) => String::from_utf8(bytes.clone()).ok(),
            KeyValue::Literal(literal) => Some(Expr::literal(literal.clone()).to_string()),
            KeyValue::Name(name) => Some(name.name.clone()),
            KeyValue::Pairs(_) => None,
        }
    }
}
