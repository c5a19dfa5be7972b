//! Credentials in the text of a statement, and the text without them.
//!
//! Works on tokens, so that a text that is no statement is cleaned too. What may be a credential is hidden; what is hidden
//! by mistake only looks odd.

use crate::lexer::Lexer;
use crate::token::{Token, TokenKind};

/// What stands in the place of a credential.
const HIDDEN: &str = "'[HIDDEN]'";
/// Functions and engines with credentials among their arguments, in lower case.
const NAMES: &[&str] = &["mysql", "postgresql", "s3", "url"];
/// Arguments by name whose value is a credential.
const KEYS: &[&str] = &[
    "password",
    "secret_access_key",
    "session_token",
    "headers.header.value",
    "sslrootcert_pem",
    "sslcert_pem",
    "sslkey_pem",
    "ssl_ca_pem",
    "ssl_cert_pem",
    "ssl_key_pem",
];

/// The text with `'[HIDDEN]'` in the place of passwords, keys and values of named collections. `is_format` tells names of
/// formats, which `s3` has in the places of credentials.
pub fn hide_secrets(text: &str, is_format: &dyn Fn(&str) -> bool) -> String {
    let secrets = Secrets::of(text, is_format);
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end, put) in &secrets {
        shown.push_str(text.get(done..*start).unwrap_or_default());
        shown.push_str(put);
        done = *end;
    }
    shown.push_str(text.get(done..).unwrap_or_default());
    shown
}

/// True when the text has something to hide.
pub fn has_secrets(text: &str, is_format: &dyn Fn(&str) -> bool) -> bool {
    !Secrets::of(text, is_format).is_empty()
}

/// Bytes of the text, and what stands in their place.
type Hidden = (usize, usize, String);

struct Secrets<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    is_format: &'a dyn Fn(&str) -> bool,
    found: Vec<Hidden>,
}

