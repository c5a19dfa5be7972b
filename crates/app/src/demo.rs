//! `everview demo`: one process with an embedded database and server, a pipeline, and made-up events, shown live.
//!
//! ```text
//! generator ─▶ a commit every tick ─▶ windows ─▶ base table ─▶ views ◀─ SELECT every second ─▶ screen
//!                                                                ◀─ HTTP
//! ```
//! `--events` and `--seconds` make its input a bounded one: at its end every window closes. A demo that is stopped leaves
//! them open, and the next one over the same folder fills them on.
//! The pipeline and every query come from `examples/`: this module knows only which statement shows what.

mod feed;
pub(crate) mod report;
mod screen;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use ::server::HttpServer;
use engine::{Access, CancellationToken, Format, InputKind, RunInput};

use crate::cli::DemoArgs;
use crate::database::Database;
use crate::error::Result;
use crate::output;
use crate::run::landing;
use crate::server::{config, stop_on_signals};
use feed::Feed;

const PIPELINE: &str = include_str!("../../../examples/ctr/pipeline.sql");
const RETENTION: &str = include_str!("../../../examples/ctr/retention.sql");

/// Runs the demo until its end or a signal.
pub(crate) async fn run(args: DemoArgs) -> Result<()> {
    let stop = stop_on_signals()?;
    let database = Database::open(args.data.as_deref(), Access::default()).await?;
    let ran = serve(&database, &args, stop).await;
    let closed = database.close().await;
    ran.and(closed)
}

async fn serve(database: &Database, args: &DemoArgs, stop: CancellationToken) -> Result<()> {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), args.http_port);
    let server = HttpServer::bind(database.engine.clone(), config(address, false)).await?;
    let address = server.address();
    output::line(&format!("everview serves the demo at http://{address}"))?;
    let serving_stop = CancellationToken::new();
    let spawner = &database.engine.env().spawner;
    let serving = spawner.spawn("server", Box::pin(server.serve(serving_stop.clone())));
    let shown = show(database, args, stop, address).await;
    serving_stop.cancel();
    serving.join().await;
    shown
}

async fn show(database: &Database, args: &DemoArgs, stop: CancellationToken, address: SocketAddr) -> Result<()> {
    let mut session = database.session()?;
    session.set_up(PIPELINE).await?;
    session.set_up(RETENTION).await?;
    let landing = landing(&session, None)?;
    let env = database.engine.env();
    let run = RunInput {
        data: Feed::new(args, env).data(env),
        format: Format::JsonEachRow,
        kind: InputKind::Live,
        source: "demo".to_owned(),
        table: format!("{}.{}", landing.database, landing.table),
        batch_rows: feed::BATCH_LINES_MAX as usize,
        taken_bytes: Arc::default(),
        stop: stop.clone(),
    };
    screen::run(database, run, address).await?;
    // who stopped it does not wait for answers
    let asks = (args.events.is_some() || args.seconds.is_some()) && !stop.is_cancelled();
    if asks { report::run(&mut session).await } else { Ok(()) }
}
