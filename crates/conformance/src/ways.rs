//! The ways a case is run: inside this process, over a data folder that is opened again before every statement, and over
//! HTTP.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use engine::{Answer, CancellationToken, Credentials, Engine, EngineConfig, Request, Session};
use futures::FutureExt;
use server::{HttpConfig, HttpServer};

use crate::case::{Case, Statement};
use crate::http;

/// How a case is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// One engine from the first statement to the last.
    Embedded,
    /// The engine is closed and opened again before every statement that is no SET or USE.
    Restart,
    /// Each statement is a request of one HTTP session.
    Http,
}

impl Way {
    /// The way of that name.
    pub fn parse(name: &str) -> Option<Way> {
        match name {
            "embedded" => Some(Way::Embedded),
            "restart" => Some(Way::Restart),
            "http" => Some(Way::Http),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Way::Embedded => "embedded",
            Way::Restart => "restart",
            Way::Http => "http",
        }
    }
}

/// What came of a case.
pub struct Outcome {
    /// What it printed.
    pub output: Vec<u8>,
    /// What went wrong before the output could be compared.
    pub faults: Vec<String>,
    /// It printed what it must and nothing went wrong.
    pub passed: bool,
}

impl Outcome {
    /// Shows what differs.
    pub fn print(&self, case: &Case) {
        println!("{} {}", if self.passed { "ok  " } else { "FAIL" }, case.name);
        self.faults.iter().for_each(|fault| println!("     {fault}"));
        if !self.passed && self.faults.is_empty() {
            let (ours, theirs) = (String::from_utf8_lossy(&self.output), String::from_utf8_lossy(&case.reference));
            for (line, (ours, theirs)) in ours.lines().zip(theirs.lines()).enumerate().filter(|(_, (a, b))| a != b) {
                println!("     line {}: {ours:?}\n     expected {theirs:?}", line + 1);
            }
            println!("     {} lines, expected {}", ours.lines().count(), theirs.lines().count());
        }
    }
}

/// Runs a case on a new data folder.
pub fn run(case: &Case, way: Way) -> Outcome {
    let folder = tempfile::tempdir().expect("the temporary folder can be written");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(16 << 20)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let mut outcome = Outcome { output: Vec::new(), faults: Vec::new(), passed: false };
    runtime.block_on(async {
        let ran = match way {
            Way::Http => AssertUnwindSafe(requests(case, folder.path(), &mut outcome)).catch_unwind().await,
            Way::Embedded | Way::Restart => {
                AssertUnwindSafe(statements(case, way, folder.path(), &mut outcome)).catch_unwind().await
            }
        };
        match ran {
            Ok(Ok(())) => {}
            Ok(Err(error)) => outcome.faults.push(error),
            Err(_) => outcome.faults.push("panicked".to_owned()),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    outcome.passed = outcome.faults.is_empty() && outcome.output == case.reference;
    outcome
}

async fn statements(case: &Case, way: Way, folder: &Path, outcome: &mut Outcome) -> Result<(), String> {
    let mut engine = open(folder).await?;
    let mut session = engine.session(&Credentials::default()).map_err(|error| error.to_string())?;
    for statement in &case.statements {
        let lasts = ["SET", "USE"].iter().any(|word| statement.text.to_uppercase().starts_with(word));
        if way == Way::Restart && !lasts && !case.one_process {
            let (database, settings) = (session.database().to_owned(), session.settings().clone());
            let params = session.params().clone();
            engine.close().await.map_err(|error| error.to_string())?;
            drop((session, engine));
            engine = open(folder).await?;
            session = engine.session(&Credentials::default()).map_err(|error| error.to_string())?;
            for (name, value) in settings.changed_by_name() {
                session.set(name, value).map_err(|error| error.to_string())?;
            }
            params.into_iter().for_each(|(name, value)| session.set_param(name, value));
            let text = format!("USE `{database}`");
            // the database may have been dropped by the session that is in it
            let _ = session.execute(Request::new(text)).await;
        }
        step(&mut session, statement, outcome).await;
    }
    engine.close().await.map_err(|error| error.to_string())
}

/// The statements of a case as requests of one session to a server of its own.
async fn requests(case: &Case, folder: &Path, outcome: &mut Outcome) -> Result<(), String> {
    let engine = open(folder).await?;
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = HttpConfig { address, display_name: "conformance".to_owned(), is_closed: false };
    let server = HttpServer::bind(engine.clone(), config).await.map_err(|error| error.to_string())?;
    let (address, stop) = (server.address(), CancellationToken::new());
    let serving = tokio::spawn(server.serve(stop.clone()));
    for statement in &case.statements {
        let answer = http::ask(address, "/?session_id=case", statement.text.as_ref()).await?;
        let text: String = statement.text.replace('\n', " ").chars().take(160).collect();
        // the name comes last, behind a message of any length
        let is_named = |name: &str| String::from_utf8_lossy(&answer.body).contains(&format!("({name})"));
        let said = || String::from_utf8_lossy(&answer.body).chars().take(300).collect::<String>();
        match (answer.exception, &statement.error) {
            (None, None) => outcome.output.extend(&answer.body),
            (None, Some(error)) => outcome.faults.push(format!("expected {error}, got success: {text}")),
            (Some(_), Some(expected)) if is_named(expected) => {}
            (Some(code), _) => outcome.faults.push(format!("got {code}: {}: {text}", said())),
        }
    }
    stop.cancel();
    serving.await.map_err(|error| error.to_string())?;
    engine.close().await.map_err(|error| error.to_string())
}

async fn open(folder: &Path) -> Result<Engine, String> {
    let config = EngineConfig::server(folder);
    Engine::open(env::real::env(), folder, config).await.map_err(|error| error.to_string())
}

async fn step(session: &mut Session, statement: &Statement, outcome: &mut Outcome) {
    let given = execute(session, &statement.text).await;
    let text = statement.text.replace('\n', " ");
    let text: String = text.chars().take(160).collect();
    match (given, &statement.error) {
        (Ok(bytes), None) => outcome.output.extend(bytes),
        (Ok(_), Some(error)) => outcome.faults.push(format!("expected {error}, got success: {text}")),
        (Err(error), Some(expected)) if error.code().name() == expected => {}
        (Err(error), expected) => {
            let expected = expected.as_ref().map(|name| format!("expected {name}, ")).unwrap_or_default();
            outcome.faults.push(format!("{expected}got {:?}: {error}: {text}", error.code()));
        }
    }
}

async fn execute(session: &mut Session, text: &str) -> engine::Result<Vec<u8>> {
    match session.execute(Request::new(text.to_owned())).await? {
        Answer::Done(_) => Ok(Vec::new()),
        Answer::Rows(rows) => Ok(rows.encode_all().await?.to_vec()),
    }
}
