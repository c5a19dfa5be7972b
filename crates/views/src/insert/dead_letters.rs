//! Rows that cannot be kept: undecodable ones and those that violate a constraint, as rows of the dead-letter table.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, LargeBinaryArray, UInt64Array};
use types::{Block, Column, DataType, Header};

use super::shape::{Shaper, Violations};
use crate::error::Result;

/// A row that was not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadRow {
    /// Row or line of its source from 1.
    pub position: u64,
    /// Why, in one word: `not_json`, a column, a constraint.
    pub reason: String,
    /// Its bytes.
    pub raw: Vec<u8>,
}

/// Where the rows of a block came from, and those that never became one.
#[derive(Clone, PartialEq, Debug)]
pub struct Letters {
    /// The source: a file's path, a topic.
    pub source: String,
    /// For each row of the block its row or line.
    pub positions: Vec<u64>,
    /// For each row of the block its bytes; empty when nobody knows them.
    pub raw: LargeBinaryArray,
    /// Rows that could not be decoded.
    pub bad: Vec<BadRow>,
    /// Rows of the block with a value that its column could not hold, and that column's name.
    pub misfits: Vec<(usize, String)>,
}

impl Letters {
    /// Takes the rows aside that violate a constraint or hold a value that did not fit. The reason is the first broken
    /// constraint; a value that did not fit counts where the constraint of its column's name stands, else first.
    pub(super) fn take_violated(&mut self, violations: &mut Violations, shaper: &Shaper) {
        let mut reasons: BTreeMap<usize, String> = BTreeMap::new();
        for (row, constraint) in violations.of_row.iter().enumerate() {
            if let Some(constraint) = constraint {
                reasons.insert(row, shaper.constraint_name(*constraint).to_owned());
            }
        }
        for (row, column) in std::mem::take(&mut self.misfits) {
            let rank = shaper.constraint_named(&column).unwrap_or(0);
            let earlier = violations.of_row.get(row).copied().flatten().is_some_and(|broken| broken < rank);
            if !earlier {
                reasons.insert(row, column);
            }
            if let Some(slot) = violations.of_row.get_mut(row) {
                slot.get_or_insert(rank);
            }
        }
        self.bad.extend(reasons.into_iter().map(|(row, reason)| BadRow {
            reason,
            position: self.positions.get(row).copied().unwrap_or(0),
            raw: if row < self.raw.len() { self.raw.value(row).to_vec() } else { Vec::new() },
        }));
    }

    /// All bad rows in order of position; `None` when there is none.
    pub(super) fn block(self) -> Result<Option<Block>> {
        let mut rows = self.bad;
        rows.sort_by_key(|row| row.position);
        if rows.is_empty() {
            return Ok(None);
        }
        let text = |texts: Vec<&[u8]>| -> ArrayRef { Arc::new(BinaryArray::from_vec(texts)) };
        let arrays: Vec<ArrayRef> = vec![
            text(rows.iter().map(|_| self.source.as_bytes()).collect()),
            Arc::new(rows.iter().map(|row| row.position).collect::<UInt64Array>()),
            text(rows.iter().map(|row| row.reason.as_bytes()).collect()),
            text(rows.iter().map(|row| row.raw.as_slice()).collect()),
        ];
        Ok(Some(Block::new(header(), arrays)?))
    }
}

/// The columns that a dead-letter table has at least.
pub fn header() -> Header {
    Header::new(vec![
        Column::new("source", DataType::String),
        Column::new("position", DataType::UInt64),
        Column::new("reason", DataType::String),
        Column::new("raw", DataType::String),
    ])
}
