//! DEFINER and SQL SECURITY of views: who may be named, and what is kept of it. It never says what a user may read: every
//! user may read everything.

use query::QueryContext;
use sql::ast::{Definer, Ident, Security, SecurityKind};
use types::ErrorCode;

use crate::access::Access;
use crate::error::{Error, Result};

/// Refuses what a view cannot have.
pub(crate) fn check(said: &Security, is_materialized: bool, access: &Access) -> Result<()> {
    match said.kind {
        Some(SecurityKind::Invoker) if is_materialized => {
            let message = "SQL SECURITY INVOKER can't be specified for MATERIALIZED VIEW";
            return Err(Error::refused(ErrorCode::QUERY_IS_NOT_SUPPORTED_IN_MATERIALIZED_VIEW, message));
        }
        Some(SecurityKind::None) => {
            let message = "SQL SECURITY NONE needs the grant ALLOW SQL SECURITY NONE, which nobody has";
            return Err(Error::refused(ErrorCode::ACCESS_DENIED, message));
        }
        Some(SecurityKind::Invoker | SecurityKind::Definer) | None => {}
    }
    match &said.definer {
        Some(Definer::User(user)) if !access.has_user(&user.name) => {
            Err(Error::refused(ErrorCode::UNKNOWN_USER, format!("there is no user \"{}\"", user.name)))
        }
        Some(Definer::User(_) | Definer::CurrentUser) | None => Ok(()),
    }
}

/// As it is kept: who has said nothing of a definer is it.
pub(crate) fn as_kept(said: &Security, ctx: &QueryContext) -> Security {
    let user = || Definer::User(Ident::new(&*ctx.caller.user));
    match said.kind {
        Some(SecurityKind::Invoker | SecurityKind::None) => Security { definer: None, kind: said.kind },
        Some(SecurityKind::Definer) | None => {
            let named = said.definer.clone().filter(|definer| matches!(definer, Definer::User(_)));
            Security { definer: Some(named.unwrap_or_else(user)), kind: Some(SecurityKind::Definer) }
        }
    }
}
