//! CREATE of tables, databases, functions and the rest; views are in `view`.

use super::Printer;
use crate::ast::{
    AlterConcurrencyGroup, Attach, CollectionItem, ColumnDef, ColumnDefault, ConstraintDef, ConstraintKind,
    CreateConcurrencyGroup, CreateDatabase, CreateFunction, CreateHead, CreateIndex, CreateMode, CreateNamedCollection,
    CreateSource, CreateTable, Expr, Ident, IndexDef, Nullability, ObjectKind, ProjectionDef, TableElements,
};

impl Printer {
    pub(super) fn create_mode(&mut self, mode: CreateMode) {
        self.text(match mode {
            CreateMode::Create => "CREATE ",
            CreateMode::CreateOrReplace => "CREATE OR REPLACE ",
            CreateMode::Replace => "REPLACE ",
            CreateMode::Attach => "ATTACH ",
        });
    }

    pub(super) fn create_head(&mut self, what: &str, head: &CreateHead) {
        self.create_mode(head.mode);
        self.text(what);
        self.text(if head.if_not_exists { "IF NOT EXISTS " } else { "" });
        self.object_name(&head.name);
        self.uuid(head.uuid.as_deref());
        self.on_cluster(head.on_cluster.as_ref());
    }

    pub(super) fn uuid(&mut self, uuid: Option<&str>) {
        if let Some(uuid) = uuid {
            self.text(" UUID ");
            self.string(uuid);
        }
    }

    pub(super) fn on_cluster(&mut self, cluster: Option<&Ident>) {
        if let Some(cluster) = cluster {
            self.text(" ON CLUSTER ");
            self.ident(cluster);
        }
    }

    pub(super) fn comment_line(&mut self, comment: Option<&str>) {
        if let Some(comment) = comment {
            self.line();
            self.text("COMMENT ");
            self.string(comment);
        }
    }

    pub(super) fn create_table(&mut self, table: &CreateTable) {
        self.create_head(if table.temporary { "TEMPORARY TABLE " } else { "TABLE " }, &table.head);
        if let Some(path) = &table.attach_from {
            self.text(" FROM ");
            self.string(path);
        }
        match &table.source {
            CreateSource::Like(other) => {
                self.text(" AS ");
                self.object_name(other);
            }
            CreateSource::Clone(other) => {
                self.text(" CLONE AS ");
                self.object_name(other);
            }
            CreateSource::Function(function) => {
                self.text(" AS ");
                self.table_function(function);
            }
            CreateSource::Replicated(true) => self.text(" AS REPLICATED"),
            CreateSource::Replicated(false) => self.text(" AS NOT REPLICATED"),
            CreateSource::Declared | CreateSource::Query { .. } => {}
        }
        if let Some(elements) = &table.elements {
            self.line();
            self.table_elements(elements);
        }
        self.storage(&table.storage);
        if let CreateSource::Query { empty: true, .. } = table.source
            && table.comment.is_none()
        {
            self.text(" EMPTY");
        }
        self.comment_line(table.comment.as_deref());
        if let CreateSource::Query { query, empty } = &table.source {
            if *empty && table.comment.is_some() {
                self.text(" EMPTY");
            }
            self.line();
            self.text("AS ");
            self.query(query);
        }
    }

    /// `(elements)`, the opening bracket where the caller is.
    pub(super) fn table_elements(&mut self, elements: &TableElements) {
        self.text("(");
        let mut first = true;
        self.indented(|printer| {
            printer.each_element(&elements.columns, &mut first, Self::column_def);
            printer.each_element(&elements.indexes, &mut first, |printer, index| {
                printer.text("INDEX ");
                printer.index_def(index);
            });
            printer.each_element(&elements.constraints, &mut first, |printer, constraint| {
                printer.text("CONSTRAINT ");
                printer.constraint_def(constraint);
            });
            printer.each_element(&elements.projections, &mut first, |printer, projection| {
                printer.text("PROJECTION ");
                printer.projection_def(projection);
            });
            printer.each_element(elements.primary_key.as_slice(), &mut first, |printer, key| {
                printer.text("PRIMARY KEY ");
                printer.expr(key);
            });
        });
        if !first {
            self.soft_line();
        }
        self.text(")");
    }

    pub(super) fn each_element<T>(&mut self, items: &[T], first: &mut bool, write: impl Fn(&mut Self, &T)) {
        for item in items {
            if std::mem::take(first) {
                self.soft_line();
            } else {
                self.text(",");
                self.line();
            }
            write(self, item);
        }
    }

    pub(super) fn column_def(&mut self, column: &ColumnDef) {
        self.quoted_ident(&column.name);
        if let Some(data_type) = &column.data_type {
            self.text(" ");
            self.column_type(data_type);
        }
        self.column_properties(column);
    }

    pub(super) fn column_properties(&mut self, column: &ColumnDef) {
        match column.nullability {
            Some(Nullability::Null) => self.text(" NULL"),
            Some(Nullability::NotNull) => self.text(" NOT NULL"),
            None => {}
        }
        if let Some(default) = &column.default {
            self.text(match default {
                ColumnDefault::Default(_) => " DEFAULT",
                ColumnDefault::Materialized(_) => " MATERIALIZED",
                ColumnDefault::Alias(_) => " ALIAS",
                ColumnDefault::Ephemeral(_) => " EPHEMERAL",
                ColumnDefault::AutoIncrement => " AUTO_INCREMENT",
            });
            if let Some(expr) = default.expr() {
                self.text(" ");
                self.expr(expr);
            }
        }
        if let Some(comment) = &column.comment {
            self.text(" COMMENT ");
            self.string(comment);
        }
        self.call_list(" CODEC", &column.codec);
        self.call_list(" STATISTICS", &column.statistics);
        if let Some(ttl) = &column.ttl {
            self.text(" TTL ");
            self.expr(ttl);
        }
        if let Some(collation) = &column.collation {
            self.text(" COLLATE ");
            self.ident(collation);
        }
        self.text(if column.primary_key { " PRIMARY KEY" } else { "" });
        if !column.settings.is_empty() {
            self.text(" SETTINGS ");
            self.bracketed(&column.settings, Self::setting);
        }
    }

