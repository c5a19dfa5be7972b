//! SHOW, DESCRIBE, EXISTS, CHECK, EXPLAIN.

use super::{Parse, Parser};
use crate::ast::{
    Check, CreateMode, Describe, Exists, Explain, ExplainKind, ExplainTarget, LikeFilter, ObjectKind, ObjectName, Show,
    ShowList, StatementKind as Kind, TableRef, TableSource,
};
use crate::token::TokenKind;

impl Parser<'_> {
    /// After SHOW.
    pub(super) fn show(&mut self) -> Parse<Kind> {
        let show = if self.accept("CREATE") {
            self.show_create()?
        } else if self.accept("PROCESSLIST") {
            Show::Processlist
        } else if self.accept("ENGINES") {
            Show::Engines
        } else if self.accept("SETTING") {
            Show::Setting(self.ident()?)
        } else if self.accept("CLUSTER") {
            Show::Cluster(self.ident_or_string()?.name)
        } else {
            self.show_list()?
        };
        Ok(Kind::Show(Box::new(show)))
    }

    fn show_create(&mut self) -> Parse<Show> {
        let temporary = self.accept("TEMPORARY");
        let object = if temporary {
            self.accept("TABLE");
            ObjectKind::Table
        } else {
            self.object_kind()
        };
        Ok(Show::Create { object, temporary, name: self.object_name()? })
    }

    /// The word that says what a name belongs to; a table when there is none, or when the word is the name.
    fn object_kind(&mut self) -> ObjectKind {
        let all = [
            ("TABLE", ObjectKind::Table),
            ("VIEW", ObjectKind::View),
            ("DICTIONARY", ObjectKind::Dictionary),
            ("DATABASE", ObjectKind::Database),
        ];
        let name_follows = matches!(self.peek(1).kind, TokenKind::Word | TokenKind::QuotedName | TokenKind::OpenCurly)
            && !["FORMAT", "SETTINGS", "INTO"].iter().any(|word| self.is_word(1, word));
        let found = all.into_iter().find(|(word, _)| name_follows && self.accept(word));
        found.map_or(ObjectKind::Table, |(_, kind)| kind)
    }

    fn show_list(&mut self) -> Parse<Show> {
        let extended = self.accept("EXTENDED");
        let mut list = ShowList { full: self.accept("FULL"), ..ShowList::default() };
        list.temporary = self.accept("TEMPORARY");
        let changed = self.accept("CHANGED");
        if self.accept("TABLES") {
            self.show_filters(&mut list, true)?;
            return Ok(Show::Tables(list));
        }
        if self.accept("DICTIONARIES") {
            self.show_filters(&mut list, true)?;
            return Ok(Show::Dictionaries(list));
        }
        if self.accept("COLUMNS") || self.accept("FIELDS") {
            let table = self.show_table()?;
            self.show_filters(&mut list, false)?;
            return Ok(Show::Columns { extended, table, list });
        }
        if ["INDEXES", "INDEX", "INDICES", "KEYS"].into_iter().any(|word| self.accept(word)) {
            let table = self.show_table()?;
            self.show_filters(&mut list, false)?;
            return Ok(Show::Indexes { extended, table, list });
        }
        let show: fn(ShowList) -> Show = if self.accept("DATABASES") {
            Show::Databases
        } else if self.accept("CLUSTERS") {
            Show::Clusters
        } else if self.accept("MERGES") {
            Show::Merges
        } else if self.accept("FUNCTIONS") {
            Show::Functions
        } else if self.accept("SETTINGS") {
            self.show_filters(&mut list, false)?;
            return Ok(Show::Settings { changed, list });
        } else {
            return self.unexpected("what to show");
        };
        self.show_filters(&mut list, false)?;
        Ok(show(list))
    }

    /// `FROM table [FROM db]`.
    fn show_table(&mut self) -> Parse<ObjectName> {
        if !self.accept("FROM") {
            self.expect_words("IN")?;
        }
        let mut table = self.object_name()?;
        if self.accept("FROM") || self.accept("IN") {
            table.database = Some(self.ident()?);
        }
        Ok(table)
    }

    fn show_filters(&mut self, list: &mut ShowList, with_database: bool) -> Parse<()> {
        if with_database && (self.accept("FROM") || self.accept("IN")) {
            list.database = Some(self.ident()?);
        }
        list.like = self.like_filter()?;
        if list.like.is_none() && self.accept("WHERE") {
            list.filter = Some(self.expr()?);
        }
        if self.accept("LIMIT") {
            list.limit = Some(self.expr()?);
        }
        Ok(())
    }

    /// `[NOT] LIKE|ILIKE 'pattern'`.
    pub(super) fn like_filter(&mut self) -> Parse<Option<LikeFilter>> {
        let negated = self.at("NOT LIKE") || self.at("NOT ILIKE");
        if negated {
            self.advance();
        }
        let case_insensitive = self.accept("ILIKE");
        if !case_insensitive && !self.accept("LIKE") {
            return Ok(None);
        }
        Ok(Some(LikeFilter { negated, case_insensitive, pattern: self.string_text()? }))
    }

    /// After DESCRIBE or DESC.
    pub(super) fn describe(&mut self) -> Parse<Kind> {
        if self.at("TABLE") && !matches!(self.peek(1).kind, TokenKind::End | TokenKind::Semicolon | TokenKind::Dot) {
            self.advance();
        }
        let table = if self.kind() == TokenKind::Word && self.begins_query(0) {
            TableRef::of(TableSource::Subquery(Box::new(self.query()?)))
        } else {
            self.table_ref()?
        };
        Ok(Kind::Describe(Box::new(Describe { table })))
    }

    /// After EXISTS.
    pub(super) fn exists(&mut self) -> Parse<Kind> {
        let temporary = self.accept("TEMPORARY");
        let object = self.object_kind();
        Ok(Kind::Exists(Box::new(Exists { object, temporary, name: self.object_name()? })))
    }

    /// After CHECK.
    pub(super) fn check(&mut self) -> Parse<Kind> {
        if self.accept("ALL TABLES") {
            return Ok(Kind::Check(Box::new(Check::AllTables)));
        }
        self.expect_words("TABLE")?;
        let table = self.object_name()?;
        let has_part = self.at("PARTITION") || self.at("PART");
        let part = if has_part { Some(self.partition_or_part()?) } else { None };
        Ok(Kind::Check(Box::new(Check::Table(table, part))))
    }

    /// After EXPLAIN.
    pub(super) fn explain(&mut self) -> Parse<Kind> {
        let all = [
            ("AST", ExplainKind::Ast),
            ("SYNTAX", ExplainKind::Syntax),
            ("QUERY TREE", ExplainKind::QueryTree),
            ("PLAN", ExplainKind::Plan),
            ("PIPELINE", ExplainKind::Pipeline),
            ("ESTIMATE", ExplainKind::Estimate),
            ("ANALYZE", ExplainKind::Analyze),
            ("TABLE OVERRIDE", ExplainKind::TableOverride),
            ("CURRENT TRANSACTION", ExplainKind::CurrentTransaction),
            ("REFRESH", ExplainKind::Refresh),
        ];
        let kind = all.into_iter().find(|(words, _)| self.accept(words)).map_or(ExplainKind::Plan, |(_, kind)| kind);
        let mut settings = Vec::new();
        if self.kind() == TokenKind::Word && self.peek(1).kind == TokenKind::Equals {
            settings = self.settings()?;
        }
        let target = match kind {
            ExplainKind::CurrentTransaction => ExplainTarget::Nothing,
            ExplainKind::Refresh => ExplainTarget::View(self.object_name()?),
            ExplainKind::TableOverride => ExplainTarget::Words(self.rest_of_statement()),
            _ => ExplainTarget::Statement(Box::new(self.nested(Self::statement_without_end)?)),
        };
        Ok(Kind::Explain(Box::new(Explain { kind, settings, target })))
    }

    /// ATTACH DICTIONARY without a definition.
    pub(super) fn attach_dictionary(&mut self) -> Parse<Kind> {
        let head = self.create_head(CreateMode::Attach)?;
        Ok(self.attach(ObjectKind::Dictionary, head))
    }
}
