//! Trees of regular expressions: a text is given the values of the nodes that match it, with every node above them.
//!
//! Nodes are tried children first; the first node that has an attribute gives it, a node's parents after the node. Values
//! may refer to groups of their node's expression, as `\1` or `$1`. An expression that cannot be compiled matches nothing,
//! as in ClickHouse. Never here: which attribute is asked for how often.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, UInt64Array};
use arrow::compute::{concat, take};
use arrow::datatypes::UInt64Type;
use functions::re2;
use regex::bytes::{Regex, RegexSet};
use sql::ast::{Literal, SettingValue};
use types::{Block, Column, DataType, ErrorCode, Header};

use super::structure::Structure;
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::expressions::Converter;

/// Settings of a dictionary that only a tree of expressions knows.
pub(super) const SETTINGS: [&str; 2] = ["regexp_dict_flag_case_insensitive", "regexp_dict_flag_dotall"];

/// The tree of a dictionary.
#[derive(Debug)]
pub(super) struct RegexpTree {
    /// In the order in which they are tried.
    nodes: Vec<Node>,
    /// All expressions at once, where they are few enough, and the node of each.
    set: Option<(RegexSet, Vec<usize>)>,
    attributes: Vec<Values>,
}

#[derive(Debug)]
struct Node {
    /// Position of the node above.
    parent: Option<usize>,
    regex: Option<Regex>,
    /// By attribute.
    values: BTreeMap<usize, Value>,
}

#[derive(Debug)]
enum Value {
    /// A row of the attribute's constants.
    Constant(u64),
    Pieces(Vec<Piece>),
}

#[derive(PartialEq, Debug)]
enum Piece {
    Group(usize),
    Text(Vec<u8>),
}

/// The values that an attribute has in the tree.
#[derive(Debug)]
struct Values {
    /// Those without references, and at the end the attribute's default.
    constants: ArrayRef,
    converter: Converter,
}

/// What some keys were given.
pub(super) struct Given {
    /// How many values each key has, by attribute that was asked for.
    pub(super) lengths: Vec<Vec<usize>>,
    /// The values of all keys.
    pub(super) values: Vec<ArrayRef>,
}

/// How many values are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// One: the default where there is none, none where `Given::lengths` says 0.
    One,
    /// At most so many.
    UpTo(usize),
}

/// A key's values on their way: places in the constants, or behind them in what was made of pieces.
#[derive(Default)]
struct Collected {
    /// By attribute that is asked for, of the key at hand: values so far; a default that was chosen ends the search.
    counts: Vec<usize>,
    is_full: Vec<bool>,
}

fn wrong(message: impl Into<String>) -> Error {
    Error::refused(ErrorCode::INCORRECT_DICTIONARY_DEFINITION, message.into())
}

/// The columns that a source gives.
pub(super) fn header() -> Header {
    let texts = || DataType::array(DataType::String);
    Header::new(vec![
        Column::new("id", DataType::UInt64),
        Column::new("parent_id", DataType::UInt64),
        Column::new("regexp", DataType::String),
        Column::new("keys", texts()),
        Column::new("values", texts()),
    ])
}

/// Refuses what is no tree's structure.
pub(super) fn check_key(structure: &Structure) -> Result<()> {
    match structure.keys.as_slice() {
        [key] if *key.ty.base() == DataType::String => Ok(()),
        _ => Err(wrong("a dictionary of layout 'regexp_tree' has one key, a String of regular expressions")),
    }
}

