//! The pages of `url()`.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::header::{ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, LAST_MODIFIED};
use reqwest::{Method, Response, Url};

use super::client::{Ask, Http, Manners, failed, shown};
use crate::error::{Error, Kind, Result};
use crate::glob;
use crate::objects::{Bytestream, Object, Objects, Opened, Seekable};
use crate::secret::Secret;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PagesOptions {
    /// The URL, with braces for several; it may have a user and a password.
    pub url: String,
    /// Headers of every request.
    pub headers: Vec<(String, Secret)>,
    /// Patience, redirects, tries.
    pub manners: Manners,
    /// `glob_expansion_max_elements`.
    pub names_max: usize,
    /// `Content-Type` of what is written.
    pub content_type: String,
}

/// Pages of an HTTP server.
pub struct Pages {
    http: Http,
    options: PagesOptions,
    urls: Vec<Url>,
    /// Without user, password, query and fragment.
    shown: String,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pages({})", self.shown)
    }
}

impl Pages {
    /// The pages that a URL with braces means. Nothing is asked yet.
    pub fn new(http: Http, options: PagesOptions) -> Result<Pages> {
        let urls = glob::expand(&options.url, options.names_max)?;
        let parse = |text: &String| {
            Url::parse(text).map_err(|error| {
                // the text may have a password: only what is wrong with it is shown
                Error::NoUrl { url: host_part(text), reason: error.to_string() }
            })
        };
        let urls = urls.iter().map(parse).collect::<Result<Vec<_>>>()?;
        let shown = match urls.as_slice() {
            [only] => shown(only),
            several => several
                .first()
                .map(|first| format!("{}, and {} more", shown(first), several.len() - 1))
                .unwrap_or_default(),
        };
        Ok(Pages { http, options, urls, shown })
    }

    fn url(&self, object: &Object) -> Result<Url> {
        let known = object.key.parse::<usize>().ok().and_then(|at| self.urls.get(at));
        known.cloned().ok_or_else(|| Error::Missing { kind: Kind::Http, place: object.path.clone() })
    }

    async fn ask(&self, method: Method, url: &Url, range: Option<String>) -> Result<Response> {
        let ask = Ask { method, url, headers: &self.options.headers, range };
        self.http.ask(&ask, &self.options.manners).await
    }

    /// The body of an answer, counted against what was promised.
    fn body(&self, answer: Response, url: &Url, promised: Option<u64>) -> Bytestream {
        let (place, read) = (shown(url), self.options.manners.read);
        let url = url.clone();
        let state = (answer.bytes_stream().boxed(), 0_u64, false);
        let pieces = stream::try_unfold(state, move |(mut body, got, ended)| {
            let (place, url) = (place.clone(), url.clone());
            async move {
                if ended {
                    return Ok(None);
                }
                let wrong = |got: u64, promised: u64| Error::WrongSize {
                    kind: Kind::Http,
                    place: place.clone(),
                    promised,
                    got,
                };
                let piece = match tokio::time::timeout(read, body.next()).await {
                    Ok(piece) => piece,
                    Err(_) => {
                        return Err(Error::TimedOut { kind: Kind::Http, place, seconds: read.as_secs() });
                    }
                };
                match (piece, promised) {
                    (Some(Ok(bytes)), _) => {
                        let got = got.saturating_add(bytes.len() as u64);
                        match promised {
                            Some(promised) if promised < got => Err(wrong(got, promised)),
                            _ => Ok(Some((bytes, (body, got, false)))),
                        }
                    }
                    (Some(Err(_)) | None, Some(promised)) if got < promised => Err(wrong(got, promised)),
                    (Some(Err(error)), _) => Err(failed(&error, &url)),
                    (None, _) => Ok(None),
                }
            }
        });
        pieces.boxed()
    }
}

