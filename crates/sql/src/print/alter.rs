//! ALTER.

use super::Printer;
use crate::ast::{
    AlterAction as Action, AlterDatabase, AlterNamedCollection, AlterTable, ColumnDef, ColumnPosition, ColumnProperty,
    DropElement, Element, Ident, Materialize, MoveTarget, Mutation, Partition, PartitionAction, PartitionOrPart,
};

impl Printer {
    pub(super) fn alter_table(&mut self, alter: &AlterTable) {
        self.text("ALTER TABLE ");
        self.object_name(&alter.name);
        self.on_cluster(alter.on_cluster.as_ref());
        self.indented(|printer| {
            for (index, action) in alter.actions.iter().enumerate() {
                printer.text(if index > 0 { "," } else { "" });
                printer.line();
                printer.text("(");
                printer.alter_action(action);
                printer.text(")");
            }
        });
    }

    pub(super) fn alter_database(&mut self, alter: &AlterDatabase) {
        self.text("ALTER DATABASE ");
        self.ident(&alter.name);
        self.on_cluster(alter.on_cluster.as_ref());
        self.text(" (MODIFY ");
        match &alter.comment {
            Some(comment) => {
                self.text("COMMENT ");
                self.string(comment);
            }
            None => {
                self.text("SETTING ");
                self.list(&alter.settings, Self::setting);
            }
        }
        self.text(")");
    }

    pub(super) fn alter_named_collection(&mut self, alter: &AlterNamedCollection) {
        self.text("ALTER NAMED COLLECTION ");
        self.text(if alter.if_exists { "IF EXISTS " } else { "" });
        self.ident(&alter.name);
        self.on_cluster(alter.on_cluster.as_ref());
        if !alter.set.is_empty() {
            self.text(" SET ");
            self.list(&alter.set, Self::collection_item);
        }
        if !alter.delete.is_empty() {
            self.text(" DELETE ");
            self.list(&alter.delete, Self::ident);
        }
    }

    pub(super) fn alter_action(&mut self, action: &Action) {
        match action {
            Action::AddColumn { if_not_exists, column, position } => {
                self.add("COLUMN", *if_not_exists);
                self.column_def(column);
                self.position(position.as_ref());
            }
            Action::AddIndex { if_not_exists, index, position } => {
                self.add("INDEX", *if_not_exists);
                self.index_def(index);
                self.position(position.as_ref());
            }
            Action::AddConstraint { if_not_exists, constraint } => {
                self.add("CONSTRAINT", *if_not_exists);
                self.constraint_def(constraint);
            }
            Action::AddProjection { if_not_exists, projection, position } => {
                self.add("PROJECTION", *if_not_exists);
                self.projection_def(projection);
                self.position(position.as_ref());
            }
            Action::SetStatistics { add, if_not_exists, columns, types } => {
                self.text(if *add { "ADD STATISTICS " } else { "MODIFY STATISTICS " });
                self.text(if *if_not_exists { "IF NOT EXISTS " } else { "" });
                self.list(columns, Self::dotted_ident);
                self.text(" TYPE ");
                self.exprs(types);
            }
            Action::DropColumn(drop) => self.drop_element(Element::Column, drop),
            Action::DropElement(element, drop) => self.drop_element(*element, drop),
            Action::Materialize(element, materialize) => self.materialize(*element, materialize),
            Action::Update(mutation) => {
                self.text("UPDATE ");
                self.assignments(&mutation.assignments);
                self.text(" ");
                self.mutation_tail(mutation);
            }
            Action::Delete(mutation) => {
                self.text("DELETE ");
                self.mutation_tail(mutation);
            }
            Action::Partition(action) => self.partition_action(action),
            Action::MaterializeTtl(partition) => self.in_partition_action("MATERIALIZE TTL", partition.as_ref()),
            Action::ApplyDeletedMask(partition) => self.in_partition_action("APPLY DELETED MASK", partition.as_ref()),
            Action::ApplyPatches(partition) => self.in_partition_action("APPLY PATCHES", partition.as_ref()),
            Action::RewriteParts(partition) => self.in_partition_action("REWRITE PARTS", partition.as_ref()),
            Action::RemoveTtl => self.text("REMOVE TTL"),
            Action::RemoveSampleBy => self.text("REMOVE SAMPLE BY"),
            Action::ResetSetting(names) => {
                self.text("RESET SETTING ");
                self.list(names, Self::ident);
            }
            Action::RenameColumn { .. } | Action::CommentColumn { .. } => self.column_action(action),
            Action::ModifyColumn { .. }
            | Action::RemoveColumnProperty { .. }
            | Action::ModifyColumnSetting(..)
            | Action::ResetColumnSetting(..) => self.modify_column_action(action),
            Action::ModifyOrderBy(_)
            | Action::ModifySampleBy(_)
            | Action::ModifyTtl(_)
            | Action::ModifySetting(_)
            | Action::ModifyComment(_)
            | Action::ModifyQuery(_)
            | Action::ModifyRefresh(_)
            | Action::ModifyOnError(_)
            | Action::ModifySecurity(_) => self.modify_action(action),
        }
    }

