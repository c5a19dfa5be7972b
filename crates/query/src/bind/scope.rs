//! What names mean inside one SELECT: its tables' columns, its aliases, lambda parameters, and the query around it.
//!
//! ```text
//! parameter of a lambda ─▶ alias (unless it is being resolved) ─▶ column ─▶ the query around (correlated)
//! ```

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use types::DataType;

use super::attach::Attachments;
use super::binder::QueryEnv;
use super::typed::Typed;

/// One table of a FROM, as qualifiers name it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// `AS alias`; it hides the table's own name.
    pub alias: Option<String>,
    pub database: String,
    pub table: String,
}

impl Source {
    /// How many of `parts` name this source by its alias.
    fn matches_alias(&self, parts: &[&str]) -> Option<usize> {
        (self.alias.as_deref() == parts.first().copied() && self.alias.is_some()).then_some(1)
    }

    /// How many of `parts` name this source by its own name, which an alias does not hide: `t` 1, `db.t` 2.
    fn matches_name(&self, parts: &[&str]) -> Option<usize> {
        if self.table.is_empty() {
            return None;
        }
        if parts.len() > 1 && parts[0] == self.database && parts[1] == self.table {
            return Some(2);
        }
        (parts.first() == Some(&self.table.as_str())).then_some(1)
    }
}

/// A column that expressions can name.
#[derive(Clone, Debug)]
pub(crate) struct ScopeColumn {
    /// In the plan.
    pub column: Column,
    /// As the user names it.
    pub name: Arc<str>,
    pub ty: DataType,
    /// Position in [`Scope::sources`]; none for the common columns of USING.
    pub source: Option<usize>,
    /// In `*`.
    pub in_asterisk: bool,
    /// Found without a qualifier. False for the two sides of a USING column.
    pub unqualified: bool,
    /// ARRAY JOIN made it of an array's elements.
    pub is_element: bool,
}

/// The tables named by WITH, innermost first.
#[derive(Clone, Default)]
pub(crate) struct Ctes(Option<Rc<CteLink>>);

pub(crate) struct CteLink {
    pub cte: CteDef,
    outer: Ctes,
}

/// A named query, or the table that a recursive one reads itself from.
#[derive(Clone)]
pub(crate) enum CteDef {
    Query {
        cte: Rc<sql::ast::Cte>,
        recursive: bool,
        outer: Ctes,
    },
    /// `name` as users say it, `work` as the plan calls it.
    WorkTable {
        name: String,
        work: String,
        columns: Vec<(Arc<str>, DataType)>,
    },
}

impl CteDef {
    fn name(&self) -> &str {
        match self {
            CteDef::Query { cte, .. } => &cte.name.name,
            CteDef::WorkTable { name, .. } => name,
        }
    }
}

impl Ctes {
    pub(crate) fn with(&self, cte: CteDef) -> Ctes {
        Ctes(Some(Rc::new(CteLink { cte, outer: self.clone() })))
    }

    /// The innermost one of that name.
    pub(crate) fn find(&self, name: &str) -> Option<CteDef> {
        let mut link = self.0.as_ref();
        while let Some(found) = link {
            if found.cte.name() == name {
                return Some(found.cte.clone());
            }
            link = found.outer.0.as_ref();
        }
        None
    }
}

/// What names mean inside one SELECT.
pub(crate) struct Scope<'p> {
    pub env: Rc<QueryEnv>,
    pub ctes: Ctes,
    /// The query around this one.
    pub parent: Option<&'p Scope<'p>>,
    pub sources: Vec<Source>,
    pub columns: Vec<ScopeColumn>,
    pub aliases: Rc<HashMap<String, Rc<sql::Expr>>>,
    pub windows: HashMap<String, sql::ast::WindowSpec>,
    /// Aliases bound already, and the aliases that each one used.
    pub bound_aliases: RefCell<HashMap<String, (Typed, HashSet<String>)>>,
    /// Aliases being bound now, outermost first.
    pub resolving: RefCell<Vec<Resolving>>,
    /// Parameters of the lambdas around, outermost first.
    pub parameters: RefCell<Vec<(String, Typed)>>,
    /// Joins and unnests that bound expressions need below them.
    pub attachments: RefCell<Attachments>,
    /// Columns of the query around that this one reads.
    pub outer_columns: RefCell<Vec<Expr>>,
}