/// Scheme and host of a text that is no URL, as far as they can be told.
fn host_part(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

fn number(answer: &Response, name: reqwest::header::HeaderName) -> Option<u64> {
    answer.headers().get(name)?.to_str().ok()?.trim().parse().ok()
}

/// `Last-Modified`, in seconds since 1970.
fn modified_s(answer: &Response) -> Option<i64> {
    let text = answer.headers().get(LAST_MODIFIED)?.to_str().ok()?;
    Some(chrono::DateTime::parse_from_rfc2822(text).ok()?.timestamp())
}

#[async_trait]
impl Objects for Pages {
    fn kind(&self) -> Kind {
        Kind::Http
    }

    fn name(&self) -> String {
        format!("url({})", self.shown)
    }

    fn hint(&self) -> &str {
        self.urls.first().map_or("", Url::path)
    }

    async fn list(&self) -> Result<Vec<Object>> {
        let object = |(at, url): (usize, &Url)| {
            let path = percent_encoding::percent_decode_str(url.path()).decode_utf8_lossy().into_owned();
            let file = path.rsplit('/').next().unwrap_or_default().to_owned();
            // the URL itself may have a password
            Object { key: at.to_string(), path, file, size: None, modified_s: None }
        };
        Ok(self.urls.iter().enumerate().map(object).collect())
    }

    async fn seekable(&self, object: &Object) -> Result<Option<Seekable>> {
        let url = self.url(object)?;
        let answer = match self.ask(Method::HEAD, &url, None).await {
            Ok(answer) => answer,
            // servers that do not know HEAD
            Err(Error::Status { status: 400 | 403 | 405 | 501, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let ranges = answer.headers().get(ACCEPT_RANGES).is_some_and(|ranges| ranges.as_bytes() == b"bytes");
        let is_packed = answer.headers().contains_key(CONTENT_ENCODING);
        let size = number(&answer, CONTENT_LENGTH).filter(|_| ranges && !is_packed);
        Ok(size.map(|size| Seekable { size, modified_s: modified_s(&answer) }))
    }

    async fn range(&self, object: &Object, range: Range<u64>) -> Result<Bytes> {
        let url = self.url(object)?;
        let promised = range.end.saturating_sub(range.start);
        if promised == 0 {
            return Ok(Bytes::new());
        }
        let header = format!("bytes={}-{}", range.start, range.end - 1);
        let answer = self.ask(Method::GET, &url, Some(header)).await?;
        if answer.status().as_u16() != 206 {
            return Err(Error::Status { kind: Kind::Http, url: shown(&url), status: answer.status().as_u16() });
        }
        let pieces: Vec<Bytes> = self.body(answer, &url, Some(promised)).try_collect().await?;
        Ok(pieces.concat().into())
    }

    async fn open(&self, object: &Object) -> Result<Opened> {
        let url = self.url(object)?;
        let answer = self.ask(Method::GET, &url, None).await?;
        let size = number(&answer, CONTENT_LENGTH);
        let encoding = answer.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
        let encoding = encoding.filter(|name| *name != "identity").map(str::to_owned);
        Ok(Opened { size, modified_s: modified_s(&answer), encoding, bytes: self.body(answer, &url, size) })
    }

    async fn write(&self, bytes: Bytestream) -> Result<()> {
        let [url] = self.urls.as_slice() else {
            return Err(Error::BadUrl {
                kind: Kind::Http,
                url: self.shown.clone(),
                reason: "several pages cannot be written to at once".to_owned(),
            });
        };
        let mut headers = self.options.headers.clone();
        headers.push(("Content-Type".to_owned(), Secret::new(self.options.content_type.clone())));
        // the stream fails with the statement's error: the request then breaks off, and the error is the statement's
        let broke = Arc::new(parking_lot::Mutex::new(None));
        let seen = broke.clone();
        let bytes = bytes.map_err(move |error| {
            *seen.lock() = Some(error.clone());
            error
        });
        let sent = self.http.post(url, &headers, reqwest::Body::wrap_stream(bytes)).await;
        match broke.lock().take() {
            Some(error) => Err(error),
            None => sent,
        }
    }
}
