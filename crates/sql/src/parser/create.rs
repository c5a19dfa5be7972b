//! CREATE, REPLACE and ATTACH of tables, databases, functions and the rest; views are in `view`.

use super::{Parse, Parser};
use crate::ast::{
    Attach, CollectionItem, ColumnDef, ColumnDefault, ConstraintDef, ConstraintKind, CreateConcurrencyGroup,
    CreateDatabase, CreateFunction, CreateHead, CreateIndex, CreateMode, CreateNamedCollection, CreateSource,
    CreateTable, Expr, Ident, IndexDef, Nullability, ObjectKind, ObjectName, ProjectionDef, StatementKind as Kind,
    Storage, TableElements,
};
use crate::token::TokenKind;

impl Parser<'_> {
    /// At the words CREATE, CREATE OR REPLACE, REPLACE or ATTACH, already taken.
    pub(super) fn create(&mut self, mode: CreateMode) -> Parse<Kind> {
        if self.accept("TEMPORARY TABLE") {
            return self.create_table(mode, true);
        }
        if self.accept("TABLE") {
            return self.create_table(mode, false);
        }
        if mode != CreateMode::Replace && self.accept("MATERIALIZED VIEW") {
            return self.create_materialized_view(mode);
        }
        if mode != CreateMode::Replace && self.accept("WINDOW VIEW") {
            return self.create_window_view(mode);
        }
        if mode != CreateMode::Replace && self.accept("VIEW") {
            return self.create_view(mode);
        }
        if mode != CreateMode::Replace && self.accept("DATABASE") {
            return self.create_database(mode);
        }
        if mode == CreateMode::Attach {
            return self.unexpected("DICTIONARY");
        }
        if self.accept("DICTIONARY") {
            return self.create_dictionary(mode);
        }
        if self.accept("FUNCTION") {
            return self.create_function(mode);
        }
        if self.accept("CONCURRENCY GROUP") {
            return self.create_concurrency_group(mode);
        }
        if mode == CreateMode::Create && self.accept("INDEX") {
            return self.create_index();
        }
        if mode == CreateMode::Create && self.accept("NAMED COLLECTION") {
            return self.create_named_collection();
        }
        self.unexpected("USER")
    }

    pub(super) fn create_head(&mut self, mode: CreateMode) -> Parse<CreateHead> {
        // what is replaced need not be asked for
        let asks = matches!(mode, CreateMode::Create | CreateMode::Attach);
        let if_not_exists = asks && self.accept("IF NOT EXISTS");
        let name = self.object_name()?;
        let uuid = self.uuid()?;
        let on_cluster = self.on_cluster()?;
        Ok(CreateHead { mode, if_not_exists, name, uuid, on_cluster })
    }

    pub(super) fn uuid(&mut self) -> Parse<Option<String>> {
        if self.accept("UUID") { self.string_text().map(Some) } else { Ok(None) }
    }

    pub(super) fn on_cluster(&mut self) -> Parse<Option<Ident>> {
        if self.accept("ON CLUSTER") { self.ident_or_string().map(Some) } else { Ok(None) }
    }

    pub(super) fn comment(&mut self) -> Parse<Option<String>> {
        if self.accept("COMMENT") { self.string_text().map(Some) } else { Ok(None) }
    }

    // ---- tables ----

    fn create_table(&mut self, mode: CreateMode, temporary: bool) -> Parse<Kind> {
        let head = self.create_head(mode)?;
        let attach_from = match mode {
            CreateMode::Attach if self.accept("FROM") => Some(self.string_text()?),
            _ => None,
        };
        let has_elements = self.kind() == TokenKind::OpenRound;
        let mut elements = if has_elements { Some(self.table_elements()?) } else { None };
        let mut table = CreateTable {
            head,
            temporary,
            attach_from,
            elements: None,
            storage: Storage::default(),
            source: CreateSource::Declared,
            comment: None,
        };
        if !has_elements && self.create_like(mode, &mut table)? {
            table.storage = self.storage()?;
            table.comment = self.comment()?;
            return Ok(Kind::CreateTable(Box::new(table)));
        }
        table.storage = self.storage()?;
        if let Some(elements) = &mut elements {
            self.move_primary_key(elements, &mut table.storage)?;
        }
        table.elements = elements;
        table.comment = self.comment()?;
        self.create_as(mode, &mut table)?;
        if table.comment.is_none() {
            table.comment = self.comment()?;
        }
        let nothing = table.elements.is_none() && table.storage.is_empty() && table.comment.is_none();
        let plain = nothing && table.attach_from.is_none() && matches!(table.source, CreateSource::Declared);
        if plain && mode == CreateMode::Attach && table.head.uuid.is_none() {
            return Ok(self.attach(ObjectKind::Table, table.head));
        }
        if plain {
            return self.unexpected("(");
        }
        Ok(Kind::CreateTable(Box::new(table)))
    }

    /// `PRIMARY KEY` among the columns is the table's, and printed there.
    fn move_primary_key(&mut self, elements: &mut TableElements, storage: &mut Storage) -> Parse<()> {
        let among_columns = elements.primary_key.take();
        let mut at_columns = Vec::new();
        for column in &mut elements.columns {
            if std::mem::take(&mut column.primary_key) {
                at_columns.push(column.name.clone());
            }
        }
        let keys = usize::from(among_columns.is_some())
            + usize::from(!at_columns.is_empty())
            + usize::from(storage.primary_key.is_some());
        if keys > 1 {
            return self.because(self.token(), "Multiple primary keys are not allowed");
        }
        if !at_columns.is_empty() {
            let columns = at_columns.into_iter().map(|name| self.column(name)).collect();
            storage.primary_key = Some(Expr::new(crate::ast::ExprKind::Tuple(columns)));
        } else if among_columns.is_some() {
            storage.primary_key = among_columns;
        }
        Ok(())
    }

    /// `AS other`, `CLONE AS other`, `AS numbers(10)` before any storage.
    fn create_like(&mut self, mode: CreateMode, table: &mut CreateTable) -> Parse<bool> {
        if self.accept("CLONE AS") {
            table.source = CreateSource::Clone(self.object_name()?);
            return Ok(true);
        }
        if mode == CreateMode::Attach && (self.at("AS REPLICATED") || self.at("AS NOT REPLICATED")) {
            self.advance();
            let replicated = !self.accept("NOT");
            self.advance();
            table.source = CreateSource::Replicated(replicated);
            return Ok(true);
        }
        if !self.at("AS") {
            return Ok(false);
        }
        let is_query = self.peek(1).kind == TokenKind::OpenRound
            || ["SELECT", "WITH", "FROM"].iter().any(|word| self.is_word(1, word));
        if is_query {
            return Ok(false);
        }
        self.advance();
        let name = self.object_name()?;
        table.source = if name.database.is_none() && self.kind() == TokenKind::OpenRound {
            CreateSource::Function(self.table_function(name.name)?)
        } else {
            CreateSource::Like(name)
        };
        Ok(true)
    }

    /// `[EMPTY] AS SELECT`, `AS other`, `CLONE AS other` after the storage.
    fn create_as(&mut self, mode: CreateMode, table: &mut CreateTable) -> Parse<()> {
        let empty = self.accept("EMPTY");
        if !empty && table.elements.is_none() && self.create_like(mode, table)? {
            return Ok(());
        }
        if self.accept("AS") {
            table.source = CreateSource::Query { query: Box::new(self.query()?), empty };
        } else if empty {
            return self.unexpected("AS");
        }
        Ok(())
    }

    pub(super) fn table_elements(&mut self) -> Parse<TableElements> {
        let mut elements = TableElements::default();
        self.open()?;
        while self.kind() != TokenKind::CloseRound {
            self.nodes += 1;
            self.check_size()?;
            self.table_element(&mut elements)?;
            // A comma before the bracket is forgiven.
            if !self.comma() {
                break;
            }
        }
        self.close()?;
        Ok(elements)
    }

    fn table_element(&mut self, elements: &mut TableElements) -> Parse<()> {
        let names_follow =
            matches!(self.peek(1).kind, TokenKind::Word | TokenKind::QuotedName) && !self.peek_closes_column(2);
        if self.at("INDEX") && names_follow {
            self.advance();
            elements.indexes.push(self.index_def()?);
        } else if self.at("CONSTRAINT") && names_follow {
            self.advance();
            elements.constraints.push(self.constraint_def()?);
        } else if self.at("PROJECTION") && names_follow {
            self.advance();
            elements.projections.push(self.projection_def()?);
        } else if self.at("PRIMARY KEY") {
            self.advance();
            self.advance();
            elements.primary_key = Some(self.expr()?);
        } else {
            elements.columns.push(self.column_def()?);
        }
        Ok(())
    }

    /// `index UInt8` and `index String,` are columns that are called so.
    fn peek_closes_column(&mut self, ahead: usize) -> bool {
        matches!(self.peek(ahead).kind, TokenKind::Comma | TokenKind::CloseRound)
    }

    /// One column: name, type, properties.
    pub(super) fn column_def(&mut self) -> Parse<ColumnDef> {
        let name = self.dotted_ident()?;
        let keyword = ["DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL", "AUTO_INCREMENT", "CODEC", "TTL", "COMMENT"];
        let has_type = self.kind() == TokenKind::QuotedName
            || self.kind() == TokenKind::Word && !keyword.iter().any(|word| self.at(word));
        let data_type = if has_type { Some(self.data_type()?) } else { None };
        let mut column = ColumnDef::plain(name, data_type);
        self.column_properties(&mut column)?;
        if column.data_type.is_none() && column.default.as_ref().and_then(ColumnDefault::expr).is_none() {
            return self.unexpected("data type");
        }
        Ok(column)
    }

    /// Everything after the type, in ClickHouse's order.
    pub(super) fn column_properties(&mut self, column: &mut ColumnDef) -> Parse<()> {
        if self.accept("COLLATE") {
            column.collation = Some(self.ident_or_string()?);
        }
        self.nullability(column);
        column.default = self.column_default()?;
        self.nullability(column);
        column.comment = self.comment()?;
        if self.at("CODEC") {
            column.codec = self.codec()?;
        }
        if self.accept("STATISTICS") {
            column.statistics = self.bracketed(Self::name_or_call)?;
        }
        if self.accept("TTL") {
            column.ttl = Some(self.expr()?);
        }
        if self.accept("COLLATE") {
            column.collation = Some(self.ident_or_string()?);
        }
        column.primary_key = self.accept("PRIMARY KEY");
        if column.comment.is_none() {
            column.comment = self.comment()?;
        }
        if self.at("SETTINGS") && self.begins_call() {
            self.advance();
            self.open()?;
            column.settings = self.settings()?;
            self.close()?;
        }
        Ok(())
    }

    fn nullability(&mut self, column: &mut ColumnDef) {
        if column.nullability.is_none() {
            if self.accept("NOT NULL") {
                column.nullability = Some(Nullability::NotNull);
            } else if self.accept("NULL") {
                column.nullability = Some(Nullability::Null);
            }
        }
    }

    fn column_default(&mut self) -> Parse<Option<ColumnDefault>> {
        if self.accept("DEFAULT") {
            return Ok(Some(ColumnDefault::Default(self.expr()?)));
        }
        if self.accept("MATERIALIZED") {
            return Ok(Some(ColumnDefault::Materialized(self.expr()?)));
        }
        if self.accept("ALIAS") {
            return Ok(Some(ColumnDefault::Alias(self.expr()?)));
        }
        if self.accept("AUTO_INCREMENT") {
            return Ok(Some(ColumnDefault::AutoIncrement));
        }
        if !self.accept("EPHEMERAL") {
            return Ok(None);
        }
        let ends = matches!(self.kind(), TokenKind::Comma | TokenKind::CloseRound | TokenKind::End)
            || ["COMMENT", "CODEC", "TTL", "STATISTICS", "NOT NULL", "FIRST", "AFTER"].iter().any(|word| self.at(word));
        Ok(Some(ColumnDefault::Ephemeral(if ends { None } else { Some(self.expr()?) })))
    }

    /// After INDEX: `name expr TYPE type GRANULARITY n`.
    pub(super) fn index_def(&mut self) -> Parse<IndexDef> {
        let name = self.ident()?;
        let index = self.index_body(name)?;
        if index.index_type.is_none() { self.unexpected("TYPE") } else { Ok(index) }
    }

    fn index_body(&mut self, name: Ident) -> Parse<IndexDef> {
        let mut expr = self.expr()?;
        expr.parenthesized = false;
        let index_type = if self.accept("TYPE") { Some(self.name_or_call()?) } else { None };
        let granularity = if self.accept("GRANULARITY") { self.unsigned()? } else { 1 };
        Ok(IndexDef { name, expr, index_type, granularity })
    }

    pub(super) fn constraint_def(&mut self) -> Parse<ConstraintDef> {
        let name = self.ident()?;
        let kind = if self.accept("CHECK") {
            ConstraintKind::Check
        } else {
            self.expect_words("ASSUME")?;
            ConstraintKind::Assume
        };
        Ok(ConstraintDef { name, kind, expr: self.expr()? })
    }

    pub(super) fn projection_def(&mut self) -> Parse<ProjectionDef> {
        let name = self.ident()?;
        self.open()?;
        let select = self.nested(Self::select)?;
        self.close()?;
        Ok(ProjectionDef { name, select })
    }

    // ---- the rest ----

    pub(super) fn attach(&mut self, object: ObjectKind, head: CreateHead) -> Kind {
        let CreateHead { if_not_exists, name, on_cluster, .. } = head;
        Kind::Attach(Box::new(Attach { object, if_not_exists, name, on_cluster }))
    }

    fn create_database(&mut self, mode: CreateMode) -> Parse<Kind> {
        let if_not_exists = self.accept("IF NOT EXISTS");
        let name = self.ident()?;
        let uuid = self.uuid()?;
        let on_cluster = self.on_cluster()?;
        let storage = self.storage()?;
        let comment = self.comment()?;
        if mode == CreateMode::Attach && uuid.is_none() && storage.is_empty() && comment.is_none() {
            let name = ObjectName { database: None, name };
            let attach = Attach { object: ObjectKind::Database, if_not_exists, name, on_cluster };
            return Ok(Kind::Attach(Box::new(attach)));
        }
        let create = CreateDatabase { mode, if_not_exists, name, uuid, on_cluster, storage, comment };
        Ok(Kind::CreateDatabase(Box::new(create)))
    }

    fn create_function(&mut self, mode: CreateMode) -> Parse<Kind> {
        let if_not_exists = self.accept("IF NOT EXISTS");
        let name = self.ident()?;
        let on_cluster = self.on_cluster()?;
        self.expect_words("AS")?;
        let lambda = self.lambda_expr()?;
        Ok(Kind::CreateFunction(Box::new(CreateFunction { mode, if_not_exists, name, on_cluster, lambda })))
    }

    fn create_concurrency_group(&mut self, mode: CreateMode) -> Parse<Kind> {
        let if_not_exists = self.accept("IF NOT EXISTS");
        let name = self.ident()?;
        self.expect_words("LIMIT")?;
        let limit = self.unsigned()?;
        let or_replace = mode == CreateMode::CreateOrReplace;
        Ok(Kind::CreateConcurrencyGroup(Box::new(CreateConcurrencyGroup { or_replace, if_not_exists, name, limit })))
    }

    fn create_index(&mut self) -> Parse<Kind> {
        let if_not_exists = self.accept("IF NOT EXISTS");
        let name = self.ident()?;
        self.expect_words("ON")?;
        let table = self.object_name()?;
        let on_cluster = self.on_cluster()?;
        let index = self.index_body(name)?;
        Ok(Kind::CreateIndex(Box::new(CreateIndex { if_not_exists, table, on_cluster, index })))
    }

    fn create_named_collection(&mut self) -> Parse<Kind> {
        let if_not_exists = self.accept("IF NOT EXISTS");
        let name = self.ident()?;
        let on_cluster = self.on_cluster()?;
        self.expect_words("AS")?;
        let items = self.list(Self::collection_item)?;
        let create = CreateNamedCollection { if_not_exists, name, on_cluster, items };
        Ok(Kind::CreateNamedCollection(Box::new(create)))
    }

    pub(super) fn collection_item(&mut self) -> Parse<CollectionItem> {
        let key = self.ident()?;
        self.expect(TokenKind::Equals, "=")?;
        let value = self.setting_value()?;
        let overridable =
            if self.accept("NOT OVERRIDABLE") { Some(false) } else { self.accept("OVERRIDABLE").then_some(true) };
        Ok(CollectionItem { key, value, overridable })
    }
}