impl<'a> Secrets<'a> {
    fn of(text: &'a str, is_format: &'a dyn Fn(&str) -> bool) -> Vec<Hidden> {
        let lower = text.to_ascii_lowercase();
        let words = ["collection", "password", "header", "://"];
        let may_have = NAMES.iter().chain(&words).any(|name| lower.contains(name));
        if !may_have || u32::try_from(text.len()).is_err() {
            return Vec::new();
        }
        let mut lexer = Lexer::new(text, 0);
        let mut tokens = Vec::new();
        loop {
            let token = lexer.next();
            if token.kind == TokenKind::End {
                break;
            }
            let stuck = token.end <= token.start;
            tokens.push(token);
            if stuck {
                break;
            }
        }
        let mut secrets = Secrets { text, tokens, is_format, found: Vec::new() };
        secrets.collection();
        for at in 0..secrets.tokens.len() {
            let name = secrets.word(at).to_ascii_lowercase();
            if NAMES.contains(&name.as_str()) && secrets.kind(at + 1) == Some(TokenKind::OpenRound) {
                secrets.call(&name, at + 2);
            }
            if secrets.is_said_secret(at) {
                secrets.hide((at, at + 1));
            }
            secrets.user_in_url(at);
            secrets.signature_in_url(at);
        }
        secrets.found.sort();
        secrets.found.dedup_by(|later, earlier| later.0 < earlier.1);
        secrets.found
    }

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn slice(&self, at: usize) -> &'a str {
        self.tokens
            .get(at)
            .and_then(|token| self.text.get(token.start as usize..token.end as usize))
            .unwrap_or_default()
    }

    fn word(&self, at: usize) -> &'a str {
        match self.kind(at) {
            Some(TokenKind::Word) => self.slice(at),
            _ => "",
        }
    }

    /// The tokens of each argument from the one behind the bracket on: first and behind the last.
    fn arguments(&self, from: usize) -> Vec<(usize, usize)> {
        let (mut depth, mut start, mut found) = (0_usize, from, Vec::new());
        let mut at = from;
        while let Some(kind) = self.kind(at) {
            match kind {
                TokenKind::OpenRound | TokenKind::OpenSquare | TokenKind::OpenCurly => depth += 1,
                TokenKind::CloseRound | TokenKind::CloseSquare | TokenKind::CloseCurly if depth > 0 => depth -= 1,
                TokenKind::CloseRound => break,
                TokenKind::Comma if depth == 0 => {
                    found.push((start, at));
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        if start < at {
            found.push((start, at));
        }
        found
    }

    fn hide(&mut self, (first, behind): (usize, usize)) {
        let ends = self.tokens.get(first).zip(behind.checked_sub(1).and_then(|last| self.tokens.get(last)));
        if let Some((first, last)) = ends {
            self.found.push((first.start as usize, last.end as usize, HIDDEN.to_owned()));
        }
    }

    /// The text of an argument that is one string or word.
    fn plain(&self, argument: Option<&(usize, usize)>) -> &'a str {
        argument.map_or("", |(first, _)| self.slice(*first).trim_matches('\''))
    }

    fn call(&mut self, name: &str, from: usize) {
        let arguments = self.arguments(from);
        for &(first, behind) in &arguments {
            let key = self.slice(first).trim_matches(['`', '"']).to_ascii_lowercase();
            if self.kind(first + 1) == Some(TokenKind::Equals) && KEYS.contains(&key.as_str()) {
                self.hide((first + 2, behind));
            }
            if key == "headers" && self.kind(first + 1) == Some(TokenKind::OpenRound) {
                self.headers(first + 2);
            }
        }
        match name {
            "mysql" | "postgresql" => arguments.get(4).into_iter().for_each(|argument| self.hide(*argument)),
            "s3" => self.bucket(&arguments),
            _ => {}
        }
    }

    /// `s3(url, key, secret[, token][, format…])`.
    fn bucket(&mut self, arguments: &[(usize, usize)]) {
        let text = |at: usize| self.plain(arguments.get(at));
        let is_format = |at: usize| text(at) == "auto" || (self.is_format)(text(at));
        let by_name =
            |at: usize| arguments.get(at).is_some_and(|(first, _)| self.kind(first + 1) == Some(TokenKind::Equals));
        let is_headers = |at: usize| text(at) == "headers";
        if text(1).eq_ignore_ascii_case("NOSIGN") || is_format(1) || by_name(1) || is_headers(1) {
            return;
        }
        let is_token = arguments.len() > 3 && !is_format(3) && !by_name(3) && !is_headers(3);
        for at in [Some(2), is_token.then_some(3)].into_iter().flatten() {
            arguments.get(at).into_iter().for_each(|argument| self.hide(*argument));
        }
    }

    /// The values of `headers('name' = 'value', …)`.
    fn headers(&mut self, from: usize) {
        for (first, behind) in self.arguments(from) {
            match self.kind(first + 1) {
                Some(TokenKind::Equals) => self.hide((first + 2, behind)),
                _ => self.hide((first, behind)),
            }
        }
    }

    /// A string behind PASSWORD, or the VALUE of a HEADER, as sources of dictionaries have them.
    fn is_said_secret(&self, at: usize) -> bool {
        let before =
            |count: usize, word: &str| at.checked_sub(count).is_some_and(|at| self.word(at).eq_ignore_ascii_case(word));
        self.kind(at) == Some(TokenKind::String) && (before(1, "PASSWORD") || before(1, "VALUE") && before(3, "NAME"))
    }

    /// The values of `'…://host/path?token=…&signature=…'` that let whoever knows them in.
    fn signature_in_url(&mut self, at: usize) {
        let slice = self.slice(at);
        let Some(token) = self.tokens.get(at) else { return };
        let Some((address, query)) = slice.split_once('?').filter(|(address, _)| address.contains("://")) else {
            return;
        };
        let mut start = token.start as usize + address.len() + 1;
        for part in query.split_inclusive(['&', '#', '\'']) {
            let value = part.split_once('=').filter(|(name, _)| lets_in(name));
            if let Some((name, value)) = value {
                let value = value.trim_end_matches(['&', '#', '\'']);
                let from = start + name.len() + 1;
                self.found.push((from, from + value.len(), "[HIDDEN]".to_owned()));
            }
            start += part.len();
        }
    }

    /// The password of `'http://user:password@host/…'`.
    fn user_in_url(&mut self, at: usize) {
        let slice = self.slice(at);
        let Some(token) = self.tokens.get(at) else { return };
        let Some((scheme, rest)) = slice.split_once("://") else { return };
        let authority = rest.split(['/', '?', '#', '\'']).next().unwrap_or_default();
        let Some((user, _)) = authority.rsplit_once('@') else { return };
        let Some((name, password)) = user.split_once(':') else { return };
        let start = token.start as usize + scheme.len() + "://".len() + name.len() + 1;
        self.found.push((start, start + password.len(), "[HIDDEN]".to_owned()));
    }

    /// The values of CREATE and ALTER NAMED COLLECTION.
    fn collection(&mut self) {
        let is = |at: usize, word: &str| self.word(at).eq_ignore_ascii_case(word);
        let Some(at) = (0..self.tokens.len()).find(|at| is(*at, "NAMED") && is(*at + 1, "COLLECTION")) else { return };
        let mut at = at + 2;
        while let Some(kind) = self.kind(at) {
            at += 1;
            if kind != TokenKind::Equals {
                continue;
            }
            let first = at;
            let ends = |at: usize| {
                let word = self.word(at).to_ascii_uppercase();
                self.kind(at) == Some(TokenKind::Comma)
                    || (first < at && matches!(word.as_str(), "OVERRIDABLE" | "NOT" | "DELETE"))
            };
            while at < self.tokens.len() && !ends(at) {
                at += 1;
            }
            self.hide((first, at));
        }
    }
}

/// True for names of parameters of URLs that are credentials.
fn lets_in(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = ["signature", "token", "secret", "password", "passwd", "credential", "apikey", "api_key", "api-key"];
    matches!(name.as_str(), "sig" | "key" | "auth" | "pwd" | "code" | "awsaccesskeyid")
        || parts.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        hide_secrets(text, &|name| matches!(name, "CSV" | "TSV"))
    }

    #[test]
    fn passwords_of_databases_are_the_fifth_argument_or_have_a_name() {
        assert_eq!(
            shown("SELECT * FROM mysql('h:1', 'd', 't', 'u', 'pw') WHERE a = 'pw'"),
            "SELECT * FROM mysql('h:1', 'd', 't', 'u', '[HIDDEN]') WHERE a = 'pw'"
        );
        assert_eq!(
            shown("ENGINE = PostgreSQL('h:1','d','t','u',concat('p', 'w'),'s')"),
            "ENGINE = PostgreSQL('h:1','d','t','u','[HIDDEN]','s')"
        );
        assert_eq!(shown("mysql(c, password = 'pw', table = 't')"), "mysql(c, password = '[HIDDEN]', table = 't')");
        assert_eq!(
            shown("postgresql('h', 'd', (SELECT a, b FROM t), 'u', 'pw', sslmode = 'require', sslkey_pem = 'k')"),
            "postgresql('h', 'd', (SELECT a, b FROM t), 'u', '[HIDDEN]', sslmode = 'require', sslkey_pem = '[HIDDEN]')"
        );
        assert_eq!(shown("MySQL(c, `ssl_ca_pem`='x')"), "MySQL(c, `ssl_ca_pem`='[HIDDEN]')");
    }

    #[test]
    fn keys_of_s3_are_told_from_formats_and_structures() {
        assert_eq!(shown("s3('u', 'k', 's')"), "s3('u', 'k', '[HIDDEN]')");
        assert_eq!(shown("s3('u', 'k', 's', 'CSV', 'a UInt8')"), "s3('u', 'k', '[HIDDEN]', 'CSV', 'a UInt8')");
        assert_eq!(shown("s3('u', 'k', 's', 't', 'CSV')"), "s3('u', 'k', '[HIDDEN]', '[HIDDEN]', 'CSV')");
        for plain in
            ["s3('u', 'CSV', 'a UInt8')", "s3('u', NOSIGN, 'CSV', 'a UInt8')", "s3('u')", "s3(c, format = 'CSV')"]
        {
            assert_eq!(shown(plain), plain);
        }
    }

    #[test]
    fn urls_have_users_and_headers() {
        assert_eq!(shown("url('http://u:pw@h/x', CSV)"), "url('http://u:[HIDDEN]@h/x', CSV)");
        assert_eq!(
            shown("URL('http://h', headers('A' = 'v', 'B'='w'))"),
            "URL('http://h', headers('A' = '[HIDDEN]', 'B'='[HIDDEN]'))"
        );
        assert_eq!(
            shown("url('http://h/x?a=1&X-Amz-Signature=s&sig=t&b=2', CSV)"),
            "url('http://h/x?a=1&X-Amz-Signature=[HIDDEN]&sig=[HIDDEN]&b=2', CSV)"
        );
        assert_eq!(shown("BACKUP TO x('ftp://u:pw@h/?token=t'"), "BACKUP TO x('ftp://u:[HIDDEN]@h/?token=[HIDDEN]'");
    }

    #[test]
    fn sources_of_dictionaries_have_passwords_and_headers() {
        assert_eq!(
            shown("SOURCE(POSTGRESQL(HOST 'h' USER 'u' PASSWORD 'pw' DB 'd'))"),
            "SOURCE(POSTGRESQL(HOST 'h' USER 'u' PASSWORD '[HIDDEN]' DB 'd'))"
        );
        assert_eq!(
            shown("SOURCE(HTTP(URL 'http://u:pw@h/' HEADERS(HEADER(NAME 'k' VALUE 'v'))))"),
            "SOURCE(HTTP(URL 'http://u:[HIDDEN]@h/' HEADERS(HEADER(NAME 'k' VALUE '[HIDDEN]'))))"
        );
    }

    #[test]
    fn all_values_of_named_collections_are_hidden() {
        assert_eq!(
            shown("CREATE NAMED COLLECTION c AS a = 'x' NOT OVERRIDABLE, b = 5"),
            "CREATE NAMED COLLECTION c AS a = '[HIDDEN]' NOT OVERRIDABLE, b = '[HIDDEN]'"
        );
        assert_eq!(
            shown("ALTER NAMED COLLECTION c SET a = 'x' DELETE b"),
            "ALTER NAMED COLLECTION c SET a = '[HIDDEN]' DELETE b"
        );
    }

    #[test]
    fn texts_that_are_no_statements_are_cleaned_too() {
        assert_eq!(shown("SELEC mysql('h','d','t','u','pw"), "SELEC mysql('h','d','t','u','[HIDDEN]'");
        assert_eq!(shown("CREATE NAMED COLLECTION c AS p = 'pw"), "CREATE NAMED COLLECTION c AS p = '[HIDDEN]'");
        assert_eq!(shown("s3("), "s3(");
        assert_eq!(shown("SELECT 'ü', url"), "SELECT 'ü', url");
    }

    proptest::proptest! {
        /// Whatever the text is: it is cleaned without a panic, and the password of a call in it is not left over.
        #[test]
        fn a_password_is_hidden_behind_any_text(before in ".{0,40}", password in "[a-zA-Z0-9]{6,12}") {
            let call = format!("mysql('h:1', 'd', 't', 'u', '{password}')");
            proptest::prop_assert!(!shown(&call).contains(&password));
            // an open quote or comment in front of it makes it part of that
            let _cleaned = shown(&format!("{before}{call}"));
            let _cut = shown(call.get(..before.len().min(call.len())).unwrap_or_default());
        }
    }
}
