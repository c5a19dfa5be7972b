//! Objects of buckets, by S3's protocol.
//!
//! Signing, listing and multipart uploads are `object_store`'s; its requests go through the clients of [`Http`], so that the
//! allow list holds for them too. Credentials come from the statement alone: the environment and the metadata service of
//! the machine are not asked.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http_body_util::BodyExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::buffered::BufWriter;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig};
use reqwest::header::RANGE;
use reqwest::{Method, Url};
use tokio::io::AsyncWriteExt;

use crate::error::{Error, Kind, Result};
use crate::glob;
use crate::http::{Http, Manners};
use crate::objects::{Bytestream, Object, Objects, Opened, Seekable};
use crate::secret::Secret;

/// Objects of one listing, at most.
const OBJECTS_MAX: usize = 1_000_000;
/// Bytes of an object that is written at once, and of one piece of a larger one: the least that S3 takes, doubled.
const UPLOAD_PIECE_BYTES: usize = 10 << 20;
/// Characters of what a server says that are shown.
const REASON_MAX: usize = 300;
/// How long a request is tried again.
const RETRY_TIME: Duration = Duration::from_secs(60);

/// What is asked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BucketOptions {
    /// `http[s]://host/bucket/key`, `https://bucket.s3.region.host/key` or `s3://bucket/key`, with patterns in the key.
    pub url: String,
    /// None: requests are not signed.
    pub credentials: Option<Credentials>,
    /// Headers of every request.
    pub headers: Vec<(String, Secret)>,
    /// Patience and tries.
    pub manners: Manners,
    /// `glob_expansion_max_elements`.
    pub names_max: usize,
    /// `s3_truncate_on_insert`: an object that is there is replaced by an INSERT, instead of refused.
    pub replaces: bool,
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Credentials {
    /// The name of the key.
    pub access_key_id: Secret,
    /// The key.
    pub secret_access_key: Secret,
    /// A token of a session; empty for none.
    pub session_token: Secret,
}

/// Objects of a bucket.
pub struct Bucket {
    place: Place,
    store: Arc<AmazonS3>,
    options: BucketOptions,
}

/// A URL taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Place {
    /// Scheme and host.
    endpoint: String,
    bucket: String,
    /// The bucket is part of the host.
    is_in_host: bool,
    region: String,
    /// The key, with its patterns.
    key: String,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bucket({}/{})", self.place.bucket, self.place.key)
    }
}

