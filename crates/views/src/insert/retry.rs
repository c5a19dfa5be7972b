//! An insert that lost against a definition change is made again on the newest snapshot, as long as it holds its rows.

use query::QueryContext;
use store::{CommitError, Conflict, QualifiedName, Receipt};

use super::{Insert, InsertOptions, Rows};
use crate::Views;
use crate::error::{Error, Result};

/// Bytes of rows that an insert keeps for being made again; one with more fails by name when it loses.
const KEPT_BYTES_MAX: usize = 16 << 20;
/// Times that an insert is made again.
const TRIES_MAX: usize = 8;

/// What is needed to make an insert again.
pub(super) struct Again {
    name: QualifiedName,
    options: InsertOptions,
    rows: Vec<Rows>,
    bytes: usize,
}

impl Again {
    pub(super) fn new(name: QualifiedName, options: &InsertOptions) -> Again {
        Again { name, options: options.clone(), rows: Vec::new(), bytes: 0 }
    }
}

impl Insert {
    /// Remembers rows, unless they are too many.
    pub(super) fn remember(&mut self, rows: &Rows) {
        let Some(again) = &mut self.again else { return };
        again.bytes += rows.block.size_bytes();
        if again.bytes <= KEPT_BYTES_MAX {
            again.rows.push(rows.clone());
        } else {
            self.again = None;
        }
    }

    /// Everything that was pushed, as one commit. The receipt of the first insert with the same token, when there was one.
    pub async fn commit(self) -> Result<Receipt> {
        let (views, ctx) = (self.views.clone(), self.ctx.clone());
        let mut insert = self;
        for _ in 1..TRIES_MAX {
            let again = insert.again.take();
            match (insert.commit_once().await, again) {
                (Err(Error::Commit(CommitError::Conflict(conflict))), Some(again)) if lost(&conflict) => {
                    insert = again.begin(&views, &ctx).await?;
                }
                (outcome, _) => return outcome,
            }
        }
        insert.commit_once().await
    }
}

/// True for conflicts that a newer snapshot may not have.
fn lost(conflict: &Conflict) -> bool {
    conflict.is_retryable() || matches!(conflict, Conflict::TableGone { .. })
}

impl Again {
    /// The insert up to its commit, on the newest snapshot.
    async fn begin(self, views: &Views, ctx: &QueryContext) -> Result<Insert> {
        let (passage, ctx) = views.enter(&self.name, ctx).await;
        let table = crate::tables::named(&ctx, &self.name)?;
        let mut insert = views.insert(&table, &ctx, self.options)?;
        insert.passage = Some(passage);
        for rows in self.rows {
            insert.push(rows).await?;
        }
        Ok(insert)
    }
}
