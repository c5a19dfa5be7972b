//! What the parts of a table have in common: columns, key, partition key, and what its engine does with equal keys.

use std::collections::BTreeMap;

use types::{DataType, Header};

use crate::error::{Error, Result};

/// Rows in a granule where the table does not say otherwise.
pub const INDEX_GRANULARITY: usize = 8192;

/// One column of a sorting key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SortColumn {
    /// Its position in the header.
    pub position: usize,
    /// True for `ORDER BY … DESC`.
    pub descending: bool,
}

impl SortColumn {
    /// The column at `position`, ascending.
    pub fn ascending(position: usize) -> SortColumn {
        SortColumn { position, descending: false }
    }
}

/// What all parts of a table have in common. Build it as a literal, then pass it through
/// [`PartSchema::checked`].
#[derive(Clone, PartialEq, Debug)]
pub struct PartSchema {
    /// All columns, hidden ones (computed keys) included.
    pub header: Header,
    /// The sorting key, most significant first. Empty for `ORDER BY tuple()`.
    pub sort_key: Vec<SortColumn>,
    /// How many columns of the sorting key the sparse index holds.
    pub primary_key_len: usize,
    /// Positions of the partition key's columns.
    pub partition_key: Vec<usize>,
    /// What happens to rows of equal sorting key.
    pub merge_mode: MergeMode,
    /// Rows in a granule, at least 1.
    pub index_granularity: usize,
    /// Positions of columns whose smallest and largest value every part keeps.
    pub min_max: Vec<usize>,
}

/// What the engine does with rows of equal sorting key, at insert, merge and FINAL. Numbers are header positions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MergeMode {
    /// MergeTree: nothing.
    Plain,
    /// ReplacingMergeTree: the last row of the highest version stays.
    Replacing {
        /// The version column.
        version: Option<usize>,
        /// A UInt8 column that marks the winner as deleted.
        is_deleted: Option<usize>,
    },
    /// SummingMergeTree: see [`MergeMode::summing`].
    Summing {
        /// Columns added up.
        columns: Vec<usize>,
        /// `Nested` columns merged as maps.
        maps: Vec<SumMap>,
        /// Whether a row whose sums are all zero is dropped. Not so in tables with maps or merged aggregate columns.
        drops_zero_rows: bool,
        /// Aggregate columns that the engine's list leaves out: they keep the first row's state.
        kept: Vec<usize>,
    },
    /// AggregatingMergeTree: columns of (Simple)AggregateFunction are merged, others keep the first row's value.
    Aggregating,
    /// CollapsingMergeTree.
    Collapsing {
        /// The Int8 sign column.
        sign: usize,
    },
    /// VersionedCollapsingMergeTree; the version is also the last column of the sorting key.
    VersionedCollapsing {
        /// The Int8 sign column.
        sign: usize,
        /// The version column.
        version: usize,
    },
    /// CoalescingMergeTree: the latest value that is not NULL of each of `columns`; others keep the first row's.
    Coalescing {
        /// Coalesced columns.
        columns: Vec<usize>,
        /// As of Summing.
        kept: Vec<usize>,
    },
}

/// A group of array columns that SummingMergeTree merges as a map from keys to values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SumMap {
    /// Positions of key arrays; one, or several for a composite key.
    pub keys: Vec<usize>,
    /// Positions of value arrays.
    pub values: Vec<usize>,
}

impl PartSchema {
    /// Checks positions and types; adds the version of VersionedCollapsing to the sorting key where it is missing.
    pub fn checked(mut self) -> Result<PartSchema> {
        if let MergeMode::VersionedCollapsing { version, .. } = self.merge_mode
            && !self.sort_key.iter().any(|column| column.position == version)
        {
            self.sort_key.push(SortColumn::ascending(version));
        }
        let sorted = self.sort_key.iter().map(|column| column.position);
        let mentioned = sorted.chain(self.partition_key.iter().copied()).chain(self.min_max.iter().copied());
        if let Some(position) = mentioned.chain(self.merge_mode.positions()).find(|&i| i >= self.header.len()) {
            return Err(Error::Schema(format!("column {position} of {}", self.header.len())));
        }
        if self.primary_key_len > self.sort_key.len() {
            return Err(Error::Schema("primary key is longer than sorting key".to_owned()));
        }
        if self.index_granularity == 0 {
            return Err(Error::Schema("index granularity is 0".to_owned()));
        }
        self.check_mode_types()?;
        Ok(self)
    }

