//! Skip indexes as a scan uses them: granules that surely hold no row for which the predicate is true are not read.
//!
//! Under FINAL a row that fails the predicate still keeps its rivals from winning. So what the indexes leave is widened again
//! to every granule with keys in between (`parts::KeySpans`): of the keys of a granule that holds a row for which the
//! predicate may be true, all rows are read. Of others some row may win that should not: the predicate is not true for it.
//!
//! An expression that an index is made of stands for a column of its own in predicates, behind the source's columns. An
//! index of a file is used when it was made by today's definition, over columns that the part has as they are today.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::new_empty_array;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::Expr;
use parts::skip_index::{Ask, Piece, SkipKind, judge};
use parts::{KeySpans, PartData, PartSchema};
use store::{ActivePart, TableDef};
use types::{DataType, ErrorCode, Header, Setting};

use super::work::{Piece as Granules, Work};
use super::{Comparison, Predicate};
use crate::bind::bind_expressions;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::expressions::{bind_context, function_context};
use crate::relations::SnapshotRelations;
use crate::skip_indexes::{self, Compiled};

/// Settings under which an expression may give other values than when it was written.
const CHANGING: &[&str] = &["session_timezone", "cast_keep_nullable", "date_time_overflow_behavior"];

/// The indexes of one table.
#[derive(Clone, Debug, Default)]
pub struct Skips {
    indexes: Vec<Skip>,
    /// What indexes are made of beside plain columns; numbered from `first` on.
    computed: Vec<(String, DataType)>,
    first: usize,
}

#[derive(Clone, Debug)]
struct Skip {
    compiled: Compiled,
    /// The number of each of its columns in predicates.
    columns: Vec<usize>,
}

