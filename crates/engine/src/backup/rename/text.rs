//! Names in the text of one definition: what it reads and writes follows what was called otherwise.
//!
//! Clauses are followed here, expressions and queries in `query.rs`. A name without a database meant one in the definition's
//! own; where that is another one now, it is written down. Names inside of texts that are computed (`dictGet(concat(…))`,
//! patterns of engine Merge) cannot be followed and stay, as in ClickHouse.

use std::sync::Arc;

use query::external::Kind;
use query::table_functions::dotted;
use sql::Expr;
use sql::ast::{
    CreateDictionary, CreateMaterializedView, CreateTable, CreateWindowView, ExprKind, Ident, KeyValue, KeyValues,
    Literal, ObjectName, Setting, SettingValue, StatementKind, Storage, TableElements, ViewTarget, VisitMut,
    walk_elements, walk_storage,
};
use store::{QualifiedName, TableDef};

use super::{Known, Renames, kind_of};
use crate::error::{Error, Result};

/// Follows the names in one definition.
pub(super) struct Follower<'a> {
    pub(super) renames: &'a Renames,
    pub(super) known: Known<'a>,
    def: &'a TableDef,
    /// The database that names without one meant.
    pub(super) from: Arc<str>,
    /// The database that they would mean now.
    pub(super) to: Arc<str>,
    is_changed: bool,
    /// The first thing that cannot follow.
    stuck: Option<String>,
    pub(super) place: super::query::Place,
}

