//! One client's conversation: its database, settings and parameters, one statement after another.

use std::collections::BTreeMap;
use std::sync::Arc;

use query::QueryContext;
use sql::Statement;
use types::{ErrorCode, Setting, Settings};

use crate::dispatch;
use crate::engine::{DEFAULT_DATABASE, Engine};
use crate::error::{Error, Result};
use crate::processes::{Origin, Process};
use crate::request::{Answer, Request};
use crate::settings;
use crate::telemetry::TEXT_BYTES_MAX;
use crate::telemetry::queries::{Failure, QueryRecord};

/// A session. Statements run one at a time; `SET` and `USE` last until it ends.
#[derive(Debug)]
pub struct Session {
    pub(crate) engine: Engine,
    pub(crate) user: Arc<str>,
    pub(crate) database: Arc<str>,
    pub(crate) settings: Settings,
    pub(crate) params: BTreeMap<String, String>,
}

/// One statement under way.
pub(crate) struct Running {
    pub(crate) statement: Statement,
    pub(crate) request: Request,
    pub(crate) ctx: Arc<QueryContext>,
    pub(crate) started_ns: u64,
    pub(crate) guard: Arc<crate::processes::Running>,
}

impl Session {
    pub(crate) fn new(engine: Engine, user: &str) -> Session {
        let (database, settings) = (DEFAULT_DATABASE.into(), Settings::default());
        Session { engine, user: user.into(), database, settings, params: BTreeMap::new() }
    }

    /// The database that names without one are in.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The settings of the session.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes a setting of the session.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        Ok(self.settings.set(name, value)?)
    }

    /// Values of `{name:Type}` parameters that were SET, as text.
    pub fn params(&self) -> &BTreeMap<String, String> {
        &self.params
    }

    /// Sets a parameter.
    pub fn set_param(&mut self, name: String, value: String) {
        self.params.insert(name, value);
    }

    /// Runs one statement.
    pub async fn execute(&mut self, request: Request) -> Result<Answer> {
        let started_ns = self.engine.env().clock.now_ns();
        let (text, query_id) = (request.text.clone(), request.query_id.clone());
        let running = match self.start(request) {
            Ok(running) => running,
            Err(error) => {
                self.remember_unstarted(&text, query_id, started_ns, &error);
                return Err(error);
            }
        };
        let guard = Arc::clone(&running.guard);
        // on the heap: what a statement keeps while it waits is a hundred kilobytes, which callers would carry on their stack
        let answer = Box::pin(dispatch::run(self, running)).await;
        match &answer {
            Ok(Answer::Done(_)) => guard.ended(),
            // ends when its rows do
            Ok(Answer::Rows(_)) => {}
            Err(error) => guard.failed(error),
        }
        answer
    }

    /// A statement that is none, or may not run, is remembered too.
    fn remember_unstarted(&self, text: &[u8], query_id: Option<String>, started_ns: i64, error: &Error) {
        let text = String::from_utf8_lossy(text.get(..TEXT_BYTES_MAX).unwrap_or(text));
        let text: Arc<str> = query::external::hide_secrets(&text).into();
        let failure = Failure { code: error.code(), message: error.to_string(), was_running: false };
        let record = QueryRecord {
            query_id: query_id.unwrap_or_default().into(),
            user: self.user.clone(),
            database: self.database.clone(),
            text,
            kind: "None",
            started_ns,
            duration_ns: 0,
            progress: Default::default(),
            spilled: Default::default(),
            written_rows: 0,
            written_bytes: 0,
            memory_bytes: 0,
            threads: 0,
            settings: Vec::new(),
            log_comment: String::new(),
            failure: Some(failure),
        };
        self.engine.inner.telemetry.ended(record, self.settings.flag(Setting::LogQueries));
    }

    fn start(&self, request: Request) -> Result<Running> {
        let is_secret = || {
            let text = String::from_utf8_lossy(&request.text);
            sql::has_secrets(&text, &query::external::is_format)
        };
        let statement = sql::parse_statement_bytes(&request.text);
        let statement = statement.map_err(|error| if is_secret() { error.without_text() } else { error })?;
        let text_end = match &statement.kind {
            sql::ast::StatementKind::Insert(insert) => match &insert.source {
                sql::ast::InsertSource::Data(data) => data.data.start as usize,
                _ => request.text.len(),
            },
            _ => request.text.len(),
        };
        let text = String::from_utf8_lossy(request.text.get(..text_end).unwrap_or_default());
        let text: Arc<str> = query::external::hide_secrets(text.trim()).into();
        self.begin(statement, text, request)
    }

    /// Runs the statements of a script, one after another; gives each answer to `give`. The first error ends it.
    pub async fn script<F>(&mut self, text: &str, mut give: F) -> Result<()>
    where
        F: AsyncFnMut(Answer) -> Result<()>,
    {
        for (_, span) in sql::parse_statements(text)? {
            let piece = text.get(span.start as usize..span.end as usize).unwrap_or_default();
            let answer = self.execute(Request::new(piece.to_owned())).await?;
            give(answer).await?;
        }
        Ok(())
    }

    /// Settings and context of a statement; it is listed as running from here on.
    fn begin(&self, statement: Statement, text: Arc<str>, mut request: Request) -> Result<Running> {
        let mut settings = self.settings.clone();
        settings::apply_texts(&mut settings, &request.settings)?;
        // before the statement's own settings: a statement cannot allow itself what its caller may not
        refuse_when_readonly(&statement, &settings)?;
        settings::apply_clauses(&mut settings, &statement)?;
        let query_id = request.query_id.take().map_or_else(|| self.engine.new_query_id(), Into::into);
        let database = request.database.as_deref().unwrap_or(&self.database);
        let mut ctx = self.engine.context(query_id, &self.user, database, settings);
        if request.database.is_some()
            && ctx.snapshot.catalog.database(database).is_none()
            && database != query::system::SYSTEM
        {
            return Err(query::Error::UnknownDatabase(database.to_owned()).into());
        }
        let mut params = self.params.clone();
        params.append(&mut request.params);
        ctx = ctx.with_params(params);
        ctx.cancel = request.cancel.clone();
        let started_ns = self.engine.env().clock.monotonic_ns();
        let ctx = Arc::new(ctx);
        let kind = kind_of(&statement);
        let process = Process { ctx: ctx.clone(), text, started_ns, kind, origin: Origin::Session };
        let guard = self.engine.inner.processes.start(process)?;
        Ok(Running { statement, request, ctx, started_ns, guard })
    }
}

