//! tmp
use crate::error::Result;
pub(crate) async fn run(_args: crate::cli::DemoArgs) -> Result<()> {
    Ok(())
}
