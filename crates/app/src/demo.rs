//! `everview demo`: one process with an embedded database and server, a pipeline, and made-up events, shown live.
//!
//! ```text
//! generator ─▶ INSERT every tick ─▶ windows ─▶ base table ─▶ views ◀─ SELECT every second ─▶ screen
//!                                                              ◀─ HTTP
//! ```
//! The pipeline and every query come from `examples/`: this module knows only which statement shows what.

mod feed;
mod report;
mod screen;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ::server::HttpServer;
use engine::{Access, CancellationToken};

use crate::cli::DemoArgs;
use crate::database::Database;
use crate::error::Result;
use crate::server::{config, stop_on_signals};
use feed::Feed;

const PIPELINE: &str = include_str!("../../../examples/ctr/pipeline.sql");
const RETENTION: &str = include_str!("../../../examples/ctr/retention.sql");

/// Runs the demo until its end or a signal.
pub(crate) async fn run(args: DemoArgs) -> Result<()> {
    let stop = stop_on_signals()?;
    let database = Database::open(args.data.as_deref(), Access::default()).await?;
    let ran = show(&database, &args, stop).await;
    let closed = database.close().await;
    ran.and(closed)
}

async fn show(database: &Database, args: &DemoArgs, stop: CancellationToken) -> Result<()> {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), args.http_port);
    let server = HttpServer::bind(database.engine.clone(), config(address, false)).await?;
    let address = server.address();
    println!("everview serves the demo at http://{address}");
    let mut session = database.session()?;
    session.set_up(PIPELINE).await?;
    session.set_up(RETENTION).await?;
    let spawner = &database.engine.env().spawner;
    let serving_stop = CancellationToken::new();
    let serving = spawner.spawn("server", Box::pin(server.serve(serving_stop.clone())));
    let feed = Feed::new(args, database.engine.env());
    let shown = screen::run(&database.engine, feed, stop, address).await;
    let reported = match &shown {
        Ok(()) if args.events.is_some() || args.seconds.is_some() => report::run(&mut session).await,
        _ => Ok(()),
    };
    serving_stop.cancel();
    serving.join().await;
    shown.and(reported)
}
