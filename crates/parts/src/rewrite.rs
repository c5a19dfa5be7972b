//! A part to the next one under a mutation: rows deleted or values changed, and which rows of the old part that were.
//!
//! What matches and what becomes of it is computed by whoever compiled the mutation; here rows are only kept, dropped and
//! replaced. Key columns cannot change (callers refuse it), so the order of rows stays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::{filter, kernels::zip::zip};
use futures::StreamExt;
use types::transform::TransformError;
use types::{Block, BlockTransform};

use crate::error::{Error, Result};
use crate::file::Caching;
use crate::merge::Run;
use crate::part::Part;

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

/// One block, whose first row is row `first` of its part, under a mutation.
pub fn rewrite_block(block: &Block, first: u32, mutation: &Mutation) -> Result<Rewritten> {
    let (Mutation::Delete { matches } | Mutation::Update { matches, .. }) = mutation;
    let mask = matches(block)?;
    if mask.len() != block.rows() {
        return Err(Error::Schema(format!("a mask of {} rows for {}", mask.len(), block.rows())));
    }
    // from here on NULL is false
    let mask: BooleanArray = (0..mask.len()).map(|row| Some(mask.is_valid(row) && mask.value(row))).collect();
    let changed = RowSet((0..mask.len()).filter(|row| mask.value(*row)).map(|row| first + row as u32).collect());
    if changed.is_empty() {
        return Ok(Rewritten { block: block.clone(), changed });
    }
    let block = match mutation {
        Mutation::Delete { .. } => {
            let keep: BooleanArray = mask.iter().map(|gone| gone.map(|gone| !gone)).collect();
            let kept: Vec<ArrayRef> =
                block.arrays().iter().map(|array| filter(array, &keep)).collect::<std::result::Result<_, _>>()?;
            Block::with_rows(block.header().clone(), kept, block.rows() - changed.len())?
        }
        Mutation::Update { transform, .. } => {
            let new = transform.apply(block)?;
            if new.rows() != block.rows() || new.header() != block.header() {
                return Err(Error::Schema("an update changed the number of rows or the columns".to_owned()));
            }
            let chosen = block
                .arrays()
                .iter()
                .zip(new.arrays())
                .map(|(old, new)| if Arc::ptr_eq(old, new) { Ok(old.clone()) } else { zip(&mask, new, old) });
            Block::with_rows(block.header().clone(), chosen.collect::<std::result::Result<_, _>>()?, block.rows())?
        }
    };
    Ok(Rewritten { block, changed })
}

/// The next part's rows as a run, for a writer. `on_changed` gets the changed rows of each block, in order.
pub fn rewrite(part: &Part, mutation: Mutation, on_changed: impl Fn(&RowSet) + Send + Sync + 'static) -> Run {
    let all: Vec<usize> = (0..part.meta.header.len()).collect();
    let mut first = 0u32;
    part.read_all(&all, Caching::Bypass)
        .map(move |block| {
            let block = block?;
            let rewritten = rewrite_block(&block, first, &mutation)?;
            first += block.rows() as u32;
            on_changed(&rewritten.changed);
            Ok(rewritten.block)
        })
        .boxed()
}

/// As [`rewrite`], all at once: for parts in memory.
pub async fn rewrite_whole(part: &Part, mutation: &Mutation) -> Result<Rewritten> {
    let all: Vec<usize> = (0..part.meta.header.len()).collect();
    let mut blocks = part.read_all(&all, Caching::Bypass);
    let (mut rewritten, mut changed, mut first) = (Vec::new(), Vec::new(), 0);
    while let Some(block) = blocks.next().await {
        let block = block?;
        let next = rewrite_block(&block, first, mutation)?;
        first += block.rows() as u32;
        changed.extend(next.changed.0);
        rewritten.push(next.block);
    }
    Ok(Rewritten { block: Block::concat(&part.meta.header, &rewritten)?, changed: RowSet(changed) })
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array, UInt64Array};
    use arrow::datatypes::{Int64Type, UInt64Type};
    use types::{Column, DataType, Header};

    use super::*;
    use crate::name::{PartName, PartitionId};
    use crate::part::StagedPart;
    use crate::schema::{MergeMode, PartSchema, SortColumn};

    fn part(rows: u64) -> Part {
        let header = Header::new(vec![
            Column::new("id", DataType::UInt64),
            Column::new("v", DataType::nullable(DataType::Int64)),
        ]);
        let schema = PartSchema {
            header: header.clone(),
            sort_key: vec![SortColumn::ascending(0)],
            primary_key_len: 1,
            partition_key: vec![],
            merge_mode: MergeMode::Plain,
            index_granularity: 4,
            min_max: vec![],
        };
        let id: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..rows));
        let v: ArrayRef = Arc::new(Int64Array::from_iter((0..rows as i64).map(|i| (i % 7 != 0).then_some(i))));
        let block = Block::new(header, vec![id, v]).unwrap();
        StagedPart::in_memory(&schema, block).unwrap().named(PartName::inserted(PartitionId::all(), 1))
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

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn deleted_rows_go_and_rows_of_an_unknown_answer_stay() {
        let rewritten = run(rewrite_whole(&part(45), &Mutation::Delete { matches: large() })).unwrap();
        assert_eq!(rewritten.changed.rows(), [41, 43, 44]);
        assert!(rewritten.changed.contains(43) && !rewritten.changed.contains(42));
        let ids = rewritten.block.array(0).as_primitive::<UInt64Type>().values().to_vec();
        assert_eq!(ids, (0..=40).chain([42]).collect::<Vec<u64>>());
    }

    #[test]
    fn updated_rows_change_and_the_others_do_not() {
        let mutation = Mutation::Update { matches: large(), transform: Arc::new(TimesTen) };
        let part = part(45);
        let rewritten = run(rewrite_whole(&part, &mutation)).unwrap();
        assert_eq!(rewritten.changed.rows(), [41, 43, 44]);
        let v = rewritten.block.array(1).as_primitive::<Int64Type>();
        assert_eq!((v.value(40), v.value(41), v.is_null(42), v.value(44)), (40, 410, true, 440));
        let streamed: Vec<Block> = run(rewrite(&part, mutation, |_| {}).map(|block| block.unwrap()).collect());
        assert_eq!(Block::concat(&part.meta.header, &streamed).unwrap(), rewritten.block);
    }
}
