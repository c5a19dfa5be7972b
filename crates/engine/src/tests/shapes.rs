//! Statements of one shape share a plan, and each answer is that of a fresh plan: whatever the constants are, after ALTER,
//! RENAME and SET, and when time has passed.

use std::collections::BTreeMap;
use std::time::Duration;

use types::{Block, ErrorCode, Header, Settings};

use crate::testing::{context, done, lines, open, rows, run};
use crate::{Engine, Session};

const TABLES: &str = "
    CREATE TABLE wide (id UInt64, u8 UInt8, u16 UInt16, i32 Int32, i64 Int64, f64 Float64, s String, fs FixedString(3),
        ls LowCardinality(String), n Nullable(Int32), b Bool, d Date, t DateTime, tz DateTime('Asia/Seoul'),
        t64 DateTime64(3, 'UTC'), e Enum8('a' = 1, 'b' = 2), u UUID, dec Decimal(9, 2), i128 Int128)
        ENGINE = MergeTree PARTITION BY u8 % 3 ORDER BY (u8, s, t) SETTINGS index_granularity = 8;
    CREATE TABLE latest (id UInt64, u8 UInt8, s String, t DateTime, v UInt32) ENGINE = ReplacingMergeTree(v)
        ORDER BY (u8, s) SETTINGS index_granularity = 4;
    CREATE VIEW seen AS SELECT *, u8 + 1 AS more FROM wide WHERE i32 >= -300;
";

const COLUMNS: &[&str] = &[
    "id", "u8", "u16", "i32", "i64", "f64", "s", "fs", "ls", "n", "b", "d", "t", "tz", "t64", "e", "u", "dec", "i128",
];

const CONSTANTS: &[&str] = &[
    "0",
    "1",
    "2",
    "255",
    "256",
    "-1",
    "65536",
    "4294967296",
    "18446744073709551615",
    "-9223372036854775808",
    "1.0",
    "1.5",
    "1e30",
    "nan",
    "NULL",
    "true",
    "'a'",
    "'b'",
    "'1'",
    "'256'",
    "'-1'",
    "''",
    "'zz'",
    "'2025-11-13'",
    "'2025-11-13 02:13:20'",
    "toDate('2025-11-13')",
    "toDate(20405)",
    "toDateTime('2025-11-13 02:13:20')",
    "toDateTime('2025-11-13 02:13:20', 'UTC')",
    "now()",
    "now() - INTERVAL 1 HOUR",
    "now() - INTERVAL 90 MINUTE",
    "today()",
    "now64(3) - 5",
    "toUInt8(1)",
    "toInt64(-1)",
    "2 + 1",
    "-(3)",
    "abs(-2)",
    "CAST(2, 'UInt64')",
    "1::Int8",
    "toUUID('00000000-0000-0000-0000-000000000001')",
    "'00000000-0000-0000-0000-000000000001'",
    "toDecimal32(1, 2)",
    "{p:UInt16}",
    "{q:String}",
    "toString(1)",
    "rand() % 1 + 2",
    "currentDatabase()",
    "toFixedString('a', 3)",
    "toDate('nonsense')",
    "intDiv(1, 0)",
    "arrayJoin([1, 2])",
    "toLowCardinality('a')",
    "toNullable(1)",
];

const SHAPES: &[&str] = &[
    "SELECT * FROM {t} WHERE {w} ORDER BY id",
    "SELECT id, {c} FROM {t} WHERE {w}",
    "SELECT count() FROM {t} WHERE {w}",
    "SELECT u8, count(), sum(id) AS total FROM {t} WHERE {w} GROUP BY u8 ORDER BY total DESC, u8 LIMIT 3",
    "SELECT {c}, plus(u8, 1), quantileExact(0.5)(id) FROM {t} WHERE {w} GROUP BY {c}",
    "SELECT toStartOfInterval(t, INTERVAL 15 MINUTE) AS q, max(id) FROM {t} WHERE {w} GROUP BY q ORDER BY q",
    "SELECT id FROM {t} PREWHERE u8 < 200 WHERE {w}",
    "SELECT DISTINCT s FROM {t} WHERE {w}",
    "SELECT id FROM {t} WHERE id != * AND intDiv(10, id) >= 1 AND {w}",
    "SELECT id AS k FROM {t} AS x WHERE {w} AND x.id < 30",
    "SELECT toString(u8) AS u8, id FROM {t} WHERE {w}",
    "SELECT u8 = 1 AS one, count() FROM {t} WHERE {w} GROUP BY one HAVING count() > 1",
    "SELECT s, row_number() OVER (PARTITION BY s ORDER BY id) AS r, id FROM {t} WHERE {w}",
    "SELECT id FROM {t} WHERE id IN (SELECT id FROM latest) AND {w}",
    "SELECT a.id, b.v FROM {t} AS a INNER JOIN latest AS b ON a.id = b.id WHERE a.u8 >= 1 AND a.id < 40 AND b.v > 0",
    "SELECT sum(id) FROM {t} WHERE {w} SETTINGS max_threads = 1, session_timezone = 'Asia/Tokyo'",
];

