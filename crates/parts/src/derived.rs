//! What a part keeps of its rows beside the rows: the smallest and largest moments of times to live, skip indexes, and
//! projections.
//!
//! Moments are computed columns of which a part keeps the bounds only; they stand in [`PartMeta::min_max`] behind the table's own
//! columns, under names that no column can have. A part without them says nothing: whoever asks must take it for unknown,
//! never for "none".

use std::fmt;
use std::sync::Arc;

use types::{Block, BlockTransform, Header};

use crate::error::{Error, Result};
use crate::meta::{MinMax, PartMeta};
use crate::projection::Projection;
use crate::skip_index::SkipIndex;

/// How rows that are written into a part become the columns that it keeps the bounds of. Cheap to clone; the default is
/// none.
#[derive(Clone, Default)]
pub struct Derived {
    /// The computed columns and what computes them: as many rows as it is given.
    moments: Option<(Header, Arc<dyn BlockTransform>)>,
    /// Bounds that are known without computing.
    known: Vec<MinMax>,
    /// Indexes, and what computes their columns. Parts in memory have none: reading them costs little.
    indexes: Vec<(SkipIndex, Arc<dyn BlockTransform>)>,
    /// Projections, and what computes the groups of some rows. Parts in memory keep only that they would have them.
    projections: Vec<(Projection, Arc<dyn BlockTransform>)>,
}

impl Derived {
    /// Parts keep the bounds of these computed columns.
    pub fn moments(header: Header, compute: Arc<dyn BlockTransform>) -> Derived {
        Derived { moments: Some((header, compute)), ..Derived::default() }
    }

    /// The same, and part files have these indexes; each with what computes its columns.
    #[must_use]
    pub fn with_indexes(self, indexes: Vec<(SkipIndex, Arc<dyn BlockTransform>)>) -> Derived {
        Derived { indexes, ..self }
    }

    /// The same, and part files have these projections; each with what computes the groups of some rows.
    #[must_use]
    pub fn with_projections(self, projections: Vec<(Projection, Arc<dyn BlockTransform>)>) -> Derived {
        Derived { projections, ..self }
    }

    /// The same without the projections of which this is not true.
    #[must_use]
    pub fn retain_projections(mut self, keep: impl Fn(&Projection) -> bool) -> Derived {
        self.projections.retain(|(projection, _)| keep(projection));
        self
    }

    /// Projections, and what computes the groups of some rows.
    pub(crate) fn projections(&self) -> &[(Projection, Arc<dyn BlockTransform>)] {
        &self.projections
    }

    /// The same without the indexes of which this is not true.
    #[must_use]
    pub fn retain_indexes(mut self, keep: impl Fn(&SkipIndex) -> bool) -> Derived {
        self.indexes.retain(|(index, _)| keep(index));
        self
    }

    /// Indexes, and what computes their columns.
    pub(crate) fn indexes(&self) -> &[(SkipIndex, Arc<dyn BlockTransform>)] {
        &self.indexes
    }

    /// Nothing is computed: the part takes over the bounds of the parts whose rows it gets, as wide as all of them
    /// together. What one of them does not know is not known of it either.
    pub fn of_inputs<'a>(inputs: impl Iterator<Item = &'a PartMeta> + Clone) -> Result<Derived> {
        let mut derived = Derived::default();
        let Some(first) = inputs.clone().next() else { return Ok(derived) };
        for known in first.min_max.iter().filter(|known| first.header.column(&known.column.name).is_none()) {
            let all: Option<Vec<&MinMax>> = inputs.clone().map(|meta| meta.bounds_of(&known.column.name)).collect();
            if let Some(all) = all.filter(|all| all.iter().all(|other| other.column == known.column)) {
                derived.known.push(MinMax::of_all(&all)?);
            }
        }
        Ok(derived)
    }

    /// True when nothing is computed.
    pub fn is_none(&self) -> bool {
        self.moments.is_none() && self.indexes.is_empty() && self.projections.is_empty()
    }

    /// Bounds that are known without computing.
    pub(crate) fn known(&self) -> &[MinMax] {
        &self.known
    }

    /// The computed columns.
    pub(crate) fn header(&self) -> Header {
        self.moments.as_ref().map_or_else(Header::default, |(header, _)| header.clone())
    }

    /// The computed columns of some rows.
    pub(crate) fn compute(&self, rows: &Block) -> Result<Option<Block>> {
        let Some((header, compute)) = &self.moments else { return Ok(None) };
        let computed = compute.apply(rows)?;
        if computed.header() != header || computed.rows() != rows.rows() {
            return Err(Error::Schema("computed columns are others than were said".to_owned()));
        }
        Ok(Some(computed))
    }
}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.header().columns().iter().map(|column| column.name.to_string()).collect::<Vec<_>>();
        let indexes = self.indexes.iter().map(|(index, _)| index.name.to_string());
        let projections = self.projections.iter().map(|(projection, _)| projection.name.to_string());
        write!(f, "Derived({})", names.into_iter().chain(indexes).chain(projections).collect::<Vec<_>>().join(", "))
    }
}

