//! Definitions to bytes and back, inside commit records and checkpoints.

use std::sync::Arc;

use parts::{MergeMode, PartSchema, SortColumn, SumMap};
use types::{DatabaseId, TableId};

use super::{DatabaseDef, QualifiedName, Readiness, TableDef, TableKind, Target, ViewDef, Visibility};
use crate::codec::{DecodeError, Decoder, Encoder};

impl QualifiedName {
    pub(crate) fn encode(&self, to: &mut Encoder) {
        to.text(&self.database);
        to.text(&self.name);
    }

    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<QualifiedName, DecodeError> {
        Ok(QualifiedName { database: from.text("database name")?, name: from.text("table name")? })
    }
}

impl DatabaseDef {
    /// The bytes that [`DatabaseDef::from_bytes`] reads: for backups.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Encoder::default();
        self.encode(&mut to);
        to.into_bytes()
    }

    /// The definition that `bytes` were made from. Arbitrary bytes are an error.
    pub fn from_bytes(bytes: &[u8]) -> Result<DatabaseDef, DecodeError> {
        let mut from = Decoder::new(bytes);
        let def = DatabaseDef::decode(&mut from)?;
        from.end()?;
        Ok(def)
    }

    pub(crate) fn encode(&self, to: &mut Encoder) {
        to.u64(self.id.0);
        to.text(&self.name);
        to.text(&self.engine);
        to.u128(self.uuid);
        to.text(&self.comment);
        to.i64(self.created_ns);
    }

    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<DatabaseDef, DecodeError> {
        Ok(DatabaseDef {
            id: DatabaseId(from.u64("database id")?),
            name: from.text("database name")?,
            engine: from.text("database engine")?,
            uuid: from.u128("database uuid")?,
            comment: from.text("database comment")?,
            created_ns: from.i64("database creation time")?,
        })
    }
}

impl TableDef {
    /// The bytes that [`TableDef::from_bytes`] reads: for backups.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Encoder::default();
        self.encode(&mut to);
        to.into_bytes()
    }

    /// The definition that `bytes` were made from. Arbitrary bytes are an error.
    pub fn from_bytes(bytes: &[u8]) -> Result<TableDef, DecodeError> {
        let mut from = Decoder::new(bytes);
        let def = TableDef::decode(&mut from)?;
        from.end()?;
        Ok(def)
    }

    pub(crate) fn encode(&self, to: &mut Encoder) {
        to.u64(self.id.0);
        to.text(&self.database);
        to.text(&self.name);
        to.u128(self.uuid);
        to.u64(self.version);
        to.text(&self.sql);
        to.text(&self.engine);
        to.u8(match self.kind {
            TableKind::MergeTree => 0,
            TableKind::Memory => 1,
            TableKind::Null => 2,
            TableKind::View => 3,
            TableKind::WindowView => 4,
            TableKind::Merge => 5,
            TableKind::Dictionary => 6,
            TableKind::DictionaryTable => 7,
            TableKind::Join => 8,
            TableKind::Set => 9,
            TableKind::Buffer => 10,
            TableKind::External => 11,
        });
        to.header(&self.columns);
        to.option(self.schema.as_ref(), |to, schema| encode_schema(schema, to));
        to.option(self.view.as_ref(), |to, view| view.encode(to));
        to.u8(self.visibility.tag());
        to.flag(self.readiness == Readiness::Building);
        to.text(&self.comment);
        to.i64(self.created_ns);
    }

    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<TableDef, DecodeError> {
        Ok(TableDef {
            id: TableId(from.u64("table id")?),
            database: from.text("database name")?,
            name: from.text("table name")?,
            uuid: from.u128("table uuid")?,
            version: from.u64("definition version")?,
            sql: from.text("definition")?,
            engine: from.text("table engine")?,
            kind: match from.u8("table kind")? {
                0 => TableKind::MergeTree,
                1 => TableKind::Memory,
                2 => TableKind::Null,
                3 => TableKind::View,
                4 => TableKind::WindowView,
                5 => TableKind::Merge,
                6 => TableKind::Dictionary,
                7 => TableKind::DictionaryTable,
                8 => TableKind::Join,
                9 => TableKind::Set,
                10 => TableKind::Buffer,
                11 => TableKind::External,
                value => return Err(DecodeError::Value { what: "table kind", value: value.into() }),
            },
            columns: from.header()?,
            schema: from.option("part schema", decode_schema)?.map(Arc::new),
            view: from.option("view", ViewDef::decode)?,
            visibility: Visibility::of_tag(from.u8("visibility")?)?,
            readiness: if from.flag("readiness")? { Readiness::Building } else { Readiness::Ready },
            comment: from.text("table comment")?,
            created_ns: from.i64("table creation time")?,
        })
    }
}

