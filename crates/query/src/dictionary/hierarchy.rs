//! Trees of keys: a hierarchical attribute holds the key of the parent.
//!
//! Chains and trees that come back to where they were end there.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::UInt64Type;

use super::content::{Content, Wanted};
use super::structure::Structure;
use crate::error::Result;

/// Links of a chain that are followed, as in ClickHouse.
const DEPTH_MAX: usize = 1000;

/// The parents of the keys of a dictionary.
pub(super) struct Parents {
    values: ArrayRef,
    /// A parent of this value is none.
    root: Option<u64>,
}

impl Content {
    /// Keys by parent, each list in ascending order.
    pub(super) fn children_of(&self, structure: &Structure) -> HashMap<u64, Vec<u64>> {
        let mut children: HashMap<u64, Vec<u64>> = HashMap::new();
        let Some(parents) = self.parents(structure) else { return children };
        let Some(keys) = self.block.arrays().first().and_then(|keys| keys.as_primitive_opt::<UInt64Type>()) else {
            return children;
        };
        for (row, key) in keys.values().iter().enumerate() {
            if let Some(parent) = parents.of(row) {
                children.entry(parent).or_default().push(*key);
            }
        }
        children.values_mut().for_each(|keys| keys.sort_unstable());
        children
    }

    /// None when the dictionary has no hierarchy.
    pub(super) fn parents(&self, structure: &Structure) -> Option<Parents> {
        let attribute = structure.attributes.iter().position(|attribute| attribute.hierarchical)?;
        let first = self.block.header().len() - structure.attributes.len();
        let values = self.block.array(first + attribute).clone();
        let default = structure.attributes[attribute].default.as_primitive_opt::<UInt64Type>()?;
        Some(Parents { values, root: default.is_valid(0).then(|| default.value(0)) })
    }

    /// The key, its parent, and so on; empty for a key that is not there.
    pub(super) fn chain(&self, parents: &Parents, key: u64) -> Result<Vec<u64>> {
        let mut chain = Vec::new();
        let mut next = Some(key);
        while let Some(key) = next {
            let row = self.find(&Wanted::number(key))?.into_iter().next().flatten();
            if (row.is_none() && chain.is_empty()) || chain.contains(&key) || DEPTH_MAX <= chain.len() {
                break;
            }
            chain.push(key);
            next = row.and_then(|row| parents.above(row as usize));
        }
        Ok(chain)
    }

    /// All keys below a key, or those that are so many levels below it.
    pub(super) fn descendants(&self, key: u64, level: Option<usize>) -> Vec<u64> {
        if let Some(level) = level {
            return self.at_level(key, level);
        }
        let (mut found, mut open, mut seen) = (Vec::new(), vec![key], HashSet::from([key]));
        while let Some(key) = open.pop() {
            for child in self.children.get(&key).into_iter().flatten() {
                found.push(*child);
                if seen.insert(*child) {
                    open.push(*child);
                }
            }
        }
        found
    }

    fn at_level(&self, key: u64, level: usize) -> Vec<u64> {
        let (mut found, mut open, mut seen) = (Vec::new(), vec![(key, 0)], HashSet::from([key]));
        while let Some((key, depth)) = open.pop() {
            for child in self.children.get(&key).into_iter().flatten() {
                if depth + 1 == level {
                    found.push(*child);
                } else if seen.insert(*child) {
                    open.push((*child, depth + 1));
                }
            }
        }
        found
    }
}

impl Parents {
    /// The parent of the key in a row, whatever it is.
    fn of(&self, row: usize) -> Option<u64> {
        let values = self.values.as_primitive_opt::<UInt64Type>()?;
        values.is_valid(row).then(|| values.value(row))
    }

    /// The parent of the key in a row, unless it is none.
    fn above(&self, row: usize) -> Option<u64> {
        self.of(row).filter(|parent| Some(*parent) != self.root)
    }
}
