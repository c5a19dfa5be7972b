//! Statements by their first words, and what may follow any of them.

use super::{Parse, Parser};
use crate::ast::{
    CreateMode, DataType, DropAction, Expr, KnownStatement, Mutate, Outfile, Setting, Span, Statement,
    StatementKind as Kind, Tail,
};
use crate::error::Error;
use crate::token::TokenKind;

/// First words of statements that are recognised but not analysed.
const KNOWN: &[&str] = &[
    "CREATE USER",
    "CREATE ROLE",
    "CREATE ROW POLICY",
    "CREATE POLICY",
    "CREATE QUOTA",
    "CREATE SETTINGS PROFILE",
    "CREATE PROFILE",
    "CREATE OR REPLACE USER",
    "CREATE OR REPLACE ROLE",
    "CREATE OR REPLACE QUOTA",
    "CREATE OR REPLACE ROW POLICY",
    "CREATE WORKLOAD",
    "CREATE OR REPLACE WORKLOAD",
    "CREATE RESOURCE",
    "CREATE OR REPLACE RESOURCE",
    "CREATE LIVE VIEW",
    "ALTER USER",
    "ALTER ROLE",
    "ALTER ROW POLICY",
    "ALTER POLICY",
    "ALTER QUOTA",
    "ALTER SETTINGS PROFILE",
    "ALTER PROFILE",
    "DROP USER",
    "DROP ROLE",
    "DROP ROW POLICY",
    "DROP POLICY",
    "DROP QUOTA",
    "DROP SETTINGS PROFILE",
    "DROP PROFILE",
    "DROP WORKLOAD",
    "DROP RESOURCE",
    "GRANT",
    "REVOKE",
    "SET ROLE",
    "SET DEFAULT ROLE",
    "MOVE USER",
    "MOVE ROLE",
    "MOVE QUOTA",
    "MOVE ROW POLICY",
    "MOVE SETTINGS PROFILE",
    "EXECUTE AS",
    "WATCH",
    "SHOW GRANTS",
    "SHOW USERS",
    "SHOW ROLES",
    "SHOW CURRENT ROLES",
    "SHOW ENABLED ROLES",
    "SHOW ACCESS",
    "SHOW PRIVILEGES",
    "SHOW FILESYSTEM CACHES",
    "SHOW QUOTAS",
    "SHOW QUOTA",
    "SHOW CURRENT QUOTA",
    "SHOW ROW POLICIES",
    "SHOW POLICIES",
    "SHOW SETTINGS PROFILES",
    "SHOW PROFILES",
    "SHOW CREATE USER",
    "SHOW CREATE ROLE",
    "SHOW CREATE QUOTA",
    "SHOW CREATE ROW POLICY",
    "SHOW CREATE POLICY",
    "SHOW CREATE SETTINGS PROFILE",
    "SHOW CREATE PROFILE",
];