impl PartMeta {
    /// The bounds of a computed column, where the part has them.
    pub fn bounds_of(&self, name: &str) -> Option<&MinMax> {
        self.min_max.iter().find(|known| &*known.column.name == name)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Int64Array, UInt64Array};
    use arrow::datatypes::Int64Type;
    use types::transform::TransformError;
    use types::{Column, DataType};

    use super::*;
    use crate::schema::{MergeMode, PartSchema, SortColumn};

    /// The moment of a row: ten times its key, none for odd keys.
    struct Tenfold(Header);

    impl BlockTransform for Tenfold {
        fn apply(&self, block: &Block) -> std::result::Result<Block, TransformError> {
            let keys = block.array(0).as_primitive::<arrow::datatypes::UInt64Type>();
            let moments = keys.values().iter().map(|key| (key % 2 == 0).then_some(*key as i64 * 10));
            let moments: ArrayRef = Arc::new(moments.collect::<Int64Array>());
            Ok(Block::new(self.0.clone(), vec![moments]).expect("one column"))
        }
    }

    fn schema() -> PartSchema {
        PartSchema {
            header: Header::new(vec![Column::new("k", DataType::UInt64)]),
            sort_key: vec![SortColumn::ascending(0)],
            primary_key_len: 1,
            partition_key: Vec::new(),
            merge_mode: MergeMode::Plain,
            index_granularity: 4,
            min_max: Vec::new(),
        }
    }

    fn meta(keys: &[u64], derived: &Derived) -> PartMeta {
        let keys: ArrayRef = Arc::new(UInt64Array::from(keys.to_vec()));
        PartMeta::of_block(&schema(), derived, &Block::new(schema().header, vec![keys]).unwrap()).unwrap()
    }

    fn bounds(meta: &PartMeta) -> Option<(Vec<i64>, bool)> {
        let known = meta.bounds_of("\u{1}m")?;
        Some((known.values.as_primitive::<Int64Type>().values().to_vec(), known.has_null))
    }

    #[test]
    fn a_part_keeps_the_bounds_of_computed_columns_and_parts_together_those_of_all() {
        let header = Header::new(vec![Column::new("\u{1}m", DataType::parse("Nullable(Int64)").unwrap())]);
        let derived = Derived::moments(header.clone(), Arc::new(Tenfold(header)));
        let (a, b, odd) = (meta(&[2, 4], &derived), meta(&[1, 8], &derived), meta(&[1, 3], &derived));
        assert_eq!(bounds(&a), Some((vec![20, 40], false)));
        assert_eq!(bounds(&b), Some((vec![80, 80], true)));
        assert_eq!(bounds(&odd), Some((vec![], true)));
        assert_eq!(PartMeta::decode(&b.encode()).unwrap(), b);

        let all = Derived::of_inputs([&a, &b, &odd].into_iter()).unwrap();
        assert_eq!(bounds(&meta(&[1, 2, 4, 8], &all)), Some((vec![20, 80], true)));

        let plain = meta(&[1], &Derived::default());
        let unknown = Derived::of_inputs([&a, &plain].into_iter()).unwrap();
        assert_eq!(bounds(&meta(&[1, 2], &unknown)), None, "what one input does not know, nobody knows");
    }
}
