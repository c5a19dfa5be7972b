//! Mutations that ask where rows are: `WHERE _part = '…'`, `_partition_id`, `_table`.
//!
//! Expressions of mutations are evaluated over stored columns. What is the same for all rows of a part is put into them as a
//! constant, so such a command is compiled anew for each part. Where a row stands within its part only `DELETE FROM` can
//! ask, whose rows a SELECT finds.

use std::sync::Arc;

use parts::PartName;
use sql::Expr;
use sql::ast::{AlterAction, Literal, Mutation};
use store::TableDef;

use super::Work;
use super::mutate::{Change, What, changes};
use crate::error::{Error, Result};

/// What all rows of a part have in common.
const OF_PARTS: [&str; 4] = ["_part", "_partition_id", "_table", "_database"];

/// What each row has for itself: whole numbers without a sign.
const OF_ROWS: [&str; 7] = [
    "_part_offset",
    "_part_index",
    "_part_starting_offset",
    "_part_granule_offset",
    "_row_exists",
    "_block_number",
    "_block_offset",
];

/// The names among these that are no columns of the table.
fn named<'a>(expr: &Expr, def: &TableDef, names: &'a [&'static str]) -> Option<&'a str> {
    let said = expr.identifiers();
    let is_own = |name: &str| def.columns.position(name).is_some() || def.stored_columns().position(name).is_some();
    names.iter().copied().find(|name| said.iter().any(|said| said == name) && !is_own(name))
}

/// True when an expression asks where rows are.
pub(super) fn asks(expr: &Expr, def: &TableDef) -> bool {
    named(expr, def, &OF_PARTS).or_else(|| named(expr, def, &OF_ROWS)).is_some()
}

/// The expression as it would be of some row: with the types that it will have.
pub(super) fn sampled(expr: &Expr, def: &TableDef) -> Expr {
    let mut sampled = in_place(expr, def, "", "");
    sampled.replace_identifiers(&mut |name| {
        let is_asked = OF_ROWS.contains(&name) && def.stored_columns().position(name).is_none();
        is_asked.then(|| sql::parse_expression("toUInt64(0)").unwrap_or_else(|_| Expr::literal(Literal::UInt(0))))
    });
    sampled
}

fn in_place(expr: &Expr, def: &TableDef, part: &str, partition: &str) -> Expr {
    let mut expr = expr.clone();
    expr.replace_identifiers(&mut |name| {
        if !OF_PARTS.contains(&name) || def.stored_columns().position(name).is_some() {
            return None;
        }
        let text = match name {
            "_part" => part,
            "_partition_id" => partition,
            "_table" => &def.name,
            _ => &def.database,
        };
        Some(Expr::literal(Literal::String(text.as_bytes().to_vec())))
    });
    expr
}

/// Refuses what only a SELECT knows of rows, in commands that write parts again.
pub(super) fn refuse_rows(def: &TableDef, mutation: &Mutation) -> Result<()> {
    let exprs = mutation.assignments.iter().map(|assignment| &assignment.expr).chain([&mutation.filter]);
    match exprs.into_iter().find_map(|expr| named(expr, def, &OF_ROWS)) {
        Some(name) => Err(Error::NotImplemented(format!("{name} in a mutation that writes parts again"))),
        None => Ok(()),
    }
}

/// The command for the rows of this part, when it asks where they are.
pub(super) async fn for_part(
    work: &Work<'_>,
    def: &Arc<TableDef>,
    change: &Change,
    name: &PartName,
) -> Result<Option<Change>> {
    let What::Rows { located: Some(action), .. } = &change.what else { return Ok(None) };
    let (part, partition) = (name.to_string(), name.partition_id.to_string());
    let mut action = (**action).clone();
    if let AlterAction::Delete(mutation) | AlterAction::Update(mutation) = &mut action {
        mutation.filter = in_place(&mutation.filter, def, &part, &partition);
        for assignment in &mut mutation.assignments {
            assignment.expr = in_place(&assignment.expr, def, &part, &partition);
        }
    }
    Ok(Box::pin(changes(work, def.id, &[&action])).await?.pop())
}