impl Parser<'_> {
    /// The whole text is one statement; one semicolon or more may follow it.
    pub fn only_statement(&mut self) -> Result<Statement, Error> {
        self.only_statement_here().map_err(|failure| self.error(failure))
    }

    fn only_statement_here(&mut self) -> Parse<Statement> {
        let statement = self.statement_without_end()?;
        self.end_of_statement()?;
        while self.kind() == TokenKind::Semicolon {
            self.advance();
        }
        if self.kind() == TokenKind::End {
            return Ok(statement);
        }
        self.because(self.token(), "Multi-statements are not allowed")
    }

    /// The next statement of a script; None at its end.
    pub fn next_statement(&mut self) -> Result<Option<(Statement, Span)>, Error> {
        self.next_statement_here().map_err(|failure| self.error(failure))
    }

    fn next_statement_here(&mut self) -> Parse<Option<(Statement, Span)>> {
        while self.kind() == TokenKind::Semicolon {
            self.advance();
        }
        if self.kind() == TokenKind::End {
            return Ok(None);
        }
        let start = self.start();
        self.restart(start);
        let statement = self.statement_without_end()?;
        let span = self.span_from(start);
        let span = Span::new(start, span.end.max(data_end(&statement)));
        self.end_of_statement()?;
        Ok(Some((statement, span)))
    }

    /// The whole text is one expression, perhaps with an alias.
    pub fn only_expression(&mut self) -> Result<Expr, Error> {
        self.expr_alias().and_then(|expr| self.end_of_text().map(|()| expr)).map_err(|failure| self.error(failure))
    }

    /// An expression at the beginning of the text, and the byte where it ends.
    pub fn first_expression(&mut self) -> Result<(Expr, usize), Error> {
        self.map_literals = true;
        let expr = self.expr().map_err(|failure| self.error(failure))?;
        Ok((expr, self.position_after()))
    }

    /// The whole text is one data type.
    pub fn only_data_type(&mut self) -> Result<DataType, Error> {
        self.data_type()
            .and_then(|data_type| self.end_of_text().map(|()| data_type))
            .map_err(|failure| self.error(failure))
    }

    pub(super) fn statement_without_end(&mut self) -> Parse<Statement> {
        let kind = self.statement_kind()?;
        // What is not analysed has swallowed its tail.
        let tail = if matches!(kind, Kind::Known(_)) { Tail::default() } else { self.tail()? };
        Ok(Statement { kind, tail })
    }

    fn statement_kind(&mut self) -> Parse<Kind> {
        self.want("SELECT");
        self.want("WITH");
        if self.kind() == TokenKind::OpenRound || self.at("SELECT") || self.at("FROM") {
            return Ok(Kind::Query(Box::new(self.query()?)));
        }
        if self.at("WITH") {
            return self.with_statement();
        }
        if let Some(known) = self.known_statement() {
            return Ok(known);
        }
        if self.accept("INSERT INTO") {
            return self.insert(None);
        }
        if self.accept("BACKUP") {
            return Ok(Kind::Backup(Box::new(self.backup(false)?)));
        }
        if self.accept("RESTORE") {
            return Ok(Kind::Backup(Box::new(self.backup(true)?)));
        }
        if let Some(ddl) = self.ddl_statement()? {
            return Ok(ddl);
        }
        if self.accept("ALTER") {
            return self.alter();
        }
        if self.accept("SHOW") {
            return self.show();
        }
        if self.accept("DESCRIBE") || self.accept("DESC") {
            return self.describe();
        }
        if self.accept("EXISTS") {
            return self.exists();
        }
        if self.accept("EXPLAIN") {
            return self.explain();
        }
        if self.accept("CHECK") {
            return self.check();
        }
        if self.accept("SYSTEM") {
            return self.system();
        }
        if self.accept("KILL") {
            return self.kill();
        }
        self.session_statement()
    }

    fn ddl_statement(&mut self) -> Parse<Option<Kind>> {
        Ok(Some(if self.accept("CREATE OR REPLACE") {
            self.create(CreateMode::CreateOrReplace)?
        } else if self.accept("CREATE") {
            self.create(CreateMode::Create)?
        } else if self.accept("REPLACE") {
            self.create(CreateMode::Replace)?
        } else if self.accept("ATTACH DICTIONARY") {
            self.attach_dictionary()?
        } else if self.accept("ATTACH") {
            self.create(CreateMode::Attach)?
        } else if self.accept("DROP") {
            self.drop_object(DropAction::Drop)?
        } else if self.accept("DETACH") {
            self.drop_object(DropAction::Detach)?
        } else if self.accept("TRUNCATE") {
            self.drop_object(DropAction::Truncate)?
        } else if self.accept("UNDROP") {
            self.undrop()?
        } else if self.accept("RENAME") {
            self.rename()?
        } else if self.accept("EXCHANGE") {
            self.exchange()?
        } else if self.accept("OPTIMIZE") {
            self.optimize()?
        } else if self.accept("DELETE FROM") {
            let table = self.object_name()?;
            let on_cluster = self.on_cluster()?;
            let mutation = self.mutation_tail(Vec::new())?;
            Kind::Mutate(Box::new(Mutate { table, on_cluster, mutation }))
        } else if self.accept("UPDATE") {
            let table = self.object_name()?;
            let on_cluster = self.on_cluster()?;
            self.expect_words("SET")?;
            let assignments = self.assignments()?;
            let mutation = self.mutation_tail(assignments)?;
            Kind::Mutate(Box::new(Mutate { table, on_cluster, mutation }))
        } else {
            return Ok(None);
        }))
    }

    fn session_statement(&mut self) -> Parse<Kind> {
        if self.accept("SET TRANSACTION SNAPSHOT") {
            return Ok(Kind::SetTransactionSnapshot(self.unsigned()?));
        }
        if self.accept("SET") {
            return Ok(Kind::Set(self.settings()?));
        }
        if self.accept("USE") {
            if !matches!(self.peek(1).kind, TokenKind::End | TokenKind::Semicolon) {
                self.accept("DATABASE");
            }
            return Ok(Kind::Use(self.ident()?));
        }
        if self.accept("VERIFY VIEW") {
            return Ok(Kind::VerifyView(self.object_name()?));
        }
        if self.accept("BEGIN TRANSACTION") {
            return Ok(Kind::Begin);
        }
        if self.accept("COMMIT") {
            return Ok(Kind::Commit);
        }
        self.expect_words("ROLLBACK")?;
        Ok(Kind::Rollback)
    }

    /// `WITH … SELECT …`, or `WITH … INSERT INTO … SELECT …`.
    fn with_statement(&mut self) -> Parse<Kind> {
        let start = self.start();
        let with = self.with()?;
        if self.accept("INSERT INTO") {
            return self.insert(with);
        }
        self.pending_with = with;
        let mut query = self.query()?;
        query.span.start = start;
        Ok(Kind::Query(Box::new(query)))
    }

    fn known_statement(&mut self) -> Option<Kind> {
        let name = KNOWN.iter().find(|words| self.at(words))?;
        let text = self.rest_of_statement();
        Some(Kind::Known(Box::new(KnownStatement { name: (*name).to_owned(), text })))
    }

    /// `[INTO OUTFILE …] [FORMAT name] [SETTINGS …]`; SETTINGS and FORMAT in either order.
    fn tail(&mut self) -> Parse<Tail> {
        let mut tail = Tail::default();
        if self.accept("INTO OUTFILE") {
            tail.outfile = Some(self.outfile()?);
        }
        if self.accept("SETTINGS") {
            tail.settings = self.settings()?;
        }
        if self.accept("FORMAT") {
            tail.format = Some(self.ident()?);
            if self.accept("SETTINGS") {
                let more: Vec<Setting> = self.settings()?;
                tail.settings.extend(more);
            }
        }
        Ok(tail)
    }

    fn outfile(&mut self) -> Parse<Outfile> {
        let path = self.string_text()?;
        let append = self.accept("APPEND");
        let truncate = !append && self.accept("TRUNCATE");
        let and_stdout = self.accept("AND STDOUT");
        let compression = if self.accept("COMPRESSION") { Some(self.string_text()?) } else { None };
        let level = if compression.is_some() && self.accept("LEVEL") { Some(self.unsigned()?) } else { None };
        Ok(Outfile { path, append, truncate, and_stdout, compression, level })
    }
}

/// The end of inline data; 0 when there is none.
fn data_end(statement: &Statement) -> u32 {
    match &statement.kind {
        Kind::Insert(insert) => match &insert.source {
            crate::ast::InsertSource::Data(data) => data.data.end,
            _ => 0,
        },
        _ => 0,
    }
}
