//! CREATE VIEW, MATERIALIZED VIEW, WINDOW VIEW, and REFRESH.

use super::Printer;
use crate::ast::{
    CreateMaterializedView, CreateView, CreateWindowView, Definer, OnError, Query, Refresh, RefreshMode,
    RefreshSchedule, Security, SecurityKind, Storage, TableElements, TimeSpan, ViewTarget,
};

impl Printer {
    pub(super) fn create_view(&mut self, view: &CreateView) {
        self.create_head("VIEW ", &view.head);
        self.elements_line(view.elements.as_ref());
        self.security_line(&view.security);
        self.comment_line(view.comment.as_deref());
        self.as_query(&view.query);
    }

    pub(super) fn create_materialized_view(&mut self, view: &CreateMaterializedView) {
        self.create_head("MATERIALIZED VIEW ", &view.head);
        if let Some(refresh) = &view.refresh {
            self.line();
            self.text("REFRESH ");
            self.refresh(refresh);
        }
        self.stored(&view.target, view.elements.as_ref(), &view.storage);
        self.text(if view.populate { " POPULATE" } else { "" });
        self.text(if view.empty { " EMPTY" } else { "" });
        self.on_error_line(view.on_error);
        self.security_line(&view.security);
        self.comment_line(view.comment.as_deref());
        self.as_query(&view.query);
    }

    pub(super) fn create_window_view(&mut self, view: &CreateWindowView) {
        self.create_head("WINDOW VIEW ", &view.head);
        self.stored(&view.target, view.elements.as_ref(), &view.storage);
        if let Some(late_to) = &view.late_to {
            self.line();
            self.text("LATE TO ");
            self.object_name(late_to);
        }
        if let Some(deduplicate) = &view.deduplicate {
            self.line();
            self.text("DEDUPLICATE BY ");
            self.expr(&deduplicate.expr);
            if let Some(within) = &deduplicate.within {
                self.text(" WITHIN ");
                self.interval(within);
            }
        }
        let spans = [("WATERMARK = ", &view.watermark), ("ALLOWED_LATENESS = ", &view.allowed_lateness)];
        for (keyword, span) in spans {
            if let Some(span) = span {
                self.line();
                self.text(keyword);
                self.interval(span);
            }
        }
        self.on_error_line(view.on_error);
        self.comment_line(view.comment.as_deref());
        self.as_query(&view.query);
    }

    fn stored(&mut self, target: &ViewTarget, elements: Option<&TableElements>, storage: &Storage) {
        match target {
            ViewTarget::Table(table) => {
                self.text(" TO ");
                self.object_name(table);
            }
            ViewTarget::Inner(Some(uuid)) => {
                self.text(" TO INNER UUID ");
                self.string(uuid);
            }
            ViewTarget::Inner(None) => {}
        }
        self.elements_line(elements);
        self.storage(storage);
    }

    fn elements_line(&mut self, elements: Option<&TableElements>) {
        if let Some(elements) = elements {
            self.line();
            self.table_elements(elements);
        }
    }

    fn as_query(&mut self, query: &Query) {
        self.line();
        self.text("AS ");
        self.query(query);
    }

    fn on_error_line(&mut self, on_error: Option<OnError>) {
        if let Some(on_error) = on_error {
            self.line();
            self.on_error(on_error);
        }
    }

    pub(super) fn on_error(&mut self, on_error: OnError) {
        self.text(match on_error {
            OnError::Block => "ON ERROR BLOCK",
            OnError::Quarantine => "ON ERROR QUARANTINE",
        });
    }

    fn security_line(&mut self, security: &Security) {
        if *security != Security::default() {
            self.line();
            self.security(security);
        }
    }

    pub(super) fn security(&mut self, security: &Security) {
        match &security.definer {
            Some(Definer::CurrentUser) => self.text("DEFINER = CURRENT_USER"),
            Some(Definer::User(user)) => {
                self.text("DEFINER = ");
                // A user who is called so must not become whoever asks.
                match user.name.eq_ignore_ascii_case("CURRENT_USER") {
                    true => self.quoted_ident(user),
                    false => self.ident(user),
                }
            }
            None => {}
        }
        if let Some(kind) = security.kind {
            self.text(if security.definer.is_some() { " " } else { "" });
            self.text(match kind {
                SecurityKind::Definer => "SQL SECURITY DEFINER",
                SecurityKind::Invoker => "SQL SECURITY INVOKER",
                SecurityKind::None => "SQL SECURITY NONE",
            });
        }
    }

    /// After REFRESH, on one line.
    pub(super) fn refresh(&mut self, refresh: &Refresh) {
        let mut gap = self.refresh_schedule(&refresh.schedule);
        if let Some(spread) = &refresh.randomize {
            self.text(gap);
            self.text("RANDOMIZE FOR ");
            self.time_parts(spread);
            gap = " ";
        }
        if !refresh.depends_on.is_empty() {
            self.text(gap);
            self.text("DEPENDS ON ");
            self.list(&refresh.depends_on, Self::object_name);
        }
        if let Some(group) = &refresh.concurrency_group {
            self.text(" CONCURRENCY GROUP ");
            self.ident(group);
        }
        if let Some(priority) = refresh.priority {
            self.display(format_args!(" PRIORITY {priority}"));
        }
        if !refresh.settings.is_empty() {
            self.text(" SETTINGS ");
            self.list(&refresh.settings, Self::setting);
        }
        self.text(match refresh.mode {
            RefreshMode::Replace => "",
            RefreshMode::Append => " APPEND",
            RefreshMode::AppendIncremental => " APPEND INCREMENTAL",
            RefreshMode::ReplacePartitions => " REPLACE PARTITIONS",
        });
    }

    /// Returns what goes between the schedule and the next words.
    fn refresh_schedule(&mut self, schedule: &RefreshSchedule) -> &'static str {
        match schedule {
            RefreshSchedule::Every { period, offset } => {
                self.text("EVERY ");
                self.time_parts(period);
                if let Some(offset) = offset {
                    self.text(" OFFSET ");
                    self.time_parts(offset);
                }
            }
            RefreshSchedule::After(delay) => {
                self.text("AFTER ");
                self.time_parts(delay);
            }
            RefreshSchedule::OnChange(within) => {
                self.text("ON CHANGE");
                if let Some(within) = within {
                    self.text(" WITHIN ");
                    self.time_parts(within);
                }
            }
            RefreshSchedule::Dependencies => return "",
        }
        " "
    }

    /// `1 DAY 2 HOUR`.
    pub(super) fn time_parts(&mut self, span: &TimeSpan) {
        for (index, part) in span.parts.iter().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            self.display(format_args!("{gap}{} {}", part.count, part.unit.name()));
        }
    }

    /// `INTERVAL 5 SECOND`; several parts follow each other.
    fn interval(&mut self, span: &TimeSpan) {
        self.text("INTERVAL ");
        self.time_parts(span);
    }
}
