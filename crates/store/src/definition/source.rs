//! The source of a view after `RENAME TABLE`, as ClickHouse has it: inserts find their views by a link that moves with the
//! renamed table, and a view runs only where its link stands at the name that it was made over. So neither the renamed
//! table nor a new one under the old name runs the view, until the table is called as before or the view is attached again.
//!
//! A link that stands elsewhere is written behind the name, past a byte that no name of a table is made with: whoever asks
//! which views a table feeds finds nothing under such a name. Never here: DROP and EXCHANGE, which move no links.

use super::{QualifiedName, Target, ViewDef};

/// Between the name that a view was made over, the database of its link and the link.
const APART: char = '\0';

/// The name that a view was made over, and where its link stands.
fn parts(source: &QualifiedName) -> (QualifiedName, QualifiedName) {
    let mut parts = source.name.splitn(3, APART);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(database), Some(link)) => {
            (QualifiedName::new(source.database.clone(), name), QualifiedName::new(database, link))
        }
        _ => (source.clone(), source.clone()),
    }
}

fn joined(name: &QualifiedName, link: &QualifiedName) -> QualifiedName {
    match name == link {
        true => name.clone(),
        false => {
            let text = format!("{}{APART}{}{APART}{}", name.name, link.database, link.name);
            QualifiedName::new(name.database.clone(), text)
        }
    }
}

impl ViewDef {
    /// The table that it was made over, whether inserts into it run the view or not.
    pub fn named_source(&self) -> Option<QualifiedName> {
        self.insert_source().map(|source| parts(source).0)
    }

    /// The view after the renames, in their order; `None` when they do not touch its source.
    pub fn after_renames(&self, renames: &[(QualifiedName, QualifiedName)]) -> Option<ViewDef> {
        let source = self.insert_source()?;
        let (name, first) = parts(source);
        let link = renames.iter().fold(first.clone(), |link, (from, to)| if link == *from { to.clone() } else { link });
        (link != first).then(|| self.over(joined(&name, &link)))
    }

    /// The view as if it were just attached: inserts into the table that it was made over run it.
    pub fn attached(&self) -> ViewDef {
        match self.named_source() {
            Some(source) => self.over(source),
            None => self.clone(),
        }
    }

    /// The view with every name in it as `of` has it; its own tables, which are ids, stay. A view whose source is called
    /// otherwise then is as if it were just attached.
    pub fn with_names(&self, of: &dyn Fn(&QualifiedName) -> QualifiedName) -> ViewDef {
        let mut view = match self.named_source() {
            Some(source) if of(&source) != source => self.over(of(&source)),
            Some(_) | None => self.clone(),
        };
        let moved = |target: &mut Target| {
            if let Target::Named(name) = target {
                *name = of(name);
            }
        };
        match &mut view {
            ViewDef::Plain => {}
            ViewDef::Incremental { target, .. } => moved(target),
            ViewDef::Window { target, late, .. } => {
                moved(target);
                late.iter_mut().for_each(|late| *late = of(late));
            }
            ViewDef::Refreshable { target, depends_on, .. } => {
                moved(target);
                depends_on.iter_mut().for_each(|view| *view = of(view));
            }
            ViewDef::Live { sources, target } => {
                sources.iter_mut().for_each(|source| *source = of(source));
                moved(target);
            }
        }
        view
    }

    fn over(&self, new: QualifiedName) -> ViewDef {
        let mut view = self.clone();
        if let ViewDef::Incremental { source, .. } | ViewDef::Window { source, .. } = &mut view {
            *source = new;
        }
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> ViewDef {
        let name = |name: &str| QualifiedName::new("d", name);
        ViewDef::Incremental { source: name("s"), target: Target::Named(name("t")), errors: None }
    }

    fn renamed(view: &ViewDef, renames: &[(&str, &str)]) -> Option<ViewDef> {
        let name = |name: &str| QualifiedName::new("d", name);
        let renames: Vec<_> = renames.iter().map(|(from, to)| (name(from), name(to))).collect();
        view.after_renames(&renames)
    }

    #[test]
    fn a_view_is_back_when_its_source_is_called_as_before() {
        let away = renamed(&view(), &[("s", "s2")]).expect("its source was renamed");
        assert_ne!(away.insert_source(), view().insert_source());
        assert_eq!(away.named_source(), view().named_source());
        // a new table under the old name takes no link along
        assert_eq!(renamed(&away, &[("s", "s3")]), None);
        assert_eq!(renamed(&away, &[("s", "s3"), ("s2", "s")]), Some(view()));
        assert_eq!(away.attached(), view());
    }

    #[test]
    fn all_names_of_a_view_follow_and_a_source_that_does_not_move_keeps_its_link() {
        let shop = |name: &QualifiedName| match &*name.name {
            "other" => name.clone(),
            _ => QualifiedName::new("shop", name.name.clone()),
        };
        let name = |database: &str, name: &str| QualifiedName::new(database, name);
        let away = renamed(&view(), &[("s", "s2")]).expect("its source was renamed");
        let moved =
            ViewDef::Incremental { source: name("shop", "s"), target: Target::Named(name("shop", "t")), errors: None };
        assert_eq!((view().with_names(&shop), away.with_names(&shop)), (moved.clone(), moved));
        let same = |name: &QualifiedName| name.clone();
        assert_eq!(away.with_names(&same), away);
        let window = |database: &str| ViewDef::Window {
            source: name("d", "other"),
            target: Target::Inner(types::TableId(7)),
            late: Some(name(database, "late")),
            state: vec![types::TableId(8)],
            errors: None,
        };
        assert_eq!(window("d").with_names(&shop), window("shop"));
        let refreshed = |database: &str| ViewDef::Refreshable {
            target: Target::Named(name(database, "t")),
            depends_on: vec![name(database, "a"), name("d", "other")],
            state: Vec::new(),
        };
        assert_eq!(refreshed("d").with_names(&shop), refreshed("shop"));
    }

    #[test]
    fn a_rename_of_something_else_changes_nothing() {
        assert_eq!(renamed(&view(), &[("x", "s2")]), None);
        assert_eq!(
            renamed(&view(), &[("s", "tmp"), ("q", "s"), ("tmp", "s9")]).map(|view| view.attached()),
            Some(view())
        );
    }
}
