//! What a TTL may be: a date or time that depends on the row, one deletion without a condition, groups by primary key.

use query::QueryContext;
use query::expressions::Expressions;
use sql::Expr;
use sql::ast::{Storage, TableElements, TtlAction};
use types::{DataType, ErrorCode, Header};

use crate::error::{Error, Result};
use crate::ttl_groups::{self, GroupTtl};

/// Checks the TTL of a table and of its columns.
pub(super) fn check(storage: &Storage, elements: &TableElements, stored: &Header, ctx: &QueryContext) -> Result<()> {
    let mut deletes = 0;
    for item in &storage.ttl {
        check_time(&item.expr, stored, ctx)?;
        if let Some(filter) = &item.filter {
            Expressions::compile(std::slice::from_ref(filter), stored, ctx)?;
        }
        match &item.action {
            TtlAction::Delete => deletes += usize::from(item.filter.is_none()),
            TtlAction::GroupBy { keys, assignments } => {
                let (keys, assignments) = (keys.clone(), assignments.clone());
                ttl_groups::check(&GroupTtl { expires: item.expr.clone(), keys, assignments }, storage)?;
            }
            TtlAction::Recompress(_) => return Err(Error::NotImplemented("TTL RECOMPRESS".to_owned())),
            TtlAction::ToDisk(to) | TtlAction::ToVolume(to) if to.name != "default" && !to.if_exists => {
                let message = format!("no such disk or volume `{}` for given storage policy", to.name);
                return Err(Error::refused(ErrorCode::BAD_TTL_EXPRESSION, message));
            }
            TtlAction::ToDisk(_) | TtlAction::ToVolume(_) => {
                return Err(Error::NotImplemented("TTL TO DISK and TO VOLUME".to_owned()));
            }
        }
    }
    if 1 < deletes {
        let message = "more than one DELETE TTL expression without WHERE expression is not allowed";
        return Err(Error::refused(ErrorCode::BAD_TTL_EXPRESSION, message));
    }
    let keys = crate::alter::key_columns(storage);
    for column in &elements.columns {
        let Some(ttl) = &column.ttl else { continue };
        if storage.order_by.is_none() {
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, "the engine doesn't support TTL of columns"));
        }
        if keys.contains(&column.name.name) {
            let message = format!("trying to set TTL for key column {}", column.name.name);
            return Err(Error::refused(ErrorCode::ILLEGAL_COLUMN, message));
        }
        check_time(ttl, stored, ctx)?;
    }
    Ok(())
}

fn check_time(expr: &Expr, stored: &Header, ctx: &QueryContext) -> Result<()> {
    if expr.has_array_join() {
        let message = format!("TTL expression {expr} cannot contain arrayJoin: it changes the number of rows");
        return Err(Error::refused(ErrorCode::BAD_TTL_EXPRESSION, message));
    }
    let compiled = Expressions::compile(std::slice::from_ref(expr), stored, ctx)?;
    if compiled.reads().is_empty() {
        let message = format!("TTL expression {expr} does not depend on any of the columns of the table");
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    if !compiled.is_timeless() {
        let message = format!("TTL expression {expr} must give the same value at any time");
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    let ty = compiled.types().next().cloned().unwrap_or(DataType::Nothing);
    if !ty.base().is_date_or_time() || ty.is_nullable() {
        let message = format!("TTL expression result column should have DateTime or Date type, but has {ty}");
        return Err(Error::refused(ErrorCode::BAD_TTL_EXPRESSION, message));
    }
    Ok(())
}
