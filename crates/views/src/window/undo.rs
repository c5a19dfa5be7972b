//! What a window view did since a point, and how it is taken back: over a block that is put aside the view is as it was
//! before it.
//!
//! Windows, counts and changes are copied, which is cheap: their blocks are shared. Ids are many, so what happened to them is
//! written down and undone backwards.

use std::collections::BTreeMap;

use types::Block;

use super::node::Changes;
use super::state::{Marks, State};

/// A view as it was at a point.
pub(super) struct Undo {
    marks: Marks,
    panes: BTreeMap<i64, Vec<Block>>,
    changes: Changes,
    ids: Vec<IdChange>,
}

/// What happened to ids.
pub(super) enum IdChange {
    /// One was seen for the first time; in a bucket, where ids are forgotten after a while.
    Seen {
        /// The bucket.
        bucket: Option<i64>,
        /// The id.
        id: u128,
    },
    /// A bucket was forgotten.
    Forgot {
        /// The bucket.
        bucket: i64,
        /// What was in it.
        ids: Vec<u128>,
    },
}

impl Undo {
    pub(super) fn of(state: &State, changes: &Changes) -> Undo {
        Undo { marks: state.marks, panes: state.panes.clone(), changes: changes.clone(), ids: Vec::new() }
    }

    /// Remembers what happened to ids since.
    pub(super) fn remember(&mut self, change: IdChange) {
        self.ids.push(change);
    }

    /// What happened since a later point happened since this one, too.
    pub(super) fn take_over(&mut self, later: Undo) {
        self.ids.extend(later.ids);
    }

    /// Makes it as it was.
    pub(super) fn restore(self, state: &mut State, changes: &mut Changes) {
        (state.marks, state.panes, *changes) = (self.marks, self.panes, self.changes);
        for change in self.ids.into_iter().rev() {
            match change {
                IdChange::Seen { bucket, id } => {
                    state.ids.remove(&id);
                    let Some(bucket) = bucket else { continue };
                    let Some(ids) = state.buckets.get_mut(&bucket) else { continue };
                    ids.pop();
                    if ids.is_empty() {
                        state.buckets.remove(&bucket);
                    }
                }
                IdChange::Forgot { bucket, ids } => {
                    state.ids.extend(ids.iter().copied());
                    state.buckets.insert(bucket, ids);
                }
            }
        }
    }
}