/// What a query gives: columns and rows, or the code of its error.
type Given = std::result::Result<(Header, Vec<String>), ErrorCode>;

async fn given(query: &sql::Query, engine: &Engine, settings: &Settings, is_fresh: bool) -> Given {
    let params = BTreeMap::from([("p".to_owned(), "2".to_owned()), ("q".to_owned(), "b".to_owned())]);
    let ctx = std::sync::Arc::new((*context(engine, settings)).clone().with_params(params));
    let blocks = async {
        if is_fresh {
            let prepared = query::prepare(query, &ctx).await?;
            return Ok((prepared.header().clone(), prepared.compiled.collect(&ctx).await?));
        }
        let stream = query::select(query, &ctx).await?;
        Ok((stream.header().clone(), stream.collect().await?))
    };
    let (header, blocks) = blocks.await.map_err(|error: query::Error| error.code())?;
    let block = Block::concat(&header, &blocks).unwrap();
    Ok((header, lines(&block)))
}

async fn compare(engine: &Engine, settings: &Settings, text: &str) {
    let statement = sql::parse_statement(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let sql::ast::StatementKind::Query(query) = &statement.kind else { panic!("{text}") };
    let shared = given(query, engine, settings, false).await;
    let fresh = given(query, engine, settings, true).await;
    assert_eq!(shared, fresh, "{text}");
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides as u64) as usize
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    /// A comparison, with a star where the constant comes.
    fn condition(&mut self, columns: &[&str]) -> String {
        let column = self.one_of(columns);
        match self.roll(8) {
            0 => format!("* {} {column}", self.one_of(&["=", "<", ">="])),
            1 => format!("{column} BETWEEN * AND *"),
            2 => format!("({column} = * AND u8 >= *)"),
            _ => format!("{column} {} *", self.one_of(&["=", "!=", "<", "<=", ">", ">="])),
        }
    }

    /// A statement with stars in the place of constants.
    fn shape(&mut self) -> String {
        let table = self.one_of(&["wide", "wide", "seen", "latest", "latest FINAL"]);
        let columns = if table.starts_with("latest") { &["id", "u8", "s", "t", "v"] } else { COLUMNS };
        let conditions: Vec<String> = (0..1 + self.roll(3)).map(|_| self.condition(columns)).collect();
        let shape = self.one_of(SHAPES).replace("{t}", table).replace("{c}", self.one_of(columns));
        // FINAL stands behind an alias
        let shape = shape.replace(" FINAL AS a", " AS a FINAL").replace(" FINAL AS x", " AS x FINAL");
        shape.replace("{w}", &conditions.join(" AND "))
    }

    /// A statement of the shape. Most constants are alike, so that many fit the same plan.
    fn fill(&mut self, shape: &str) -> String {
        const ALIKE: [&[&str]; 3] = [
            &["0", "1", "2", "3", "255"],
            &["'a'", "'b'", "''"],
            &["'2025-11-13 02:13:20'", "now() - INTERVAL 1 HOUR"],
        ];
        let kind = if self.roll(4) == 0 { CONSTANTS } else { ALIKE[shape.len() % 3] };
        let mut pieces = shape.split('*');
        // the star of SELECT * stays
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let constant = if text.ends_with("SELECT ") { "*" } else { self.one_of(kind) };
            text.push_str(constant);
            text.push_str(piece);
        }
        text
    }
}

/// One change of the tables, the settings or the time.
async fn change(engine: &Engine, session: &mut Session, settings: &mut Settings, dice: &mut Dice, step: usize) {
    match dice.roll(12) {
        0 => done(session, "RENAME TABLE wide TO other, latest TO wide2, other TO wide, wide2 TO latest").await,
        1 => done(session, &format!("ALTER TABLE wide ADD COLUMN IF NOT EXISTS x{step} UInt8 DEFAULT u8")).await,
        2 => done(session, "ALTER TABLE wide MODIFY COLUMN i32 Int64").await,
        3 => done(session, "ALTER TABLE wide MODIFY COLUMN i32 Int32").await,
        4 => {
            done(session, "DROP TABLE latest").await;
            let kind = dice.one_of(&["UInt8", "UInt16", "Int64"]);
            let text = "CREATE TABLE latest (id UInt64, u8 {}, s String, t DateTime, v UInt32) \
                        ENGINE = ReplacingMergeTree(v) ORDER BY (u8, s)";
            done(session, &text.replace("{}", kind)).await;
        }
        5 => {
            let zone = dice.one_of(&["UTC", "Asia/Seoul", "America/New_York"]);
            settings.set("session_timezone", zone).unwrap();
        }
        6 => settings.set("final", dice.one_of(&["0", "1"])).unwrap(),
        7 => engine.env().clock.sleep(Duration::from_secs(3_600)).await,
        8 => done(session, "OPTIMIZE TABLE wide").await,
        9 => done(session, &format!("ALTER TABLE wide DELETE WHERE id % 17 = {}", dice.roll(17))).await,
        _ => insert(session, step).await,
    }
}