    fn add(&mut self, what: &str, if_not_exists: bool) {
        self.display(format_args!("ADD {what} "));
        self.text(if if_not_exists { "IF NOT EXISTS " } else { "" });
    }

    fn position(&mut self, position: Option<&ColumnPosition>) {
        match position {
            Some(ColumnPosition::First) => self.text(" FIRST"),
            Some(ColumnPosition::After(name)) => {
                self.text(" AFTER ");
                self.dotted_ident(name);
            }
            None => {}
        }
    }

    fn column_action(&mut self, action: &Action) {
        match action {
            Action::RenameColumn { if_exists, from, to } => {
                self.text("RENAME COLUMN ");
                self.text(if *if_exists { "IF EXISTS " } else { "" });
                self.dotted_ident(from);
                self.text(" TO ");
                self.dotted_ident(to);
            }
            Action::CommentColumn { if_exists, column, comment } => {
                self.text("COMMENT COLUMN ");
                self.text(if *if_exists { "IF EXISTS " } else { "" });
                self.dotted_ident(column);
                self.text(" ");
                self.string(comment);
            }
            _ => {}
        }
    }

    fn modify_column_action(&mut self, action: &Action) {
        self.text("MODIFY COLUMN ");
        match action {
            Action::ModifyColumn { if_exists, column, position } => {
                self.text(if *if_exists { "IF EXISTS " } else { "" });
                self.modified_column(column);
                self.position(position.as_ref());
            }
            Action::RemoveColumnProperty { if_exists, column, property } => {
                self.text(if *if_exists { "IF EXISTS " } else { "" });
                self.quoted_ident(column);
                self.text(" REMOVE ");
                self.text(property_name(*property));
            }
            Action::ModifyColumnSetting(column, settings) => {
                self.quoted_ident(column);
                self.text(" MODIFY SETTING ");
                self.list(settings, Self::setting);
            }
            Action::ResetColumnSetting(column, settings) => {
                self.quoted_ident(column);
                self.text(" RESET SETTING ");
                self.list(settings, Self::ident);
            }
            _ => {}
        }
    }

    fn modified_column(&mut self, column: &ColumnDef) {
        self.column_def(column);
    }

    fn modify_action(&mut self, action: &Action) {
        self.text("MODIFY ");
        match action {
            Action::ModifyOrderBy(key) => {
                self.text("ORDER BY ");
                self.sorting_key(key);
            }
            Action::ModifySampleBy(expr) => {
                self.text("SAMPLE BY ");
                self.expr(expr);
            }
            Action::ModifyTtl(items) => {
                self.text("TTL ");
                self.list(items, Self::ttl_item);
            }
            Action::ModifySetting(settings) => {
                self.text("SETTING ");
                self.list(settings, Self::setting);
            }
            Action::ModifyComment(comment) => {
                self.text("COMMENT ");
                self.string(comment);
            }
            Action::ModifyQuery(query) => {
                self.text("QUERY");
                self.line();
                self.query(query);
            }
            Action::ModifyRefresh(refresh) => {
                self.text("REFRESH ");
                self.refresh(refresh);
            }
            Action::ModifyOnError(on_error) => self.on_error(*on_error),
            Action::ModifySecurity(security) => self.security(security),
            _ => {}
        }
    }

    fn drop_element(&mut self, element: Element, drop: &DropElement) {
        self.text(if drop.clear { "CLEAR " } else { "DROP " });
        self.element(element, drop.if_exists, &drop.names);
        self.in_partition(drop.partition.as_ref());
    }

    fn materialize(&mut self, element: Element, materialize: &Materialize) {
        self.text("MATERIALIZE ");
        self.element(element, materialize.if_exists, &materialize.names);
        self.in_partition(materialize.partition.as_ref());
    }

    fn element(&mut self, element: Element, if_exists: bool, names: &[Ident]) {
        self.text(match element {
            Element::Column => "COLUMN ",
            Element::Index => "INDEX ",
            Element::Projection => "PROJECTION ",
            Element::Constraint => "CONSTRAINT ",
            Element::Statistics => "STATISTICS ",
        });
        self.text(if if_exists { "IF EXISTS " } else { "" });
        self.list(names, Self::dotted_ident);
    }

