//! Names of parts, printed and parsed as ClickHouse does. A name says what a part covers, not where its bytes are.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};

/// The id of a partition inside its table: `202511`, `all`, `202501-7` or 32 hex digits. Never contains `_`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PartitionId(Arc<str>);

impl PartitionId {
    /// The partition of tables without a partition key.
    pub fn all() -> PartitionId {
        PartitionId("all".into())
    }

    /// The id spelled so, when it is one that a part name can hold.
    pub fn parse(text: &str) -> Result<PartitionId> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Error::Name(text.to_owned()));
        }
        Ok(PartitionId(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a part covers: `202511_4_9_2` is blocks 4 to 9 of partition 202511, merged twice.
///
/// Invariant: `min_block <= max_block`; active parts of one partition do not overlap in block range.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PartName {
    /// The partition all of whose rows it holds some of.
    pub partition_id: PartitionId,
    /// First block, inclusive.
    pub min_block: u64,
    /// Last block, inclusive.
    pub max_block: u64,
    /// 0 as inserted; else one more than the highest level of its inputs.
    pub level: u32,
    /// The block number of the last mutation that rewrote it, if any did.
    pub mutation: Option<u64>,
}

impl PartName {
    /// The name of a part just inserted as block `block`.
    pub fn inserted(partition_id: PartitionId, block: u64) -> PartName {
        PartName { partition_id, min_block: block, max_block: block, level: 0, mutation: None }
    }

    /// The name of the part that `inputs` (of one partition, in order of blocks) merge into. `None` for no input.
    pub fn merged(inputs: &[PartName]) -> Option<PartName> {
        let (first, last) = (inputs.first()?, inputs.last()?);
        Some(PartName {
            partition_id: first.partition_id.clone(),
            min_block: first.min_block,
            max_block: last.max_block,
            level: inputs.iter().map(|name| name.level).max()?.saturating_add(1),
            mutation: inputs.iter().filter_map(|name| name.mutation).max(),
        })
    }

    /// The name of this part rewritten by the mutation with number `mutation`.
    pub fn mutated(&self, mutation: u64) -> PartName {
        PartName { mutation: Some(mutation), ..self.clone() }
    }

    /// True when `other`'s rows are in this part: it was merged or mutated into it.
    pub fn covers(&self, other: &PartName) -> bool {
        self.partition_id == other.partition_id
            && self.min_block <= other.min_block
            && other.max_block <= self.max_block
            && other.level <= self.level
            && other.mutation <= self.mutation
            && self != other
    }

    /// Reads back what `Display` prints.
    pub fn parse(text: &str) -> Result<PartName> {
        let wrong = || Error::Name(text.to_owned());
        let pieces: Vec<&str> = text.split('_').collect();
        let (partition, numbers) = pieces.split_first().ok_or_else(wrong)?;
        let number = |piece: &str| match piece.bytes().all(|byte| byte.is_ascii_digit()) {
            true => piece.parse::<u64>().map_err(|_| wrong()),
            false => Err(wrong()),
        };
        let (min, max, level, mutation) = match numbers {
            [min, max, level] => (min, max, level, None),
            [min, max, level, mutation] => (min, max, level, Some(number(mutation)?)),
            _ => return Err(wrong()),
        };
        let name = PartName {
            partition_id: PartitionId::parse(partition).map_err(|_| wrong())?,
            min_block: number(min)?,
            max_block: number(max)?,
            level: u32::try_from(number(level)?).map_err(|_| wrong())?,
            mutation,
        };
        if name.min_block <= name.max_block { Ok(name) } else { Err(wrong()) }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_{}_{}", self.partition_id, self.min_block, self.max_block, self.level)?;
        match self.mutation {
            Some(mutation) => write!(f, "_{mutation}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printed_as_clickhouse_does_and_parsed_back() {
        for text in
            ["202511_4_9_2", "all_1_1_0", "202501-7_1_1_0", "-5_1_3_1_4", "6723087e83ca1d71525b3a74c779f913_1_1_0"]
        {
            assert_eq!(PartName::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["", "all", "all_1_1", "all_2_1_0", "all_1_1_0_1_1", "a/b_1_1_0", "all_1_+1_0", "all_1_1_99999999999"]
        {
            assert!(PartName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_merged_part_covers_its_inputs_and_a_mutated_one_its_origin() {
        let inputs = ["all_1_3_1", "all_4_4_0"].map(|text| PartName::parse(text).unwrap());
        let merged = PartName::merged(&inputs).unwrap();
        assert_eq!(merged.to_string(), "all_1_4_2");
        assert!(inputs.iter().all(|input| merged.covers(input) && !input.covers(&merged)));
        let mutated = merged.mutated(5);
        assert_eq!(mutated.to_string(), "all_1_4_2_5");
        assert!(mutated.covers(&merged) && !merged.covers(&mutated) && !merged.covers(&merged));
    }
}