    fn call_list(&mut self, keyword: &str, items: &[Expr]) {
        if !items.is_empty() {
            self.text(keyword);
            self.bracketed(items, Self::expr);
        }
    }

    pub(super) fn index_def(&mut self, index: &IndexDef) {
        self.ident(&index.name);
        self.index_body(index);
    }

    fn index_body(&mut self, index: &IndexDef) {
        self.text(" ");
        self.expr(&index.expr);
        if let Some(index_type) = &index.index_type {
            self.text(" TYPE ");
            self.expr(index_type);
        }
        self.display(format_args!(" GRANULARITY {}", index.granularity));
    }

    pub(super) fn constraint_def(&mut self, constraint: &ConstraintDef) {
        self.ident(&constraint.name);
        self.text(match constraint.kind {
            ConstraintKind::Check => " CHECK ",
            ConstraintKind::Assume => " ASSUME ",
        });
        self.expr(&constraint.expr);
    }

    pub(super) fn projection_def(&mut self, projection: &ProjectionDef) {
        self.ident(&projection.name);
        self.line();
        self.text("(");
        self.indented(|printer| {
            printer.soft_line();
            printer.in_projection = true;
            printer.select(&projection.select);
            printer.in_projection = false;
        });
        self.soft_line();
        self.text(")");
    }

    // ---- the rest ----

    pub(super) fn object_kind(&mut self, object: ObjectKind) {
        self.text(match object {
            ObjectKind::Table => "TABLE ",
            ObjectKind::View => "VIEW ",
            ObjectKind::Dictionary => "DICTIONARY ",
            ObjectKind::Database => "DATABASE ",
            ObjectKind::Function => "FUNCTION ",
            ObjectKind::NamedCollection => "NAMED COLLECTION ",
            ObjectKind::ConcurrencyGroup => "CONCURRENCY GROUP ",
        });
    }

    pub(super) fn attach(&mut self, attach: &Attach) {
        self.text("ATTACH ");
        self.object_kind(attach.object);
        self.text(if attach.if_not_exists { "IF NOT EXISTS " } else { "" });
        self.object_name(&attach.name);
        self.on_cluster(attach.on_cluster.as_ref());
    }

    pub(super) fn create_database(&mut self, database: &CreateDatabase) {
        self.create_mode(database.mode);
        self.text("DATABASE ");
        self.text(if database.if_not_exists { "IF NOT EXISTS " } else { "" });
        self.ident(&database.name);
        self.uuid(database.uuid.as_deref());
        self.on_cluster(database.on_cluster.as_ref());
        self.storage(&database.storage);
        self.comment_line(database.comment.as_deref());
    }

    pub(super) fn create_function(&mut self, function: &CreateFunction) {
        self.create_mode(function.mode);
        self.text("FUNCTION ");
        self.text(if function.if_not_exists { "IF NOT EXISTS " } else { "" });
        self.ident(&function.name);
        self.on_cluster(function.on_cluster.as_ref());
        self.text(" AS ");
        self.lambda(&function.lambda);
    }

    pub(super) fn create_index(&mut self, create: &CreateIndex) {
        self.text("CREATE INDEX ");
        self.text(if create.if_not_exists { "IF NOT EXISTS " } else { "" });
        self.ident(&create.index.name);
        self.text(" ON ");
        self.object_name(&create.table);
        self.on_cluster(create.on_cluster.as_ref());
        self.index_body(&create.index);
    }

    pub(super) fn create_named_collection(&mut self, collection: &CreateNamedCollection) {
        self.text("CREATE NAMED COLLECTION ");
        self.text(if collection.if_not_exists { "IF NOT EXISTS " } else { "" });
        self.ident(&collection.name);
        self.on_cluster(collection.on_cluster.as_ref());
        self.text(" AS ");
        self.list(&collection.items, Self::collection_item);
    }

    pub(super) fn collection_item(&mut self, item: &CollectionItem) {
        self.ident(&item.key);
        self.text(" = ");
        self.setting_value(&item.value);
        match item.overridable {
            Some(true) => self.text(" OVERRIDABLE"),
            Some(false) => self.text(" NOT OVERRIDABLE"),
            None => {}
        }
    }

    pub(super) fn alter_concurrency_group(&mut self, group: &AlterConcurrencyGroup) {
        self.text("ALTER CONCURRENCY GROUP ");
        self.text(if group.if_exists { "IF EXISTS " } else { "" });
        self.ident(&group.name);
        self.display(format_args!(" LIMIT {}", group.limit));
    }

    pub(super) fn create_concurrency_group(&mut self, group: &CreateConcurrencyGroup) {
        self.text(if group.or_replace { "CREATE OR REPLACE CONCURRENCY GROUP " } else { "CREATE CONCURRENCY GROUP " });
        self.text(if group.if_not_exists { "IF NOT EXISTS " } else { "" });
        self.ident(&group.name);
        self.display(format_args!(" LIMIT {}", group.limit));
    }
}
