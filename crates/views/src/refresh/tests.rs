//! The pure rules against arithmetic of their own, and whole worlds of views over simulated years.

mod admit;
mod schedule;
mod worlds;

use sql::ast::StatementKind;

use super::Plan;

/// The plan of a REFRESH clause.
fn plan(clause: &str) -> Plan {
    try_plan(clause).unwrap()
}

fn try_plan(clause: &str) -> crate::Result<Plan> {
    let text = format!("CREATE MATERIALIZED VIEW v REFRESH {clause} TO t AS SELECT 1");
    let statement = sql::parse_statement(&text).unwrap();
    let StatementKind::CreateMaterializedView(create) = statement.kind else { panic!("{text} is no view") };
    Plan::of(&create.refresh.unwrap(), "d")
}
