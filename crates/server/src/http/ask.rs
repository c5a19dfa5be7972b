//! What a request asks: URL and headers taken apart. No I/O, no engine.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::Credentials;
use hyper::header::{self, HeaderMap};
use hyper::{Method, Uri};
use percent_encoding::percent_decode;
use types::ErrorCode;

use super::exception::Exception;
use super::sessions::{SessionAsk, TIMEOUT, TIMEOUT_MAX};
use format::codec::Coding;

/// What a request asks, without its body.
#[derive(Debug, Default)]
pub(crate) struct Ask {
    /// The statement in the URL; the body follows it behind a newline.
    pub(crate) query: Vec<u8>,
    pub(crate) query_id: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) format: Option<String>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) credentials: Credentials,
    pub(crate) session: Option<SessionAsk>,
    /// The boundary between the fields of the body, where it is a form.
    pub(crate) form: Option<String>,
    /// How the body is packed.
    pub(crate) body_coding: Option<Coding>,
    /// How the answer may be packed, if the settings allow.
    pub(crate) answer_coding: Option<Coding>,
    /// The answer is asked for in ClickHouse's own compressed blocks.
    pub(crate) answer_blocks: bool,
    /// The body is in ClickHouse's own compressed blocks.
    pub(crate) body_blocks: bool,
    /// The revision of the protocol that the client speaks; 0: of none.
    pub(crate) protocol_revision: u64,
    /// The method promises to change nothing.
    pub(crate) is_get: bool,
}

impl Ask {
    /// Takes a request's head apart.
    pub(crate) fn new(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Ask, Exception> {
        let mut ask = Ask { is_get: method == Method::GET || method == Method::HEAD, ..Ask::default() };
        let mut url = UrlParts::default();
        for (name, value) in pairs(uri.query().unwrap_or_default()) {
            ask.take(&mut url, name, value)?;
        }
        ask.database = ask.database.or_else(|| text(headers, "x-clickhouse-database"));
        ask.format = ask.format.or_else(|| text(headers, "x-clickhouse-format"));
        ask.session = url.session()?;
        ask.credentials = credentials(url.user, url.password, headers)?;
        ask.form = text(headers, header::CONTENT_TYPE.as_str()).and_then(|kind| super::form::boundary(&kind));
        ask.body_coding = body_coding(headers)?;
        ask.answer_coding = text(headers, header::ACCEPT_ENCODING.as_str()).and_then(|names| Coding::accepted(&names));
        Ok(ask)
    }

    /// One parameter of the URL.
    fn take(&mut self, url: &mut UrlParts, name: String, value: Vec<u8>) -> Result<(), Exception> {
        if name == "query" {
            self.query.extend_from_slice(&value);
            return Ok(());
        }
        let value = String::from_utf8_lossy(&value).into_owned();
        match name.as_str() {
            "query_id" => self.query_id = Some(value).filter(|id| !id.is_empty()),
            "database" => self.database = Some(value).filter(|name| !name.is_empty()),
            "default_format" => self.format = Some(value).filter(|name| !name.is_empty()),
            "user" => url.user = Some(value),
            "password" => url.password = Some(value),
            "session_id" => url.session_id = Some(value),
            "session_timeout" => url.session_timeout = Some(value),
            "session_check" => url.session_check = value == "1",
            // who pays: nothing depends on it here
            "quota_key" => {}
            "client_protocol_version" => self.protocol_revision = value.parse().unwrap_or(0),
            "compress" => self.answer_blocks = is_on(&value),
            "decompress" => self.body_blocks = is_on(&value),
            "stacktrace" | "close_session" => refuse_unless_off(&name, &value)?,
            "role" => return Err(not_implemented("roles")),
            _ => match name.strip_prefix("param_") {
                Some(param) => drop(self.params.insert(param.to_owned(), value)),
                None => self.settings.push((name, value)),
            },
        }
        Ok(())
    }
}

/// Parts of the URL that are worth something only together.
#[derive(Default)]
struct UrlParts {
    user: Option<String>,
    password: Option<String>,
    session_id: Option<String>,
    session_timeout: Option<String>,
    session_check: bool,
}

impl UrlParts {
    fn session(&self) -> Result<Option<SessionAsk>, Exception> {
        let Some(id) = self.session_id.clone().filter(|id| !id.is_empty()) else { return Ok(None) };
        let timeout = match &self.session_timeout {
            None => TIMEOUT,
            Some(text) => {
                let seconds = text.parse().map_err(|_| {
                    let message = format!("session_timeout takes seconds, not \"{text}\"");
                    Exception::new(ErrorCode::BAD_ARGUMENTS, message)
                })?;
                Duration::from_secs(seconds)
            }
        };
        if TIMEOUT_MAX < timeout {
            let message = format!("session_timeout may be {} seconds at most", TIMEOUT_MAX.as_secs());
            return Err(Exception::new(ErrorCode::BAD_ARGUMENTS, message));
        }
        Ok(Some(SessionAsk { id, timeout, must_exist: self.session_check }))
    }
}

fn not_implemented(what: &str) -> Exception {
    Exception::new(ErrorCode::NOT_IMPLEMENTED, format!("{what} over HTTP is not supported yet"))
}

fn is_on(value: &str) -> bool {
    !matches!(value, "0" | "" | "false")
}

fn refuse_unless_off(name: &str, value: &str) -> Result<(), Exception> {
    if is_on(value) { Err(not_implemented(&format!("the parameter \"{name}\""))) } else { Ok(()) }
}

/// Who asks: headers of ClickHouse's own, Basic, or the URL; not two of them.
fn credentials(user: Option<String>, password: Option<String>, headers: &HeaderMap) -> Result<Credentials, Exception> {
    let own = (text(headers, "x-clickhouse-user"), text(headers, "x-clickhouse-key"));
    let has_own = own.0.is_some() || own.1.is_some();
    let authorization = text(headers, header::AUTHORIZATION.as_str());
    let has_url = user.is_some() || password.is_some();
    let refused = |message: &str| Err(Exception::new(ErrorCode::AUTHENTICATION_FAILED, message));
    if usize::from(has_own) + usize::from(authorization.is_some()) + usize::from(has_url) > 1 {
        return refused(
            "Invalid authentication: only one of X-ClickHouse headers, Authorization and URL parameters is allowed",
        );
    }
    let (user, password) = match authorization {
        Some(basic) => match basic_pair(&basic) {
            Some((user, password)) => (Some(user), Some(password)),
            None => return refused("Invalid authentication: Authorization must be Basic, user and password in base64"),
        },
        None if has_own => own,
        None => (user, password),
    };
    let user = user.filter(|user| !user.is_empty()).unwrap_or_else(|| "default".to_owned());
    Ok(Credentials { user, password: password.unwrap_or_default() })
}

fn basic_pair(authorization: &str) -> Option<(String, String)> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let pair = String::from_utf8(decoded).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn body_coding(headers: &HeaderMap) -> Result<Option<Coding>, Exception> {
    let Some(name) = text(headers, header::CONTENT_ENCODING.as_str()) else { return Ok(None) };
    if name.is_empty() || name.eq_ignore_ascii_case("identity") {
        return Ok(None);
    }
    let coding = Coding::by_name(&name);
    coding
        .map(Some)
        .ok_or_else(|| not_implemented(&format!("Content-Encoding \"{name}\" (gzip, deflate, lz4 and zstd are)")))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The parameters of a URL in their order.
fn pairs(query: &str) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (String::from_utf8_lossy(&decoded(name)).into_owned(), decoded(value))
    })
}