/// An alias being bound.
pub(crate) struct Resolving {
    pub name: String,
    /// Aliases that it used so far.
    pub used: HashSet<String>,
    /// It met the name of an alias further out, which there means the column: bound elsewhere it may mean another thing.
    pub is_relative: bool,
}

impl<'p> Scope<'p> {
    pub(crate) fn new(env: Rc<QueryEnv>, ctes: Ctes, parent: Option<&'p Scope<'p>>) -> Scope<'p> {
        Scope {
            env,
            ctes,
            parent,
            sources: Vec::new(),
            columns: Vec::new(),
            aliases: Rc::default(),
            windows: HashMap::new(),
            bound_aliases: RefCell::default(),
            resolving: RefCell::default(),
            parameters: RefCell::default(),
            attachments: RefCell::default(),
            outer_columns: RefCell::default(),
        }
    }

    /// A scope of other columns in the same place: for ON, for default expressions of a table.
    pub(crate) fn over(&self, sources: Vec<Source>, columns: Vec<ScopeColumn>) -> Scope<'p> {
        let mut scope = Scope::new(self.env.clone(), self.ctes.clone(), self.parent);
        scope.aliases = self.aliases.clone();
        scope.sources = sources;
        scope.columns = columns;
        scope
    }

    /// The column that `parts` begin with and how many of them name it. Longer names win: `n.a` of a Nested before `n`.
    pub(crate) fn find_column(&self, parts: &[&str]) -> Option<(&ScopeColumn, usize)> {
        if let Some(found) = self.find_unqualified(parts, |column| column.unqualified) {
            return Some(found);
        }
        for matches in [Source::matches_alias, Source::matches_name] {
            for (position, source) in self.sources.iter().enumerate() {
                let Some(qualifier) = matches(source, parts) else { continue };
                let of_source = |column: &ScopeColumn| column.source == Some(position);
                if let Some((column, used)) = self.find_unqualified(&parts[qualifier..], of_source) {
                    return Some((column, used + qualifier));
                }
            }
        }
        None
    }

    /// The columns of the Nested structure that `parts` begin with, each with its name inside of it, and how many of
    /// `parts` name it: arrays, or after ARRAY JOIN their elements.
    pub(crate) fn find_nested(&self, parts: &[&str]) -> Option<(Vec<(&ScopeColumn, &str)>, usize)> {
        let within = |at: usize, admit: &dyn Fn(&ScopeColumn) -> bool| {
            let structure = parts.get(at)?;
            let found = self.columns.iter().filter_map(|column| {
                let inner = column.name.strip_prefix(*structure)?.strip_prefix('.')?;
                let is_part = column.is_element || matches!(column.ty, DataType::Array(_));
                (admit(column) && is_part).then_some((column, inner))
            });
            let found: Vec<_> = found.collect();
            let is_element = found.first()?.0.is_element;
            found.iter().all(|(column, _)| column.is_element == is_element).then_some((found, at + 1))
        };
        if let Some(found) = within(0, &|column| column.unqualified) {
            return Some(found);
        }
        for matches in [Source::matches_alias, Source::matches_name] {
            for (position, source) in self.sources.iter().enumerate() {
                let found = matches(source, parts).and_then(|at| within(at, &|column| column.source == Some(position)));
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    fn find_unqualified(&self, parts: &[&str], admit: impl Fn(&ScopeColumn) -> bool) -> Option<(&ScopeColumn, usize)> {
        for used in (1..=parts.len()).rev() {
            let joined;
            let name = if used == 1 {
                parts[0]
            } else {
                joined = parts[..used].join(".");
                &joined
            };
            if let Some(column) = self.columns.iter().find(|column| &*column.name == name && admit(column)) {
                return Some((column, used));
            }
        }
        None
    }

    /// The name by which a result shows a column: its own, after its table's where another table has the name first.
    pub(crate) fn display_name(&self, column: &ScopeColumn) -> Vec<String> {
        let name = column.name.to_string();
        let first = self
            .columns
            .iter()
            .find(|other| other.name == column.name && (other.in_asterisk || other.column == column.column));
        let (Some(first), Some(source)) = (first, column.source) else { return vec![name] };
        if first.column == column.column {
            return vec![name];
        }
        let source = &self.sources[source];
        let table = source.alias.clone().unwrap_or_else(|| source.table.clone());
        if table.is_empty() { vec![name] } else { vec![table, name] }
    }

    /// The positions of the sources that a qualifier names.
    pub(crate) fn sources_named(&self, qualifier: &[&str]) -> Vec<usize> {
        let by = |matches: fn(&Source, &[&str]) -> Option<usize>| -> Vec<usize> {
            let named = |source: &Source| matches(source, qualifier) == Some(qualifier.len());
            self.sources.iter().enumerate().filter(|(_, source)| named(source)).map(|(position, _)| position).collect()
        };
        let aliased = by(Source::matches_alias);
        if aliased.is_empty() { by(Source::matches_name) } else { aliased }
    }

    /// Every name that an unknown one could have meant.
    pub(crate) fn known_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.columns.iter().map(|column| column.name.to_string()).collect();
        names.extend(self.aliases.keys().cloned());
        names.sort();
        names.dedup();
        names
    }

    /// True while the alias is being bound.
    pub(crate) fn is_resolving(&self, alias: &str) -> bool {
        self.resolving.borrow().iter().any(|resolving| resolving.name == alias)
    }

    /// What an alias means here, if it was bound before and means the same everywhere.
    pub(crate) fn bound_alias(&self, alias: &str) -> Option<Typed> {
        let bound = self.bound_aliases.borrow();
        let (typed, used) = bound.get(alias)?;
        if used.iter().any(|used| self.is_resolving(used)) {
            return None;
        }
        self.note_used(alias, used);
        Some(typed.clone())
    }

    /// Begins to bind an alias.
    pub(crate) fn begin_alias(&self, alias: &str) {
        let resolving = Resolving { name: alias.to_owned(), used: HashSet::new(), is_relative: false };
        self.resolving.borrow_mut().push(resolving);
    }

    /// Ends what [`Scope::begin_alias`] began; `typed` is what the alias came to.
    pub(crate) fn end_alias(&self, typed: Option<&Typed>) {
        let Some(ended) = self.resolving.borrow_mut().pop() else { return };
        self.note_used(&ended.name, &ended.used);
        if let (Some(typed), false) = (typed, ended.is_relative) {
            self.bound_aliases.borrow_mut().insert(ended.name, (typed.clone(), ended.used));
        }
    }

    /// The name of an alias that is being bound was met: inside of it the name means the column.
    pub(crate) fn met_resolving(&self, alias: &str) {
        let mut resolving = self.resolving.borrow_mut();
        let outer = resolving.iter().rposition(|resolving| resolving.name == alias);
        for inner in resolving.iter_mut().skip(outer.map_or(0, |outer| outer + 1)) {
            inner.is_relative = true;
        }
    }

    fn note_used(&self, alias: &str, used: &HashSet<String>) {
        if let Some(outer) = self.resolving.borrow_mut().last_mut() {
            outer.used.insert(alias.to_owned());
            outer.used.extend(used.iter().cloned());
        }
    }

    /// True while the body of a lambda is being bound.
    pub(crate) fn in_lambda(&self) -> bool {
        !self.parameters.borrow().is_empty()
    }
}
