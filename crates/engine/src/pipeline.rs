//! What a program that runs a pipeline asks of a session: its statements one by one, and where rows land.

use store::{TableDef, ViewDef, Visibility};
use types::ErrorCode;
use views::InsertOptions;

use crate::error::Result;
use crate::request::{Answer, Request};
use crate::session::Session;

/// A table that rows are meant to land in: it keeps dead letters, or feeds a window view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Landing {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// Where its bad rows go: `database`.`table`, quoted.
    pub dead_letters: Option<String>,
}

/// The statements of a script, as text. Data of an INSERT belongs to its statement.
pub fn statements(script: &str) -> Result<Vec<&str>> {
    let parsed = sql::parse_statements(script)?;
    Ok(parsed.iter().filter_map(|(_, span)| script.get(span.start as usize..span.end as usize)).collect())
}

impl Session {
    /// The engine that this session is of.
    pub fn engine(&self) -> &crate::Engine {
        &self.engine
    }

    /// Runs a script so that it can be run again: a CREATE of what is there already is passed over. Rows that statements
    /// answer are dropped.
    pub async fn set_up(&mut self, script: &str) -> Result<()> {
        for (statement, span) in sql::parse_statements(script)? {
            let text = script.get(span.start as usize..span.end as usize).unwrap_or_default();
            match self.execute(Request::new(text.to_owned())).await {
                Ok(Answer::Rows(rows)) => drop(rows.collect().await?),
                Ok(Answer::Done(_)) => {}
                Err(error) if is_create(&statement) && is_there(error.code()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The tables that rows are meant to land in, by name.
    pub fn landings(&self) -> Result<Vec<Landing>> {
        let ctx = self.input_context();
        let catalog = &ctx.snapshot.catalog;
        let mut landings = Vec::new();
        for table in catalog.tables().filter(|table| table.view.is_none() && table.visibility == Visibility::Listed) {
            let name = table.qualified_name();
            let feeds_windows = catalog.tables().any(|view| is_window_over(view, table));
            let into = match self.engine.inner.views.insert(table, &ctx, InsertOptions::default()) {
                Ok(into) => into,
                // what takes no inserts is nowhere to land
                Err(_) => continue,
            };
            let letters = &into.table().dead_letters;
            if feeds_windows || letters.is_some() {
                let dead_letters = letters.as_ref().map(|letters| {
                    format!("{}.{}", sql::back_quote(&letters.database), sql::back_quote(&letters.name))
                });
                landings.push(Landing {
                    database: name.database.to_string(),
                    table: name.name.to_string(),
                    dead_letters,
                });
            }
        }
        landings.sort_by(|a, b| (&a.database, &a.table).cmp(&(&b.database, &b.table)));
        Ok(landings)
    }
}

fn is_window_over(view: &TableDef, table: &TableDef) -> bool {
    matches!(&view.view, Some(ViewDef::Window { source, .. }) if *source == table.qualified_name())
}

fn is_create(statement: &sql::Statement) -> bool {
    use sql::ast::StatementKind as Kind;
    matches!(
        statement.kind,
        Kind::CreateDatabase(_)
            | Kind::CreateTable(_)
            | Kind::CreateView(_)
            | Kind::CreateMaterializedView(_)
            | Kind::CreateWindowView(_)
    )
}

fn is_there(code: ErrorCode) -> bool {
    code == ErrorCode::TABLE_ALREADY_EXISTS || code == ErrorCode::DATABASE_ALREADY_EXISTS
}