/// What sort of statement it is, in the words of `system.processes` and `system.query_log`.
fn kind_of(statement: &Statement) -> &'static str {
    use sql::ast::StatementKind as Kind;
    match &statement.kind {
        Kind::Query(_) => "Select",
        Kind::Insert(_) => "Insert",
        Kind::CreateDatabase(_)
        | Kind::CreateTable(_)
        | Kind::CreateView(_)
        | Kind::CreateMaterializedView(_)
        | Kind::CreateWindowView(_)
        | Kind::CreateDictionary(_)
        | Kind::CreateNamedCollection(_)
        | Kind::CreateFunction(_)
        | Kind::CreateIndex(_)
        | Kind::Attach(_) => "Create",
        Kind::Drop(_) | Kind::TruncateTables(_) | Kind::DropIndex(_) => "Drop",
        Kind::Rename(_) | Kind::Exchange(_) => "Rename",
        Kind::AlterTable(_) | Kind::AlterDatabase(_) | Kind::AlterNamedCollection(_) => "Alter",
        Kind::Mutate(mutate) if mutate.mutation.assignments.is_empty() => "Delete",
        Kind::Mutate(_) => "Update",
        Kind::Optimize(_) => "Optimize",
        Kind::System(_) => "System",
        Kind::Kill(_) => "KillQuery",
        Kind::Backup(backup) if backup.restores => "Restore",
        Kind::Backup(_) => "Backup",
        Kind::Check(_) => "Check",
        Kind::Undrop(_) => "Undrop",
        Kind::Show(_) => "Show",
        Kind::Describe(_) => "Describe",
        Kind::Exists(_) => "Exists",
        Kind::Explain(_) => "Explain",
        Kind::Set(_) => "Set",
        Kind::Use(_) => "Use",
        _ => "None",
    }
}

/// `readonly = 1`: reads only; `2`: settings may change too.
fn refuse_when_readonly(statement: &Statement, settings: &Settings) -> Result<()> {
    use sql::ast::StatementKind as Kind;
    let readonly = settings.uint(Setting::Readonly);
    let reads = matches!(
        statement.kind,
        Kind::Query(_) | Kind::Show(_) | Kind::Describe(_) | Kind::Exists(_) | Kind::Explain(_) | Kind::Use(_)
    );
    let allowed = reads || (matches!(statement.kind, Kind::Set(_)) && readonly == 2);
    if readonly == 0 || allowed {
        return Ok(());
    }
    let message = "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should \
                   use method POST for modifying queries";
    Err(Error::refused(ErrorCode::READONLY, message))
}
