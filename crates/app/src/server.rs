//! `everview server`: a data folder over HTTP until SIGTERM or SIGINT, then an ordered end.

use std::net::SocketAddr;

use ::server::{HttpConfig, HttpServer};
use engine::{Access, CancellationToken};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::ServerArgs;
use crate::database::{Database, Limits};
use crate::error::{Error, Result};

/// Serves until told to end.
pub(crate) async fn run(args: ServerArgs) -> Result<()> {
    let access = match &args.password_file {
        None => Access::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Error::Read { path: path.clone(), reason: error.to_string() })?;
            Access::parse(&text)
        }
    };
    let is_closed = access.is_closed();
    let stop = stop_on_signals()?;
    let limits = Limits {
        backups: args.backups,
        snapshot_age_s: Some(args.max_snapshot_age),
        drop_delay_s: Some(args.database_atomic_delay_before_drop_table_sec),
        memory_bytes: args.max_server_memory_usage,
        queries: Some(args.max_concurrent_queries),
        store: Some(args.store.config()),
        hosts: args.allow_host,
    };
    let database = Database::open_limited(Some(&args.data), access, limits).await?;
    let address = SocketAddr::new(args.listen, args.http_port);
    let bound = HttpServer::bind(database.engine.clone(), config(address, is_closed)).await;
    let server = match bound {
        Ok(server) => server,
        Err(error) => {
            database.close().await?;
            return Err(error.into());
        }
    };
    println!("everview serves {} at http://{}", args.data.display(), server.address());
    let serving = server.serve(stop.clone());
    tokio::pin!(serving);
    let failed = tokio::select! {
        biased;
        reason = database.engine.failed() => reason,
        () = &mut serving => return database.close().await,
    };
    // What the log holds is unknown, and only a new start can tell: nothing more is written, not even by closing.
    stop.cancel();
    serving.await;
    Err(Error::LogFailed(failed))
}

/// The configuration of an HTTP server at an address.
pub(crate) fn config(address: SocketAddr, is_closed: bool) -> HttpConfig {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let display_name = if name.trim().is_empty() { "everview".to_owned() } else { name.trim().to_owned() };
    HttpConfig { address, display_name, is_closed }
}

/// Cancelled by the first SIGTERM or SIGINT; the second one ends the process at once.
pub(crate) fn stop_on_signals() -> Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Runtime)?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        for is_second in [false, true] {
            tokio::select! {
                biased;
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if is_second {
                std::process::exit(130);
            }
            told.cancel();
        }
    });
    Ok(stop)
}