    fn check_mode_types(&self) -> Result<()> {
        let expect = |position: usize, ty: DataType| {
            let column = &self.header.columns()[position];
            if column.ty == ty {
                return Ok(());
            }
            Err(Error::Schema(format!("column \"{}\" is {}, expected {ty}", column.name, column.ty)))
        };
        match &self.merge_mode {
            MergeMode::Collapsing { sign } | MergeMode::VersionedCollapsing { sign, .. } => {
                expect(*sign, DataType::Int8)
            }
            MergeMode::Replacing { is_deleted: Some(position), .. }
                if self.header.columns()[*position].ty == DataType::Bool =>
            {
                Ok(())
            }
            MergeMode::Replacing { is_deleted: Some(position), .. } => expect(*position, DataType::UInt8),
            MergeMode::Plain
            | MergeMode::Replacing { .. }
            | MergeMode::Summing { .. }
            | MergeMode::Aggregating
            | MergeMode::Coalescing { .. } => Ok(()),
        }
    }

    /// True when rows of equal key are rewritten, so that parts are read key by key rather than scanned.
    pub fn is_keyed(&self) -> bool {
        match self.merge_mode {
            MergeMode::Replacing { .. } | MergeMode::Summing { .. } | MergeMode::Aggregating => true,
            MergeMode::Coalescing { .. } => true,
            MergeMode::Plain | MergeMode::Collapsing { .. } | MergeMode::VersionedCollapsing { .. } => false,
        }
    }

    /// True when `SELECT … FINAL` has a meaning (MergeTree itself refuses it).
    pub fn has_final(&self) -> bool {
        self.merge_mode != MergeMode::Plain
    }

    /// Positions of the sorting key's columns.
    pub fn sort_positions(&self) -> Vec<usize> {
        self.sort_key.iter().map(|column| column.position).collect()
    }

    /// The columns that FINAL must read so that `columns` come out right: these first, then what the rule looks at.
    pub fn final_columns(&self, columns: &[usize]) -> Vec<usize> {
        let mut needed = columns.to_vec();
        let rule = match &self.merge_mode {
            // a row is dropped when all its sums are zero, so all of them are looked at
            MergeMode::Summing { drops_zero_rows: true, .. } => self.merge_mode.positions(),
            // an entry of a map is dropped when all its sums are zero
            MergeMode::Summing { maps, .. } => {
                let touched = maps.iter().filter(|map| map.positions().any(|p| columns.contains(&p)));
                touched.flat_map(SumMap::positions).collect()
            }
            MergeMode::Coalescing { .. } => Vec::new(),
            mode => mode.positions(),
        };
        for position in self.sort_positions().into_iter().chain(rule) {
            if !needed.contains(&position) {
                needed.push(position);
            }
        }
        needed
    }

    /// This schema over only the columns at `positions`, for merging projected blocks (FINAL).
    ///
    /// `positions` must be what [`PartSchema::final_columns`] gave, or hold at least those.
    pub fn project(&self, positions: &[usize]) -> Result<PartSchema> {
        let map = |position: usize| {
            positions
                .iter()
                .position(|&p| p == position)
                .ok_or_else(|| Error::Schema(format!("column {position} is needed and was not read")))
        };
        let map_all = |list: &[usize]| list.iter().map(|&p| map(p)).collect::<Result<Vec<_>>>();
        let keep = |list: &[usize]| list.iter().filter_map(|&p| map(p).ok()).collect::<Vec<_>>();
        let mut sort_key = Vec::with_capacity(self.sort_key.len());
        for column in &self.sort_key {
            sort_key.push(SortColumn { position: map(column.position)?, descending: column.descending });
        }
        let merge_mode = match &self.merge_mode {
            MergeMode::Plain => MergeMode::Plain,
            MergeMode::Replacing { version, is_deleted } => MergeMode::Replacing {
                version: version.map(map).transpose()?,
                is_deleted: is_deleted.map(map).transpose()?,
            },
            MergeMode::Summing { columns, maps, drops_zero_rows, kept } => MergeMode::Summing {
                columns: if *drops_zero_rows { map_all(columns)? } else { keep(columns) },
                maps: maps
                    .iter()
                    .filter(|m| *drops_zero_rows || m.positions().any(|p| map(p).is_ok()))
                    .map(|m| Ok(SumMap { keys: map_all(&m.keys)?, values: map_all(&m.values)? }))
                    .collect::<Result<_>>()?,
                drops_zero_rows: *drops_zero_rows,
                kept: keep(kept),
            },
            MergeMode::Aggregating => MergeMode::Aggregating,
            MergeMode::Collapsing { sign } => MergeMode::Collapsing { sign: map(*sign)? },
            MergeMode::VersionedCollapsing { sign, version } => {
                MergeMode::VersionedCollapsing { sign: map(*sign)?, version: map(*version)? }
            }
            MergeMode::Coalescing { columns, kept } => {
                MergeMode::Coalescing { columns: keep(columns), kept: keep(kept) }
            }
        };
        PartSchema {
            header: self.header.project(positions),
            sort_key,
            primary_key_len: self.primary_key_len,
            partition_key: keep(&self.partition_key),
            merge_mode,
            index_granularity: self.index_granularity,
            min_max: keep(&self.min_max),
        }
        .checked()
    }
}

