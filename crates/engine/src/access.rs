//! Who may use the engine: nobody is asked where no passwords are set; else a user and a password are.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use types::ErrorCode;

use crate::error::{Error, Result};

/// Users and what their passwords hash to.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// SHA-256 of each user's password.
    users: BTreeMap<String, [u8; 32]>,
}

/// What a client says of itself.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user; `default` where none is said.
    pub user: String,
    /// The password; empty where none is said.
    pub password: String,
}

impl Default for Credentials {
    fn default() -> Credentials {
        Credentials { user: "default".to_owned(), password: String::new() }
    }
}

impl Access {
    /// Users of a password file: a line `user:password` each; blank lines and lines that begin with `#` are skipped. A
    /// line without a colon is the password of `default`.
    pub fn parse(text: &str) -> Access {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let users = lines.map(|line| match line.split_once(':') {
            Some((user, password)) => (user.to_owned(), hash(password)),
            None => ("default".to_owned(), hash(line)),
        });
        Access { users: users.collect() }
    }

    /// True for users that may come in; where anybody may, that is `default`.
    pub(crate) fn has_user(&self, user: &str) -> bool {
        self.users.contains_key(user) || self.users.is_empty() && user == "default"
    }

    /// True when passwords are asked for.
    pub fn is_closed(&self) -> bool {
        !self.users.is_empty()
    }

    /// The user, if the credentials are right. One error for a wrong user and a wrong password, as in ClickHouse.
    pub fn check(&self, credentials: &Credentials) -> Result<()> {
        let known = self.users.get(&credentials.user);
        let given = hash(&credentials.password);
        let equal = known.is_some_and(|known| known.iter().zip(&given).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0);
        if !self.is_closed() || equal {
            return Ok(());
        }
        let message = format!(
            "{}: Authentication failed: password is incorrect, or there is no user with such name",
            credentials.user
        );
        Err(Error::refused(ErrorCode::AUTHENTICATION_FAILED, message))
    }
}

fn hash(password: &str) -> [u8; 32] {
    Sha256::digest(password.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_checked_where_there_are_any() {
        assert!(Access::default().check(&Credentials::default()).is_ok());
        let access = Access::parse("# users\nann:secret\nfallback\n");
        let check = |user: &str, password: &str| {
            access.check(&Credentials { user: user.to_owned(), password: password.to_owned() })
        };
        assert!(check("ann", "secret").is_ok() && check("default", "fallback").is_ok());
        assert_eq!(check("ann", "wrong").unwrap_err().code(), ErrorCode::AUTHENTICATION_FAILED);
        assert!(check("bob", "secret").is_err());
    }
}
