//! Names that parameters may stand for, suggestions, and errors about names.

use sql::ast::Ident;
use types::ErrorCode;
use types::error::nearest;

use super::binder::Binder;
use super::scope::Scope;
use crate::error::{Error, Result};

impl Binder<'_> {
    /// The name, or the value of the parameter `{name:Identifier}`.
    pub(crate) fn ident(&self, ident: &Ident) -> Result<String> {
        if !ident.is_parameter {
            return Ok(ident.name.clone());
        }
        self.context.params.get(&ident.name).cloned().ok_or_else(|| {
            Error::refused(
                ErrorCode::UNKNOWN_QUERY_PARAMETER,
                format!("query parameter \"{}\" was not set", ident.name),
            )
        })
    }

    /// All of them.
    pub(crate) fn idents(&self, idents: &[Ident]) -> Result<Vec<String>> {
        idents.iter().map(|ident| self.ident(ident)).collect()
    }
}

/// UNKNOWN_IDENTIFIER, with the nearest name of the scopes around.
pub(crate) fn unknown_identifier(name: &str, scope: &Scope<'_>) -> Error {
    let mut known = scope.known_names();
    let mut around = scope.parent;
    while let Some(outer) = around {
        known.extend(outer.known_names());
        around = outer.parent;
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    let mut hint = nearest(name, known.iter().map(String::as_str));
    if hint.is_empty() {
        hint = nearest(last, known.iter().map(String::as_str));
    }
    Error::refused(ErrorCode::UNKNOWN_IDENTIFIER, format!("unknown expression identifier \"{name}\"{hint}"))
}
