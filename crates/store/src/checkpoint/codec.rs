//! The body of a checkpoint.

use std::sync::Arc;

use types::{CommitSeq, DatabaseId, TableId};

use super::VERSION_WITH_HISTORY;
use crate::catalog::RetiredTable;
use crate::codec::{DecodeError, Decoder, Encoder};
use crate::commit::{PartSource, Receipt};
use crate::definition::{DatabaseDef, QualifiedName, TableDef};
use crate::history::{TableHistory, decode_active, encode_active};
use crate::part_set::TableParts;
use crate::snapshot::Snapshot;

pub(super) fn encode_body(snapshot: &Snapshot) -> Vec<u8> {
    let mut to = Encoder::default();
    to.i64(snapshot.at_ns);
    encode_catalog(snapshot, &mut to);
    to.size(snapshot.parts.tables().len());
    for (table, parts) in snapshot.parts.tables() {
        to.u64(table.0);
        encode_parts(parts, &mut to);
    }
    encode_tokens(&snapshot.tokens.all(), &mut to);
    let history: Vec<_> = snapshot.history.tables().collect();
    to.list(&history, |to, (table, history)| {
        to.u64(table.0);
        history.encode(to);
    });
    encode_tokens(&snapshot.tokens.all_blocks(), &mut to);
    encode_refreshes(snapshot, &mut to);
    to.list(&snapshot.catalog.retired(), |to, retired| {
        retired.table.encode(to);
        to.i64(retired.at_ns);
    });
    encode_collections(snapshot, &mut to);
    to.into_bytes()
}

pub(super) fn decode_body(
    bytes: &[u8],
    version: u32,
    seq: CommitSeq,
    source: &PartSource,
) -> Result<Snapshot, DecodeError> {
    let mut from = Decoder::new(bytes);
    let mut snapshot = Snapshot { seq, at_ns: from.i64("commit time")?, ..Snapshot::default() };
    decode_catalog(&mut from, &mut snapshot)?;
    from.list("tables with parts", |from| {
        let table = TableId(from.u64("table id")?);
        decode_parts(from, version, snapshot.parts.table_mut(table), source)
    })?;
    decode_tokens(&mut from, &mut snapshot, None)?;
    if VERSION_WITH_HISTORY <= version {
        from.list("tables with a history", |from| {
            let table = TableId(from.u64("table id")?);
            *snapshot.history.table_mut(table) = TableHistory::decode(from, source)?;
            Ok(())
        })?;
    }
    // Checkpoints of before hashes of rows were remembered end here.
    if !from.is_empty() {
        decode_tokens(&mut from, &mut snapshot, Some(u32::MAX))?;
    }
    // and those of before there were groups and marks here.
    if !from.is_empty() {
        decode_refreshes(&mut from, &mut snapshot)?;
    }
    // and those of before dropped tables were kept here.
    if !from.is_empty() {
        from.list("retired tables", |from| {
            let (table, at_ns) = (Arc::new(TableDef::decode(from)?), from.i64("drop time")?);
            snapshot.catalog.restore_retired(RetiredTable { table, at_ns });
            Ok(())
        })?;
    }
    // and those of before there were named collections here.
    if !from.is_empty() {
        decode_collections(&mut from, &mut snapshot)?;
    }
    from.end()?;
    Ok(snapshot)
}

/// Concurrency groups, and how far tables were read.
fn encode_refreshes(snapshot: &Snapshot, to: &mut Encoder) {
    let groups: Vec<_> = snapshot.catalog.groups().collect();
    to.list(&groups, |to, (name, limit)| {
        to.text(name);
        to.u64(**limit);
    });
    let marks_of = |(table, parts): (&TableId, &TableParts)| {
        parts.marks().map(|(reader, block)| (*table, *reader, *block)).collect::<Vec<_>>()
    };
    let marks: Vec<(TableId, TableId, u64)> = snapshot.parts.tables().flat_map(marks_of).collect();
    to.list(&marks, |to, (table, reader, block)| {
        to.u64(table.0);
        to.u64(reader.0);
        to.u64(*block);
    });
}

