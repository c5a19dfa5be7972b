//! `everview check`: a data folder that no process has open, read whole; what is wrong is said by name.

use engine::check_folder;

use crate::cli::CheckArgs;
use crate::error::{Error, Result};

/// Checks a folder; an error when something in it is damaged or missing.
pub(crate) async fn run(args: CheckArgs) -> Result<()> {
    let checked = check_folder(&env::real::env(), &args.folder).await;
    let report =
        checked.map_err(|reason| Error::Open { path: args.folder.clone(), reason: Box::new(reason.into()) })?;
    report.notes.iter().for_each(|note| println!("note: {note}"));
    report.problems.iter().for_each(|problem| println!("damaged: {problem}"));
    println!("{} rows in {} part files, up to commit {}", report.rows, report.parts, report.commit);
    match report.problems.len() {
        0 => Ok(()),
        problems => Err(Error::DamagedFolder { path: args.folder, problems }),
    }
}