impl Visibility {
    pub(crate) fn tag(self) -> u8 {
        match self {
            Visibility::Listed => 0,
            Visibility::Hidden => 1,
            Visibility::Detached => 2,
            Visibility::DetachedPermanently => 3,
        }
    }

    pub(crate) fn of_tag(tag: u8) -> Result<Visibility, DecodeError> {
        match tag {
            0 => Ok(Visibility::Listed),
            1 => Ok(Visibility::Hidden),
            2 => Ok(Visibility::Detached),
            3 => Ok(Visibility::DetachedPermanently),
            value => Err(DecodeError::Value { what: "visibility", value: value.into() }),
        }
    }
}

impl Target {
    fn encode(&self, to: &mut Encoder) {
        match self {
            Target::Named(name) => {
                to.u8(0);
                name.encode(to);
            }
            Target::Inner(id) => {
                to.u8(1);
                to.u64(id.0);
            }
        }
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Target, DecodeError> {
        match from.u8("view target")? {
            0 => QualifiedName::decode(from).map(Target::Named),
            1 => Ok(Target::Inner(TableId(from.u64("inner table")?))),
            value => Err(DecodeError::Value { what: "view target", value: value.into() }),
        }
    }
}

impl ViewDef {
    fn encode(&self, to: &mut Encoder) {
        let names = |to: &mut Encoder, names: &[QualifiedName]| to.list(names, |to, name| name.encode(to));
        match self {
            ViewDef::Plain => to.u8(0),
            ViewDef::Incremental { source, target, errors } => {
                to.u8(if errors.is_some() { 5 } else { 1 });
                source.encode(to);
                target.encode(to);
                errors.iter().for_each(|errors| to.u64(errors.0));
            }
            ViewDef::Window { source, target, late, state, errors } => {
                to.u8(if errors.is_some() { 6 } else { 2 });
                source.encode(to);
                target.encode(to);
                to.option(late.as_ref(), |to, late| late.encode(to));
                to.list(state, |to, table| to.u64(table.0));
                errors.iter().for_each(|errors| to.u64(errors.0));
            }
            ViewDef::Refreshable { target, depends_on, state } => {
                to.u8(3);
                target.encode(to);
                names(to, depends_on);
                to.list(state, |to, table| to.u64(table.0));
            }
            ViewDef::Live { sources, target } => {
                to.u8(4);
                names(to, sources);
                target.encode(to);
            }
        }
    }