impl Place {
    fn parse(text: &str) -> Result<Place> {
        let bad = |reason: &str| {
            // without the user and what may be a signature
            let url = text.split('?').next().unwrap_or_default();
            let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = host.rsplit('@').next().unwrap_or_default();
            let url = if scheme.is_empty() { format!("{host}{path}") } else { format!("{scheme}://{host}{path}") };
            Error::BadUrl { kind: Kind::S3, url, reason: reason.to_owned() }
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("it has no scheme"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() || host.contains('@') {
            return Err(bad("it has no host, or a user in it"));
        }
        if path.to_ascii_lowercase().contains("x-amz-signature=") {
            return Err(bad("it is signed already: url() reads such addresses"));
        }
        let decoded = |key: &str| {
            let text = percent_encoding::percent_decode_str(key).decode_utf8();
            text.map(|text| text.into_owned()).map_err(|_| bad("its key is not UTF-8"))
        };
        let place = match scheme {
            "s3" => Place {
                endpoint: format!("https://{host}.s3.amazonaws.com"),
                bucket: host.to_owned(),
                is_in_host: true,
                region: DEFAULT_REGION.to_owned(),
                key: decoded(path)?,
            },
            "http" | "https" => match bucket_in_host(host) {
                Some((bucket, region)) => Place {
                    endpoint: format!("{scheme}://{host}"),
                    bucket: bucket.to_owned(),
                    is_in_host: true,
                    region,
                    key: decoded(path)?,
                },
                None => {
                    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
                    Place {
                        endpoint: format!("{scheme}://{host}"),
                        bucket: bucket.to_owned(),
                        is_in_host: false,
                        region: region_of(host.strip_prefix("s3.").unwrap_or_default()),
                        key: decoded(key)?,
                    }
                }
            },
            _ => return Err(bad("its scheme is none of http, https and s3")),
        };
        if place.bucket.is_empty() {
            return Err(bad("it has no bucket"));
        }
        if place.key.is_empty() {
            return Err(bad("it has no key"));
        }
        Ok(place)
    }
}

const DEFAULT_REGION: &str = "us-east-1";

/// Bucket and region of `bucket.s3.region.amazonaws.com` and the like.
fn bucket_in_host(host: &str) -> Option<(&str, String)> {
    let (bucket, rest) = host.split_once(".s3.").or_else(|| host.split_once(".s3-"))?;
    (!bucket.is_empty()).then(|| (bucket, region_of(rest)))
}

/// The region of `region.amazonaws.com`.
fn region_of(rest: &str) -> String {
    let region = rest.split_once(".amazonaws.com").map_or("", |(region, _)| region);
    if region.is_empty() { DEFAULT_REGION.to_owned() } else { region.to_owned() }
}

impl Bucket {
    /// The objects that a URL means. Nothing is asked yet.
    pub fn new(http: Http, options: BucketOptions) -> Result<Bucket> {
        let place = Place::parse(&options.url)?;
        let retry = RetryConfig {
            max_retries: usize::try_from(options.manners.tries_max.saturating_sub(1)).unwrap_or(usize::MAX),
            retry_timeout: RETRY_TIME,
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::new()
            .with_endpoint(&place.endpoint)
            .with_bucket_name(&place.bucket)
            .with_virtual_hosted_style_request(place.is_in_host)
            .with_region(&place.region)
            .with_allow_http(true)
            .with_retry(retry)
            .with_http_connector(Connector { http, manners: options.manners, headers: options.headers.clone().into() });
        builder = match &options.credentials {
            None => builder.with_skip_signature(true),
            Some(credentials) => {
                let builder = builder
                    .with_access_key_id(credentials.access_key_id.reveal())
                    .with_secret_access_key(credentials.secret_access_key.reveal());
                match credentials.session_token.is_empty() {
                    true => builder,
                    false => builder.with_token(credentials.session_token.reveal()),
                }
            }
        };
        let store = builder.build().map_err(|error| Error::BadUrl {
            kind: Kind::S3,
            url: place.endpoint.clone(),
            reason: error.to_string(),
        })?;
        Ok(Bucket { place, store: Arc::new(store), options })
    }

    fn path(&self, key: &str) -> Result<Path> {
        Path::parse(key).map_err(|error| Error::BadUrl {
            kind: Kind::S3,
            url: format!("{}/{key}", self.place.bucket),
            reason: error.to_string(),
        })
    }

    /// What the client says, as ours: without credentials, which answers of S3 repeat.
    fn failed(&self, error: &object_store::Error, key: &str) -> Error {
        let place = format!("{}/{key}", self.place.bucket);
        if let Some(own) = own(error) {
            return own;
        }
        match error {
            object_store::Error::NotFound { .. } => Error::Missing { kind: Kind::S3, place },
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Error::Refused { kind: Kind::S3, place, reason: "access denied".to_owned() }
            }
            other => {
                let mut reason = other.to_string();
                if let Some(credentials) = &self.options.credentials {
                    for secret in
                        [&credentials.access_key_id, &credentials.secret_access_key, &credentials.session_token]
                    {
                        if !secret.is_empty() {
                            reason = reason.replace(secret.reveal(), "[HIDDEN]");
                        }
                    }
                }
                let reason = reason.lines().next().unwrap_or_default().chars().take(REASON_MAX).collect();
                Error::Refused { kind: Kind::S3, place, reason }
            }
        }
    }

    fn object(&self, key: String, size: Option<u64>, modified_s: Option<i64>) -> Object {
        let file = key.rsplit('/').next().unwrap_or_default().to_owned();
        Object { path: format!("{}/{key}", self.place.bucket), key, file, size, modified_s }
    }

    /// The objects that one key with `*` and `?` means, by name.
    async fn listed(&self, pattern: &str) -> Result<Vec<Object>> {
        // listings go by whole parts of a key
        let folder = glob::fixed_prefix(pattern).rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = self.path(folder)?;
        let mut listing = self.store.list((!folder.as_ref().is_empty()).then_some(&folder));
        let mut found = Vec::new();
        while let Some(meta) = listing.try_next().await.map_err(|error| self.failed(&error, pattern))? {
            let key = meta.location.to_string();
            if glob::matches(pattern, &key) {
                if found.len() == OBJECTS_MAX {
                    let reason = format!("more than {OBJECTS_MAX} objects match");
                    return Err(Error::BadPattern { pattern: pattern.to_owned(), reason });
                }
                found.push(self.object(key, Some(meta.size), Some(meta.last_modified.timestamp())));
            }
        }
        found.sort();
        Ok(found)
    }
}

#[async_trait]
impl Objects for Bucket {
    fn kind(&self) -> Kind {
        Kind::S3
    }

    fn name(&self) -> String {
        format!("s3({}/{})", self.place.bucket, self.place.key)
    }

    fn hint(&self) -> &str {
        &self.place.key
    }

    async fn list(&self) -> Result<Vec<Object>> {
        let mut objects = Vec::new();
        for key in glob::expand(&self.place.key, self.options.names_max)? {
            match glob::is_pattern(&key) {
                true => objects.extend(self.listed(&key).await?),
                false => objects.push(self.object(key, None, None)),
            }
        }
        Ok(objects)
    }

    async fn seekable(&self, object: &Object) -> Result<Option<Seekable>> {
        if let Some(size) = object.size {
            return Ok(Some(Seekable { size, modified_s: object.modified_s }));
        }
        let meta = self.store.head(&self.path(&object.key)?).await;
        let meta = meta.map_err(|error| self.failed(&error, &object.key))?;
        Ok(Some(Seekable { size: meta.size, modified_s: Some(meta.last_modified.timestamp()) }))
    }

    async fn range(&self, object: &Object, range: Range<u64>) -> Result<Bytes> {
        let promised = range.end.saturating_sub(range.start);
        let bytes = self.store.get_range(&self.path(&object.key)?, range).await;
        let bytes = bytes.map_err(|error| self.failed(&error, &object.key))?;
        match bytes.len() as u64 == promised {
            true => Ok(bytes),
            false => {
                Err(Error::WrongSize { kind: Kind::S3, place: object.path.clone(), promised, got: bytes.len() as u64 })
            }
        }
    }

    async fn open(&self, object: &Object) -> Result<Opened> {
        let answer = self.store.get(&self.path(&object.key)?).await;
        let answer = answer.map_err(|error| self.failed(&error, &object.key))?;
        let modified_s = Some(answer.meta.last_modified.timestamp());
        let (promised, place, read) = (answer.meta.size, object.path.clone(), self.options.manners.read);
        let state = (answer.into_stream(), 0_u64);
        let bytes = stream::try_unfold(state, move |(mut body, got)| {
            let place = place.clone();
            async move {
                let wrong = |got| Error::WrongSize { kind: Kind::S3, place: place.clone(), promised, got };
                match tokio::time::timeout(read, body.next()).await {
                    Err(_) => Err(Error::TimedOut { kind: Kind::S3, place, seconds: read.as_secs() }),
                    Ok(Some(Ok(bytes))) => {
                        let got = got.saturating_add(bytes.len() as u64);
                        if promised < got { Err(wrong(got)) } else { Ok(Some((bytes, (body, got)))) }
                    }
                    Ok(Some(Err(_)) | None) if got < promised => Err(wrong(got)),
                    Ok(Some(Err(error))) => Err(own(&error).unwrap_or_else(|| Error::Unreachable {
                        kind: Kind::S3,
                        place,
                        reason: crate::http::reason_of(&error),
                    })),
                    Ok(None) => Ok(None),
                }
            }
        });
        Ok(Opened { size: Some(promised), modified_s, encoding: None, bytes: bytes.boxed() })
    }

    async fn write(&self, mut bytes: Bytestream) -> Result<()> {
        let key = &self.place.key;
        if glob::is_pattern(key) || glob::has_braces(key) {
            let reason = "an INSERT writes one object".to_owned();
            return Err(Error::BadPattern { pattern: key.clone(), reason });
        }
        let path = self.path(key)?;
        if !self.options.replaces {
            match self.store.head(&path).await {
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(self.failed(&error, key)),
                Ok(_) => {
                    return Err(Error::BadUrl {
                        kind: Kind::S3,
                        url: format!("{}/{key}", self.place.bucket),
                        reason: "the object already exists; s3_truncate_on_insert replaces it".to_owned(),
                    });
                }
            }
        }
        let store: Arc<dyn ObjectStore> = self.store.clone();
        let mut upload =
            BufWriter::with_capacity(store, path, UPLOAD_PIECE_BYTES).with_max_concurrency(UPLOADS_AT_ONCE);
        loop {
            match bytes.next().await {
                Some(Ok(piece)) => {
                    upload.put(piece).await.map_err(|error| self.failed(&error, key))?;
                }
                Some(Err(error)) => {
                    // nothing is there before an upload is finished; what was uploaded is left for the bucket to forget
                    let _aborted = upload.abort().await;
                    return Err(error);
                }
                None => break,
            }
        }
        upload.shutdown().await.map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(inner) => self.failed(inner, key),
            None => Error::Refused {
                kind: Kind::S3,
                place: format!("{}/{key}", self.place.bucket),
                reason: error.to_string(),
            },
        })
    }
}

