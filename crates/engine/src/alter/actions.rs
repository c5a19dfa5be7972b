//! The actions of one ALTER, sorted by what they change, and which engine takes which.

use query::QueryContext;
use sql::ast::{AlterAction, Mutation, PartitionAction};
use store::{TableDef, TableKind, Target, ViewDef};
use types::ErrorCode;

use super::is_log;
use crate::ddl;
use crate::error::{Error, Result};

/// Actions in the order in which groups run; inside a group in the order written.
#[derive(Default)]
pub(super) struct Groups<'a> {
    pub(super) partitions: Vec<&'a PartitionAction>,
    pub(super) mutations: Vec<&'a AlterAction>,
    pub(super) definition: Vec<&'a AlterAction>,
    /// What only views have.
    pub(super) view: Vec<&'a AlterAction>,
}

impl<'a> Groups<'a> {
    pub(super) fn of(actions: &'a [AlterAction]) -> Groups<'a> {
        let mut groups = Groups::default();
        for action in actions {
            match action {
                AlterAction::Partition(action) => groups.partitions.push(action),
                AlterAction::Delete(_)
                | AlterAction::Update(_)
                | AlterAction::Materialize(..)
                | AlterAction::MaterializeTtl(_)
                | AlterAction::ApplyDeletedMask(_)
                | AlterAction::ApplyPatches(_)
                | AlterAction::RewriteParts(_) => groups.mutations.push(action),
                AlterAction::ModifyQuery(_)
                | AlterAction::ModifyRefresh(_)
                | AlterAction::ModifyOnError(_)
                | AlterAction::ModifySecurity(_) => groups.view.push(action),
                AlterAction::AddColumn { .. }
                | AlterAction::DropColumn(_)
                | AlterAction::ModifyColumn { .. }
                | AlterAction::RemoveColumnProperty { .. }
                | AlterAction::ModifyColumnSetting(..)
                | AlterAction::ResetColumnSetting(..)
                | AlterAction::RenameColumn { .. }
                | AlterAction::CommentColumn { .. }
                | AlterAction::ModifyOrderBy(_)
                | AlterAction::ModifySampleBy(_)
                | AlterAction::RemoveSampleBy
                | AlterAction::ModifyTtl(_)
                | AlterAction::RemoveTtl
                | AlterAction::ModifySetting(_)
                | AlterAction::ResetSetting(_)
                | AlterAction::ModifyComment(_)
                | AlterAction::AddIndex { .. }
                | AlterAction::DropElement(..)
                | AlterAction::AddConstraint { .. }
                | AlterAction::AddProjection { .. }
                | AlterAction::SetStatistics { .. } => groups.definition.push(action),
            }
        }
        groups
    }

    /// True when nothing but rows is changed.
    pub(super) fn is_mutation(&self) -> bool {
        let others = self.partitions.is_empty() && self.definition.is_empty() && self.view.is_empty();
        others && !self.mutations.is_empty()
    }

    /// True when what is queued before must be done first: rows change, or columns that queued mutations may read.
    pub(super) fn follows_mutations(&self) -> bool {
        let changes_columns = |action: &&AlterAction| {
            matches!(
                action,
                AlterAction::DropColumn(_) | AlterAction::RenameColumn { .. } | AlterAction::ModifyColumn { .. }
            )
        };
        !self.mutations.is_empty() || self.definition.iter().any(changes_columns)
    }

    /// True when inserts in flight should pass first: the definition that they were shaped by changes.
    pub(super) fn waits(&self, table: &TableDef) -> bool {
        let is_refreshable = matches!(table.view, Some(ViewDef::Refreshable { .. }));
        let changes_fan_out = !self.view.is_empty() && !is_refreshable;
        changes_fan_out || self.definition.iter().any(|action| !is_comment(action))
    }

    /// Refuses what the table's engine does not take.
    pub(super) fn check(&self, table: &TableDef) -> Result<()> {
        let refuse = |message: String| Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, message));
        let engine = &table.engine;
        let is_view = table.view.is_some();
        let holds_parts = table.kind == TableKind::MergeTree || table.view.as_ref().is_some_and(has_target);
        let is_elsewhere = matches!(table.view.as_ref().and_then(ViewDef::target), Some(Target::Named(_)));
        if is_elsewhere && !(self.partitions.is_empty() && self.mutations.is_empty()) {
            let message = format!("{} targets an existing table: alter that", table.qualified_name());
            return Err(Error::refused(ErrorCode::INCORRECT_QUERY, message));
        }
        if !self.partitions.is_empty() && !holds_parts {
            return refuse(format!("table engine {engine} doesn't support partitioning"));
        }
        let is_delete = |action: &&AlterAction| matches!(action, AlterAction::Delete(_));
        if table.kind == TableKind::Join && !self.mutations.iter().all(is_delete) {
            return refuse(format!("table engine {engine} supports only DELETE mutations"));
        }
        let mutates =
            holds_parts || table.kind == TableKind::Join || (table.kind == TableKind::Memory && !is_log(engine));
        if !self.mutations.is_empty() && !mutates {
            return refuse(format!("table engine {engine} doesn't support mutations"));
        }
        if !self.view.is_empty() && !is_view {
            return refuse(format!("alter of type {} is not supported by storage {engine}", kind_of(self.view[0])));
        }
        let all_columns = matches!(table.kind, TableKind::MergeTree | TableKind::Null | TableKind::Merge);
        let is_dictionary = matches!(table.kind, TableKind::Dictionary | TableKind::DictionaryTable);
        let is_keyed = matches!(table.kind, TableKind::Join | TableKind::Set);
        let is_outside = table.kind == TableKind::External;
        let only_comments = is_view || is_log(engine) || is_dictionary || is_keyed || is_outside;
        for action in &self.definition {
            let takes = match action {
                action if is_comment(action) => true,
                _ if only_comments => false,
                _ if all_columns => true,
                AlterAction::AddColumn { .. }
                | AlterAction::DropColumn(_)
                | AlterAction::ModifyColumn { .. }
                | AlterAction::RenameColumn { .. }
                | AlterAction::RemoveColumnProperty { .. }
                | AlterAction::RemoveSampleBy
                | AlterAction::ModifySetting(_) => true,
                _ => false,
            };
            let is_storage = matches!(action, AlterAction::ModifyTtl(_) | AlterAction::ResetSetting(_));
            if is_view && is_storage {
                let message = format!("table engine {engine} doesn't support {}", kind_of(action));
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
            if !takes {
                return refuse(format!("alter of type {} is not supported by storage {engine}", kind_of(action)));
            }
        }
        Ok(())
    }
}

/// Tables in the subqueries of mutations get their database: they mean the same whenever and by whomever they are run.
pub(super) fn qualified(actions: &[AlterAction], ctx: &QueryContext) -> Vec<AlterAction> {
    let mut actions = actions.to_vec();
    for action in &mut actions {
        if let AlterAction::Delete(mutation) | AlterAction::Update(mutation) = action {
            qualify_mutation(mutation, ctx);
        }
    }
    actions
}

pub(super) fn qualify_mutation(mutation: &mut Mutation, ctx: &QueryContext) {
    let database = &ctx.caller.database;
    ddl::qualify_expr(&mut mutation.filter, database);
    mutation.assignments.iter_mut().for_each(|assignment| ddl::qualify_expr(&mut assignment.expr, database));
}

fn has_target(view: &store::ViewDef) -> bool {
    view.target().is_some()
}

fn is_comment(action: &AlterAction) -> bool {
    matches!(action, AlterAction::CommentColumn { .. } | AlterAction::ModifyComment(_))
}

/// `MODIFY ORDER BY (a, b)` is of kind `MODIFY ORDER`: enough to know it by.
fn kind_of(action: &AlterAction) -> String {
    let text = action.to_string();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
