//! ALTER.

use super::{Parse, Parser};
use crate::ast::{
    AlterAction as Action, AlterConcurrencyGroup, AlterDatabase, AlterNamedCollection, AlterTable, ColumnDef,
    ColumnPosition, ColumnProperty, DropElement, Element, Ident, Materialize, MoveTarget, Mutation, Partition,
    PartitionAction, PartitionOrPart, Security, SecurityKind, StatementKind as Kind,
};
use crate::token::TokenKind;

impl Parser<'_> {
    /// After ALTER.
    pub(super) fn alter(&mut self) -> Parse<Kind> {
        if self.accept("TABLE") || self.accept("TEMPORARY TABLE") {
            let name = self.object_name()?;
            let on_cluster = self.on_cluster()?;
            let actions = self.list(|parser| {
                parser.nodes += 1;
                parser.check_size()?;
                if parser.kind() != TokenKind::OpenRound {
                    return parser.alter_action();
                }
                parser.advance();
                let action = parser.alter_action()?;
                parser.close()?;
                Ok(action)
            })?;
            return Ok(Kind::AlterTable(Box::new(AlterTable { name, on_cluster, actions })));
        }
        if self.accept("DATABASE") {
            return self.alter_database();
        }
        if self.accept("NAMED COLLECTION") {
            return self.alter_named_collection();
        }
        if self.accept("CONCURRENCY GROUP") {
            let if_exists = self.accept("IF EXISTS");
            let name = self.ident()?;
            self.expect_words("LIMIT")?;
            let limit = self.unsigned()?;
            return Ok(Kind::AlterConcurrencyGroup(Box::new(AlterConcurrencyGroup { if_exists, name, limit })));
        }
        self.unexpected("USER")
    }

    fn alter_database(&mut self) -> Parse<Kind> {
        let name = self.ident()?;
        let on_cluster = self.on_cluster()?;
        let bracketed = self.eat(TokenKind::OpenRound, "(");
        let mut alter = AlterDatabase { name, on_cluster, settings: Vec::new(), comment: None };
        self.expect_words("MODIFY")?;
        if self.accept("SETTING") {
            alter.settings = self.settings()?;
        } else {
            self.expect_words("COMMENT")?;
            alter.comment = Some(self.string_text()?);
        }
        if bracketed {
            self.close()?;
        }
        Ok(Kind::AlterDatabase(Box::new(alter)))
    }

    fn alter_named_collection(&mut self) -> Parse<Kind> {
        let if_exists = self.accept("IF EXISTS");
        let name = self.ident()?;
        let on_cluster = self.on_cluster()?;
        let set = if self.accept("SET") { self.list(Self::collection_item)? } else { Vec::new() };
        let delete = if self.accept("DELETE") { self.list(Self::ident)? } else { Vec::new() };
        if set.is_empty() && delete.is_empty() {
            return self.unexpected("SET");
        }
        Ok(Kind::AlterNamedCollection(Box::new(AlterNamedCollection { if_exists, name, on_cluster, set, delete })))
    }

    fn alter_action(&mut self) -> Parse<Action> {
        if self.accept("ADD") {
            return self.add_action();
        }
        if self.accept("MODIFY") {
            return self.modify_action();
        }
        if self.accept("DROP") {
            return self.drop_action(false);
        }
        if self.accept("CLEAR") {
            return self.drop_action(true);
        }
        if self.accept("MATERIALIZE") {
            return self.materialize_action();
        }
        if self.accept("UPDATE") {
            let assignments = self.assignments()?;
            return Ok(Action::Update(self.mutation_tail(assignments)?));
        }
        if self.accept("DELETE") {
            return Ok(Action::Delete(self.mutation_tail(Vec::new())?));
        }
        if let Some(action) = self.column_action()? {
            return Ok(action);
        }
        if self.accept("APPLY DELETED MASK") {
            return Ok(Action::ApplyDeletedMask(self.in_partition()?));
        }
        if self.accept("APPLY PATCHES") {
            return Ok(Action::ApplyPatches(self.in_partition()?));
        }
        if self.accept("REWRITE PARTS") {
            return Ok(Action::RewriteParts(self.in_partition()?));
        }
        self.partition_action().map(Action::Partition)
    }

    fn column_action(&mut self) -> Parse<Option<Action>> {
        Ok(Some(if self.accept("RENAME COLUMN") {
            let if_exists = self.accept("IF EXISTS");
            let from = self.dotted_ident()?;
            self.expect_words("TO")?;
            Action::RenameColumn { if_exists, from, to: self.dotted_ident()? }
        } else if self.accept("COMMENT COLUMN") {
            let if_exists = self.accept("IF EXISTS");
            let column = self.dotted_ident()?;
            Action::CommentColumn { if_exists, column, comment: self.string_text()? }
        } else if self.accept("ALTER COLUMN") {
            return self.modify_column().map(Some);
        } else if self.accept("REMOVE TTL") {
            Action::RemoveTtl
        } else if self.accept("REMOVE SAMPLE BY") {
            Action::RemoveSampleBy
        } else if self.accept("RESET SETTING") {
            Action::ResetSetting(self.list_in_alter(Self::ident)?)
        } else {
            return Ok(None);
        }))
    }

    // ---- ADD ----

    fn add_action(&mut self) -> Parse<Action> {
        if self.accept("COLUMN") {
            let if_not_exists = self.accept("IF NOT EXISTS");
            let column = Box::new(self.column_def()?);
            return Ok(Action::AddColumn { if_not_exists, column, position: self.position_among()? });
        }
        if self.accept("INDEX") {
            let if_not_exists = self.accept("IF NOT EXISTS");
            let index = Box::new(self.index_def()?);
            return Ok(Action::AddIndex { if_not_exists, index, position: self.position_among()? });
        }
        if self.accept("CONSTRAINT") {
            let if_not_exists = self.accept("IF NOT EXISTS");
            return Ok(Action::AddConstraint { if_not_exists, constraint: Box::new(self.constraint_def()?) });
        }
        if self.accept("PROJECTION") {
            let if_not_exists = self.accept("IF NOT EXISTS");
            let projection = Box::new(self.projection_def()?);
            return Ok(Action::AddProjection { if_not_exists, projection, position: self.position_among()? });
        }
        self.expect_words("STATISTICS")?;
        let if_not_exists = self.accept("IF NOT EXISTS");
        self.statistics(true, if_not_exists)
    }

    fn statistics(&mut self, add: bool, if_not_exists: bool) -> Parse<Action> {
        let columns = self.list(Self::dotted_ident)?;
        self.expect_words("TYPE")?;
        // `a TYPE x, ADD …` would read ADD as one more type.
        let mut types = vec![self.name_or_call()?];
        while self.kind() == TokenKind::Comma && self.is_statistics_type() {
            self.advance();
            types.push(self.name_or_call()?);
        }
        Ok(Action::SetStatistics { add, if_not_exists, columns, types })
    }

    fn is_statistics_type(&mut self) -> bool {
        let follows = self.peek(2).kind;
        self.peek(1).kind == TokenKind::Word && !matches!(follows, TokenKind::Word | TokenKind::QuotedName)
    }

    fn position_among(&mut self) -> Parse<Option<ColumnPosition>> {
        if self.accept("FIRST") {
            return Ok(Some(ColumnPosition::First));
        }
        if self.accept("AFTER") {
            return Ok(Some(ColumnPosition::After(self.dotted_ident()?)));
        }
        Ok(None)
    }

    // ---- MODIFY ----

    fn modify_action(&mut self) -> Parse<Action> {
        if self.accept("COLUMN") {
            return self.modify_column();
        }
        if self.accept("ORDER BY") {
            return Ok(Action::ModifyOrderBy(self.sorting_key()?));
        }
        if self.accept("SAMPLE BY") {
            return Ok(Action::ModifySampleBy(self.expr()?));
        }
        if self.accept("TTL") {
            return Ok(Action::ModifyTtl(self.ttl()?));
        }
        if self.accept("SETTING") {
            return Ok(Action::ModifySetting(self.settings()?));
        }
        if self.accept("COMMENT") {
            return Ok(Action::ModifyComment(self.string_text()?));
        }
        if self.accept("QUERY") {
            return Ok(Action::ModifyQuery(Box::new(self.query()?)));
        }
        if self.accept("REFRESH") {
            return Ok(Action::ModifyRefresh(Box::new(self.refresh()?)));
        }
        if self.accept("STATISTICS") {
            return self.statistics(false, false);
        }
        if self.at("ON ERROR")
            && let Some(on_error) = self.on_error()?
        {
            return Ok(Action::ModifyOnError(on_error));
        }
        let mut security = self.security()?;
        if security == Security::default() {
            self.want("COLUMN");
            return self.unexpected("ORDER BY");
        }
        // As ClickHouse prints it: who names a definer wants the definer's rights.
        security.kind.get_or_insert(SecurityKind::Definer);
        Ok(Action::ModifySecurity(security))
    }

    fn modify_column(&mut self) -> Parse<Action> {
        let if_exists = self.accept("IF EXISTS");
        let name = self.dotted_ident()?;
        if self.accept("REMOVE") {
            return Ok(Action::RemoveColumnProperty { if_exists, column: name, property: self.column_property()? });
        }
        if self.accept("MODIFY SETTING") {
            return Ok(Action::ModifyColumnSetting(name, self.settings()?));
        }
        if self.accept("RESET SETTING") {
            return Ok(Action::ResetColumnSetting(name, self.list_in_alter(Self::ident)?));
        }
        self.accept("TYPE");
        let properties = [
            "DEFAULT",
            "MATERIALIZED",
            "ALIAS",
            "EPHEMERAL",
            "CODEC",
            "TTL",
            "COMMENT",
            "SETTINGS",
            "COLLATE",
            "STATISTICS",
            "NULL",
            "NOT NULL",
            "FIRST",
            "AFTER",
            "AUTO_INCREMENT",
        ];
        let has_type = matches!(self.kind(), TokenKind::Word | TokenKind::QuotedName)
            && !properties.iter().any(|words| self.at(words));
        let data_type = if has_type { Some(self.data_type()?) } else { None };
        let mut column = ColumnDef::plain(name, data_type);
        self.column_properties(&mut column)?;
        let position = self.position_among()?;
        let nothing = column == ColumnDef::plain(column.name.clone(), None) && position.is_none();
        // NULL says something of a type, which must be there
        let lacks_type = column.data_type.is_none() && column.nullability.is_some();
        if nothing || lacks_type {
            return self.unexpected("data type");
        }
        Ok(Action::ModifyColumn { if_exists, column: Box::new(column), position })
    }

    fn column_property(&mut self) -> Parse<ColumnProperty> {
        let all = [
            ("DEFAULT", ColumnProperty::Default),
            ("MATERIALIZED", ColumnProperty::Materialized),
            ("ALIAS", ColumnProperty::Alias),
            ("EPHEMERAL", ColumnProperty::Ephemeral),
            ("COMMENT", ColumnProperty::Comment),
            ("CODEC", ColumnProperty::Codec),
            ("TTL", ColumnProperty::Ttl),
            ("COLLATE", ColumnProperty::Collate),
            ("SETTINGS", ColumnProperty::Settings),
        ];
        let found = all.into_iter().find(|(word, _)| self.accept(word));
        found.map_or_else(|| self.unexpected("column property"), |(_, property)| Ok(property))
    }

    // ---- DROP, CLEAR, MATERIALIZE ----

    fn element(&mut self) -> Option<Element> {
        let all = [
            ("COLUMN", Element::Column),
            ("INDEX", Element::Index),
            ("PROJECTION", Element::Projection),
            ("CONSTRAINT", Element::Constraint),
            ("STATISTICS", Element::Statistics),
        ];
        all.into_iter().find(|(word, _)| self.accept(word)).map(|(_, element)| element)
    }

    fn element_names(&mut self, element: Element) -> Parse<Vec<Ident>> {
        let mut names = vec![self.dotted_ident()?];
        while element == Element::Statistics && self.kind() == TokenKind::Comma {
            let follows = self.peek(2).kind;
            if matches!(follows, TokenKind::Word | TokenKind::QuotedName) && !self.is_word(2, "IN") {
                break;
            }
            self.advance();
            names.push(self.dotted_ident()?);
        }
        Ok(names)
    }

    fn drop_action(&mut self, clear: bool) -> Parse<Action> {
        if !clear && self.accept("DETACHED") {
            return Ok(Action::Partition(PartitionAction::DropDetached(self.partition_or_part()?)));
        }
        if !clear && (self.at("PARTITION") || self.at("PART")) {
            return Ok(Action::Partition(PartitionAction::Drop(self.partition_or_part()?)));
        }
        let Some(element) = self.element() else { return self.unexpected("PARTITION") };
        let if_exists = self.accept("IF EXISTS");
        let names = self.element_names(element)?;
        let partition = self.in_partition()?;
        // `DROP COLUMN … IN PARTITION` of old versions is CLEAR.
        let clear = clear || partition.is_some();
        let drop = DropElement { if_exists, names, clear, partition };
        Ok(if element == Element::Column { Action::DropColumn(drop) } else { Action::DropElement(element, drop) })
    }

    fn materialize_action(&mut self) -> Parse<Action> {
        if self.accept("TTL") {
            return Ok(Action::MaterializeTtl(self.in_partition()?));
        }
        let Some(element) = self.element() else { return self.unexpected("TTL") };
        let if_exists = self.accept("IF EXISTS");
        let names = self.element_names(element)?;
        let partition = self.in_partition()?;
        Ok(Action::Materialize(element, Materialize { if_exists, names, partition }))
    }

    /// `[IN PARTITION p] WHERE condition`.
    pub(super) fn mutation_tail(&mut self, assignments: Vec<crate::ast::Assignment>) -> Parse<Mutation> {
        let partition = self.in_partition()?;
        self.expect_words("WHERE")?;
        Ok(Mutation { assignments, partition, filter: self.expr()? })
    }

    // ---- partitions ----

    fn in_partition(&mut self) -> Parse<Option<Partition>> {
        if self.accept("IN PARTITION") { self.partition().map(Some) } else { Ok(None) }
    }

    /// After PARTITION.
    pub(super) fn partition(&mut self) -> Parse<Partition> {
        if self.accept("ALL") {
            return Ok(Partition::All);
        }
        if self.at("ID") && matches!(self.peek(1).kind, TokenKind::String | TokenKind::OpenCurly) {
            self.advance();
            return Ok(Partition::Id(self.operand()?));
        }
        Ok(Partition::Value(self.operand()?))
    }

    pub(super) fn partition_or_part(&mut self) -> Parse<PartitionOrPart> {
        if self.accept("PART") {
            return Ok(PartitionOrPart::Part(self.operand()?));
        }
        self.expect_words("PARTITION")?;
        Ok(PartitionOrPart::Partition(self.partition()?))
    }

    fn partition_action(&mut self) -> Parse<PartitionAction> {
        if self.accept("DETACH") {
            return Ok(PartitionAction::Detach(self.partition_or_part()?));
        }
        if self.accept("ATTACH") {
            return match self.partition_or_part()? {
                PartitionOrPart::Partition(partition) if self.accept("FROM") => {
                    Ok(PartitionAction::AttachFrom(partition, self.object_name()?))
                }
                what => Ok(PartitionAction::Attach(what)),
            };
        }
        if self.accept("FORGET PARTITION") {
            return Ok(PartitionAction::Forget(self.partition()?));
        }
        if self.accept("REPLACE PARTITION") {
            let partition = self.partition()?;
            self.expect_words("FROM")?;
            return Ok(PartitionAction::Replace(partition, self.object_name()?));
        }
        if self.accept("MOVE") {
            let what = self.partition_or_part()?;
            self.expect_words("TO")?;
            return Ok(PartitionAction::Move(what, self.move_target()?));
        }
        if self.accept("FETCH") {
            let what = self.partition_or_part()?;
            self.expect_words("FROM")?;
            return Ok(PartitionAction::Fetch(what, self.string_text()?));
        }
        let freeze = self.accept("FREEZE");
        if !freeze && !self.accept("UNFREEZE") {
            return self.unexpected("ALTER command");
        }
        let partition = if self.accept("PARTITION") { Some(self.partition()?) } else { None };
        let name = if self.accept("WITH NAME") { Some(self.string_text()?) } else { None };
        match (freeze, name) {
            (true, name) => Ok(PartitionAction::Freeze(partition, name)),
            (false, Some(name)) => Ok(PartitionAction::Unfreeze(partition, name)),
            (false, None) => self.unexpected("WITH NAME"),
        }
    }

    fn move_target(&mut self) -> Parse<MoveTarget> {
        if self.accept("TABLE") {
            return Ok(MoveTarget::Table(self.object_name()?));
        }
        if self.accept("DISK") {
            return Ok(MoveTarget::Disk(self.string_text()?));
        }
        if self.accept("VOLUME") {
            return Ok(MoveTarget::Volume(self.string_text()?));
        }
        self.expect_words("SHARD")?;
        Ok(MoveTarget::Shard(self.string_text()?))
    }
}
