//! Which inserts were seen, so that one sent twice is made once: by token, and by the hash of its rows where a table asks
//! for that.
//!
//! Limits: the last [`TOKENS_PER_TABLE_MAX`] tokens of a table, none older than [`TOKEN_AGE_MAX_NS`]; of hashes as many as
//! the table says, and none when rows of the table were dropped or detached by a command. What was forgotten and is sent
//! again is a new insert, as in ClickHouse.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use types::{CommitSeq, TableId};

use crate::commit::Receipt;

/// As ClickHouse's `replicated_deduplication_window`.
pub const TOKENS_PER_TABLE_MAX: usize = 10_000;
/// As ClickHouse's `replicated_deduplication_window_seconds`: a week.
pub const TOKEN_AGE_MAX_NS: i64 = 7 * 86_400 * 1_000_000_000;

/// Tokens and the receipts of their first commits: a persistent value.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tokens {
    tables: OrdMap<TableId, Seen>,
    blocks: OrdMap<TableId, Seen>,
}

#[derive(Clone, PartialEq, Debug, Default)]
struct Seen {
    receipts: OrdMap<Arc<str>, Receipt>,
    by_age: OrdSet<(CommitSeq, Arc<str>)>,
}

impl Tokens {
    /// The receipt of the commit that brought this token first, or with a `window` this hash, if it is remembered at
    /// `at_ns`.
    pub fn seen(&self, table: TableId, token: &str, window: Option<u32>, at_ns: i64) -> Option<Receipt> {
        let seen = if window.is_some() { &self.blocks } else { &self.tables };
        let receipt = seen.get(&table)?.receipts.get(token).copied()?;
        (window.is_some() || at_ns.saturating_sub(receipt.at_ns) < TOKEN_AGE_MAX_NS).then_some(receipt)
    }

    /// All tokens, by table, then by age.
    pub fn all(&self) -> Vec<(TableId, &Arc<str>, Receipt)> {
        listed(&self.tables)
    }

    /// All hashes, by table, then by age.
    pub fn all_blocks(&self) -> Vec<(TableId, &Arc<str>, Receipt)> {
        listed(&self.blocks)
    }

    pub(crate) fn put(&mut self, table: TableId, token: Arc<str>, window: Option<u32>, receipt: Receipt) {
        match window {
            Some(window) => {
                let seen = self.blocks.entry(table).or_default();
                seen.put(token, receipt);
                seen.keep(usize::try_from(window).unwrap_or(usize::MAX), i64::MIN);
            }
            None => {
                let seen = self.tables.entry(table).or_default();
                seen.put(token, receipt);
                seen.keep(TOKENS_PER_TABLE_MAX, receipt.at_ns.saturating_sub(TOKEN_AGE_MAX_NS));
            }
        }
    }

    /// Forgets hashes: rows that were dropped by a command may be inserted again. Tokens name statements, not rows, and stay.
    pub(crate) fn forget_blocks(&mut self, table: TableId) {
        self.blocks.remove(&table);
    }

    pub(crate) fn remove_table(&mut self, table: TableId) {
        self.tables.remove(&table);
        self.blocks.remove(&table);
    }
}

fn listed(tables: &OrdMap<TableId, Seen>) -> Vec<(TableId, &Arc<str>, Receipt)> {
    tables
        .iter()
        .flat_map(|(table, seen)| {
            let receipt = |token: &Arc<str>| seen.receipts.get(token).copied().unwrap_or_default();
            seen.by_age.iter().map(move |(_, token)| (*table, token, receipt(token)))
        })
        .collect()
}

impl Seen {
    fn put(&mut self, token: Arc<str>, receipt: Receipt) {
        self.by_age.insert((receipt.seq, Arc::clone(&token)));
        // One that was too old to count comes again.
        if let Some(old) = self.receipts.insert(Arc::clone(&token), receipt)
            && old.seq != receipt.seq
        {
            self.by_age.remove(&(old.seq, token));
        }
    }

    /// Forgets the oldest beyond `count`, and those from before `since_ns`.
    fn keep(&mut self, count: usize, since_ns: i64) {
        while let Some(oldest) = self.by_age.get_min().cloned() {
            let at_ns = self.receipts.get(&oldest.1).map_or(i64::MIN, |receipt| receipt.at_ns);
            if self.by_age.len() <= count && since_ns < at_ns {
                return;
            }
            self.by_age.remove(&oldest);
            self.receipts.remove(&oldest.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seq: u64, at_ns: i64) -> Receipt {
        Receipt { seq: CommitSeq(seq), at_ns }
    }

    #[test]
    fn the_oldest_token_goes_when_there_are_too_many() {
        let (mut tokens, table) = (Tokens::default(), TableId(1));
        for seq in 0..=TOKENS_PER_TABLE_MAX as u64 {
            tokens.put(table, seq.to_string().into(), None, at(seq, 0));
        }
        assert_eq!(tokens.seen(table, "0", None, 0), None);
        assert_eq!(tokens.seen(table, "1", None, 0), Some(at(1, 0)));
        assert_eq!(tokens.seen(TableId(2), "1", None, 0), None);
        assert_eq!(tokens.all().len(), TOKENS_PER_TABLE_MAX);
    }

    #[test]
    fn a_token_counts_for_a_week_and_then_anew() {
        let (mut tokens, table) = (Tokens::default(), TableId(1));
        tokens.put(table, "a".into(), None, at(1, 0));
        assert_eq!(tokens.seen(table, "a", None, TOKEN_AGE_MAX_NS - 1), Some(at(1, 0)));
        assert_eq!(tokens.seen(table, "a", None, TOKEN_AGE_MAX_NS), None);
        tokens.put(table, "a".into(), None, at(2, TOKEN_AGE_MAX_NS));
        assert_eq!(tokens.seen(table, "a", None, TOKEN_AGE_MAX_NS), Some(at(2, TOKEN_AGE_MAX_NS)));
        tokens.put(table, "b".into(), None, at(3, 3 * TOKEN_AGE_MAX_NS));
        assert_eq!(tokens.all().len(), 1, "old ones go");
    }

    #[test]
    fn hashes_are_remembered_as_many_as_the_table_says_and_apart_from_tokens() {
        let (mut tokens, table) = (Tokens::default(), TableId(1));
        for (seq, hash) in [(1, "a"), (2, "b"), (3, "c")] {
            tokens.put(table, hash.into(), Some(2), at(seq, 0));
        }
        assert_eq!(tokens.seen(table, "a", Some(2), 0), None);
        assert_eq!(tokens.seen(table, "b", Some(2), i64::MAX), Some(at(2, 0)));
        assert_eq!(tokens.seen(table, "b", None, 0), None);
        assert_eq!(tokens.all_blocks().len(), 2);
        tokens.put(table, "b".into(), None, at(4, 0));
        tokens.forget_blocks(table);
        assert_eq!(tokens.seen(table, "b", Some(2), 0), None, "its rows were dropped");
        assert_eq!(tokens.seen(table, "b", None, 0), Some(at(4, 0)), "a token stays");
    }
}