/// The error of ours that the client passed on.
fn own(error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(own) = inner.downcast_ref::<Error>() {
            return Some(own.clone());
        }
        cause = inner.source();
    }
    None
}

/// Pieces of an upload that are under way at once.
const UPLOADS_AT_ONCE: usize = 2;

/// Gives `object_store` the clients of [`Http`].
#[derive(Clone, Debug)]
struct Connector {
    http: Http,
    manners: Manners,
    headers: Arc<[(String, Secret)]>,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, mut request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        // of no kind that is tried again
        let refused = |error: Error| HttpError::new(HttpErrorKind::Unknown, error);
        let uri = request.uri().clone();
        let host = uri.host().unwrap_or_default().to_owned();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let client = self.http.client(&host, port).await.map_err(refused)?;
        for (name, value) in self.headers.iter() {
            if let (Ok(name), Ok(value)) = (
                reqwest::header::HeaderName::from_bytes(name.as_bytes()),
                reqwest::header::HeaderValue::from_str(value.reveal()),
            ) {
                request.headers_mut().insert(name, value);
            }
        }
        // an object as a whole: pieces have a range, listings a query
        let is_whole = request.method() == Method::GET
            && !request.headers().contains_key(RANGE)
            && uri.query().unwrap_or_default().is_empty();
        let sent = async {
            if !is_whole {
                return HttpService::call(&client, request).await;
            }
            let url = Url::parse(&uri.to_string()).map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
            let passing = |error: Error| match &error {
                Error::Unreachable { .. } => HttpError::new(HttpErrorKind::Connect, error),
                _ => HttpError::new(HttpErrorKind::Unknown, error),
            };
            let answer = self.http.whole(Kind::S3, &url, request).await.map_err(passing)?;
            let wrong = |error: reqwest::Error| HttpError::new(HttpErrorKind::Unknown, error);
            Ok(answer.map(|body| HttpResponseBody::new(body.map_err(wrong))))
        };
        let limit = self.manners.connect.saturating_add(self.manners.read);
        match tokio::time::timeout(limit, sent).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpError::new(
                HttpErrorKind::Timeout,
                Error::TimedOut { kind: Kind::S3, place: format!("{host}:{port}"), seconds: limit.as_secs() },
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> String {
        let place = Place::parse(text).unwrap();
        format!("{} {} {} {}", place.endpoint, place.bucket, place.region, place.key)
    }

    #[test]
    fn a_url_names_a_bucket_in_its_path_or_its_host() {
        assert_eq!(place("http://127.0.0.1:9000/b/d/*.csv"), "http://127.0.0.1:9000 b us-east-1 d/*.csv");
        assert_eq!(
            place("https://b.s3.eu-west-1.amazonaws.com/k?.csv"),
            "https://b.s3.eu-west-1.amazonaws.com b eu-west-1 k?.csv"
        );
        assert_eq!(place("s3://b/k"), "https://b.s3.amazonaws.com b us-east-1 k");
        assert_eq!(place("https://s3.eu-west-1.amazonaws.com/b/k"), "https://s3.eu-west-1.amazonaws.com b eu-west-1 k");
    }

    #[test]
    fn what_names_no_object_is_refused() {
        for text in [
            "b/k",
            "ftp://h/b/k",
            "http://h",
            "http://h/b",
            "http://h/b/",
            "http://u:p@h/b/k",
            "http:///b/k",
            "http://h/b/k?a=1&X-Amz-Signature=u:p@",
        ] {
            let error = Place::parse(text).unwrap_err();
            assert!(matches!(error, Error::BadUrl { .. }), "{text}");
            assert!(!error.to_string().contains("u:p@"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_bucket_at_an_address_that_is_not_allowed_is_not_asked() {
        let options = BucketOptions {
            url: "http://169.254.169.254/b/k".to_owned(),
            credentials: None,
            headers: Vec::new(),
            manners: Manners::default(),
            names_max: 10,
            replaces: false,
        };
        let bucket = Bucket::new(Http::new(Arc::default()), options).unwrap();
        let object = bucket.list().await.unwrap().remove(0);
        let refused = bucket.open(&object).await.err().unwrap();
        assert!(matches!(refused, Error::HostNeverAllowed { .. }), "{refused}");
    }
}