/// What an index left of a read.
#[derive(Clone, Debug)]
pub(super) struct Used {
    pub(super) name: Arc<str>,
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Skips {
    /// The indexes of a table whose source has the columns `header`.
    pub(crate) fn of(table: &TableDef, header: &Header, ctx: &QueryContext) -> Result<Skips> {
        let mut skips = Skips { first: header.len(), ..Skips::default() };
        let is_changed = CHANGING.iter().any(|name| ctx.settings.changed().any(|(changed, _)| changed.name == *name));
        let (functions, relations) = (function_context(ctx)?, SnapshotRelations::new(ctx));
        for compiled in skip_indexes::of_table(table, ctx)? {
            let bound =
                bind_expressions(&compiled.exprs, table.stored_columns(), &bind_context(&relations, &functions, ctx))?;
            let columns =
                bound.into_iter().zip(compiled.index.columns.columns()).map(|(bound, column)| match &bound.expr {
                    Expr::Column(column) => header.position(&column.name),
                    _ if is_changed => None,
                    expr => Some(skips.number(text_of(expr), &column.ty)),
                });
            if let Some(columns) = columns.collect::<Option<Vec<usize>>>() {
                skips.indexes.push(Skip { compiled, columns });
            }
        }
        Ok(skips)
    }

    fn number(&mut self, text: String, ty: &DataType) -> usize {
        let known = self.computed.iter().position(|(known, _)| *known == text);
        self.first
            + known.unwrap_or_else(|| {
                self.computed.push((text, ty.clone()));
                self.computed.len() - 1
            })
    }

    /// True when the table has none.
    pub fn is_empty(&self) -> bool {
        self.indexes.is_empty()
    }

    /// The number of the column that an expression is for an index.
    pub(super) fn position(&self, expr: &Expr) -> Option<usize> {
        if self.computed.is_empty() {
            return None;
        }
        let text = text_of(expr);
        self.computed.iter().position(|(known, _)| *known == text).map(|at| self.first + at)
    }

    /// The number of the column that a function of an expression is for an index.
    pub(super) fn position_in(&self, function: &str, expr: &Expr) -> Option<usize> {
        let text = format!("{function}({})", text_of(expr));
        self.computed.iter().position(|(known, _)| *known == text).map(|at| self.first + at)
    }

    /// The type and text of such a column.
    pub(super) fn column(&self, position: usize) -> Option<(&str, &DataType)> {
        self.computed.get(position.checked_sub(self.first)?).map(|(text, ty)| (text.as_str(), ty))
    }

    /// The indexes that may say no to the predicate, each with what it is asked. An error when one that the query insists
    /// on is not among them.
    fn asked(&self, predicate: &Predicate, ctx: &QueryContext) -> Result<Vec<(&Skip, Ask)>> {
        if !ctx.settings.flag(Setting::UseSkipIndexes) {
            return Ok(Vec::new());
        }
        let ignored = names(ctx.settings.text(Setting::IgnoreDataSkippingIndices));
        let mut asked = Vec::new();
        for skip in self.indexes.iter().filter(|skip| !ignored.contains(&&*skip.compiled.index.name)) {
            let ask = skip.ask(predicate)?;
            if ask.is_useful(&skip.compiled.index) {
                asked.push((skip, ask));
            }
        }
        let is_used = |name: &&str| asked.iter().any(|(skip, _)| *skip.compiled.index.name == **name);
        let forced = names(ctx.settings.text(Setting::ForceDataSkippingIndices));
        match forced.iter().find(|name| !is_used(name)) {
            None => Ok(asked),
            Some(name) => {
                let message =
                    format!("index `{name}` is not used and setting 'force_data_skipping_indices' contains it");
                Err(Error::refused(ErrorCode::INDEX_NOT_USED, message))
            }
        }
    }
}

/// Names with commas between, maybe in backquotes.
fn names(text: &str) -> Vec<&str> {
    text.split(',').map(|name| name.trim().trim_matches('`')).filter(|name| !name.is_empty()).collect()
}

/// Leaves out granules by the indexes of their parts, and says what each index did.
pub(super) async fn prune(
    mut work: Work,
    skips: &Skips,
    predicate: &Predicate,
    (def, ctx): (&TableDef, &QueryContext),
) -> Result<(Work, Vec<Used>)> {
    let mut used = Vec::new();
    let Some(schema) = &def.schema else { return Ok((work, used)) };
    for (skip, ask) in skips.asked(predicate, ctx)? {
        let before = work.granules();
        let mut pieces = Vec::with_capacity(work.pieces.len());
        for piece in work.pieces {
            ctx.check()?;
            pieces.extend(skip.prune(piece, &ask, (def, schema, ctx)).await?);
        }
        work.pieces = pieces;
        used.push(Used { name: Arc::clone(&skip.compiled.index.name), before, after: work.granules() });
    }
    Ok((work, used))
}

/// The same under FINAL. `predicate` is what indexes may be asked without leaving out a row that wins.
pub(super) async fn prune_final(
    work: Work,
    skips: &Skips,
    predicate: &Predicate,
    (def, ctx): (&TableDef, &QueryContext),
) -> Result<(Work, Vec<Used>)> {
    let all = work.clone();
    let (left, mut used) = prune(work, skips, predicate, (def, ctx)).await?;
    let (before, exact) = (left.granules(), ctx.settings.flag(Setting::UseSkipIndexesIfFinalExactMode));
    let Some(schema) = def.schema.as_ref().filter(|_| exact && before < all.granules()) else {
        return Ok((left, used));
    };
    let widened = widen(left, all, schema)?;
    used.push(Used { name: "PrimaryKeyExpand".into(), before, after: widened.granules() });
    Ok((widened, used))
}

/// Every granule of `all` with keys between those of a granule that is left.
fn widen(left: Work, all: Work, schema: &PartSchema) -> Result<Work> {
    let knows = |piece: &Granules| KeySpans::knows(schema, &piece.part.part.meta);
    if left.pieces.is_empty() {
        return Ok(left);
    }
    if schema.primary_key_len == 0 || !all.pieces.iter().all(knows) {
        return Ok(all);
    }
    let mut spans = KeySpans::new(schema).map_err(Error::from)?;
    for piece in &left.pieces {
        spans.add(&piece.part.part.meta, &piece.granules).map_err(Error::from)?;
    }
    spans.join();
    let mut pieces = Vec::with_capacity(all.pieces.len());
    for piece in all.pieces {
        let granules = spans.reached(&piece.part.part.meta, &piece.granules).map_err(Error::from)?;
        if !granules.is_empty() {
            pieces.push(Granules { granules, ..piece });
        }
    }
    Ok(Work { pieces, ..left })
}

impl Skip {
    /// What is left of a piece; none when nothing is.
    async fn prune(
        &self,
        piece: Granules,
        ask: &Ask,
        (def, schema, ctx): (&TableDef, &PartSchema, &QueryContext),
    ) -> Result<Option<Granules>> {
        let index = &self.compiled.index;
        let PartData::File(file) = &piece.part.part.data else { return Ok(Some(piece)) };
        if !self.fits(&piece.part, (def, schema, ctx)) {
            return Ok(Some(piece));
        }
        let Some(entries) = file.skip_index(index).await.map_err(Error::from)? else { return Ok(Some(piece)) };
        let may = judge(index, &entries, ask).map_err(Error::from)?;
        let mut granules: Vec<Range<usize>> = Vec::new();
        for granule in piece.granules.iter().flat_map(Clone::clone) {
            if !may.get(granule / index.granularity).copied().unwrap_or(true) {
                continue;
            }
            match granules.last_mut() {
                Some(last) if last.end == granule => last.end += 1,
                _ => granules.push(granule..granule + 1),
            }
        }
        Ok((!granules.is_empty()).then_some(Granules { granules, ..piece }))
    }

    /// True when the part has the columns that the index is made of as they are today.
    fn fits(&self, part: &ActivePart, (def, schema, ctx): (&TableDef, &PartSchema, &QueryContext)) -> bool {
        let same = |position: &usize| {
            let column = schema.header.columns().get(*position);
            column.is_some_and(|column| part.part.meta.header.column(&column.name) == Some(column))
        };
        ctx.snapshot.has_todays_columns(def.id, part) && self.compiled.reads.iter().all(same)
    }

