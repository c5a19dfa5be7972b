//! Why a server cannot start.

use std::net::SocketAddr;

use types::ErrorCode;

/// The result of starting a server.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a server cannot start. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else listens there.
    #[error("port {} is in use on {}: stop what listens there, or choose another with --http-port", .0.port(), .0.ip())]
    PortInUse(SocketAddr),
    /// The address is reachable from outside and nobody would be asked for a password.
    #[error("address {0} is not loopback and no passwords are set: give a --password-file")]
    OpenToAll(SocketAddr),
    /// The operating system refuses the address.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        reason: std::io::Error,
    },
}

impl Error {
    /// ClickHouse's code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::PortInUse(_) | Error::Listen { .. } => ErrorCode::NETWORK_ERROR,
            Error::OpenToAll(_) => ErrorCode::ACCESS_DENIED,
        }
    }
}
