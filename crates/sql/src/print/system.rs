//! Commands: DROP, RENAME, OPTIMIZE, SHOW, EXPLAIN, SYSTEM, KILL…

use super::Printer;
use crate::ast::{
    Check, Drop, DropAction, DropIndex, Exchange, Exists, Explain, ExplainKind, ExplainTarget, Kill, KillMode,
    KillWhat, LikeFilter, ObjectKind, ObjectName, Optimize, Rename, Show, ShowList, Switch, System, SystemCommand,
    TableRef, TableSource, TruncateTables, Undrop,
};

impl Printer {
    pub(super) fn drop_object(&mut self, drop: &Drop) {
        self.text(match drop.action {
            DropAction::Drop => "DROP ",
            DropAction::Detach => "DETACH ",
            DropAction::Truncate => "TRUNCATE ",
        });
        self.text(if drop.temporary { "TEMPORARY " } else { "" });
        self.object_kind(drop.object);
        self.text(if drop.if_exists { "IF EXISTS " } else { "" });
        self.text(if drop.if_empty { "IF EMPTY " } else { "" });
        self.list(&drop.names, Self::object_name);
        self.uuid(drop.uuid.as_deref());
        self.on_cluster(drop.on_cluster.as_ref());
        self.text(if drop.permanently { " PERMANENTLY" } else { "" });
        self.text(if drop.sync { " SYNC" } else { "" });
    }

    pub(super) fn drop_index(&mut self, drop: &DropIndex) {
        self.text("DROP INDEX ");
        self.text(if drop.if_exists { "IF EXISTS " } else { "" });
        self.ident(&drop.name);
        self.text(" ON ");
        self.object_name(&drop.table);
        self.on_cluster(drop.on_cluster.as_ref());
    }

    pub(super) fn truncate_tables(&mut self, truncate: &TruncateTables) {
        self.text("TRUNCATE ALL TABLES FROM ");
        self.text(if truncate.if_exists { "IF EXISTS " } else { "" });
        self.ident(&truncate.database);
        self.like_filter(truncate.filter.as_ref());
        self.on_cluster(truncate.on_cluster.as_ref());
    }

    pub(super) fn undrop(&mut self, undrop: &Undrop) {
        self.text("UNDROP TABLE ");
        self.object_name(&undrop.name);
        self.uuid(undrop.uuid.as_deref());
        self.on_cluster(undrop.on_cluster.as_ref());
    }

