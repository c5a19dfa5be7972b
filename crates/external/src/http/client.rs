//! Requests.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT};
use reqwest::{Client, Method, Response, StatusCode, Url};

use super::whole;
use crate::error::{Error, Kind, Result};
use crate::hosts::Hosts;
use crate::secret::Secret;

/// Clients that are kept, each with its idle connections.
const CLIENTS_MAX: usize = 64;
/// Who we are.
const AGENT: &str = concat!("everview/", env!("CARGO_PKG_VERSION"));

/// How requests are made. Cheap to clone: clones share clients.
#[derive(Clone, Debug)]
pub struct Http {
    hosts: Arc<Hosts>,
    clients: Arc<Mutex<BTreeMap<(String, u16), Client>>>,
    /// For connections that no client makes; made when the first is.
    tls: Arc<OnceLock<Arc<rustls::ClientConfig>>>,
}

/// What settings say of requests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Manners {
    /// `http_connection_timeout`.
    pub connect: Duration,
    /// `http_receive_timeout`: for the head of an answer, and between two pieces of its body.
    pub read: Duration,
    /// `max_http_get_redirects`.
    pub redirects_max: u64,
    /// `http_max_tries`.
    pub tries_max: u64,
    /// `http_retry_initial_backoff_ms`.
    pub backoff_first: Duration,
    /// `http_retry_max_backoff_ms`.
    pub backoff_most: Duration,
}

impl Default for Manners {
    fn default() -> Manners {
        Manners {
            connect: Duration::from_secs(1),
            read: Duration::from_secs(30),
            redirects_max: 0,
            tries_max: 10,
            backoff_first: Duration::from_millis(100),
            backoff_most: Duration::from_secs(10),
        }
    }
}

/// A request without a body.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) url: &'a Url,
    pub(super) headers: &'a [(String, Secret)],
    /// The value of `Range`.
    pub(super) range: Option<String>,
}

/// Resolves for connections to one port.
struct AtPort {
    hosts: Arc<Hosts>,
    port: u16,
}

impl Resolve for AtPort {
    fn resolve(&self, name: Name) -> Resolving {
        let (hosts, port) = (self.hosts.clone(), self.port);
        async move {
            let addresses = hosts.resolve(name.as_str(), port).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        }
        .boxed()
    }
}