fn decode_refreshes(from: &mut Decoder<'_>, snapshot: &mut Snapshot) -> Result<(), DecodeError> {
    from.list("groups", |from| {
        let name = from.text("group name")?;
        snapshot.catalog.put_group(&name, Some(from.u64("limit")?));
        Ok(())
    })?;
    from.list("marks", |from| {
        let (table, reader) = (TableId(from.u64("table id")?), TableId(from.u64("table id")?));
        snapshot.parts.table_mut(table).put_mark(reader, from.u64("block")?);
        Ok(())
    })?;
    Ok(())
}

fn encode_collections(snapshot: &Snapshot, to: &mut Encoder) {
    let collections: Vec<_> = snapshot.catalog.collections().collect();
    to.list(&collections, |to, (name, text)| {
        to.text(name);
        to.text(text);
    });
}

fn decode_collections(from: &mut Decoder<'_>, snapshot: &mut Snapshot) -> Result<(), DecodeError> {
    from.list("named collections", |from| {
        let name = from.text("collection name")?;
        snapshot.catalog.put_collection(&name, Some(from.text("text")?));
        Ok(())
    })?;
    Ok(())
}

fn encode_tokens(tokens: &[(TableId, &Arc<str>, Receipt)], to: &mut Encoder) {
    to.list(tokens, |to, (table, token, receipt)| {
        to.u64(table.0);
        to.text(token);
        to.u64(receipt.seq.0);
        to.i64(receipt.at_ns);
    });
}

fn decode_tokens(from: &mut Decoder<'_>, snapshot: &mut Snapshot, window: Option<u32>) -> Result<(), DecodeError> {
    from.list("tokens", |from| {
        let (table, token) = (TableId(from.u64("table id")?), from.text("token")?);
        let receipt = Receipt { seq: CommitSeq(from.u64("commit")?), at_ns: from.i64("commit time")? };
        snapshot.tokens.put(table, token, window, receipt);
        Ok(())
    })?;
    Ok(())
}

fn encode_catalog(snapshot: &Snapshot, to: &mut Encoder) {
    let catalog = &snapshot.catalog;
    to.u64(catalog.next_table_id().0);
    to.u64(catalog.next_database_id().0);
    let databases: Vec<&Arc<DatabaseDef>> = catalog.databases().collect();
    to.list(&databases, |to, database| database.encode(to));
    let tables: Vec<&Arc<TableDef>> = catalog.tables().collect();
    to.list(&tables, |to, table| table.encode(to));
    to.size(catalog.all_views_changed().len());
    for (source, seq) in catalog.all_views_changed() {
        source.encode(to);
        to.u64(seq.0);
    }
}

fn decode_catalog(from: &mut Decoder<'_>, snapshot: &mut Snapshot) -> Result<(), DecodeError> {
    let catalog = &mut snapshot.catalog;
    let (next_table, next_database) = (TableId(from.u64("table id")?), DatabaseId(from.u64("database id")?));
    from.list("databases", |from| {
        catalog.put_database(Arc::new(DatabaseDef::decode(from)?));
        Ok(())
    })?;
    from.list("tables", |from| {
        catalog.restore_table(TableDef::decode(from)?);
        Ok(())
    })?;
    catalog.restore_counters(next_table, next_database);
    from.list("changes of views", |from| {
        let source = QualifiedName::decode(from)?;
        catalog.restore_views_changed(source, CommitSeq(from.u64("commit")?));
        Ok(())
    })?;
    Ok(())
}

fn encode_parts(parts: &TableParts, to: &mut Encoder) {
    to.u64(parts.last_block());
    to.size(parts.count());
    for part in parts.parts() {
        encode_active(part, to);
    }
}

fn decode_parts(
    from: &mut Decoder<'_>,
    version: u32,
    parts: &mut TableParts,
    source: &PartSource,
) -> Result<(), DecodeError> {
    parts.restore_last_block(from.u64("last block")?);
    from.list("parts", |from| {
        let active = decode_active(from, version, source)?;
        if parts.add(Arc::new(active)) { Ok(()) } else { Err(DecodeError::Part("parts overlap".to_owned())) }
    })?;
    Ok(())
}
