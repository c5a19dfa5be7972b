//! Rows to parts that can be committed: a private step, nothing is visible before the commit.

use std::sync::Arc;

use env::Rng;
use futures::StreamExt;
use futures::stream;
use parts::file::{Amendment, FilePart, Maturity, write_part};
use parts::merge::Run;
use parts::rewrite::RowSet;
use parts::{Derived, PartSchema, StagedPart};
use types::Block;

use crate::commit::NewPart;
use crate::error::{Error, Result};
use crate::garbage::PartFile;
use crate::shared::Shared;

/// A block becomes a part in the record when it is small, else in a file.
pub(crate) async fn stage_block(
    shared: &Shared,
    schema: &PartSchema,
    derived: &Derived,
    block: Block,
) -> Result<Option<NewPart>> {
    if block.rows() == 0 {
        return Ok(None);
    }
    if shared.config.inline_bytes_max < block.size_bytes() {
        require_space(shared, block.size_bytes() as u64).await?;
        return stage_file(shared, schema, derived, stream::iter([Ok(block)]).boxed(), Maturity::Young).await;
    }
    Ok(NewPart::inline(StagedPart::in_memory(schema, derived, block)?))
}

/// A run becomes a part in a file of its own. Dropping the future, or the result uncommitted, leaves no file.
pub(crate) async fn stage_file(
    shared: &Shared,
    schema: &PartSchema,
    derived: &Derived,
    rows: Run,
    maturity: Maturity,
) -> Result<Option<NewPart>> {
    let source = &shared.parts;
    let file = PartFile::staged(object_name(&*shared.env.rng), &source.garbage);
    let (meta, reference) = write_part(schema, derived, rows, maturity, &*source.part_store, file.object()).await?;
    if meta.rows == 0 {
        return Ok(None);
    }
    file.written(reference.clone());
    let (store, cache) = (Arc::clone(&source.part_store), Arc::clone(&source.cache));
    let staged = StagedPart::in_file(schema, FilePart::open(store, reference, cache).await?)?;
    Ok(Some(NewPart::in_file(staged, file)))
}

/// A part's file with other values in some columns. None when no row changes.
pub(crate) async fn stage_amended(
    shared: &Shared,
    schema: &PartSchema,
    old: &FilePart,
    amendment: &Amendment,
) -> Result<Option<(NewPart, RowSet)>> {
    require_space(shared, old.meta().bytes).await?;
    let source = &shared.parts;
    let file = PartFile::staged(object_name(&*shared.env.rng), &source.garbage);
    let Some(amended) = old.amend(schema, amendment, &*source.part_store, file.object()).await? else {
        return Ok(None);
    };
    file.written(amended.file.clone());
    shared.counters.amended_parts.add(1);
    let (store, cache) = (Arc::clone(&source.part_store), Arc::clone(&source.cache));
    let staged = StagedPart::in_file(schema, FilePart::open(store, amended.file, cache).await?)?;
    Ok(Some((NewPart::in_file(staged, file), amended.changed)))
}

/// Refuses a file for which there is no room beside what must stay free for the log and its checkpoints.
pub(crate) async fn require_space(shared: &Shared, bytes: u64) -> Result<()> {
    shared.check_space(bytes).await.map_err(|(free, needed)| Error::NoSpace { free, needed })
}

/// Random, so that a file left over from a crash is never mistaken for a new one.
fn object_name(rng: &dyn Rng) -> String {
    format!("{:032x}.parquet", rng.uuid())
}
