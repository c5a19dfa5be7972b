//! The SELECTs of refreshable views, parsed and planned once: a refresh of the same definition over the same definitions
//! runs the plan that the one before it made.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use query::definition::Definition;
use query::{Prepared, QueryContext};
use sql::ast::RefreshMode;
use store::TableDef;
use types::{ErrorCode, Settings, TableId};

use crate::error::{Error, Result};
use crate::settings;

/// Views whose SELECT is kept; beyond it, all are forgotten and read again.
const KEPT_MAX: usize = 1_024;

/// SELECTs by view.
#[derive(Default)]
pub(super) struct Plans {
    known: Mutex<BTreeMap<TableId, Known>>,
}

#[derive(Clone)]
struct Known {
    select: Arc<ViewSelect>,
    /// Absent until a refresh made it, and where each must make its own.
    prepared: Option<Prepared>,
}

/// The SELECT of one version of a view.
pub(super) struct ViewSelect {
    version: u64,
    pub(super) query: sql::Query,
    /// What its SETTINGS say.
    pub(super) settings: Settings,
}

impl Plans {
    /// The SELECT of a view as it is defined now.
    pub(super) fn select(&self, view: &TableDef) -> Result<Arc<ViewSelect>> {
        if let Some(known) = self.known.lock().get(&view.id).filter(|known| known.select.version == view.version) {
            return Ok(Arc::clone(&known.select));
        }
        let query = query_of(view)?;
        let statement = sql::Statement::new(sql::ast::StatementKind::Query(Box::new(query.clone())));
        let mut settings = Settings::default();
        settings::apply_clauses(&mut settings, &statement)?;
        let select = Arc::new(ViewSelect { version: view.version, query, settings });
        let mut known = self.known.lock();
        if KEPT_MAX <= known.len() {
            known.clear();
        }
        known.insert(view.id, Known { select: Arc::clone(&select), prepared: None });
        Ok(select)
    }

    /// The compiled SELECT, for a refresh in this mode.
    pub(super) async fn prepared(
        &self,
        view: &TableDef,
        select: &Arc<ViewSelect>,
        mode: RefreshMode,
        ctx: &QueryContext,
    ) -> Result<Prepared> {
        let known = self.known.lock().get(&view.id).filter(|known| Arc::ptr_eq(&known.select, select)).cloned();
        let prepared = known.and_then(|known| known.prepared).filter(|prepared| prepared.is_current(&ctx.snapshot));
        if let Some(prepared) = prepared {
            return Ok(prepared);
        }
        let prepared = query::prepare(&select.query, ctx).await?;
        // what is new to a view is different each time
        if prepared.is_lasting() && mode != RefreshMode::AppendIncremental {
            let mut known = self.known.lock();
            if let Some(known) = known.get_mut(&view.id).filter(|known| Arc::ptr_eq(&known.select, select)) {
                known.prepared = Some(prepared.clone());
            }
        }
        Ok(prepared)
    }
}

/// The SELECT of a view.
fn query_of(view: &TableDef) -> Result<sql::Query> {
    let definition = Definition::parse(view)?;
    let none = || Error::refused(ErrorCode::LOGICAL_ERROR, format!("{} has no SELECT", view.qualified_name()));
    definition.query().cloned().ok_or_else(none)
}