/// A URL as errors and plans show it: without user, password, query and fragment.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // a URL that cannot have them has none
    let (_, _) = (url.set_username(""), url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

impl Http {
    /// Requests to hosts that the list has.
    pub fn new(hosts: Arc<Hosts>) -> Http {
        Http { hosts, clients: Arc::default(), tls: Arc::default() }
    }

    /// The client for a host and port; an error when they are an address that is not allowed. Names are resolved, and
    /// checked, when it connects.
    pub(crate) async fn client(&self, host: &str, port: u16) -> Result<Client> {
        if host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok() {
            // connected to without asking the resolver
            self.hosts.resolve(host, port).await?;
        }
        let key = (host.to_ascii_lowercase(), port);
        if let Some(client) = self.clients.lock().get(&key) {
            return Ok(client.clone());
        }
        let resolver = AtPort { hosts: self.hosts.clone(), port };
        let client = Client::builder()
            .dns_resolver(Arc::new(resolver))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .no_gzip()
            .no_zstd()
            .referer(false)
            .user_agent(AGENT)
            .build();
        let client = client.map_err(|error| Error::Unreachable {
            kind: Kind::Http,
            place: format!("{host}:{port}"),
            reason: reason_of(&error),
        })?;
        let mut clients = self.clients.lock();
        if clients.len() >= CLIENTS_MAX {
            clients.clear();
        }
        clients.insert(key, client.clone());
        Ok(client)
    }

    /// The answer to a request without a body, over a connection of its own: its body fails where it is not as long as
    /// promised.
    pub(crate) async fn whole<B>(
        &self,
        kind: Kind,
        url: &Url,
        request: hyper::Request<B>,
    ) -> Result<hyper::Response<reqwest::Body>> {
        let tls = Arc::clone(self.tls.get_or_init(whole::verified));
        whole::Asking { hosts: &self.hosts, tls, kind, url }.send(request).await
    }

    /// The client of a URL.
    pub(super) async fn client_of(&self, url: &Url) -> Result<Client> {
        let bad = |reason: &str| Error::BadUrl { kind: Kind::Http, url: shown(url), reason: reason.to_owned() };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("its scheme is neither http nor https"));
        }
        let host = url.host_str().ok_or_else(|| bad("it has no host"))?;
        self.client(host, url.port_or_known_default().unwrap_or(80)).await
    }

    /// An answer with a status of success; redirects are followed and failures tried again, as the manners say. Only for
    /// requests that may be sent twice.
    pub(super) async fn ask(&self, ask: &Ask<'_>, manners: &Manners) -> Result<Response> {
        let mut backoff = manners.backoff_first;
        let mut tried = 1;
        loop {
            let failed = match self.follow(ask, manners).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if tried >= manners.tries_max || !is_passing(&failed) {
                return Err(failed);
            }
            tracing::debug!(error = %failed, tried, "a request is tried again");
            tokio::time::sleep(backoff).await;
            backoff = backoff.saturating_mul(2).min(manners.backoff_most);
            tried += 1;
        }
    }

    /// One try, through its redirects.
    async fn follow(&self, ask: &Ask<'_>, manners: &Manners) -> Result<Response> {
        let mut url = ask.url.clone();
        let mut hops = 0;
        loop {
            // what was given for one host is not told another
            let is_same = url.origin() == ask.url.origin();
            let headers = if is_same { ask.headers } else { &[] };
            let answer = self.send(ask.method.clone(), &url, headers, ask.range.as_deref(), manners).await?;
            let status = answer.status();
            if status.is_success() {
                return Ok(answer);
            }
            if !is_redirect(status) {
                return Err(Error::Status { kind: Kind::Http, url: shown(&url), status: status.as_u16() });
            }
            hops += 1;
            if hops > manners.redirects_max {
                return Err(Error::TooManyRedirects { url: shown(ask.url), max: manners.redirects_max });
            }
            url = redirected(&url, &answer)?;
        }
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: &[(String, Secret)],
        range: Option<&str>,
        manners: &Manners,
    ) -> Result<Response> {
        let client = self.client_of(url).await?;
        let mut request = client.request(method.clone(), url.clone()).headers(header_map(headers, url)?);
        if let Some(range) = range {
            request = request.header(reqwest::header::RANGE, range);
        }
        let is_whole = method == Method::GET && range.is_none();
        let sent = async {
            if !is_whole {
                return request.send().await.map_err(|error| failed(&error, url));
            }
            let request = request.header(ACCEPT, "*/*").header(USER_AGENT, AGENT).build();
            let request = request.and_then(hyper::Request::<reqwest::Body>::try_from);
            let request = request.map_err(|error| failed(&error, url))?;
            Ok(self.whole(Kind::Http, url, request).await?.into())
        };
        let limit = manners.connect.saturating_add(manners.read);
        match tokio::time::timeout(limit, sent).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::TimedOut { kind: Kind::Http, place: shown(url), seconds: limit.as_secs() }),
        }
    }

    /// Sends a body, once.
    pub(super) async fn post(&self, url: &Url, headers: &[(String, Secret)], body: reqwest::Body) -> Result<()> {
        let client = self.client_of(url).await?;
        let request = client.post(url.clone()).headers(header_map(headers, url)?).body(body);
        let answer = request.send().await.map_err(|error| failed(&error, url))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(Error::Status { kind: Kind::Http, url: shown(url), status: status.as_u16() }),
        }
    }
}

fn header_map(headers: &[(String, Secret)], url: &Url) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let bad = || Error::BadUrl {
            kind: Kind::Http,
            url: shown(url),
            reason: format!("header \"{name}\" has a name or value that HTTP does not allow"),
        };
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(value.reveal()).map_err(|_| bad())?;
        value.set_sensitive(true);
        map.append(header, value);
    }
    Ok(map)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn redirected(from: &Url, answer: &Response) -> Result<Url> {
    let bad = |reason: &str| Error::BadUrl { kind: Kind::Http, url: shown(from), reason: reason.to_owned() };
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.ok_or_else(|| bad("it redirects to nowhere"))?;
    let to = from.join(location).map_err(|_| bad("it redirects to what is no URL"))?;
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err(bad("it redirects from https to http"));
    }
    Ok(to)
}

/// What may be otherwise the next time.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
        Error::Unreachable { .. } | Error::TimedOut { .. } => true,
        _ => false,
    }
}

/// What a request failed of; what the resolver said is found again.
pub(super) fn failed(error: &reqwest::Error, url: &Url) -> Error {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(own) = inner.downcast_ref::<Error>() {
            return own.clone();
        }
        cause = inner.source();
    }
    Error::Unreachable { kind: Kind::Http, place: shown(url), reason: reason_of(error) }
}

/// The innermost cause: the outer ones repeat the URL.
pub(crate) fn reason_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    match inner.downcast_ref::<reqwest::Error>() {
        Some(_) => "the request failed".to_owned(),
        None => inner.to_string(),
    }
}
