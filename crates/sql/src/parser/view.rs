//! CREATE VIEW, MATERIALIZED VIEW, WINDOW VIEW, and REFRESH.

use super::operand::interval_parts;
use super::{Parse, Parser};
use crate::ast::{
    CreateMaterializedView, CreateMode, CreateView, CreateWindowView, Deduplicate, Definer, Literal, ObjectKind,
    OnError, Refresh, RefreshMode, RefreshSchedule, Security, SecurityKind, StatementKind as Kind, Storage,
    TableElements, TimePart, TimeSpan, ViewTarget,
};
use crate::token::TokenKind;

/// What a view that stores rows says about where.
struct Stored {
    target: ViewTarget,
    elements: Option<TableElements>,
    storage: Storage,
}

impl Parser<'_> {
    pub(super) fn create_view(&mut self, mode: CreateMode) -> Parse<Kind> {
        let head = self.create_head(mode)?;
        let mut security = self.security()?;
        let elements = self.optional_elements()?;
        if security == Security::default() {
            security = self.security()?;
        }
        let comment = self.comment()?;
        if mode == CreateMode::Attach && !self.at("AS") && elements.is_none() && head.uuid.is_none() {
            return Ok(self.attach(ObjectKind::View, head));
        }
        self.expect_words("AS")?;
        let query = self.query()?;
        let comment = if comment.is_none() { self.comment()? } else { comment };
        Ok(Kind::CreateView(Box::new(CreateView { head, elements, security, comment, query })))
    }

    fn optional_elements(&mut self) -> Parse<Option<TableElements>> {
        if self.kind() == TokenKind::OpenRound { self.table_elements().map(Some) } else { Ok(None) }
    }

    pub(super) fn create_materialized_view(&mut self, mode: CreateMode) -> Parse<Kind> {
        let head = self.create_head(mode)?;
        let mut security = self.security()?;
        let refresh = if self.accept("REFRESH") { Some(self.refresh()?) } else { None };
        let stored = self.stored()?;
        // as in ClickHouse a comment may stand on either side of these
        let early_comment = self.comment()?;
        let mark = self.token();
        let populate = self.accept("POPULATE");
        let empty = !populate && self.accept("EMPTY");
        if populate && refresh.is_some() {
            return self.because(mark, "A refreshable view is filled by its first refresh: POPULATE cannot be used");
        }
        if empty && refresh.is_none() && matches!(stored.target, ViewTarget::Table(_)) {
            return self.because(
                mark,
                "When creating a materialized view you can't declare both 'TO [db].[table]' and 'EMPTY'",
            );
        }
        let on_error = self.on_error()?;
        if security == Security::default() && early_comment.is_none() {
            security = self.security()?;
        }
        let comment = if early_comment.is_none() { self.comment()? } else { early_comment };
        if mode == CreateMode::Attach && !self.at("AS") {
            return Ok(self.attach(ObjectKind::View, head));
        }
        self.expect_words("AS")?;
        let query = self.query()?;
        let comment = if comment.is_none() { self.comment()? } else { comment };
        let Stored { target, elements, storage } = stored;
        let view = CreateMaterializedView {
            head,
            refresh,
            target,
            elements,
            storage,
            populate,
            empty,
            on_error,
            security,
            comment,
            query,
        };
        Ok(Kind::CreateMaterializedView(Box::new(view)))
    }

    /// `TO table [(columns)]`, or `[(columns)] [ENGINE …]`.
    fn stored(&mut self) -> Parse<Stored> {
        let both = "When creating a materialized view you can't declare both 'ENGINE' and 'TO [db].[table]'";
        if self.accept("TO INNER UUID") {
            let uuid = self.string_text()?;
            let elements = self.optional_elements()?;
            return Ok(Stored { target: ViewTarget::Inner(Some(uuid)), elements, storage: self.storage()? });
        }
        if self.accept("TO") {
            let target = ViewTarget::Table(self.object_name()?);
            let elements = self.optional_elements()?;
            let mark = self.token();
            let storage = self.storage()?;
            if storage.engine.is_some() {
                return self.because(mark, both);
            }
            return Ok(Stored { target, elements, storage });
        }
        let elements = self.optional_elements()?;
        let storage = self.storage()?;
        if self.at("TO") {
            return self.because(self.token(), both);
        }
        Ok(Stored { target: ViewTarget::Inner(None), elements, storage })
    }

    pub(super) fn on_error(&mut self) -> Parse<Option<OnError>> {
        if !self.accept("ON ERROR") {
            return Ok(None);
        }
        if self.accept("BLOCK") {
            return Ok(Some(OnError::Block));
        }
        self.expect_words("QUARANTINE")?;
        Ok(Some(OnError::Quarantine))
    }

    /// `[DEFINER = user] [SQL SECURITY kind]` in either order.
    pub(super) fn security(&mut self) -> Parse<Security> {
        let mut security = Security::default();
        loop {
            if security.definer.is_none() && self.accept("DEFINER") {
                self.eat(TokenKind::Equals, "=");
                let current = self.accept("CURRENT_USER");
                security.definer =
                    Some(if current { Definer::CurrentUser } else { Definer::User(self.ident_or_string()?) });
            } else if security.kind.is_none() && self.accept("SQL SECURITY") {
                security.kind = Some(if self.accept("DEFINER") {
                    SecurityKind::Definer
                } else if self.accept("INVOKER") {
                    SecurityKind::Invoker
                } else {
                    self.expect_words("NONE")?;
                    SecurityKind::None
                });
            } else {
                return Ok(security);
            }
        }
    }

    /// After REFRESH.
    pub(super) fn refresh(&mut self) -> Parse<Refresh> {
        let schedule = self.refresh_schedule()?;
        let randomize = if self.accept("RANDOMIZE FOR") { Some(self.time_parts()?) } else { None };
        let depends_on = if self.accept("DEPENDS ON") { self.list(Self::object_name)? } else { Vec::new() };
        if matches!(schedule, RefreshSchedule::Dependencies) && depends_on.is_empty() {
            self.want("AFTER");
            return self.unexpected("EVERY");
        }
        let concurrency_group = if self.accept("CONCURRENCY GROUP") { Some(self.ident()?) } else { None };
        let priority = if self.accept("PRIORITY") { Some(self.signed()?) } else { None };
        let settings = if self.accept("SETTINGS") { self.settings()? } else { Vec::new() };
        let mode = if self.accept("APPEND INCREMENTAL") {
            RefreshMode::AppendIncremental
        } else if self.accept("APPEND") {
            RefreshMode::Append
        } else if self.accept("REPLACE PARTITIONS") {
            RefreshMode::ReplacePartitions
        } else {
            RefreshMode::Replace
        };
        Ok(Refresh { schedule, randomize, depends_on, concurrency_group, priority, settings, mode })
    }

    fn refresh_schedule(&mut self) -> Parse<RefreshSchedule> {
        if self.accept("EVERY") {
            let period = self.time_parts()?;
            let offset = if self.accept("OFFSET") { Some(self.time_parts()?) } else { None };
            return Ok(RefreshSchedule::Every { period, offset });
        }
        if self.accept("AFTER") {
            return Ok(RefreshSchedule::After(self.time_parts()?));
        }
        if self.accept("ON CHANGE") {
            let within = if self.accept("WITHIN") { Some(self.time_parts()?) } else { None };
            return Ok(RefreshSchedule::OnChange(within));
        }
        Ok(RefreshSchedule::Dependencies)
    }

    /// `1 DAY 2 HOUR`: at least one part.
    fn time_parts(&mut self) -> Parse<TimeSpan> {
        let mut parts = Vec::new();
        loop {
            let count = self.unsigned()?;
            let Some(unit) = self.interval_unit() else { return self.unexpected("interval unit") };
            parts.push(TimePart { count, unit });
            if self.kind() != TokenKind::Number {
                return Ok(TimeSpan { parts });
            }
        }
    }

    /// `INTERVAL 5 SECOND`, `INTERVAL '5' SECOND`, `INTERVAL '1 day 2 hour'`, `toIntervalSecond(5)`.
    fn time_span(&mut self) -> Parse<TimeSpan> {
        if !self.accept("INTERVAL") {
            return self.unexpected("INTERVAL");
        }
        if self.kind() != TokenKind::String {
            return self.time_parts();
        }
        let token = self.token();
        let text = self.string()?;
        let wrong = "Must be an integer and a unit";
        let count = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
        if let Some(count) = count {
            let Some(unit) = self.interval_unit() else { return self.unexpected("interval unit") };
            return Ok(TimeSpan { parts: vec![TimePart { count, unit }] });
        }
        let parts = interval_parts(&text).unwrap_or_default().into_iter().map(|(count, unit)| match count {
            Literal::UInt(count) => Some(TimePart { count, unit }),
            _ => None,
        });
        match parts.collect::<Option<Vec<TimePart>>>() {
            Some(parts) if !parts.is_empty() => Ok(TimeSpan { parts }),
            _ => self.because(token, wrong),
        }
    }

    pub(super) fn create_window_view(&mut self, mode: CreateMode) -> Parse<Kind> {
        let head = self.create_head(mode)?;
        let Stored { target, elements, storage } = self.stored()?;
        let late_to = if self.accept("LATE TO") { Some(self.object_name()?) } else { None };
        let deduplicate = if self.accept("DEDUPLICATE BY") {
            let expr = self.expr()?;
            let within = if self.accept("WITHIN") { Some(self.time_span()?) } else { None };
            Some(Deduplicate { expr, within })
        } else {
            None
        };
        let watermark = if self.accept("WATERMARK") {
            self.expect(TokenKind::Equals, "=")?;
            Some(self.time_span()?)
        } else {
            None
        };
        let allowed_lateness = if self.accept("ALLOWED_LATENESS") {
            self.expect(TokenKind::Equals, "=")?;
            Some(self.time_span()?)
        } else {
            None
        };
        let on_error = self.on_error()?;
        let comment = self.comment()?;
        self.expect_words("AS")?;
        let query = self.query()?;
        let comment = if comment.is_none() { self.comment()? } else { comment };
        let view = CreateWindowView {
            head,
            target,
            elements,
            storage,
            late_to,
            deduplicate,
            watermark,
            allowed_lateness,
            on_error,
            comment,
            query,
        };
        Ok(Kind::CreateWindowView(Box::new(view)))
    }
}
