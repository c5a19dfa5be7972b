//! The arguments of one call of a table function, evaluated as they are asked for.

use std::ops::RangeInclusive;

use sql::ast::ExprKind;
use types::ErrorCode;

use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::expressions::{Constant, constant};

/// The arguments and the function's name, for errors.
pub(super) struct Arguments<'a> {
    function: &'static str,
    exprs: &'a [sql::Expr],
    ctx: &'a QueryContext,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(function: &'static str, exprs: &'a [sql::Expr], ctx: &'a QueryContext) -> Arguments<'a> {
        Arguments { function, exprs, ctx }
    }

    pub(super) fn function(&self) -> &'static str {
        self.function
    }

    pub(super) fn context(&self) -> &'a QueryContext {
        self.ctx
    }

    pub(super) fn len(&self) -> usize {
        self.exprs.len()
    }

    /// An error unless there are that many.
    pub(super) fn expect(&self, counts: RangeInclusive<usize>) -> Result<()> {
        if counts.contains(&self.exprs.len()) {
            return Ok(());
        }
        let reason = match counts.start() == counts.end() {
            true => format!("takes {} arguments, got {}", counts.start(), self.exprs.len()),
            false => format!("takes {} to {} arguments, got {}", counts.start(), counts.end(), self.exprs.len()),
        };
        Err(self.wrong(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, reason))
    }

    /// BAD_ARGUMENTS.
    pub(super) fn bad(&self, reason: &str) -> Error {
        self.wrong(ErrorCode::BAD_ARGUMENTS, reason.to_owned())
    }

    pub(super) fn wrong(&self, code: ErrorCode, reason: String) -> Error {
        Error::TableFunctionArguments { function: self.function, code, reason }
    }

    fn expr(&self, at: usize) -> Result<&'a sql::Expr> {
        let missing =
            || self.wrong(ErrorCode::NUMBER_OF_ARGUMENTS_DOESNT_MATCH, format!("argument {} is missing", at + 1));
        self.exprs.get(at).ok_or_else(missing)
    }

    pub(super) fn constant(&self, at: usize) -> Result<Constant> {
        constant(self.expr(at)?, self.ctx)
    }

    pub(super) fn u64(&self, at: usize) -> Result<u64> {
        self.constant(at)?.as_u64().ok_or_else(|| {
            let reason = format!("argument {} must be an unsigned integer", at + 1);
            self.wrong(ErrorCode::ILLEGAL_TYPE_OF_ARGUMENT, reason)
        })
    }

    pub(super) fn u64_or(&self, at: usize, default: u64) -> Result<u64> {
        if at < self.len() { self.u64(at) } else { Ok(default) }
    }

    /// A String, or a bare word that stands for one: `format(JSONEachRow, …)`.
    pub(super) fn text(&self, at: usize) -> Result<String> {
        if let ExprKind::Identifier(parts) = &self.expr(at)?.kind
            && let [word] = parts.as_slice()
        {
            return Ok(word.name.clone());
        }
        let bytes = self.bytes(at)?;
        String::from_utf8(bytes).map_err(|_| self.bad(&format!("argument {} must be valid UTF-8", at + 1)))
    }

    pub(super) fn bytes(&self, at: usize) -> Result<Vec<u8>> {
        self.constant(at)?.as_bytes().ok_or_else(|| self.bad(&format!("argument {} must be a constant string", at + 1)))
    }

    /// The format of that name; UNKNOWN_FORMAT when there is none.
    pub(super) fn format(&self, name: &str) -> Result<format::Format> {
        format::Format::parse(name).map_err(|error| Error::reported(error.code(), &error))
    }
}
