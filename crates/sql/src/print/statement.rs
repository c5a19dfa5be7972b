//! Statements and what follows any of them.

use super::Printer;
use crate::ast::{
    Insert, InsertColumns, InsertSource, InsertTarget, Mutate, Outfile, Statement, StatementKind as Kind, Tail,
};

impl Printer {
    pub(super) fn statement(&mut self, statement: &Statement) {
        self.statement_kind(&statement.kind);
        self.tail(&statement.tail);
    }

    fn statement_kind(&mut self, kind: &Kind) {
        match kind {
            Kind::Query(query) => self.query(query),
            Kind::Insert(insert) => self.insert(insert),
            Kind::CreateTable(create) => self.create_table(create),
            Kind::CreateView(create) => self.create_view(create),
            Kind::CreateMaterializedView(create) => self.create_materialized_view(create),
            Kind::CreateWindowView(create) => self.create_window_view(create),
            Kind::CreateDictionary(create) => self.create_dictionary(create),
            Kind::CreateDatabase(create) => self.create_database(create),
            Kind::CreateFunction(create) => self.create_function(create),
            Kind::CreateIndex(create) => self.create_index(create),
            Kind::DropIndex(drop) => self.drop_index(drop),
            Kind::CreateNamedCollection(create) => self.create_named_collection(create),
            Kind::AlterNamedCollection(alter) => self.alter_named_collection(alter),
            Kind::CreateConcurrencyGroup(create) => self.create_concurrency_group(create),
            Kind::AlterConcurrencyGroup(alter) => self.alter_concurrency_group(alter),
            Kind::Attach(attach) => self.attach(attach),
            Kind::Drop(drop) => self.drop_object(drop),
            Kind::TruncateTables(truncate) => self.truncate_tables(truncate),
            Kind::Undrop(undrop) => self.undrop(undrop),
            Kind::Rename(rename) => self.rename(rename),
            Kind::Exchange(exchange) => self.exchange(exchange),
            Kind::AlterTable(alter) => self.alter_table(alter),
            Kind::AlterDatabase(alter) => self.alter_database(alter),
            Kind::Mutate(mutate) => self.mutate(mutate),
            Kind::Optimize(optimize) => self.optimize(optimize),
            Kind::Show(show) => self.show(show),
            Kind::Describe(describe) => {
                self.text("DESCRIBE TABLE");
                self.described(&describe.table);
            }
            Kind::Exists(exists) => self.exists(exists),
            Kind::Check(check) => self.check(check),
            Kind::Explain(explain) => self.explain(explain),
            Kind::Set(settings) => {
                self.text("SET ");
                self.list(settings, Self::setting);
            }
            Kind::Use(database) => {
                self.text("USE ");
                // `USE database` would wait for a name.
                match database.name.eq_ignore_ascii_case("DATABASE") {
                    true => self.quoted_ident(database),
                    false => self.ident(database),
                }
            }
            Kind::System(system) => self.system(system),
            Kind::Kill(kill) => self.kill(kill),
            Kind::VerifyView(view) => {
                self.text("VERIFY VIEW ");
                self.object_name(view);
            }
            Kind::Backup(backup) => self.backup(backup),
            Kind::Begin => self.text("BEGIN TRANSACTION"),
            Kind::Commit => self.text("COMMIT"),
            Kind::Rollback => self.text("ROLLBACK"),
            Kind::SetTransactionSnapshot(snapshot) => self.display(format_args!("SET TRANSACTION SNAPSHOT {snapshot}")),
            Kind::Known(known) => self.text(&known.text),
        }
    }

    fn tail(&mut self, tail: &Tail) {
        if let Some(outfile) = &tail.outfile {
            self.line();
            self.outfile(outfile);
        }
        if let Some(format) = &tail.format {
            self.line();
            self.text("FORMAT ");
            self.ident(format);
        }
        if !tail.settings.is_empty() {
            self.line();
            self.text("SETTINGS ");
            self.list(&tail.settings, Self::setting);
        }
    }

    fn outfile(&mut self, outfile: &Outfile) {
        self.text("INTO OUTFILE ");
        self.string(&outfile.path);
        self.text(if outfile.append { " APPEND" } else { "" });
        self.text(if outfile.truncate { " TRUNCATE" } else { "" });
        self.text(if outfile.and_stdout { " AND STDOUT" } else { "" });
        if let Some(compression) = &outfile.compression {
            self.text(" COMPRESSION ");
            self.string(compression);
            if let Some(level) = outfile.level {
                self.display(format_args!(" LEVEL {level}"));
            }
        }
    }

    fn insert(&mut self, insert: &Insert) {
        self.text("INSERT INTO ");
        match &insert.target {
            InsertTarget::Table(table) => self.object_name(table),
            InsertTarget::Function(function) => {
                self.text("FUNCTION ");
                self.table_function(function);
            }
        }
        if let Some(expr) = &insert.partition_by {
            self.text(" PARTITION BY ");
            self.expr(expr);
        }
        if let InsertColumns::List(columns) = &insert.columns {
            self.text(" ");
            self.bracketed(columns, Self::expr);
        }
        if let InsertSource::Infile(infile) = &insert.source {
            self.text(" FROM INFILE ");
            self.string(&infile.path);
            if let Some(compression) = &infile.compression {
                self.text(" COMPRESSION ");
                self.string(compression);
            }
        }
        if !insert.settings.is_empty() {
            self.line();
            self.text("SETTINGS ");
            self.list(&insert.settings, Self::setting);
        }
        match &insert.source {
            InsertSource::Query(query) => {
                if insert.settings.is_empty() {
                    self.text(" ");
                } else {
                    self.line();
                }
                self.query(query);
            }
            InsertSource::Data(data) => {
                self.text(" FORMAT ");
                // A word like any other here, but `Values` is quoted elsewhere.
                match data.format.name.as_str() {
                    "Values" => self.text("Values"),
                    _ => self.ident(&data.format),
                }
            }
            InsertSource::Infile(infile) => {
                if let Some(format) = &infile.format {
                    self.text(" FORMAT ");
                    self.ident(format);
                }
            }
        }
    }

    fn mutate(&mut self, mutate: &Mutate) {
        let update = !mutate.mutation.assignments.is_empty();
        self.text(if update { "UPDATE " } else { "DELETE FROM " });
        self.object_name(&mutate.table);
        self.on_cluster(mutate.on_cluster.as_ref());
        if update {
            self.text(" SET ");
            self.assignments(&mutate.mutation.assignments);
        }
        self.text(" ");
        self.mutation_tail(&mutate.mutation);
    }
}