    /// The predicate as far as it is about the index's columns.
    fn ask(&self, predicate: &Predicate) -> Result<Ask> {
        let mine = |column: usize| self.columns.iter().position(|known| *known == column);
        let each = |parts: &[Predicate]| parts.iter().map(|part| self.ask(part)).collect::<Result<Vec<_>>>();
        Ok(match predicate {
            Predicate::Unknown | Predicate::Null { .. } => Ask::Anything,
            Predicate::And(parts) => Ask::All(each(parts)?),
            Predicate::Or(parts) => Ask::Any(each(parts)?),
            Predicate::Compare { column, op, value } => match mine(*column) {
                Some(at) => {
                    let points = (*op == Comparison::Equal).then(|| value.to_array()).transpose()?;
                    self.within(at, predicate, (*column, points))?
                }
                None => Ask::Anything,
            },
            Predicate::In { column, values } => match mine(*column) {
                Some(at) => {
                    let points = match values.is_empty() {
                        true => new_empty_array(&self.compiled.index.columns.columns()[at].ty.arrow_type()),
                        false => ScalarValue::iter_to_array(values.iter().cloned())?,
                    };
                    self.within(at, predicate, (*column, Some(points)))?
                }
                None => Ask::Anything,
            },
            Predicate::Has { column, value } => match mine(*column) {
                Some(column) => Ask::Has { column, value: value.to_array()? },
                None => Ask::Anything,
            },
            Predicate::Text { column, pieces } => match mine(*column) {
                Some(column) => Ask::Text { column, pieces: pieces.clone() },
                None => Ask::Anything,
            },
        })
    }

    fn within(
        &self,
        at: usize,
        leaf: &Predicate,
        (column, points): (usize, Option<arrow::array::ArrayRef>),
    ) -> Result<Ask> {
        let is_filter = !matches!(self.compiled.index.kind, SkipKind::MinMax | SkipKind::Set { .. });
        Ok(match super::ranges::ranges_of(leaf, column)? {
            Some(ranges) => Ask::Within { column: at, ranges, points },
            None if is_filter && points.is_some() => Ask::Within { column: at, ranges: Vec::new(), points },
            None => Ask::Anything,
        })
    }
}

/// An expression as text, whatever the table is called and whatever it is called itself.
fn text_of(expr: &Expr) -> String {
    let plain = expr.clone().transform_up(|expr| {
        Ok(match expr {
            Expr::Column(column) if column.relation.is_some() => {
                Transformed::yes(Expr::Column(datafusion::common::Column::new_unqualified(column.name)))
            }
            Expr::Alias(alias) => Transformed::yes(*alias.expr),
            other => Transformed::no(other),
        })
    });
    plain.map_or_else(|_| String::new(), |plain| plain.data.to_string())
}

/// What a call of a function on texts or lists says when it is true.
pub(super) fn of_call(name: &str, column: usize, argument: &ScalarValue) -> Option<Predicate> {
    let ScalarValue::Binary(Some(bytes)) = argument else { return None };
    let piece = |open_start, open_end| vec![Piece { bytes: bytes.clone(), open_start, open_end }];
    let pieces = match name {
        "startsWith" => piece(false, true),
        "endsWith" => piece(true, false),
        "hasToken" => piece(false, false),
        "like" => pieces_of_pattern(bytes),
        _ => return None,
    };
    Some(Predicate::Text { column, pieces })
}

/// The runs of bytes between the wildcards of a LIKE pattern.
fn pieces_of_pattern(pattern: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut piece = Piece { bytes: Vec::new(), open_start: false, open_end: false };
    let mut bytes = pattern.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' | b'_' => {
                piece.open_end = true;
                pieces.push(std::mem::replace(
                    &mut piece,
                    Piece { bytes: Vec::new(), open_start: true, open_end: false },
                ));
            }
            b'\\' => match bytes.next() {
                Some(escaped @ (b'%' | b'_' | b'\\')) => piece.bytes.push(*escaped),
                // before any other character a backslash is one itself
                Some(other) => piece.bytes.extend([b'\\', *other]),
                None => piece.bytes.push(b'\\'),
            },
            byte => piece.bytes.push(*byte),
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.bytes.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_what_stands_between_its_wildcards() {
        let pieces = |pattern: &str| {
            let pieces = pieces_of_pattern(pattern.as_bytes()).into_iter();
            pieces
                .map(|piece| {
                    let text = String::from_utf8_lossy(&piece.bytes).into_owned();
                    format!(
                        "{}{text}{}",
                        if piece.open_start { "…" } else { "" },
                        if piece.open_end { "…" } else { "" }
                    )
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(pieces("abc"), ["abc"]);
        assert_eq!(pieces("%ab%c_d"), ["…ab…", "…c…", "…d"]);
        assert_eq!(pieces(r"a\%b%"), ["a%b…"]);
        assert_eq!(pieces("%%"), Vec::<String>::new());
    }

    #[test]
    fn names_may_stand_in_backquotes() {
        assert_eq!(names("a, `b`,,c "), ["a", "b", "c"]);
    }
}