impl RegexpTree {
    /// The tree of loaded rows, whose header is [`header`].
    pub(super) fn new(structure: &Structure, rows: &Block, ctx: &QueryContext) -> Result<RegexpTree> {
        let order = order_of(rows)?;
        let flag = |name: &str| {
            let mut settings = structure.create.settings.iter().filter(|setting| setting.name.name == name);
            settings.next_back().is_some_and(|setting| is_on(&setting.value))
        };
        let [case_insensitive, dot_matches_new_line] = SETTINGS.map(flag);
        let flags = re2::Flags { case_insensitive, dot_matches_new_line };
        let regexps = rows.array(2).as_binary::<i32>();
        let mut texts: Vec<Vec<Vec<u8>>> = vec![Vec::new(); structure.attributes.len()];
        let mut nodes = Vec::with_capacity(order.len());
        for (row, parent) in &order {
            let regex = re2::compile_with(regexps.value(*row), flags).ok();
            nodes.push(Node { parent: *parent, regex, values: values_of(structure, rows, *row, &mut texts)? });
        }
        let compiled: Vec<usize> = (0..nodes.len()).filter(|at| nodes[*at].regex.is_some()).collect();
        let patterns = compiled.iter().map(|at| regexps.value(order[*at].0));
        let set = re2::set_of(patterns, flags).map(|set| (set, compiled));
        let attributes = structure.attributes.iter().zip(texts);
        let attributes = attributes.map(|(attribute, texts)| Values::new(attribute, texts, ctx));
        Ok(RegexpTree { nodes, set, attributes: attributes.collect::<Result<Vec<_>>>()? })
    }

    /// The values of these attributes for each text.
    pub(super) fn find(&self, texts: &BinaryArray, attributes: &[usize], wanted: Wanted) -> Result<Given> {
        let mut places: Vec<Vec<u64>> = vec![Vec::new(); attributes.len()];
        let mut made: Vec<Vec<Vec<u8>>> = vec![Vec::new(); attributes.len()];
        let mut lengths: Vec<Vec<usize>> = vec![Vec::with_capacity(texts.len()); attributes.len()];
        for row in 0..texts.len() {
            let text = if texts.is_null(row) { b"" } else { texts.value(row) };
            let mut collected = Collected {
                counts: vec![0; attributes.len()],
                is_full: vec![wanted == Wanted::UpTo(0); attributes.len()],
            };
            self.walk(text, attributes, wanted, &mut collected, |at, attribute, value| {
                let constants = self.attributes[attribute].constants.len() as u64;
                places[at].push(match value {
                    Found::Constant(row) => row,
                    Found::Made(text) => {
                        made[at].push(text);
                        constants + made[at].len() as u64 - 1
                    }
                });
            });
            for (at, attribute) in attributes.iter().enumerate() {
                if wanted == Wanted::One && collected.counts[at] == 0 {
                    // the default is the last constant
                    places[at].push(self.attributes[*attribute].constants.len() as u64 - 1);
                }
                lengths[at].push(collected.counts[at]);
            }
        }
        let values = attributes.iter().zip(places.into_iter().zip(made));
        let values = values.map(|(attribute, (places, made))| self.attributes[*attribute].taken(places, made));
        Ok(Given { lengths, values: values.collect::<Result<Vec<_>>>()? })
    }

    /// Gives the values of the nodes that match a text, and of those above them, until all that is wanted was given.
    fn walk(
        &self,
        text: &[u8],
        attributes: &[usize],
        wanted: Wanted,
        collected: &mut Collected,
        mut give: impl FnMut(usize, usize, Found),
    ) {
        let matching = self.matching(text);
        let mut visited = BTreeSet::new();
        let is_valid = |node: usize| self.chain(node).all(|node| matching.contains(&node));
        for node in matching.iter().filter(|node| is_valid(**node)) {
            for node in self.chain(*node) {
                if !visited.insert(node) {
                    break;
                }
                for (at, attribute) in attributes.iter().enumerate() {
                    let Some(value) = self.nodes[node].values.get(attribute).filter(|_| !collected.is_full[at]) else {
                        continue;
                    };
                    let found = self.nodes[node].found(value, text);
                    let limit = match wanted {
                        Wanted::One => 1,
                        Wanted::UpTo(limit) => limit,
                    };
                    collected.is_full[at] |= found.is_none() && wanted == Wanted::One;
                    if let Some(found) = found {
                        collected.counts[at] += 1;
                        collected.is_full[at] = limit <= collected.counts[at];
                        give(at, *attribute, found);
                    }
                }
            }
            if collected.is_full.iter().all(|is_full| *is_full) {
                return;
            }
        }
    }

