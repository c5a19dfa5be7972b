//! `everview bench`: what the README claims about speed, measured here and now beside the real engine, from the same files.
//!
//! In reading order: `ctr`, `engines`, `refresh` and `store` (what is measured), `pipeline` (the tables and queries that two of them
//! use), `data` (the files), `load` (inserts over HTTP), `peer` (the real engine), `figures` (medians and the table). Queries
//! and lookups are only shown when a sample of both engines' answers agrees.

mod ctr;
mod data;
mod engines;
mod figures;
mod load;
mod peer;
mod pipeline;
mod refresh;
mod store;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::error::{Error, Result};

#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: What,
    /// Python 3 that has chdb-core.
    #[arg(long, global = true, default_value = "python3")]
    python: String,
    /// Where files and data folders are made; a new folder in it, gone afterwards. Without it: the system's one.
    #[arg(long, global = true)]
    folder: Option<PathBuf>,
    /// How often everything is measured.
    #[arg(long, global = true, default_value_t = 5)]
    runs: usize,
}

#[derive(Subcommand, Debug)]
enum What {
    /// The click-through pipeline: bulk load, small inserts, the four queries, events through windows.
    Ctr(ctr::CtrArgs),
    /// Engines and change: FINAL, UPDATE, DELETE, OPTIMIZE, TTL, skip indexes.
    Engines(engines::EnginesArgs),
    /// Refreshable views: full refreshes of three sorts, and hundreds of views every second.
    Refresh(refresh::RefreshArgs),
    /// The store by itself: inserts, lookups by key, queries alone and under load, a start after a kill, memory and bytes.
    Store(store::StoreArgs),
}

/// Measures and prints.
pub(crate) async fn run(args: BenchArgs) -> Result<()> {
    let parent = args.folder.clone().unwrap_or_else(std::env::temp_dir);
    let folder = parent.join(format!("everview-bench-{}", std::process::id()));
    let failed = |error: std::io::Error| Error::Read { path: folder.clone(), reason: error.to_string() };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let measured = match &args.what {
        What::Ctr(what) => ctr::run(what, &args, &folder).await,
        What::Engines(what) => engines::run(what, &args, &folder).await,
        What::Refresh(what) => refresh::run(what, &args, &folder).await,
        What::Store(what) => store::run(what, &args, &folder).await,
    };
    let removed = std::fs::remove_dir_all(&folder).map_err(failed);
    measured.and(removed)
}

/// An empty folder in `parent`.
fn fresh_folder(parent: &Path, name: &str) -> Result<PathBuf> {
    let folder = parent.join(name);
    let failed = |error: std::io::Error| Error::Read { path: folder.clone(), reason: error.to_string() };
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(failed)?;
    }
    std::fs::create_dir_all(&folder).map_err(failed)?;
    Ok(folder)
}