impl MergeMode {
    /// The first row of each key, and nothing of the others.
    pub fn first_of_key() -> MergeMode {
        MergeMode::Summing { columns: Vec::new(), maps: Vec::new(), drops_zero_rows: false, kept: Vec::new() }
    }

    /// Every position the rule names.
    pub fn positions(&self) -> Vec<usize> {
        match self {
            MergeMode::Plain | MergeMode::Aggregating => Vec::new(),
            MergeMode::Replacing { version, is_deleted } => version.iter().chain(is_deleted).copied().collect(),
            MergeMode::Summing { columns, maps, .. } => {
                columns.iter().copied().chain(maps.iter().flat_map(SumMap::positions)).collect()
            }
            MergeMode::Collapsing { sign } => vec![*sign],
            MergeMode::VersionedCollapsing { sign, version } => vec![*sign, *version],
            MergeMode::Coalescing { columns, .. } => columns.clone(),
        }
    }

    /// `SummingMergeTree[(listed)]`: which columns are added up and which are maps.
    ///
    /// `excluded` are the columns that sorting and partition key are computed from (and the hidden key columns). Columns
    /// whose name is `…Map.x` and whose type is an array are maps, whatever is listed, as in ClickHouse.
    pub fn summing(header: &Header, excluded: &[usize], listed: Option<&[usize]>) -> MergeMode {
        let mut columns = Vec::new();
        let mut nested: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (position, column) in header.columns().iter().enumerate() {
            let is_listed = listed.is_none_or(|listed| listed.contains(&position));
            match (column.name.split_once('.'), &column.ty) {
                (Some((table, _)), DataType::Array(_)) if table.ends_with("Map") => {
                    nested.entry(table).or_default().push(position);
                }
                (_, ty) if is_listed && is_summable(ty) && !excluded.contains(&position) => columns.push(position),
                _ => {}
            }
        }
        let maps: Vec<SumMap> =
            nested.into_values().filter_map(|positions| sum_map(header, &positions, excluded)).collect();
        let kept = kept(header, listed);
        let mut aggregates = (0..header.len()).filter(|position| is_aggregate(&header.columns()[*position].ty));
        let drops_zero_rows = !columns.is_empty()
            && maps.iter().all(|map| map.keys.len() > 1)
            && aggregates.all(|position| kept.contains(&position));
        MergeMode::Summing { columns, maps, drops_zero_rows, kept }
    }

    /// `CoalescingMergeTree[(listed)]`.
    pub fn coalescing(header: &Header, excluded: &[usize], listed: Option<&[usize]>) -> MergeMode {
        let columns = (0..header.len())
            .filter(|position| !excluded.contains(position))
            .filter(|position| listed.is_none_or(|listed| listed.contains(position)))
            .collect();
        MergeMode::Coalescing { columns, kept: kept(header, listed) }
    }
}

/// Aggregate columns that a list of columns leaves out.
fn kept(header: &Header, listed: Option<&[usize]>) -> Vec<usize> {
    let Some(listed) = listed else { return Vec::new() };
    let left_out = |position: &usize| is_aggregate(&header.columns()[*position].ty) && !listed.contains(position);
    (0..header.len()).filter(left_out).collect()
}

impl SumMap {
    /// Positions of all its columns.
    pub fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.keys.iter().chain(&self.values).copied()
    }
}

/// True for columns that merge by an aggregate function of their own.
pub fn is_aggregate(ty: &DataType) -> bool {
    matches!(ty, DataType::AggregateFunction(_) | DataType::SimpleAggregateFunction(_))
}

/// True for types that SummingMergeTree adds up.
pub fn is_summable(ty: &DataType) -> bool {
    match ty {
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => is_summable(inner),
        // Bool too: true + true stays true
        other => other.is_number(),
    }
}

/// The map that the nested columns at `positions` are, unless their types do not allow it.
fn sum_map(header: &Header, positions: &[usize], excluded: &[usize]) -> Option<SumMap> {
    if positions.len() < 2 || positions.iter().any(|position| excluded.contains(position)) {
        return None;
    }
    let mut map = SumMap { keys: Vec::new(), values: Vec::new() };
    for &position in positions {
        let column = &header.columns()[position];
        let DataType::Array(item) = &column.ty else { return None };
        let is_key = ["ID", "Key", "Type"].iter().any(|suffix| column.name.ends_with(suffix));
        if map.keys.is_empty() || is_key {
            let fits = item.is_integer()
                || item.is_string()
                || item.is_date_or_time()
                || matches!(
                    **item,
                    DataType::Enum(_) | DataType::Bool | DataType::Uuid | DataType::Ipv4 | DataType::Ipv6
                );
            if !fits {
                return None;
            }
            map.keys.push(position);
        } else if is_summable(item) {
            map.values.push(position);
        } else {
            return None;
        }
    }
    (!map.values.is_empty()).then_some(map)
}