    /// The nodes whose expression matches, whether those above do or not.
    fn matching(&self, text: &[u8]) -> BTreeSet<usize> {
        match &self.set {
            Some((set, nodes)) => set.matches(text).iter().filter_map(|at| nodes.get(at).copied()).collect(),
            None => {
                let matches = |node: &Node| node.regex.as_ref().is_some_and(|regex| regex.is_match(text));
                (0..self.nodes.len()).filter(|at| matches(&self.nodes[*at])).collect()
            }
        }
    }

    /// A node and those above it.
    fn chain(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(node), |node| self.nodes[*node].parent)
    }
}

enum Found {
    Constant(u64),
    Made(Vec<u8>),
}

impl Node {
    /// None when the value is one group alone that matched nothing.
    fn found(&self, value: &Value, text: &[u8]) -> Option<Found> {
        let pieces = match value {
            Value::Constant(row) => return Some(Found::Constant(*row)),
            Value::Pieces(pieces) => pieces,
        };
        let captures = self.regex.as_ref().and_then(|regex| regex.captures(text));
        let group = |group: usize| {
            let captures = captures.as_ref()?;
            captures.get(group).map(|found| found.as_bytes())
        };
        if let [Piece::Group(only)] = pieces.as_slice() {
            return group(*only).filter(|text| !text.is_empty()).map(|text| Found::Made(text.to_vec()));
        }
        let mut made = Vec::new();
        for piece in pieces {
            made.extend_from_slice(match piece {
                Piece::Group(number) => group(*number).unwrap_or_default(),
                Piece::Text(text) => text,
            });
        }
        Some(Found::Made(made))
    }
}

impl Values {
    fn new(attribute: &super::structure::Attribute, texts: Vec<Vec<u8>>, ctx: &QueryContext) -> Result<Values> {
        let given = Header::new(vec![Column::new("value", DataType::String)]);
        let target = Header::new(vec![Column { name: attribute.name.clone(), ty: attribute.ty.clone() }]);
        let converter = Converter::by_position(&given, &target, ctx)?;
        let mut values = Values { constants: attribute.default.clone(), converter };
        let parsed = values.parsed(texts).map_err(|error| wrong(error.to_string()))?;
        values.constants = concat(&[parsed.as_ref(), attribute.default.as_ref()])?;
        Ok(values)
    }

    /// Texts as values of the attribute's type.
    fn parsed(&self, texts: Vec<Vec<u8>>) -> Result<ArrayRef> {
        let texts: ArrayRef = std::sync::Arc::new(BinaryArray::from_iter_values(texts));
        let given = Header::new(vec![Column::new("value", DataType::String)]);
        let rows = texts.len();
        let block = self.converter.convert(&Block::with_rows(given, vec![texts], rows)?)?;
        Ok(block.array(0).clone())
    }

    fn taken(&self, places: Vec<u64>, made: Vec<Vec<u8>>) -> Result<ArrayRef> {
        let places = UInt64Array::from(places);
        if made.is_empty() {
            return Ok(take(&self.constants, &places, None)?);
        }
        let made = self.parsed(made)?;
        Ok(take(&concat(&[self.constants.as_ref(), made.as_ref()])?, &places, None)?)
    }
}

fn is_on(value: &SettingValue) -> bool {
    match value {
        SettingValue::Literal(Literal::String(text)) => matches!(text.as_slice(), b"1" | b"true"),
        SettingValue::Literal(literal) => {
            matches!(sql::Expr::literal(literal.clone()).to_string().as_str(), "1" | "true")
        }
        _ => false,
    }
}

