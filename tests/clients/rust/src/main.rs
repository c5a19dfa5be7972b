//! ClickHouse's Rust client, end to end against `everview server`: everview-client-test URL.
//!
//! It speaks RowBinary with names and types, in ClickHouse's own compressed blocks.

use clickhouse::sql::Identifier;
use clickhouse::{Client, Compression, Row, error::Result};
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

#[derive(Row, Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Every {
    id: u64,
    small: i8,
    ratio: f64,
    name: String,
    note: Option<String>,
    tags: Vec<String>,
    pair: (u8, String),
    flag: bool,
    wide: i128,
    #[serde(with = "clickhouse::serde::uuid")]
    uuid: Uuid,
    #[serde(with = "clickhouse::serde::time::datetime")]
    at: OffsetDateTime,
    #[serde(with = "clickhouse::serde::time::datetime64::millis")]
    precisely: OffsetDateTime,
    #[serde(with = "clickhouse::serde::time::date")]
    day: Date,
}

fn rows() -> Vec<Every> {
    let at = OffsetDateTime::from_unix_timestamp(1_700_000_000).expect("a time");
    let row = |id: u64| Every {
        id,
        small: -5,
        ratio: 1.5,
        name: format!("row {id} é\t"),
        note: (id % 2 == 0).then(|| "note".to_owned()),
        tags: (0..id % 4).map(|n| n.to_string()).collect(),
        pair: (3, "x".to_owned()),
        flag: id % 3 == 0,
        wide: -(1 << 100),
        uuid: Uuid::from_u128(u128::from(id) << 64 | 7),
        at,
        precisely: at + time::Duration::milliseconds(id as i64 % 1000),
        day: at.date(),
    };
    (0..20_000).map(row).collect()
}

async fn rows_come_back(client: Client) -> Result<()> {
    client
        .query(
            "CREATE TABLE every (id UInt64, small Int8, ratio Float64, name String, note Nullable(String), \
             tags Array(String), pair Tuple(UInt8, String), flag Bool, wide Int128, uuid UUID, at DateTime, \
             precisely DateTime64(3), day Date) ENGINE = MergeTree ORDER BY id",
        )
        .execute()
        .await?;
    let rows = rows();
    let mut insert = client.insert::<Every>("every").await?;
    for row in &rows {
        insert.write(row).await?;
    }
    insert.end().await?;
    let found = client.query("SELECT ?fields FROM every ORDER BY id").fetch_all::<Every>().await?;
    assert_eq!(found, rows);
    let mut cursor = client.query("SELECT ?fields FROM every WHERE id >= ?").bind(19_990).fetch::<Every>()?;
    let mut count = 0;
    while cursor.next().await?.is_some() {
        count += 1;
    }
    assert_eq!(count, 10);
    client.query("DROP TABLE ?").bind(Identifier("every")).execute().await
}

async fn parameters_and_errors(client: Client) -> Result<()> {
    let found: String = client.query("SELECT {s:String}").param("s", "it's").fetch_one().await?;
    assert_eq!(found, "it's");
    let text = "it's\t\\";
    let bound: (u64, String) = client.query("SELECT toUInt64(?), ?").bind(5).bind(text).fetch_one().await?;
    assert_eq!(bound, (5, text.to_owned()));
    let error = client.query("SELECT * FROM nosuch").fetch_all::<u8>().await.expect_err("there is no such table");
    assert!(error.to_string().contains("UNKNOWN_TABLE"), "{error}");
    let nothing: Option<u64> = client.query("SELECT number FROM numbers(0)").fetch_optional().await?;
    assert_eq!(nothing, None);
    Ok(())
}

#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).expect("the server's URL");
    let client = |compression| Client::default().with_url(&url).with_compression(compression);
    let mut outcomes = Vec::new();
    for (name, compression) in [("LZ4 blocks", Compression::Lz4), ("no compression", Compression::None)] {
        outcomes.push((format!("rows come back, {name}"), rows_come_back(client(compression)).await));
        outcomes.push((format!("parameters and errors, {name}"), parameters_and_errors(client(compression)).await));
    }
    let failed = outcomes.iter().filter(|(_, outcome)| outcome.is_err()).count();
    for (name, outcome) in &outcomes {
        match outcome {
            Ok(()) => println!("ok   {name}"),
            Err(error) => println!("FAIL {name}: {error}"),
        }
    }
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    std::process::exit(i32::from(failed > 0));
}