    /// `[IN PARTITION p ]WHERE condition`.
    pub(super) fn mutation_tail(&mut self, mutation: &Mutation) {
        if let Some(partition) = &mutation.partition {
            self.text("IN PARTITION ");
            self.partition(partition);
            self.text(" ");
        }
        self.text("WHERE ");
        self.expr(&mutation.filter);
    }

    // ---- partitions ----

    fn in_partition_action(&mut self, words: &str, partition: Option<&Partition>) {
        self.text(words);
        self.in_partition(partition);
    }

    fn in_partition(&mut self, partition: Option<&Partition>) {
        if let Some(partition) = partition {
            self.text(" IN PARTITION ");
            self.partition(partition);
        }
    }

    pub(super) fn partition(&mut self, partition: &Partition) {
        match partition {
            Partition::Value(value) => self.expr(value),
            Partition::Id(id) => {
                self.text("ID ");
                self.expr(id);
            }
            Partition::All => self.text("ALL"),
        }
    }

    pub(super) fn partition_or_part(&mut self, what: &PartitionOrPart) {
        match what {
            PartitionOrPart::Partition(partition) => {
                self.text("PARTITION ");
                self.partition(partition);
            }
            PartitionOrPart::Part(name) => {
                self.text("PART ");
                self.expr(name);
            }
        }
    }

    fn partition_action(&mut self, action: &PartitionAction) {
        match action {
            PartitionAction::Drop(what) => self.with_part("DROP ", what),
            PartitionAction::DropDetached(what) => self.with_part("DROP DETACHED ", what),
            PartitionAction::Detach(what) => self.with_part("DETACH ", what),
            PartitionAction::Attach(what) => self.with_part("ATTACH ", what),
            PartitionAction::Forget(partition) => self.with_partition("FORGET PARTITION ", partition),
            PartitionAction::AttachFrom(partition, table) => {
                self.with_partition("ATTACH PARTITION ", partition);
                self.text(" FROM ");
                self.object_name(table);
            }
            PartitionAction::Replace(partition, table) => {
                self.with_partition("REPLACE PARTITION ", partition);
                self.text(" FROM ");
                self.object_name(table);
            }
            PartitionAction::Move(what, target) => {
                self.with_part("MOVE ", what);
                self.move_target(target);
            }
            PartitionAction::Fetch(what, path) => {
                self.with_part("FETCH ", what);
                self.text(" FROM ");
                self.string(path);
            }
            PartitionAction::Freeze(partition, name) => {
                self.text("FREEZE");
                self.freeze_tail(partition.as_ref(), name.as_deref());
            }
            PartitionAction::Unfreeze(partition, name) => {
                self.text("UNFREEZE");
                self.freeze_tail(partition.as_ref(), Some(name));
            }
        }
    }

    fn with_part(&mut self, words: &str, what: &PartitionOrPart) {
        self.text(words);
        self.partition_or_part(what);
    }

    fn with_partition(&mut self, words: &str, partition: &Partition) {
        self.text(words);
        self.partition(partition);
    }

    fn freeze_tail(&mut self, partition: Option<&Partition>, name: Option<&str>) {
        if let Some(partition) = partition {
            self.with_partition(" PARTITION ", partition);
        }
        if let Some(name) = name {
            self.text(" WITH NAME ");
            self.string(name);
        }
    }

    fn move_target(&mut self, target: &MoveTarget) {
        match target {
            MoveTarget::Table(table) => {
                self.text(" TO TABLE ");
                self.object_name(table);
            }
            MoveTarget::Disk(name) => {
                self.text(" TO DISK ");
                self.string(name);
            }
            MoveTarget::Volume(name) => {
                self.text(" TO VOLUME ");
                self.string(name);
            }
            MoveTarget::Shard(path) => {
                self.text(" TO SHARD ");
                self.string(path);
            }
        }
    }
}

fn property_name(property: ColumnProperty) -> &'static str {
    match property {
        ColumnProperty::Default => "DEFAULT",
        ColumnProperty::Materialized => "MATERIALIZED",
        ColumnProperty::Alias => "ALIAS",
        ColumnProperty::Ephemeral => "EPHEMERAL",
        ColumnProperty::Comment => "COMMENT",
        ColumnProperty::Codec => "CODEC",
        ColumnProperty::Ttl => "TTL",
        ColumnProperty::Collate => "COLLATE",
        ColumnProperty::Settings => "SETTINGS",
    }
}
