//! SYSTEM, KILL, DROP, RENAME, EXCHANGE, OPTIMIZE and other commands.

use super::{Parse, Parser};
use crate::ast::{
    Drop, DropAction, DropIndex, Exchange, Ident, Kill, KillMode, KillWhat, ObjectKind, ObjectName, Optimize, Rename,
    StatementKind as Kind, Switch, System, SystemCommand, TruncateTables, Undrop,
};
use crate::token::TokenKind;

impl Parser<'_> {
    /// After SYSTEM.
    pub(super) fn system(&mut self) -> Parse<Kind> {
        let command = self.system_command()?;
        let on_cluster = match command {
            SystemCommand::Other(_) => None,
            _ => self.on_cluster()?,
        };
        Ok(Kind::System(Box::new(System { command, on_cluster })))
    }

    fn system_command(&mut self) -> Parse<SystemCommand> {
        if let Some(command) = self.view_command()? {
            return Ok(command);
        }
        if self.accept("RELOAD DICTIONARIES") {
            return Ok(SystemCommand::ReloadDictionary(None));
        }
        if self.accept("RELOAD DICTIONARY") {
            return Ok(SystemCommand::ReloadDictionary(Some(self.object_name()?)));
        }
        if self.accept("FLUSH LOGS") {
            return Ok(SystemCommand::FlushLogs(self.optional_names()?));
        }
        if self.accept("FLUSH ASYNC INSERT QUEUE") {
            return Ok(SystemCommand::FlushAsyncInsertQueue(self.optional_names()?));
        }
        if self.accept("SHUTDOWN") {
            return Ok(SystemCommand::Shutdown);
        }
        if let Some(command) = self.switch_command()? {
            return Ok(command);
        }
        let has_no_views = [
            "LOAD VIEW",
            "LOAD VIEWS",
            "UNLOAD VIEW",
            "UNLOAD VIEWS",
            "WAIT VIEWS",
            "STOP REPLICATED VIEWS",
            "START REPLICATED VIEWS",
            "PAUSE REPLICATED VIEW",
        ];
        if has_no_views.iter().any(|words| self.at(words)) {
            return self.unexpected("SYSTEM command");
        }
        let words = self.rest_of_statement();
        if words.is_empty() { self.unexpected("SYSTEM command") } else { Ok(SystemCommand::Other(words)) }
    }

    fn view_command(&mut self) -> Parse<Option<SystemCommand>> {
        if let Some(command) = self.plain_view_command()? {
            return Ok(Some(command));
        }
        Ok(Some(if self.accept("STOP VIEWS") {
            SystemCommand::StopView(None)
        } else if self.accept("START VIEWS") {
            SystemCommand::StartView(None)
        } else if self.accept("PAUSE VIEWS") {
            SystemCommand::PauseView(None)
        } else if self.accept("PAUSE VIEW") {
            SystemCommand::PauseView(Some(self.object_name()?))
        } else if self.accept("STOP VIEW") {
            SystemCommand::StopView(Some(self.object_name()?))
        } else if self.accept("START VIEW") {
            SystemCommand::StartView(Some(self.object_name()?))
        } else if self.accept("STOP REPLICATED VIEW") {
            SystemCommand::ReplicatedView(Switch::Stop, self.object_name()?)
        } else if self.accept("START REPLICATED VIEW") {
            SystemCommand::ReplicatedView(Switch::Start, self.object_name()?)
        } else if self.accept("REFRESH VIEW") {
            let view = self.object_name()?;
            let partitions = if self.accept("PARTITION") { self.list(Self::partition)? } else { Vec::new() };
            SystemCommand::RefreshView(view, partitions)
        } else if self.accept("TEST VIEW") {
            let view = self.object_name()?;
            if self.accept("UNSET FAKE TIME") {
                SystemCommand::TestView(view, None)
            } else {
                self.expect_words("SET FAKE TIME")?;
                SystemCommand::TestView(view, Some(self.string_text()?))
            }
        } else if self.accept("ROLLBACK VIEW") {
            let view = self.object_name()?;
            let generation = if self.accept("TO GENERATION") { self.signed()? } else { -1 };
            SystemCommand::RollbackView(view, generation)
        } else {
            return Ok(None);
        }))
    }

    fn plain_view_command(&mut self) -> Parse<Option<SystemCommand>> {
        let command = if self.accept("WAIT VIEW") {
            SystemCommand::WaitView
        } else if self.accept("CANCEL VIEW") {
            SystemCommand::CancelView
        } else if self.accept("REPAIR VIEW") {
            SystemCommand::RepairView
        } else {
            return Ok(None);
        };
        Ok(Some(command(self.object_name()?)))
    }

    /// `START|STOP [TTL] MERGES|MOVES [table]`, but not `… ON VOLUME`.
    fn switch_command(&mut self) -> Parse<Option<SystemCommand>> {
        let switch = match (self.at("START"), self.at("STOP")) {
            (true, _) => Switch::Start,
            (_, true) => Switch::Stop,
            _ => return Ok(None),
        };
        let (command, words) = if self.is_word(1, "MERGES") {
            (SystemCommand::Merges as fn(Switch, Option<ObjectName>) -> SystemCommand, 2)
        } else if self.is_word(1, "MOVES") {
            (SystemCommand::Moves as fn(Switch, Option<ObjectName>) -> SystemCommand, 2)
        } else if self.is_word(1, "TTL") && self.is_word(2, "MERGES") {
            (SystemCommand::TtlMerges as fn(Switch, Option<ObjectName>) -> SystemCommand, 3)
        } else {
            return Ok(None);
        };
        if self.is_word(words, "ON") && !self.is_word(words + 1, "CLUSTER") {
            return Ok(None);
        }
        for _ in 0..words {
            self.advance();
        }
        Ok(Some(command(switch, self.optional_names()?.pop())))
    }

    fn optional_names(&mut self) -> Parse<Vec<ObjectName>> {
        let named = matches!(self.kind(), TokenKind::Word | TokenKind::QuotedName | TokenKind::OpenCurly)
            && !["ON", "FORMAT", "SETTINGS"].iter().any(|word| self.at(word));
        if named { self.list(Self::object_name) } else { Ok(Vec::new()) }
    }

    /// After KILL.
    pub(super) fn kill(&mut self) -> Parse<Kind> {
        let what = if self.accept("QUERY") {
            KillWhat::Query
        } else if self.accept("MUTATION") {
            KillWhat::Mutation
        } else {
            self.expect_words("TRANSACTION")?;
            KillWhat::Transaction
        };
        let on_cluster = self.on_cluster()?;
        self.expect_words("WHERE")?;
        let filter = self.expr()?;
        let mode = if self.accept("SYNC") {
            KillMode::Sync
        } else if self.accept("TEST") {
            KillMode::Test
        } else {
            self.accept("ASYNC");
            KillMode::Async
        };
        Ok(Kind::Kill(Box::new(Kill { what, on_cluster, filter, mode })))
    }

    /// After DROP, DETACH or TRUNCATE.
    pub(super) fn drop_object(&mut self, action: DropAction) -> Parse<Kind> {
        if action == DropAction::Drop && self.accept("INDEX") {
            return self.drop_index();
        }
        if action == DropAction::Truncate && (self.accept("ALL TABLES") || self.accept("TABLES")) {
            return self.truncate_tables();
        }
        let temporary = self.accept("TEMPORARY");
        let object = self.dropped_kind(action)?;
        let if_exists = self.accept("IF EXISTS");
        let if_empty = self.accept("IF EMPTY");
        let several = action == DropAction::Drop && matches!(object, ObjectKind::Table | ObjectKind::View);
        let mut names = vec![self.object_name()?];
        while several && self.comma() {
            names.push(self.object_name()?);
        }
        let uuid = self.uuid()?;
        let on_cluster = self.on_cluster()?;
        let permanently = action == DropAction::Detach && self.accept("PERMANENTLY");
        let sync = self.accept("SYNC") || self.accept("NO DELAY");
        let drop = Drop { action, object, temporary, if_exists, if_empty, names, uuid, on_cluster, permanently, sync };
        Ok(Kind::Drop(Box::new(drop)))
    }

    fn dropped_kind(&mut self, action: DropAction) -> Parse<ObjectKind> {
        let always = [
            ("TABLE", ObjectKind::Table),
            ("VIEW", ObjectKind::View),
            ("DICTIONARY", ObjectKind::Dictionary),
            ("DATABASE", ObjectKind::Database),
        ];
        for (word, object) in always {
            // `TRUNCATE table` may name a table without the word.
            let is_name = action == DropAction::Truncate
                && !matches!(self.peek(1).kind, TokenKind::Word | TokenKind::QuotedName | TokenKind::OpenCurly);
            if !is_name && self.accept(word) {
                return Ok(object);
            }
        }
        if action == DropAction::Truncate {
            return Ok(ObjectKind::Table);
        }
        let only_drop = [
            ("FUNCTION", ObjectKind::Function),
            ("NAMED COLLECTION", ObjectKind::NamedCollection),
            ("CONCURRENCY GROUP", ObjectKind::ConcurrencyGroup),
        ];
        for (words, object) in only_drop {
            if action == DropAction::Drop && self.accept(words) {
                return Ok(object);
            }
        }
        self.unexpected("USER")
    }

    fn drop_index(&mut self) -> Parse<Kind> {
        let if_exists = self.accept("IF EXISTS");
        let name = self.ident()?;
        self.expect_words("ON")?;
        let table = self.object_name()?;
        let on_cluster = self.on_cluster()?;
        Ok(Kind::DropIndex(Box::new(DropIndex { if_exists, name, table, on_cluster })))
    }

    fn truncate_tables(&mut self) -> Parse<Kind> {
        if !self.accept("FROM") {
            self.expect_words("IN")?;
        }
        let if_exists = self.accept("IF EXISTS");
        let database = self.ident()?;
        let filter = self.like_filter()?;
        let on_cluster = self.on_cluster()?;
        Ok(Kind::TruncateTables(Box::new(TruncateTables { if_exists, database, filter, on_cluster })))
    }

    /// After UNDROP.
    pub(super) fn undrop(&mut self) -> Parse<Kind> {
        self.expect_words("TABLE")?;
        let name = self.object_name()?;
        let uuid = self.uuid()?;
        let on_cluster = self.on_cluster()?;
        Ok(Kind::Undrop(Box::new(Undrop { name, uuid, on_cluster })))
    }

    /// After RENAME.
    pub(super) fn rename(&mut self) -> Parse<Kind> {
        let object = if self.accept("DATABASE") {
            ObjectKind::Database
        } else if self.accept("DICTIONARY") {
            ObjectKind::Dictionary
        } else {
            if !self.is_word(1, "TO") {
                self.accept("TABLE");
            }
            ObjectKind::Table
        };
        let if_exists = self.accept("IF EXISTS");
        let pairs = self.list(|parser| {
            let from = parser.object_name()?;
            parser.expect_words("TO")?;
            Ok((from, parser.object_name()?))
        })?;
        let on_cluster = self.on_cluster()?;
        Ok(Kind::Rename(Box::new(Rename { object, if_exists, pairs, on_cluster })))
    }

    /// After EXCHANGE.
    pub(super) fn exchange(&mut self) -> Parse<Kind> {
        let object = if self.accept("TABLES") {
            ObjectKind::Table
        } else {
            self.expect_words("DICTIONARIES")?;
            ObjectKind::Dictionary
        };
        let left = self.object_name()?;
        self.expect_words("AND")?;
        let right = self.object_name()?;
        let on_cluster: Option<Ident> = self.on_cluster()?;
        Ok(Kind::Exchange(Box::new(Exchange { object, left, right, on_cluster })))
    }

    /// After OPTIMIZE.
    pub(super) fn optimize(&mut self) -> Parse<Kind> {
        if matches!(self.peek(1).kind, TokenKind::Word | TokenKind::QuotedName | TokenKind::OpenCurly) {
            self.accept("TABLE");
        }
        let table = self.object_name()?;
        let on_cluster = self.on_cluster()?;
        let partition = if self.accept("PARTITION") { Some(self.partition()?) } else { None };
        let is_final = self.accept("FINAL") || self.accept("FORCE");
        let deduplicate = if self.accept("DEDUPLICATE") {
            Some(if self.accept("BY") { self.exprs()? } else { Vec::new() })
        } else {
            None
        };
        let cleanup = self.accept("CLEANUP");
        let optimize = Optimize { table, on_cluster, partition, is_final, deduplicate, cleanup };
        Ok(Kind::Optimize(Box::new(optimize)))
    }
}