async fn insert(session: &mut Session, step: usize) {
    let text = format!(
        "INSERT INTO wide (id, u8, u16, i32, i64, f64, s, fs, ls, n, b, d, t, tz, t64, e, u, dec, i128) SELECT number + {step}, \
         number % 5, number * 32, number - 2, -number, number / 2, ['a', 'b', '1'][number % 3 + 1], 'a', \
         toString(number % 2), if(number % 3 = 0, NULL, number), number % 2 = 0, '2025-11-13', \
         now() - number * 600, now() - number * 600, now64(3) - number * 600, number % 2 + 1, \
         toUUID('00000000-0000-0000-0000-000000000001'), number / 4, number FROM numbers(40)"
    );
    done(session, &text).await;
    let text = format!(
        "INSERT INTO latest SELECT number, number % 4, toString(number % 3), now() - number * 900, {step} FROM numbers(20)"
    );
    done(session, &text).await;
}

#[test]
fn statements_of_one_shape_give_what_fresh_plans_give() {
    run(async {
        let (engine, mut session) = open().await;
        session.script(TABLES, async |_| Ok(())).await.unwrap();
        let (mut dice, mut settings) = (Dice(5), Settings::default());
        insert(&mut session, 0).await;
        let hits = || engine.inner.runtime.plans.asked_and_hits().1;
        let mut reused = 0;
        for step in 1..=25 {
            let shapes: Vec<String> = (0..4).map(|_| dice.shape()).collect();
            for _ in 0..8 {
                let before = hits();
                for shape in &shapes {
                    compare(&engine, &settings, &dice.fill(shape)).await;
                }
                reused += hits() - before;
            }
            change(&engine, &mut session, &mut settings, &mut dice, step).await;
            for shape in &shapes {
                compare(&engine, &settings, &dice.fill(shape)).await;
            }
        }
        assert!(50 < reused, "{reused} plans were used again");
        engine.close().await.unwrap();
    });
}

#[test]
fn other_constants_need_no_other_plan() {
    run(async {
        let (engine, mut session) = open().await;
        session.script(TABLES, async |_| Ok(())).await.unwrap();
        insert(&mut session, 0).await;
        let asked = || engine.inner.runtime.plans.asked_and_hits();
        for (first, others) in [
            ("SELECT sum(id) FROM wide WHERE u8 = 1 AND s != 'a'", ["u8 = 2 AND s != 'zz'", "u8 = 200 AND s != ''"]),
            (
                "SELECT id FROM wide WHERE t >= now() - INTERVAL 1 HOUR AND u8 = 1",
                ["t >= '2025-11-13 00:00:00' AND u8 = 3"; 2],
            ),
            ("SELECT id FROM wide WHERE f64 > 0.5 AND u8 < 3", ["f64 > 0.5 AND u8 < 4", "f64 > 0.5 AND u8 < 0"]),
            (
                "SELECT u8, count() FROM latest WHERE v BETWEEN 0 AND 9 GROUP BY u8",
                ["v BETWEEN 1 AND 2", "v BETWEEN 5 AND 1"],
            ),
            ("SELECT more FROM seen WHERE u8 = 1", ["u8 = 2", "u8 = 4"]),
        ] {
            rows(&mut session, first).await;
            let before = asked();
            for other in others {
                let start = first.find("WHERE").unwrap() + 6;
                let end = first.find(" GROUP").unwrap_or(first.len());
                let text = format!("{}{other}{}", &first[..start], &first[end..]);
                rows(&mut session, &text).await;
            }
            let after = asked();
            assert_eq!((after.0 - before.0, after.1 - before.1), (2, 2), "{first}");
        }
        // a constant that is no value of the column's type, or none at all, has a plan of its own
        let before = asked().1;
        assert_eq!(rows(&mut session, "SELECT sum(id) FROM wide WHERE u8 = 256 AND s != 'a'").await, ["0"]);
        assert_eq!(asked().1, before);
        engine.close().await.unwrap();
    });
}

#[test]
fn parts_are_left_out_by_the_constants_of_the_run() {
    run(async {
        let (engine, mut session) = open().await;
        session.script(TABLES, async |_| Ok(())).await.unwrap();
        insert(&mut session, 0).await;
        done(&mut session, "OPTIMIZE TABLE wide FINAL").await;
        let mut read = Vec::new();
        for text in ["u8 = 1", "u8 = 4", "u8 = 77", "u8 < 9"] {
            let statement = sql::parse_statement(&format!("SELECT id FROM wide WHERE {text}")).unwrap();
            let sql::ast::StatementKind::Query(query) = &statement.kind else { panic!("{text}") };
            let ctx = context(&engine, &Settings::default());
            query::select(query, &ctx).await.unwrap().collect().await.unwrap();
            read.push(ctx.counters.progress().read_rows);
        }
        assert!(read[0] < 40 && read[1] < 40 && read[2] == 0 && read[3] == 40, "{read:?}");
        engine.close().await.unwrap();
    });
}