fn decoded(text: &str) -> Vec<u8> {
    let spaced: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(uri: &str, headers: &[(&str, &str)]) -> Result<Ask, Exception> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        Ask::new(&Method::POST, &uri.parse().unwrap(), &map)
    }

    #[test]
    fn the_url_holds_statement_settings_and_parameters() {
        let ask =
            ask("/?query=SELECT+%7Ba%3AUInt8%7D&param_a=7&max_threads=2&database=d&default_format=CSV&query_id=q", &[]);
        let ask = ask.unwrap();
        assert_eq!(ask.query, b"SELECT {a:UInt8}");
        assert_eq!(ask.params.get("a").unwrap(), "7");
        assert_eq!(ask.settings, [("max_threads".to_owned(), "2".to_owned())]);
        assert_eq!(
            (ask.database.as_deref(), ask.format.as_deref(), ask.query_id.as_deref()),
            (Some("d"), Some("CSV"), Some("q"))
        );
        assert!(ask.session.is_none() && ask.credentials.user == "default");
    }

    #[test]
    fn who_asks_is_said_in_one_of_three_ways() {
        let basic = ask("/", &[("authorization", "Basic YW5uOnM6dA==")]).unwrap();
        assert_eq!((basic.credentials.user.as_str(), basic.credentials.password.as_str()), ("ann", "s:t"));
        let own = ask("/", &[("x-clickhouse-user", "ann"), ("x-clickhouse-key", "k")]).unwrap();
        assert_eq!((own.credentials.user.as_str(), own.credentials.password.as_str()), ("ann", "k"));
        let url = ask("/?user=ann&password=p%26", &[]).unwrap();
        assert_eq!(url.credentials.password, "p&");
        let both = ask("/?user=ann", &[("x-clickhouse-user", "ann")]).unwrap_err();
        assert_eq!(both.code, ErrorCode::AUTHENTICATION_FAILED);
        assert!(
            ask("/", &[("authorization", "Bearer x")]).is_err() && ask("/", &[("authorization", "Basic ?")]).is_err()
        );
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        assert_eq!(ask("/?close_session=1", &[]).unwrap_err().code, ErrorCode::NOT_IMPLEMENTED);
        let packed = ask("/?compress=0&decompress=1", &[]).unwrap();
        assert!(packed.body_blocks && !packed.answer_blocks);
        assert!(ask("/", &[("content-encoding", "bz2")]).unwrap_err().message.contains("\"bz2\""));
        assert_eq!(ask("/", &[("content-encoding", "xz")]).unwrap().body_coding, Some(Coding::Xz));
        assert_eq!(ask("/", &[("content-encoding", "br")]).unwrap().body_coding, Some(Coding::Brotli));
        assert_eq!(ask("/", &[("content-encoding", "zstd")]).unwrap().body_coding, Some(Coding::Zstd));
    }

    #[test]
    fn a_session_is_asked_for_by_id() {
        let asked = ask("/?session_id=s&session_timeout=5&session_check=1", &[]).unwrap().session.unwrap();
        assert_eq!(asked, SessionAsk { id: "s".to_owned(), timeout: Duration::from_secs(5), must_exist: true });
        assert!(ask("/?session_id=s&session_timeout=9999", &[]).is_err());
        assert!(ask("/?session_id=s&session_timeout=x", &[]).is_err());
    }
}