    fn decode(from: &mut Decoder<'_>) -> Result<ViewDef, DecodeError> {
        let names = |from: &mut Decoder<'_>| from.list("view sources", QualifiedName::decode);
        match from.u8("view kind")? {
            0 => Ok(ViewDef::Plain),
            kind @ (1 | 5) => Ok(ViewDef::Incremental {
                source: QualifiedName::decode(from)?,
                target: Target::decode(from)?,
                errors: (kind == 5).then(|| from.u64("table of errors").map(TableId)).transpose()?,
            }),
            kind @ (2 | 6) => Ok(ViewDef::Window {
                source: QualifiedName::decode(from)?,
                target: Target::decode(from)?,
                late: from.option("late target", QualifiedName::decode)?,
                state: from.list("state tables", |from| from.u64("state table").map(TableId))?,
                errors: (kind == 6).then(|| from.u64("table of errors").map(TableId)).transpose()?,
            }),
            3 => Ok(ViewDef::Refreshable {
                target: Target::decode(from)?,
                depends_on: names(from)?,
                state: from.list("state tables", |from| from.u64("state table").map(TableId))?,
            }),
            4 => Ok(ViewDef::Live { sources: names(from)?, target: Target::decode(from)? }),
            value => Err(DecodeError::Value { what: "view kind", value: value.into() }),
        }
    }
}

fn sizes(to: &mut Encoder, positions: &[usize]) {
    to.list(positions, |to, position| to.size(*position));
}

fn decode_sizes(from: &mut Decoder<'_>) -> Result<Vec<usize>, DecodeError> {
    from.list("positions", |from| from.size("position"))
}

fn encode_schema(schema: &PartSchema, to: &mut Encoder) {
    to.header(&schema.header);
    to.list(&schema.sort_key, |to, column| {
        to.size(column.position);
        to.flag(column.descending);
    });
    to.size(schema.primary_key_len);
    sizes(to, &schema.partition_key);
    encode_mode(&schema.merge_mode, to);
    to.size(schema.index_granularity);
    sizes(to, &schema.min_max);
}

fn decode_schema(from: &mut Decoder<'_>) -> Result<PartSchema, DecodeError> {
    let schema = PartSchema {
        header: from.header()?,
        sort_key: from.list("sort key", |from| {
            Ok(SortColumn { position: from.size("key position")?, descending: from.flag("descending")? })
        })?,
        primary_key_len: from.size("primary key length")?,
        partition_key: decode_sizes(from)?,
        merge_mode: decode_mode(from)?,
        index_granularity: from.size("index granularity")?,
        min_max: decode_sizes(from)?,
    };
    schema.checked().map_err(|error| DecodeError::Part(error.to_string()))
}

fn encode_mode(mode: &MergeMode, to: &mut Encoder) {
    let position = |to: &mut Encoder, position: &usize| to.size(*position);
    match mode {
        MergeMode::Plain => to.u8(0),
        MergeMode::Replacing { version, is_deleted } => {
            to.u8(1);
            to.option(version.as_ref(), position);
            to.option(is_deleted.as_ref(), position);
        }
        MergeMode::Summing { columns, maps, drops_zero_rows, kept } => {
            to.u8(if kept.is_empty() { 2 } else { 7 });
            sizes(to, columns);
            to.list(maps, |to, map| {
                sizes(to, &map.keys);
                sizes(to, &map.values);
            });
            to.flag(*drops_zero_rows);
            if !kept.is_empty() {
                sizes(to, kept);
            }
        }
        MergeMode::Aggregating => to.u8(3),
        MergeMode::Collapsing { sign } => {
            to.u8(4);
            to.size(*sign);
        }
        MergeMode::VersionedCollapsing { sign, version } => {
            to.u8(5);
            to.size(*sign);
            to.size(*version);
        }
        MergeMode::Coalescing { columns, kept } => {
            to.u8(if kept.is_empty() { 6 } else { 8 });
            sizes(to, columns);
            if !kept.is_empty() {
                sizes(to, kept);
            }
        }
    }
}

fn decode_mode(from: &mut Decoder<'_>) -> Result<MergeMode, DecodeError> {
    let tag = from.u8("merge mode")?;
    Ok(match tag {
        0 => MergeMode::Plain,
        1 => MergeMode::Replacing {
            version: from.option("version", |from| from.size("version"))?,
            is_deleted: from.option("is_deleted", |from| from.size("is_deleted"))?,
        },
        2 | 7 => MergeMode::Summing {
            columns: decode_sizes(from)?,
            maps: from.list("maps", |from| Ok(SumMap { keys: decode_sizes(from)?, values: decode_sizes(from)? }))?,
            drops_zero_rows: from.flag("drops zero rows")?,
            kept: if tag == 7 { decode_sizes(from)? } else { Vec::new() },
        },
        3 => MergeMode::Aggregating,
        4 => MergeMode::Collapsing { sign: from.size("sign")? },
        5 => MergeMode::VersionedCollapsing { sign: from.size("sign")?, version: from.size("version")? },
        6 | 8 => MergeMode::Coalescing {
            columns: decode_sizes(from)?,
            kept: if tag == 8 { decode_sizes(from)? } else { Vec::new() },
        },
        value => return Err(DecodeError::Value { what: "merge mode", value: value.into() }),
    })
}
