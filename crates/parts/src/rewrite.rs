//! A part to the next one under mutations: rows deleted or values changed, and which rows of the old part that were.
//!
//! What matches and what becomes of it is computed by whoever compiled the mutation; here rows are only kept, dropped and
//! replaced. Key columns cannot change (callers refuse it), so the order of rows stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::{filter, kernels::zip::zip, not, prep_null_mask_filter};
use futures::StreamExt;
use types::transform::TransformError;
use types::{Block, BlockTransform};

use crate::error::{Error, Result};
use crate::merge::Run;

/// Which rows of a block a mutation is about; NULL is "not this one". As long as the block.
pub type RowMask = Arc<dyn Fn(&Block) -> std::result::Result<BooleanArray, TransformError> + Send + Sync>;

/// What happens to the rows that match.
#[derive(Clone)]
pub enum Mutation {
    /// They go.
    Delete {
        /// Which rows.
        matches: RowMask,
    },
    /// Their columns become what the transform says, which sees the whole block and must keep its rows and columns.
    Update {
        /// Which rows.
        matches: RowMask,
        /// All columns, new values where they change.
        transform: Arc<dyn BlockTransform>,
    },
}

/// Row numbers of a part, ascending, each once.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RowSet(Vec<u32>);

impl RowSet {
    /// These row numbers, which ascend.
    pub(crate) fn from_ascending(rows: Vec<u32>) -> RowSet {
        RowSet(rows)
    }

    /// The row numbers, ascending.
    pub fn rows(&self) -> &[u32] {
        &self.0
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when `row` is one of them.
    pub fn contains(&self, row: u32) -> bool {
        self.0.binary_search(&row).is_ok()
    }
}

/// Rows of the next part, block by block, with what changed of the old one.
pub struct Rewritten {
    /// The rows that there are now.
    pub block: Block,
    /// Rows of the old part that were deleted or updated, numbered in the old part.
    pub changed: RowSet,
}

/// One block, whose first row is row `first` of its part, under mutations, each of which sees what those before it left.
pub fn rewrite_block(block: &Block, first: u32, mutations: &[Mutation]) -> Result<Rewritten> {
    let mut rows: Vec<u32> = (first..first + block.rows() as u32).collect();
    let mut block = block.clone();
    let mut changed: BTreeSet<u32> = BTreeSet::new();
    for mutation in mutations {
        let mask = mask_of(&block, mutation)?;
        let touched = rows.iter().zip(mask.values()).filter(|(_, touched)| *touched).map(|(row, _)| *row);
        changed.extend(touched);
        if mask.true_count() == 0 {
            continue;
        }
        block = match mutation {
            Mutation::Delete { .. } => {
                let mut kept = mask.values().iter().map(|gone| !gone);
                rows.retain(|_| kept.next().unwrap_or(true));
                deleted(&block, &mask)?
            }
            Mutation::Update { transform, .. } => updated(&block, &mask, &**transform)?,
        };
    }
    Ok(Rewritten { block, changed: RowSet(changed.into_iter().collect()) })
}

/// The rows that match; NULL is no.
fn mask_of(block: &Block, mutation: &Mutation) -> Result<BooleanArray> {
    let (Mutation::Delete { matches } | Mutation::Update { matches, .. }) = mutation;
    let mask = matches(block)?;
    if mask.len() != block.rows() {
        return Err(Error::Schema(format!("a mask of {} rows for {}", mask.len(), block.rows())));
    }
    Ok(if mask.null_count() == 0 { mask } else { prep_null_mask_filter(&mask) })
}

fn deleted(block: &Block, mask: &BooleanArray) -> Result<Block> {
    let keep = not(mask)?;
    let kept: Vec<ArrayRef> =
        block.arrays().iter().map(|array| filter(array, &keep)).collect::<std::result::Result<_, _>>()?;
    Ok(Block::with_rows(block.header().clone(), kept, keep.true_count())?)
}

fn updated(block: &Block, mask: &BooleanArray, transform: &dyn BlockTransform) -> Result<Block> {
    let new = transform.apply(block)?;
    if new.rows() != block.rows() || new.header() != block.header() {
        return Err(Error::Schema("an update changed the number of rows or the columns".to_owned()));
    }
    let chosen = block
        .arrays()
        .iter()
        .zip(new.arrays())
        .map(|(old, new)| if Arc::ptr_eq(old, new) { Ok(old.clone()) } else { zip(mask, new, old) });
    let chosen = chosen.collect::<std::result::Result<_, _>>()?;
    Ok(Block::with_rows(block.header().clone(), chosen, block.rows())?)
}

/// The next part's rows, block by block, for a writer: `rows` are those of a part from its first row on, in the layout
/// that the mutations were compiled for. `on_changed` gets the changed rows of each block, in order.
pub fn rewrite(rows: Run, mutations: Vec<Mutation>, on_changed: impl Fn(&RowSet) + Send + Sync + 'static) -> Run {
    let mut first = 0u32;
    rows.map(move |block| {
        let block = block?;
        let rewritten = rewrite_block(&block, first, &mutations)?;
        first += block.rows() as u32;
        on_changed(&rewritten.changed);
        Ok(rewritten.block)
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array, UInt64Array};
    use arrow::datatypes::{Int64Type, UInt64Type};
    use types::{Column, DataType, Header};

    use super::*;

    fn rows(rows: u64) -> Block {
        let header = Header::new(vec![
            Column::new("id", DataType::UInt64),
            Column::new("v", DataType::nullable(DataType::Int64)),
        ]);
        let id: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..rows));
        let v: ArrayRef = Arc::new(Int64Array::from_iter((0..rows as i64).map(|i| (i % 7 != 0).then_some(i))));
        Block::new(header, vec![id, v]).unwrap()
    }

