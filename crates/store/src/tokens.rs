//! Which insert tokens were seen, so that an insert sent twice is made once.
//!
//! Limit: the last [`TOKENS_PER_TABLE_MAX`] tokens of a table; an older one sent again is a new insert, as in ClickHouse.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use types::{CommitSeq, TableId};

use crate::commit::Receipt;

/// As ClickHouse's `replicated_deduplication_window`.
pub const TOKENS_PER_TABLE_MAX: usize = 10_000;

/// Tokens and the receipts of their first commits: a persistent value.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tokens {
    tables: OrdMap<TableId, TableTokens>,
}

#[derive(Clone, PartialEq, Debug, Default)]
struct TableTokens {
    receipts: OrdMap<Arc<str>, Receipt>,
    by_age: OrdSet<(CommitSeq, Arc<str>)>,
}

impl Tokens {
    /// The receipt of the commit that brought this token first.
    pub fn get(&self, table: TableId, token: &str) -> Option<Receipt> {
        self.tables.get(&table)?.receipts.get(token).copied()
    }

    /// All tokens, by table, then by age.
    pub fn all(&self) -> impl Iterator<Item = (TableId, &Arc<str>, Receipt)> {
        self.tables.iter().flat_map(|(table, tokens)| {
            let receipt = |token: &Arc<str>| tokens.receipts.get(token).copied().unwrap_or_default();
            tokens.by_age.iter().map(move |(_, token)| (*table, token, receipt(token)))
        })
    }

    pub(crate) fn put(&mut self, table: TableId, token: Arc<str>, receipt: Receipt) {
        let tokens = self.tables.entry(table).or_default();
        tokens.by_age.insert((receipt.seq, Arc::clone(&token)));
        tokens.receipts.insert(token, receipt);
        while TOKENS_PER_TABLE_MAX < tokens.by_age.len() {
            let Some(oldest) = tokens.by_age.get_min().cloned() else { break };
            tokens.by_age.remove(&oldest);
            tokens.receipts.remove(&oldest.1);
        }
    }

    pub(crate) fn remove_table(&mut self, table: TableId) {
        self.tables.remove(&table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_token_goes_when_there_are_too_many() {
        let mut tokens = Tokens::default();
        let receipt = |seq: u64| Receipt { seq: CommitSeq(seq), at_ns: 0 };
        for seq in 0..=TOKENS_PER_TABLE_MAX as u64 {
            tokens.put(TableId(1), seq.to_string().into(), receipt(seq));
        }
        assert_eq!(tokens.get(TableId(1), "0"), None);
        assert_eq!(tokens.get(TableId(1), "1"), Some(receipt(1)));
        assert_eq!(tokens.get(TableId(2), "1"), None);
        assert_eq!(tokens.all().count(), TOKENS_PER_TABLE_MAX);
    }
}