impl<'a> Follower<'a> {
    /// `to` is the database of the definition from here on.
    pub(super) fn new(renames: &'a Renames, def: &'a TableDef, to: &Arc<str>, known: Known<'a>) -> Follower<'a> {
        Follower {
            renames,
            known,
            def,
            from: def.database.clone(),
            to: to.clone(),
            is_changed: false,
            stuck: None,
            place: super::query::Place::default(),
        }
    }

    /// Whether anything has changed; an error when something could not follow.
    pub(super) fn ended(self) -> Result<bool> {
        match self.stuck {
            Some(reason) => {
                let what = format!("{} {}", kind_of(self.def), self.def.qualified_name());
                Err(Error::NotImplemented(format!("BACKUP and RESTORE … AS of {what}: {reason};")))
            }
            None => Ok(self.is_changed),
        }
    }

    pub(super) fn stuck(&mut self, reason: String) {
        self.stuck.get_or_insert(reason);
    }

    /// Everything in a definition but its own name.
    pub(super) fn definition(&mut self, kind: &mut StatementKind) {
        match kind {
            StatementKind::CreateTable(create) => self.table(create),
            StatementKind::CreateView(create) => self.query(&mut create.query),
            StatementKind::CreateMaterializedView(create) => self.materialized(create),
            StatementKind::CreateWindowView(create) => self.window(create),
            StatementKind::CreateDictionary(create) => self.dictionary(create),
            _ => {}
        }
    }

    /// A query, which is looked at as a whole first.
    fn query(&mut self, query: &mut sql::Query) {
        self.place.visit_query(query);
        self.visit_query(query);
    }

    /// Columns with their expressions. Rows of projections are kept under the text of what is computed.
    fn elements(&mut self, elements: &mut Option<TableElements>) {
        let Some(elements) = elements else { return };
        walk_elements(&mut self.place, elements);
        let projections = elements.projections.clone();
        walk_elements(self, elements);
        if elements.projections != projections {
            self.stuck("a projection of it names something that is called otherwise".to_owned());
        }
    }

    fn table(&mut self, create: &mut CreateTable) {
        self.elements(&mut create.elements);
        self.storage(&mut create.storage);
        self.engine(&mut create.storage);
        let letters = |setting: &&mut Setting| setting.name.name == "dead_letter_table";
        for setting in create.storage.settings.iter_mut().filter(letters) {
            if let SettingValue::Literal(literal) = &mut setting.value {
                self.text(literal);
            }
        }
    }

    fn materialized(&mut self, create: &mut CreateMaterializedView) {
        if let Some(refresh) = &mut create.refresh {
            refresh.depends_on.iter_mut().for_each(|view| self.name(view));
        }
        self.target(&mut create.target);
        self.elements(&mut create.elements);
        self.storage(&mut create.storage);
        self.query(&mut create.query);
    }

    fn window(&mut self, create: &mut CreateWindowView) {
        self.target(&mut create.target);
        self.elements(&mut create.elements);
        self.storage(&mut create.storage);
        if let Some(late) = &mut create.late_to {
            self.name(late);
        }
        if let Some(deduplicate) = &mut create.deduplicate {
            self.visit_expr(&mut deduplicate.expr);
        }
        self.query(&mut create.query);
    }

    fn target(&mut self, target: &mut ViewTarget) {
        if let ViewTarget::Table(name) = target {
            self.name(name);
        }
    }

    /// Keys and TTL. Columns of parts are called by the text of what a key computes: that cannot change.
    fn storage(&mut self, storage: &mut Storage) {
        let keys = |storage: &Storage| {
            let Storage { partition_by, primary_key, order_by, sample_by, .. } = storage.clone();
            (partition_by, primary_key, order_by, sample_by)
        };
        let before = keys(storage);
        walk_storage(self, storage);
        if keys(storage) != before {
            self.stuck("a key of it names something that is called otherwise".to_owned());
        }
    }

    /// Names among the arguments of an engine.
    fn engine(&mut self, storage: &mut Storage) {
        let Some(engine) = &mut storage.engine else { return };
        match (engine.name.name.as_str(), engine.arguments.as_mut_slice()) {
            ("Dictionary", [name]) => self.argument(name),
            ("Merge", [database, _]) => self.database(database),
            ("Buffer", [database, name, ..]) => self.pair(database, name),
            _ => {}
        }
    }

    /// `'database', 'table'`; an empty database, which engine Buffer takes for the table's own, is written down.
    fn pair(&mut self, database: &mut Expr, name: &mut Expr) {
        let (Some(given), Some(table)) = (dotted(Some(database)), dotted(Some(name))) else { return };
        if table.is_empty() {
            // it leads nowhere
            return;
        }
        let of = if given.is_empty() { self.from.clone() } else { given.as_str().into() };
        let old = QualifiedName { database: of, name: table.as_str().into() };
        let new = self.renames.of(&old);
        if new != old {
            *database = literal(&new.database);
            *name = literal(&new.name);
            self.is_changed = true;
        }
    }

    /// A database that stands as a constant or a word.
    pub(super) fn database(&mut self, expr: &mut Expr) {
        let Some(given) = dotted(Some(expr)) else { return };
        let old: Arc<str> = if given.is_empty() { self.from.clone() } else { given.into() };
        let new = self.renames.of_database(&old);
        if new != old {
            *expr = literal(&new);
            self.is_changed = true;
        }
    }

    fn dictionary(&mut self, create: &mut CreateDictionary) {
        for attribute in &mut create.attributes {
            attribute.default.iter_mut().chain(&mut attribute.expression).for_each(|expr| self.visit_expr(expr));
        }
        if let Some(source) = create.source.as_mut().filter(|source| source.name.name == "CLICKHOUSE") {
            self.source(source);
        }
    }

    /// `CLICKHOUSE(DB … TABLE …)`, and the texts of QUERY and WHERE.
    fn source(&mut self, source: &mut KeyValues) {
        let given = |source: &KeyValues, key: &str| source.get(key).and_then(KeyValue::text);
        if let Some(table) = given(source, "TABLE") {
            let mut name = ObjectName::bare(table);
            name.database = given(source, "DB").map(Ident::new);
            if let Some(new) = self.moved(&name) {
                set(source, "DB", new.database.map(|database| database.name).unwrap_or_default());
                set(source, "TABLE", new.name.name);
                self.is_changed = true;
            }
        }
        if let Some(text) = given(source, "QUERY")
            && let Ok(mut statement) = sql::parse_statement(&text)
            && let StatementKind::Query(query) = &mut statement.kind
        {
            let before = query.clone();
            self.query(query);
            if *query != before {
                set(source, "QUERY", statement.to_string());
            }
        }
        if let Some(text) = given(source, "WHERE")
            && let Ok(mut filter) = sql::parse_expression(&text)
        {
            let before = filter.clone();
            self.place.visit_expr(&mut filter);
            self.visit_expr(&mut filter);
            if filter != before {
                set(source, "WHERE", filter.to_string());
            }
        }
    }

    /// The name that something has now; none when it is as it is written.
    pub(super) fn moved(&self, name: &ObjectName) -> Option<ObjectName> {
        if name.name.is_parameter || name.database.as_ref().is_some_and(|database| database.is_parameter) {
            return None;
        }
        let old = self.meant(name);
        let new = self.renames.of(&old);
        let stays = match &name.database {
            Some(_) => new == old,
            None => new.database == self.to && new.name == old.name,
        };
        (!stays).then(|| ObjectName::qualified(&*new.database, &*new.name))
    }

    /// What a name meant, with its database.
    pub(super) fn meant(&self, name: &ObjectName) -> QualifiedName {
        let database = name.database.as_ref().map_or(&*self.from, |database| &database.name);
        QualifiedName::new(database, name.name.name.as_str())
    }

    /// A name of a table.
    pub(super) fn name(&mut self, name: &mut ObjectName) {
        if let Some(new) = self.moved(name) {
            *name = new;
            self.is_changed = true;
        }
    }

    pub(super) fn changed(&mut self) {
        self.is_changed = true;
    }

    /// A name of a table or dictionary that stands as `'database.name'` or as a bare word.
    pub(super) fn argument(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Literal(literal) => self.text(literal),
            ExprKind::Identifier(parts) => {
                if let Some(new) = name_of(parts).and_then(|name| self.moved(&name)) {
                    *parts = new.database.into_iter().chain([new.name]).collect();
                    self.is_changed = true;
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, literal: &mut Literal) {
        let Literal::String(bytes) = literal else { return };
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let name = match text.split_once('.') {
            Some((database, name)) => ObjectName::qualified(database, name),
            None => ObjectName::bare(text),
        };
        if name.name.name.is_empty() {
            return;
        }
        if let Some(new) = self.moved(&name) {
            let database = new.database.map(|database| database.name).unwrap_or_default();
            if database.contains('.') {
                self.stuck(format!("it names '{text}' in a text, where \"{database}\" cannot stand"));
            }
            *literal = Literal::string(format!("{database}.{}", new.name.name));
            self.is_changed = true;
        }
    }

    /// True when a call in FROM stands for tables of another database.
    pub(super) fn is_elsewhere(call: &str) -> bool {
        Kind::of_function(call).is_some_and(Kind::runs_queries)
    }
}

/// `t` or `database.t`.
pub(super) fn name_of(parts: &[Ident]) -> Option<ObjectName> {
    match parts {
        [name] => Some(ObjectName { database: None, name: name.clone() }),
        [database, name] => Some(ObjectName { database: Some(database.clone()), name: name.clone() }),
        _ => None,
    }
}

fn literal(text: &str) -> Expr {
    Expr::literal(Literal::string(text))
}

/// Gives a key of a source a value.
fn set(source: &mut KeyValues, key: &str, value: String) {
    let value = KeyValue::Literal(Literal::string(value));
    let pairs = source.pairs.get_or_insert_default();
    match pairs.iter_mut().find(|(name, _)| name.name == key) {
        Some((_, known)) => *known = value,
        None => pairs.push((Ident::new(key), value)),
    }
}