/// Rows in the order in which they are tried, each with the position of its parent in that order.
fn order_of(rows: &Block) -> Result<Vec<(usize, Option<usize>)>> {
    let (ids, parents) = (rows.array(0).as_primitive::<UInt64Type>(), rows.array(1).as_primitive::<UInt64Type>());
    let mut by_id: BTreeMap<u64, usize> = BTreeMap::new();
    for (row, id) in ids.values().iter().enumerate() {
        if by_id.insert(*id, row).is_some() {
            return Err(wrong(format!("there are duplicate id {id}")));
        }
    }
    if by_id.is_empty() {
        return Err(wrong("there are no available regular expression; please check your config"));
    }
    let mut children: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (id, row) in &by_id {
        let parent = parents.value(*row);
        if parent != 0 && !by_id.contains_key(&parent) {
            return Err(wrong(format!("unknown parent id {parent} in regexp tree dictionary")));
        }
        children.entry(parent).or_default().push(*id);
    }
    // children before their parents, without recursion: a source may be a tree of any depth
    let mut order: Vec<u64> = Vec::with_capacity(by_id.len());
    let mut open: Vec<u64> = children.get(&0).into_iter().flatten().copied().filter(|id| *id != 0).collect();
    while let Some(id) = open.pop() {
        order.push(id);
        open.extend(children.get(&id).into_iter().flatten());
    }
    if order.len() != by_id.len() {
        return Err(wrong("the regexp tree is cyclical; please check your config"));
    }
    order.reverse();
    let position: BTreeMap<u64, usize> = order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let row = |id: &u64| by_id.get(id).map(|row| (*row, position.get(&parents.value(*row)).copied()));
    Ok(order.iter().filter_map(row).collect())
}

/// What a row says of the dictionary's attributes; other keys are no attributes of it.
fn values_of(
    structure: &Structure,
    rows: &Block,
    row: usize,
    constants: &mut [Vec<Vec<u8>>],
) -> Result<BTreeMap<usize, Value>> {
    let (keys, values) = (rows.array(3).as_list::<i32>().value(row), rows.array(4).as_list::<i32>().value(row));
    if keys.len() != values.len() {
        return Err(wrong("keys and values of a regular expression differ in length"));
    }
    let mut found = BTreeMap::new();
    for (key, value) in keys.as_binary::<i32>().iter().zip(values.as_binary::<i32>()) {
        let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
        let Some(attribute) = std::str::from_utf8(key).ok().and_then(|key| structure.attribute(key)) else { continue };
        let pieces = pieces_of(value);
        let value = match pieces.iter().any(|piece| matches!(piece, Piece::Group(_))) {
            true => Value::Pieces(pieces),
            false => {
                constants[attribute].push(value.to_vec());
                Value::Constant(constants[attribute].len() as u64 - 1)
            }
        };
        found.insert(attribute, value);
    }
    Ok(found)
}

/// A value taken apart at its references: a backslash or dollar before a digit.
fn pieces_of(value: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    let mut rest = value;
    while let [first, after @ ..] = rest {
        rest = after;
        match after {
            [digit, after @ ..] if matches!(first, b'\\' | b'$') && digit.is_ascii_digit() => {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Group(usize::from(digit - b'0')));
                rest = after;
            }
            _ => text.push(*first),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_apart_at_its_references() {
        let text = |text: &str| Piece::Text(text.as_bytes().to_vec());
        assert_eq!(pieces_of(b""), []);
        assert_eq!(pieces_of(b"a$"), [text("a$")]);
        assert_eq!(pieces_of(b"$1"), [Piece::Group(1)]);
        assert_eq!(pieces_of(b"x\\0-$12"), [text("x"), Piece::Group(0), text("-"), Piece::Group(1), text("2")]);
        assert_eq!(pieces_of(b"$$1\\x"), [text("$"), Piece::Group(1), text("\\x")]);
    }
}
