//! Scripts of queries with the real engine's answers, over tables in memory.
//!
//! ```text
//! === table t            the rows of a query, under a name, until the next === clear
//! === query              a query, a line ---, its rows as TabSeparated (totals after an empty line)
//! === error 47           a query that is refused with that code
//! === alias t x UInt64   an ALIAS column of a table: its expression
//! === view v             a query under a name
//! === set x              a setting's value, until the next === clear; === param x likewise
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::logical_expr::TableSource;
use types::text::{Quoting, Zone, write_cell};
use types::{Block, Header};

use super::relations::{
    ColumnKind, Relation, RelationColumn, RelationKind, Relations, ScanFactory, ScanOptions, TableFunctionCall,
    TableRelation, ViewRelation,
};
use super::{BindContext, Bound, bind_query};
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::relations::SnapshotRelations;
use crate::scan::table_source;
use crate::table_functions::Fixed;
use crate::tests::context;

/// What a script has made so far.
#[derive(Default)]
struct World {
    tables: HashMap<String, (Header, Vec<Block>)>,
    /// Table, column, expression.
    aliases: Vec<(String, types::Column, Arc<sql::Expr>)>,
    views: HashMap<String, Arc<sql::Query>>,
    settings: Vec<(String, String)>,
    params: std::collections::BTreeMap<String, String>,
}

/// Tables of the script before those of the (empty) snapshot.
struct Script<'a> {
    world: &'a World,
    others: SnapshotRelations<'a>,
}

struct Scan(Header, Vec<Block>);

impl ScanFactory for Scan {
    fn source(&self, _: &ScanOptions) -> Result<Arc<dyn TableSource>> {
        Ok(table_source(Arc::new(Fixed::new("script", self.0.clone(), self.1.clone()))))
    }
}

impl Relations for Script<'_> {
    fn join_rows(&self, database: &str, name: &str) -> Result<Arc<crate::dictionary::Slot>> {
        self.others.join_rows(database, name)
    }

    fn dictionary(&self, database: &str, name: &str) -> Result<Arc<crate::dictionary::Slot>> {
        self.others.dictionary(database, name)
    }

    fn table(&self, database: &str, name: &str) -> Result<Relation> {
        let qualified = if database == "default" { name.to_owned() } else { format!("{database}.{name}") };
        if let Some(query) = self.world.views.get(&qualified) {
            let view =
                ViewRelation { query: query.clone(), database: "default".into(), columns: None, has_parameters: false };
            let kind = RelationKind::View(view);
            return Ok(Relation { id: None, version: 0, database: database.into(), name: name.into(), kind });
        }
        let Some((header, blocks)) = self.world.tables.get(&qualified) else {
            return self.others.table(database, name);
        };
        let column = |column: &types::Column, kind: ColumnKind| RelationColumn {
            name: column.name.clone(),
            ty: column.ty.clone(),
            kind,
        };
        let aliases = self.world.aliases.iter().filter(|(table, ..)| *table == qualified);
        let aliases = aliases.map(|(_, alias, expr)| column(alias, ColumnKind::Alias(expr.clone())));
        let stored = header.columns().iter().map(|stored| column(stored, ColumnKind::Ordinary));
        let table = TableRelation {
            sampling: None,
            columns: stored.chain(aliases).collect(),
            scan: Arc::new(Scan(header.clone(), blocks.clone())),
            supports_final: true,
            only_in: false,
            supports_prewhere: true,
        };
        let kind = RelationKind::Table(table);
        Ok(Relation { id: None, version: 0, database: database.into(), name: name.into(), kind })
    }

    fn table_function(&self, call: &TableFunctionCall<'_>) -> Result<Relation> {
        self.others.table_function(call)
    }

    fn has_table_function(&self, name: &str) -> bool {
        self.others.has_table_function(name)
    }

    fn database_names(&self) -> Vec<String> {
        self.others.database_names()
    }

    fn table_names(&self, database: &str) -> Vec<String> {
        let mut names = self.others.table_names(database);
        names.extend(self.world.tables.keys().cloned());
        names
    }
}

fn parse(text: &str) -> Result<sql::Query> {
    let statement = sql::parse_statement(text).map_err(|error| Error::Plan(format!("cannot parse: {error}")))?;
    match statement.kind {
        sql::ast::StatementKind::Query(query) => Ok(*query),
        _ => Err(Error::Plan("no query".to_owned())),
    }
}

fn bind(text: &str, world: &World, ctx: &QueryContext) -> Result<Bound> {
    let query = parse(text)?;
    let functions = crate::expressions::function_context(ctx)?;
    let script = Script { world, others: SnapshotRelations::new(ctx) };
    let outer = crate::expressions::bind_context(&script.others, &functions, ctx);
    let bind_context = BindContext { relations: &script, params: &world.params, ..outer };
    bind_query(&query, &bind_context)
}

