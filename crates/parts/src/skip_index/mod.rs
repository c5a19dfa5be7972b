//! Skip indexes: what a part file keeps of stretches of its rows, so that a read may leave stretches out.
//!
//! ```text
//! rows ─(an expression, computed above)─▶ columns ─▶ one entry a stretch of `granularity` granules ─▶ a block in the file
//! what is asked (Ask) + entries ─▶ for each stretch: may it hold a row?                          (judge.rs)
//! ```
//! | kind | an entry holds |
//! |---|---|
//! | minmax | smallest and largest value of each column |
//! | set | the different values, unless there are too many |
//! | bloom_filter, tokenbf_v1, ngrambf_v1 | a Bloom filter of values, words, pieces of text |
//!
//! Never leaves out a stretch that holds a row that is asked for. Drawn in `docs/format/part.md`: hashes and the layout of
//! filters are on disk and may not change.

mod bloom;
mod build;
mod judge;
mod text;

use std::sync::Arc;

use types::{Block, Column, DataType, Header};

use crate::error::Result;

pub(crate) use build::Builder;
pub use judge::{Ask, judge};
pub use text::Piece;

/// What an index keeps.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum SkipKind {
    /// Smallest and largest values.
    MinMax,
    /// All values, up to so many; 0: any number.
    Set {
        /// The most values of an entry.
        values_max: usize,
    },
    /// A filter of values that is wrong with at most this probability.
    Bloom {
        /// Between 0 and 1.
        false_positives: f64,
    },
    /// A filter of the words of a text.
    Tokens(Filter),
    /// A filter of all pieces of `n` characters of a text.
    Ngrams {
        /// Characters of a piece.
        n: usize,
        /// The filter.
        filter: Filter,
    },
}

/// The size of a Bloom filter that is given by its user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Filter {
    /// Its bytes.
    pub bytes: usize,
    /// Bits set for a word.
    pub hashes: usize,
    /// Begins every hash.
    pub seed: u64,
}

/// One index of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct SkipIndex {
    /// Its name.
    pub name: Arc<str>,
    /// Expression, type and granularity as text: an index of a file is used only when it was made by the same.
    pub text: Arc<str>,
    /// What it keeps.
    pub kind: SkipKind,
    /// Granules of an entry, at least 1.
    pub granularity: usize,
    /// The columns that it is made of.
    pub columns: Header,
}

impl SkipIndex {
    /// How many entries it has for so many granules.
    pub fn entries(&self, granules: usize) -> usize {
        granules.div_ceil(self.granularity.max(1))
    }

    /// An error when no entry can be made of its columns: values that cannot be ordered or hashed.
    pub fn check(&self) -> Result<()> {
        let arrays = self.columns.columns().iter().map(|column| column.ty.default_array(1)).collect();
        let mut builder = Builder::new(self, 1);
        builder.push(&Block::new(self.columns.clone(), arrays)?)?;
        builder.finish().map(drop)
    }

    /// The columns of its entries.
    pub(crate) fn entry_header(&self) -> Header {
        let columns = self.columns.columns().iter().enumerate();
        let mut header = Vec::new();
        match self.kind {
            SkipKind::MinMax => {
                for (i, column) in columns {
                    header.push(Column::new(format!("min{i}"), column.ty.clone()));
                    header.push(Column::new(format!("max{i}"), column.ty.clone()));
                    header.push(Column::new(format!("nulls{i}"), DataType::UInt8));
                }
            }
            SkipKind::Set { .. } => {
                header.push(Column::new("full", DataType::UInt8));
                for (i, column) in columns {
                    header.push(Column::new(format!("values{i}"), DataType::Array(Arc::new(column.ty.clone()))));
                }
            }
            SkipKind::Bloom { .. } | SkipKind::Tokens(_) | SkipKind::Ngrams { .. } => {
                header.extend(columns.map(|(i, _)| Column::new(format!("filter{i}"), DataType::String)));
            }
        }
        Header::new(header)
    }
}

#[cfg(test)]
mod tests;