    /// `v > 40`, which is NULL where v is.
    fn large() -> RowMask {
        Arc::new(|block: &Block| {
            Ok(block.array(1).as_primitive::<Int64Type>().iter().map(|v| v.map(|v| 40 < v)).collect())
        })
    }

    struct TimesTen;

    impl BlockTransform for TimesTen {
        fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
            let v = block.array(1).as_primitive::<Int64Type>().unary::<_, Int64Type>(|v| v * 10);
            Ok(Block::new(block.header().clone(), vec![block.array(0).clone(), Arc::new(v)]).unwrap())
        }
    }

    #[test]
    fn deleted_rows_go_and_rows_of_an_unknown_answer_stay() {
        let rewritten = rewrite_block(&rows(45), 0, &[Mutation::Delete { matches: large() }]).unwrap();
        assert_eq!(rewritten.changed.rows(), [41, 43, 44]);
        assert!(rewritten.changed.contains(43) && !rewritten.changed.contains(42));
        let ids = rewritten.block.array(0).as_primitive::<UInt64Type>().values().to_vec();
        assert_eq!(ids, (0..=40).chain([42]).collect::<Vec<u64>>());
    }

    #[test]
    fn updated_rows_change_and_the_others_do_not() {
        let mutation = Mutation::Update { matches: large(), transform: Arc::new(TimesTen) };
        let rewritten = rewrite_block(&rows(45), 0, std::slice::from_ref(&mutation)).unwrap();
        assert_eq!(rewritten.changed.rows(), [41, 43, 44]);
        let v = rewritten.block.array(1).as_primitive::<Int64Type>();
        assert_eq!((v.value(40), v.value(41), v.is_null(42), v.value(44)), (40, 410, true, 440));
        let pieces = [rows(45).slice(0, 42), rows(45).slice(42, 3)];
        let run = rewrite(futures::stream::iter(pieces.map(Ok)).boxed(), vec![mutation], |_| {});
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let streamed: Vec<Block> = runtime.block_on(run.map(|block| block.unwrap()).collect());
        assert_eq!(Block::concat(rewritten.block.header(), &streamed).unwrap(), rewritten.block);
    }

    #[test]
    fn a_later_mutation_sees_what_an_earlier_one_left_and_rows_keep_their_numbers() {
        let even: RowMask = Arc::new(|block: &Block| {
            Ok(block.array(0).as_primitive::<UInt64Type>().iter().map(|id| id.map(|id| id % 2 == 0)).collect())
        });
        let mutations = [
            Mutation::Delete { matches: even },
            Mutation::Update { matches: large(), transform: Arc::new(TimesTen) },
            Mutation::Delete {
                matches: Arc::new(|block: &Block| {
                    Ok(block.array(1).as_primitive::<Int64Type>().iter().map(|v| v.map(|v| v == 410)).collect())
                }),
            },
        ];
        let rewritten = rewrite_block(&rows(45).slice(38, 7), 38, &mutations).unwrap();
        assert_eq!(rewritten.changed.rows(), [38, 40, 41, 42, 43, 44]);
        let ids = rewritten.block.array(0).as_primitive::<UInt64Type>().values().to_vec();
        assert_eq!(ids, [39, 43]);
    }
}