    pub(super) fn rename(&mut self, rename: &Rename) {
        self.text("RENAME ");
        self.object_kind(rename.object);
        self.text(if rename.if_exists { "IF EXISTS " } else { "" });
        self.list(&rename.pairs, |printer, (from, to)| {
            printer.object_name(from);
            printer.text(" TO ");
            printer.object_name(to);
        });
        self.on_cluster(rename.on_cluster.as_ref());
    }

    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        self.text(if exchange.object == ObjectKind::Dictionary {
            "EXCHANGE DICTIONARIES "
        } else {
            "EXCHANGE TABLES "
        });
        self.object_name(&exchange.left);
        self.text(" AND ");
        self.object_name(&exchange.right);
        self.on_cluster(exchange.on_cluster.as_ref());
    }

    pub(super) fn optimize(&mut self, optimize: &Optimize) {
        self.text("OPTIMIZE TABLE ");
        self.object_name(&optimize.table);
        self.on_cluster(optimize.on_cluster.as_ref());
        if let Some(partition) = &optimize.partition {
            self.text(" PARTITION ");
            self.partition(partition);
        }
        self.text(if optimize.is_final { " FINAL" } else { "" });
        if let Some(columns) = &optimize.deduplicate {
            self.text(" DEDUPLICATE");
            if !columns.is_empty() {
                self.text(" BY ");
                self.exprs(columns);
            }
        }
        self.text(if optimize.cleanup { " CLEANUP" } else { "" });
    }

    // ---- SHOW and its like ----

    pub(super) fn show(&mut self, show: &Show) {
        self.text("SHOW ");
        match show {
            Show::Tables(list) => self.show_list("", "TABLES", list),
            Show::Dictionaries(list) => self.show_list("", "DICTIONARIES", list),
            Show::Databases(list) => self.show_list("", "DATABASES", list),
            Show::Clusters(list) => self.show_list("", "CLUSTERS", list),
            Show::Merges(list) => self.show_list("", "MERGES", list),
            Show::Functions(list) => self.show_list("", "FUNCTIONS", list),
            Show::Settings { changed, list } => {
                self.show_list("", if *changed { "CHANGED SETTINGS" } else { "SETTINGS" }, list);
            }
            Show::Columns { extended, table, list } => self.show_of_table(*extended, "COLUMNS FROM ", table, list),
            Show::Indexes { extended, table, list } => self.show_of_table(*extended, "INDEXES FROM ", table, list),
            Show::Create { object, temporary, name } => {
                self.text(if *temporary { "CREATE TEMPORARY " } else { "CREATE " });
                self.object_kind(*object);
                self.object_name(name);
            }
            Show::Setting(name) => {
                self.text("SETTING ");
                self.ident(name);
            }
            Show::Processlist => self.text("PROCESSLIST"),
            Show::Engines => self.text("ENGINES"),
            Show::Cluster(name) => {
                self.text("CLUSTER ");
                self.string(name);
            }
        }
    }

    fn show_list(&mut self, extended: &str, what: &str, list: &ShowList) {
        self.text(extended);
        self.text(if list.full { "FULL " } else { "" });
        self.text(if list.temporary { "TEMPORARY " } else { "" });
        self.text(what);
        self.show_filters(list);
    }

    /// The database goes to the table's name: `FROM db.t` and `FROM t FROM db` are the same.
    fn show_of_table(&mut self, extended: bool, what: &str, table: &ObjectName, list: &ShowList) {
        self.text(if extended { "EXTENDED " } else { "" });
        self.text(if list.full { "FULL " } else { "" });
        self.text(if list.temporary { "TEMPORARY " } else { "" });
        self.text(what);
        self.ident(&table.name);
        if let Some(database) = &table.database {
            self.text(" FROM ");
            self.ident(database);
        }
        self.show_filters(list);
    }

    fn show_filters(&mut self, list: &ShowList) {
        if let Some(database) = &list.database {
            self.text(" FROM ");
            self.ident(database);
        }
        self.like_filter(list.like.as_ref());
        if let Some(filter) = &list.filter {
            self.text(" WHERE ");
            self.expr(filter);
        }
        if let Some(limit) = &list.limit {
            self.text(" LIMIT ");
            self.expr(limit);
        }
    }

    fn like_filter(&mut self, filter: Option<&LikeFilter>) {
        if let Some(filter) = filter {
            self.text(if filter.negated { " NOT" } else { "" });
            self.text(if filter.case_insensitive { " ILIKE " } else { " LIKE " });
            self.string(&filter.pattern);
        }
    }

    pub(super) fn described(&mut self, table: &TableRef) {
        match table.source {
            TableSource::Subquery(_) => self.line(),
            TableSource::Table(_) | TableSource::Function(_) => self.text(" "),
        }
        self.table_ref(table);
    }

    pub(super) fn exists(&mut self, exists: &Exists) {
        self.text(if exists.temporary { "EXISTS TEMPORARY " } else { "EXISTS " });
        self.object_kind(exists.object);
        self.object_name(&exists.name);
    }

    pub(super) fn check(&mut self, check: &Check) {
        match check {
            Check::AllTables => self.text("CHECK ALL TABLES"),
            Check::Table(table, part) => {
                self.text("CHECK TABLE ");
                self.object_name(table);
                if let Some(part) = part {
                    self.text(" ");
                    self.partition_or_part(part);
                }
            }
        }
    }

    pub(super) fn explain(&mut self, explain: &Explain) {
        self.text(match explain.kind {
            ExplainKind::Plan => "EXPLAIN",
            ExplainKind::Ast => "EXPLAIN AST",
            ExplainKind::Syntax => "EXPLAIN SYNTAX",
            ExplainKind::QueryTree => "EXPLAIN QUERY TREE",
            ExplainKind::Pipeline => "EXPLAIN PIPELINE",
            ExplainKind::Estimate => "EXPLAIN ESTIMATE",
            ExplainKind::Analyze => "EXPLAIN ANALYZE",
            ExplainKind::TableOverride => "EXPLAIN TABLE OVERRIDE",
            ExplainKind::CurrentTransaction => "EXPLAIN CURRENT TRANSACTION",
            ExplainKind::Refresh => "EXPLAIN REFRESH",
        });
        if !explain.settings.is_empty() {
            self.text(" ");
            self.list(&explain.settings, Self::setting);
        }
        match &explain.target {
            ExplainTarget::Statement(statement) => {
                self.line();
                self.statement(statement);
            }
            ExplainTarget::View(view) => {
                self.text(" ");
                self.object_name(view);
            }
            ExplainTarget::Words(words) => {
                self.text(" ");
                self.text(words);
            }
            ExplainTarget::Nothing => {}
        }
    }

    // ---- SYSTEM and KILL ----

    pub(super) fn system(&mut self, system: &System) {
        self.text("SYSTEM ");
        self.system_command(&system.command);
        self.on_cluster(system.on_cluster.as_ref());
    }

    fn system_command(&mut self, command: &SystemCommand) {
        match command {
            SystemCommand::RefreshView(view, partitions) => {
                self.with_name("REFRESH VIEW", Some(view));
                if !partitions.is_empty() {
                    self.text(" PARTITION ");
                    self.list(partitions, Self::partition);
                }
            }
            SystemCommand::WaitView(view) => self.with_name("WAIT VIEW", Some(view)),
            SystemCommand::CancelView(view) => self.with_name("CANCEL VIEW", Some(view)),
            SystemCommand::PauseView(None) => self.text("PAUSE VIEWS"),
            SystemCommand::PauseView(view) => self.with_name("PAUSE VIEW", view.as_ref()),
            SystemCommand::RepairView(view) => self.with_name("REPAIR VIEW", Some(view)),
            SystemCommand::StopView(None) => self.text("STOP VIEWS"),
            SystemCommand::StopView(view) => self.with_name("STOP VIEW", view.as_ref()),
            SystemCommand::StartView(None) => self.text("START VIEWS"),
            SystemCommand::StartView(view) => self.with_name("START VIEW", view.as_ref()),
            SystemCommand::ReplicatedView(switch, view) => self.switched(*switch, "REPLICATED VIEW", Some(view)),
            SystemCommand::TestView(view, time) => {
                self.with_name("TEST VIEW", Some(view));
                match time {
                    Some(time) => {
                        self.text(" SET FAKE TIME ");
                        self.string(time);
                    }
                    None => self.text(" UNSET FAKE TIME"),
                }
            }
            SystemCommand::RollbackView(view, generation) => {
                self.with_name("ROLLBACK VIEW", Some(view));
                self.display(format_args!(" TO GENERATION {generation}"));
            }
            SystemCommand::ReloadDictionary(None) => self.text("RELOAD DICTIONARIES"),
            SystemCommand::ReloadDictionary(name) => self.with_name("RELOAD DICTIONARY", name.as_ref()),
            SystemCommand::FlushLogs(names) => self.with_names("FLUSH LOGS", names),
            SystemCommand::FlushAsyncInsertQueue(names) => self.with_names("FLUSH ASYNC INSERT QUEUE", names),
            SystemCommand::Merges(switch, table) => self.switched(*switch, "MERGES", table.as_ref()),
            SystemCommand::TtlMerges(switch, table) => self.switched(*switch, "TTL MERGES", table.as_ref()),
            SystemCommand::Moves(switch, table) => self.switched(*switch, "MOVES", table.as_ref()),
            SystemCommand::Shutdown => self.text("SHUTDOWN"),
            SystemCommand::Other(words) => self.text(words),
        }
    }

    fn with_name(&mut self, words: &str, name: Option<&ObjectName>) {
        self.text(words);
        if let Some(name) = name {
            self.text(" ");
            self.object_name(name);
        }
    }

    fn with_names(&mut self, words: &str, names: &[ObjectName]) {
        self.text(words);
        self.text(if names.is_empty() { "" } else { " " });
        self.list(names, Self::object_name);
    }

    fn switched(&mut self, switch: Switch, what: &str, table: Option<&ObjectName>) {
        self.text(match switch {
            Switch::Start => "START ",
            Switch::Stop => "STOP ",
        });
        self.with_name(what, table);
    }

    pub(super) fn kill(&mut self, kill: &Kill) {
        self.text(match kill.what {
            KillWhat::Query => "KILL QUERY",
            KillWhat::Mutation => "KILL MUTATION",
            KillWhat::Transaction => "KILL TRANSACTION",
        });
        self.on_cluster(kill.on_cluster.as_ref());
        self.text(" WHERE ");
        self.expr(&kill.filter);
        self.text(match kill.mode {
            KillMode::Async => " ASYNC",
            KillMode::Sync => " SYNC",
            KillMode::Test => " TEST",
        });
    }
}
