//! How fast parts are written and read: `cargo run --release -p parts --example parts_speed [rows]`.
//!
//! The table is the click-through one: product, rate, impressions, clicks, three times; sorted by product and time.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, BinaryArray, Float64Array, Int64Array, UInt64Array};
use futures::{StreamExt, TryStreamExt, stream};
use parts::*;
use types::{Block, Column, DataType, Header};

/// Rows of one input block, as an insert would bring them.
const BLOCK_ROWS: usize = 65_536;
/// How often small things are measured.
const SAMPLES: usize = 200;

fn main() -> Result<()> {
    let rows = std::env::args().nth(1).and_then(|rows| rows.parse().ok()).unwrap_or(8_640_000);
    let schema = schema()?;
    let blocks: Vec<Block> = (0..rows)
        .step_by(BLOCK_ROWS)
        .map(|start| block(&schema, start, BLOCK_ROWS.min(rows - start), rows))
        .collect::<Result<_>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without I/O can be built");
    runtime.block_on(measure(&schema, blocks, rows))
}

async fn measure(schema: &PartSchema, blocks: Vec<Block>, rows: usize) -> Result<()> {
    let store = MemoryPartStore::default();
    let run = |blocks: &[Block]| -> Run { stream::iter(blocks.to_vec()).map(Ok).boxed() };

    for (maturity, object) in [(Maturity::Young, "young"), (Maturity::Merged, "merged")] {
        let start = Instant::now();
        let (meta, file) =
            write_part(schema, &parts::Derived::default(), run(&blocks), maturity, &store, object).await?;
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "write {object}: {seconds:.2} s, {:.1} MB, {:.1} M rows/s",
            mega(meta.bytes),
            mega(rows as u64) / seconds
        );

        let cache = Arc::new(GranuleCache::new(256 << 20));
        let start = Instant::now();
        let part = FilePart::open(Arc::new(store.clone()), file, cache).await?;
        println!("open {object}: {:.0} µs", micros(start));
        let start = Instant::now();
        let part = StagedPart::in_file(schema, part)?.named(PartName::inserted(PartitionId::all(), 1));
        let all: Vec<usize> = (0..schema.header.len()).collect();
        let read: Vec<Block> = part.read_all(&all, Caching::Bypass).try_collect().await?;
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(read.iter().map(Block::rows).sum::<usize>(), rows);
        println!("read all of {object}: {seconds:.2} s, {:.1} M rows/s", mega(rows as u64) / seconds);
        let granules = part.granules().min(SAMPLES);
        for name in ["file", "cache"] {
            let start = Instant::now();
            for granule in 0..granules {
                part.read_granules(&[0, 1, 4], granule..granule + 1, Caching::Use).await?;
            }
            println!("one granule of 3 columns from {name}: {:.0} µs", micros(start) / granules as f64);
        }
        let start = Instant::now();
        for sample in 0..SAMPLES {
            let row = sample * (rows / SAMPLES);
            part.read_rows(&all, row..row + 1).await?;
        }
        println!("one row of all columns from {object}: {:.0} µs", micros(start) / SAMPLES as f64);
    }

    let few = Block::concat(&schema.header, &blocks[..blocks.len().min(1)])?.slice(0, 1000.min(rows));
    let bytes = encode_inline(&few);
    let start = Instant::now();
    (0..SAMPLES).for_each(|_| assert_eq!(encode_inline(&few).len(), bytes.len()));
    println!("encode 1,000 rows inline: {:.0} µs, {} bytes", micros(start) / SAMPLES as f64, bytes.len());
    let start = Instant::now();
    (0..SAMPLES).try_for_each(|_| decode_inline(&schema.header, &bytes).map(drop))?;
    println!("decode them: {:.0} µs", micros(start) / SAMPLES as f64);

    // every fourth row to each of four runs: the worst case of a merge
    let mut runs = Vec::new();
    for run in 0..4u32 {
        let every_fourth = |block: &Block| {
            let rows: Vec<u32> = (run..block.rows() as u32).step_by(4).collect();
            Ok(block.take(&arrow::array::UInt32Array::from(rows))?)
        };
        let blocks: Vec<Block> = blocks.iter().map(every_fourth).collect::<Result<_>>()?;
        runs.push(stream::iter(blocks.into_iter().map(Ok)).boxed());
    }
    let start = Instant::now();
    let merged: Vec<Block> = merge_runs(schema, runs, Purpose::Merge, MERGE_ROWS)?.try_collect().await?;
    let seconds = start.elapsed().as_secs_f64();
    let merged: usize = merged.iter().map(Block::rows).sum();
    println!("merge 4 interleaved runs: {seconds:.2} s, {:.1} M rows/s ({merged} rows)", mega(rows as u64) / seconds);

    let start = Instant::now();
    let index = KeyIndex::of_block(schema, &blocks[0])?;
    let rows = blocks[0].rows();
    println!(
        "key index of {rows} rows: {:.0} µs, {:.1} bytes a row",
        micros(start),
        index.size_bytes() as f64 / rows as f64
    );
    Ok(())
}

fn schema() -> Result<PartSchema> {
    let time = DataType::DateTime64 { precision: 3, zone: None };
    let header = Header::new(vec![
        Column::new("product_id", DataType::String),
        Column::new("ctr", DataType::Float64),
        Column::new("impressions", DataType::UInt64),
        Column::new("clicks", DataType::UInt64),
        Column::new("window_start", time.clone()),
        Column::new("window_end", time.clone()),
        Column::new("updated_at", time),
    ]);
    PartSchema {
        header,
        sort_key: vec![SortColumn::ascending(0), SortColumn::ascending(4)],
        primary_key_len: 2,
        partition_key: vec![],
        merge_mode: MergeMode::Replacing { version: Some(6), is_deleted: None },
        index_granularity: 8192,
        min_max: vec![4],
    }
    .checked()
}

/// 1,000 products, a window every ten seconds for each.
fn block(schema: &PartSchema, start: usize, rows: usize, total: usize) -> Result<Block> {
    let windows = (total / 1000).max(1);
    let numbers: Vec<(usize, usize, u64)> = (start..start + rows)
        .map(|row| (row / windows, row % windows, (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40))
        .collect();
    let products: Vec<String> = numbers.iter().map(|(product, ..)| format!("product-{product:04}")).collect();
    let impressions = |noise: u64| 50 + noise % 100;
    let clicks = |noise: u64| noise % 17;
    let at = |window: usize| 1_760_000_000_000 + window as i64 * 10_000;
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from_iter_values(products.iter().map(String::as_bytes))),
        Arc::new(Float64Array::from_iter_values(
            numbers.iter().map(|(.., n)| clicks(*n) as f64 / impressions(*n) as f64),
        )),
        Arc::new(UInt64Array::from_iter_values(numbers.iter().map(|(.., n)| impressions(*n)))),
        Arc::new(UInt64Array::from_iter_values(numbers.iter().map(|(.., n)| clicks(*n)))),
        Arc::new(Int64Array::from_iter_values(numbers.iter().map(|(_, window, _)| at(*window)))),
        Arc::new(Int64Array::from_iter_values(numbers.iter().map(|(_, window, _)| at(*window) + 10_000))),
        Arc::new(Int64Array::from_iter_values(
            numbers.iter().map(|(_, window, n)| at(*window) + 10_000 + (*n % 900) as i64),
        )),
    ];
    Ok(Block::new(schema.header.clone(), arrays)?)
}

fn micros(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e6
}

fn mega(number: u64) -> f64 {
    number as f64 / 1e6
}