async fn run(text: &str, world: &World) -> Result<(Header, Vec<Block>, Option<Block>)> {
    let settings: Vec<(&str, &str)> = world.settings.iter().map(|(name, value)| (&**name, &**value)).collect();
    let ctx = Arc::new(context(&settings));
    let bound = bind(text, world, &ctx)?;
    let compiled = crate::compile::compile(&bound, &ctx).await?;
    let mut stream = compiled.run(&ctx).await?;
    let mut blocks = Vec::new();
    while let Some(block) = futures::StreamExt::next(&mut stream).await {
        blocks.push(block?);
    }
    let totals = stream.totals().await?;
    Ok((bound.header, blocks, totals))
}

fn tsv(blocks: &[Block]) -> String {
    let mut out = Vec::new();
    for block in blocks {
        for row in 0..block.rows() {
            for (position, column) in block.header().columns().iter().enumerate() {
                if position > 0 {
                    out.push(b'\t');
                }
                write_cell(&mut out, &column.ty, block.array(position), row, Quoting::Escaped, Zone::Utc);
            }
            out.push(b'\n');
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What is wrong with one step; none when nothing is.
async fn step(head: &str, body: &str, world: &mut World) -> Option<String> {
    let mut words = head.split_whitespace();
    match words.next()? {
        "clear" => *world = World::default(),
        "set" => world.settings.push((words.next()?.to_owned(), body.trim().to_owned())),
        "param" => drop(world.params.insert(words.next()?.to_owned(), body.trim().to_owned())),
        "view" => match parse(body) {
            Ok(query) => drop(world.views.insert(words.next()?.to_owned(), Arc::new(query))),
            Err(error) => return Some(error.to_string()),
        },
        "alias" => {
            let (table, name, ty) = (words.next()?.to_owned(), words.next()?, words.next()?);
            let column = types::Column::new(name, types::DataType::parse(ty).unwrap());
            let expr = sql::parse_expression(body.trim()).unwrap();
            world.aliases.push((table, column, Arc::new(expr)));
        }
        "table" => {
            let name = head.trim_start_matches("table ").trim();
            match run(body, world).await {
                Ok((header, blocks, _)) => drop(world.tables.insert(name.to_owned(), (header, blocks))),
                Err(error) => return Some(format!("table {name}: {error}\n{body}")),
            }
        }
        "error" => {
            let code = words.last().unwrap_or_default();
            return match run(body, world).await {
                Ok((_, blocks, _)) => Some(format!("no error {code}:\n{body}\n{}", tsv(&blocks))),
                Err(error) if error.code().name() == code || error.code().0.to_string() == code => None,
                Err(error) => Some(format!("{:?} instead of {code}: {error}\n{body}", error.code())),
            };
        }
        _ => {
            let (query, expected) = body.split_once("\n---\n").unwrap_or((body, ""));
            return match run(query, world).await {
                Ok((_, blocks, totals)) => {
                    let mut got = tsv(&blocks);
                    if let Some(totals) = totals {
                        got.push('\n');
                        got.push_str(&tsv(&[totals]));
                    }
                    (got.trim_end() != expected.trim_end())
                        .then(|| format!("{query}\n--- expected\n{expected}\n--- got\n{got}"))
                }
                Err(error) => Some(format!("{query}\n--- {:?} {error}", error.code())),
            };
        }
    }
    None
}

/// Runs a script; what differs from the answers in it.
async fn differences(script: &str) -> (usize, Vec<String>) {
    let mut world = World::default();
    let mut wrong = Vec::new();
    let mut steps = 0;
    for section in format!("\n{script}").split("\n=== ").skip(1) {
        let (head, body) = section.split_once('\n').unwrap_or((section, ""));
        steps += 1;
        wrong.extend(step(head, body, &mut world).await.map(|difference| format!("[{head}] {difference}")));
    }
    (steps, wrong)
}

/// The answers are ClickHouse 26.9's.
#[tokio::test]
async fn queries_give_the_real_engines_answers() {
    for script in [include_str!("tests/dialect.txt"), include_str!("tests/definitions.txt")] {
        let (steps, wrong) = differences(script).await;
        assert!(wrong.is_empty(), "{} of {steps} differ:\n{}", wrong.len(), wrong.join("\n\n"));
    }
}

#[tokio::test]
async fn deep_expressions_bind_or_are_refused() {
    for depth in [50, 150, 190] {
        let nested = format!("SELECT {}1{}", "negate(".repeat(depth), ")".repeat(depth));
        let chained = format!("SELECT 1{}", " + number".repeat(depth));
        let subqueries = format!("SELECT * FROM {}numbers(1){}", "(SELECT * FROM ".repeat(depth), ")".repeat(depth));
        for text in [nested, chained + " FROM numbers(1)", subqueries] {
            let result = run(&text, &World::default()).await;
            assert!(result.is_ok() || result.is_err());
        }
    }
}
