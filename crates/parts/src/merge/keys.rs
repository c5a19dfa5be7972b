//! The keys of a sorted block's rows, quick to compare: a word of each, and the rest where the word does not say it all.
//!
//! Keys of one [`KeyMaker`] compare with one another, whatever their blocks hold.

use std::cmp::Ordering;

use arrow::array::new_empty_array;
use arrow_row::Rows;
use types::Block;

use crate::error::Result;
use crate::order::KeyEncoder;
use crate::schema::{PartSchema, SortColumn};
use crate::sort::words::KeyColumn;

/// Makes the keys of a merge's blocks.
#[derive(Debug)]
pub(super) struct KeyMaker {
    /// The first column of the key, where its values are words or strings in every block.
    first: Option<(SortColumn, types::DataType)>,
    /// Of the whole key; none where the words of `first` are the whole key, or where there is no key.
    rest: Option<KeyEncoder>,
}

/// The keys of a block's rows.
#[derive(Debug)]
pub(super) struct Keys {
    /// Ascending, as the rows are.
    words: Vec<u64>,
    /// Decides where words are equal; none where equal words are equal keys.
    rest: Option<Rows>,
}

impl KeyMaker {
    pub(super) fn of(schema: &PartSchema) -> Result<KeyMaker> {
        let Some(column) = schema.sort_key.first() else { return Ok(KeyMaker { first: None, rest: None }) };
        let ty = schema.header.columns()[column.position].ty.clone();
        let kind = KeyColumn::new(&ty, &new_empty_array(&ty.arrow_type()), column.descending)?;
        // a block without NULL has other words than one with
        let first = match kind {
            KeyColumn::Encoded(_) => None,
            _ if ty.is_nullable() => None,
            _ => Some((*column, ty)),
        };
        let is_whole = first.is_some() && schema.sort_key.len() == 1 && matches!(kind, KeyColumn::Words(_));
        let rest = if is_whole { None } else { Some(KeyEncoder::of_sort_key(schema)?) };
        Ok(KeyMaker { first, rest })
    }

    pub(super) fn keys(&self, block: &Block) -> Result<Keys> {
        let rows = block.rows();
        let rest = self.rest.as_ref().map(|encoder| encoder.encode(block)).transpose()?;
        let words = match (&self.first, &rest) {
            (Some((column, ty)), _) => match KeyColumn::new(ty, block.array(column.position), column.descending)? {
                KeyColumn::Words(words) => words,
                column => (0..rows as u32).map(|row| column.word(row, 0)).collect(),
            },
            (None, Some(rest)) => (0..rows).map(|row| first_word(rest.row(row).data())).collect(),
            (None, None) => vec![0; rows],
        };
        Ok(Keys { words, rest })
    }
}

/// The first bytes as a number; missing ones are zero, so that the order of words is that of bytes as far as it goes.
fn first_word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    let taken = bytes.len().min(word.len());
    word[..taken].copy_from_slice(&bytes[..taken]);
    u64::from_be_bytes(word)
}

impl Keys {
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    #[inline]
    pub(super) fn word(&self, row: usize) -> u64 {
        self.words[row]
    }

    #[inline]
    pub(super) fn compare(&self, row: usize, other: &Keys, other_row: usize) -> Ordering {
        self.words[row].cmp(&other.words[other_row]).then_with(|| self.compare_rest(row, other, other_row))
    }

    /// The order of keys whose words are equal.
    pub(super) fn compare_rest(&self, row: usize, other: &Keys, other_row: usize) -> Ordering {
        match (&self.rest, &other.rest) {
            (Some(rest), Some(other)) => rest.row(row).data().cmp(other.row(other_row).data()),
            _ => Ordering::Equal,
        }
    }
}
