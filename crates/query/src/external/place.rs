//! Where rows are, as a call or an engine says it: the sources of crate `external`, made of [`Given`] arguments.

use std::sync::Arc;
use std::time::Duration;

use external::http::{Manners, Pages, PagesOptions};
use external::s3::{Bucket, BucketOptions, Credentials};
use external::{Objects, Secret, Table, files};
use format::Format;
use format::codec::Coding;
use types::{ErrorCode, Header, Setting};

use super::databases;
use super::given::{Given, Takes, Value};
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::table_functions::parse_structure;

/// A source, and what was said of its bytes.
pub(crate) struct Place {
    pub(crate) rows: Rows,
    /// The columns, where the call says them.
    pub(crate) structure: Option<Header>,
}

/// What a source gives.
#[derive(Clone)]
pub(crate) enum Rows {
    /// Rows.
    Table(Arc<dyn Table>),
    /// Bytes in a format.
    Objects(Packed),
}

/// Bytes under names, and how they are read.
#[derive(Clone)]
pub(crate) struct Packed {
    pub(crate) objects: Arc<dyn Objects>,
    /// None: from the name.
    pub(crate) format: Option<Format>,
    pub(crate) compression: Compression,
}

/// How bytes are packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Compression {
    /// As the name says.
    Auto,
    /// Not at all, or so.
    Known(Option<Coding>),
}

/// The names of sources that functions and engines have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `url`, `URL`.
    Url,
    /// `s3`, `S3`.
    S3,
    /// `file`, `File`.
    File,
    /// `mysql`, `MySQL`.
    MySql,
    /// `postgresql`, `PostgreSQL`.
    Postgres,
}

impl Kind {
    /// Of a table function.
    pub fn of_function(name: &str) -> Option<Kind> {
        Some(match name {
            "url" => Kind::Url,
            "s3" => Kind::S3,
            "file" => Kind::File,
            "mysql" => Kind::MySql,
            "postgresql" => Kind::Postgres,
            _ => return None,
        })
    }

    /// Of a table engine.
    pub fn of_engine(name: &str) -> Option<Kind> {
        Some(match name {
            "URL" => Kind::Url,
            "S3" => Kind::S3,
            "File" => Kind::File,
            "MySQL" => Kind::MySql,
            "PostgreSQL" => Kind::Postgres,
            _ => return None,
        })
    }

    /// True for databases, which take a query in the place of a table.
    pub fn runs_queries(self) -> bool {
        databases::dialect(self).is_some()
    }

    fn what(self, is_engine: bool) -> &'static str {
        match (self, is_engine) {
            (Kind::Url, false) => "table function url",
            (Kind::S3, false) => "table function s3",
            (Kind::File, false) => "table function file",
            (Kind::MySql, false) => "table function mysql",
            (Kind::Postgres, false) => "table function postgresql",
            (Kind::Url, true) => "engine URL",
            (Kind::S3, true) => "engine S3",
            (Kind::File, true) => "engine File",
            (Kind::MySql, true) => "engine MySQL",
            (Kind::Postgres, true) => "engine PostgreSQL",
        }
    }

    /// The source that arguments mean. Nothing is asked of it yet. `folder` is where `ENGINE = File(format)` keeps its file.
    pub(crate) fn place(
        self,
        arguments: &[sql::Expr],
        folder: Option<&str>,
        ctx: &QueryContext,
    ) -> Result<(Place, bool)> {
        let is_engine = folder.is_some();
        let takes = Takes {
            collection: self != Kind::File,
            options: databases::options(self),
            queries: databases::dialect(self),
        };
        let given = Given::new(self.what(is_engine), arguments, &takes, ctx)?;
        let maker = Maker { given: &given, is_engine, ctx };
        let place = match self {
            Kind::Url => maker.url()?,
            Kind::S3 => maker.s3()?,
            Kind::File => maker.file(folder)?,
            Kind::MySql | Kind::Postgres => databases::place(self, &given, ctx)?,
        };
        Ok((place, given.has_collection))
    }
}

struct Maker<'a> {
    given: &'a Given,
    is_engine: bool,
    ctx: &'a QueryContext,
}

/// What is said of bytes, as texts.
#[derive(Default)]
struct Said {
    format: String,
    structure: String,
    compression: String,
}

const URL_KEYS: &[&str] = &[
    "http_method",
    "headers.header.name",
    "method",
    "compression_method",
    "filename",
    "structure",
    "compression",
    "headers.header.value",
    "description",
    "format",
];
const S3_KEYS: &[&str] = &[
    "filename",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "no_sign_request",
    "format",
    "structure",
    "compression",
    "compression_method",
];

impl Maker<'_> {
    fn url(&self) -> Result<Place> {
        let given = self.given;
        let mut headers = given.headers.clone();
        let (url, said) = match given.named(&["url"], URL_KEYS)? {
            Some(named) => {
                let get = |key: &str| named.get(key).cloned().unwrap_or_default();
                for method in [get("method"), get("http_method")] {
                    if !matches!(method.as_str(), "" | "GET" | "POST") {
                        return Err(Error::NotSupported(format!("HTTP method \"{method}\" of url")));
                    }
                }
                if let (Some(name), Some(value)) = (named.get("headers.header.name"), named.get("headers.header.value"))
                {
                    headers.push((name.clone(), value.clone()));
                }
                (joined(&get("url"), &get("filename")), Said::of_named(&get))
            }
            None if self.is_engine => {
                given.expect(1, 3, "url[, format[, compression]][, headers('name' = 'value', …)]")?;
                let said = Said { format: given.text(1), compression: given.text(2), ..Said::default() };
                (given.text(0), said)
            }
            None => {
                given.expect(1, 4, "url[, format[, structure[, compression]]][, headers('name' = 'value', …)]")?;
                let said = Said { format: given.text(1), structure: given.text(2), compression: given.text(3) };
                (given.text(0), said)
            }
        };
        let format = said.format()?;
        let options = PagesOptions {
            url,
            headers: secret_headers(&headers),
            manners: manners(self.ctx),
            names_max: names_max(self.ctx),
            content_type: format.map_or("application/octet-stream", format::content_type).to_owned(),
        };
        let pages = Pages::new(self.ctx.runtime.http.clone(), options).map_err(from_external)?;
        said.place(Arc::new(pages), format, self.ctx)
    }

    fn s3(&self) -> Result<Place> {
        let given = self.given;
        let (url, credentials, said) = match given.named(&["url"], S3_KEYS)? {
            Some(named) => {
                let get = |key: &str| named.get(key).cloned().unwrap_or_default();
                let signs =
                    !matches!(get("no_sign_request").as_str(), "1" | "true") && !get("access_key_id").is_empty();
                let credentials =
                    signs.then(|| credentials(&get("access_key_id"), &get("secret_access_key"), &get("session_token")));
                (joined(&get("url"), &get("filename")), credentials, Said::of_named(&get))
            }
            None => {
                given.expect(1, 7, S3_SIGNATURE)?;
                let (credentials, rest) = self.s3_positions()?;
                let text = |at: usize| rest.get(at).map(|value| value.text().to_owned()).unwrap_or_default();
                let said = match self.is_engine {
                    true => Said { format: text(0), compression: text(1), ..Said::default() },
                    false => Said { format: text(0), structure: text(1), compression: text(2) },
                };
                if rest.len() > if self.is_engine { 2 } else { 3 } {
                    given.expect(0, 0, S3_SIGNATURE)?;
                }
                (given.text(0), credentials, said)
            }
        };
        let options = BucketOptions {
            url,
            credentials,
            headers: secret_headers(&given.headers),
            manners: manners(self.ctx),
            names_max: names_max(self.ctx),
            replaces: self.ctx.settings.flag(Setting::S3TruncateOnInsert),
        };
        let bucket = Bucket::new(self.ctx.runtime.http.clone(), options).map_err(from_external)?;
        let format = said.format()?;
        said.place(Arc::new(bucket), format, self.ctx)
    }

    /// Credentials, and the arguments behind them: which is which is told by what is the name of a format, as ClickHouse
    /// does.
    fn s3_positions(&self) -> Result<(Option<Credentials>, &[Value])> {
        let rest = self.given.positional.get(1..).unwrap_or_default();
        let is_format =
            |at: usize| rest.get(at).is_some_and(|value| value.text() == "auto" || Format::parse(value.text()).is_ok());
        if rest.first().is_some_and(|value| value.text().eq_ignore_ascii_case("NOSIGN")) {
            return Ok((None, rest.get(1..).unwrap_or_default()));
        }
        if rest.is_empty() || is_format(0) {
            return Ok((None, rest));
        }
        let text = |at: usize| rest.get(at).map(Value::text).unwrap_or_default();
        if rest.len() == 1 {
            // neither credentials nor the name of a format
            Format::parse(text(0)).map_err(|error| Error::reported(error.code(), &error))?;
        }
        let has_token = rest.len() > 2 && !is_format(2) && (is_format(3) || rest.len() == 3);
        let token = if has_token { text(2) } else { "" };
        let behind = if has_token { 3 } else { 2 };
        Ok((Some(credentials(text(0), text(1), token)), rest.get(behind..).unwrap_or_default()))
    }

    fn file(&self, folder: Option<&str>) -> Result<Place> {
        let given = self.given;
        let (path, said) = match folder {
            Some(folder) => {
                given.expect(1, 3, "format[, path[, compression]]")?;
                let format = Format::parse(&given.text(0)).map_err(|error| Error::reported(error.code(), &error))?;
                let own = format!("{folder}/data.{}", format.name());
                let path = given.at(1).map_or(own, str::to_owned);
                (path, Said { format: given.text(0), compression: given.text(2), ..Said::default() })
            }
            None => {
                given.expect(1, 4, "path[, format[, structure[, compression]]]")?;
                (given.text(0), Said { format: given.text(1), structure: given.text(2), compression: given.text(3) })
            }
        };
        let Some(folder) = self.ctx.runtime.config.user_files.clone() else {
            return Err(Error::NotSupported("table function \"file\" without a user files folder".to_owned()));
        };
        let options = files::FilesOptions {
            names_max: names_max(self.ctx),
            replaces: self.ctx.settings.flag(Setting::EngineFileTruncateOnInsert),
            empty_if_missing: self.ctx.settings.flag(Setting::EngineFileEmptyIfNotExists),
        };
        let env = self.ctx.runtime.env.clone();
        let files = files::Files::new(env, folder, &path, options).map_err(from_external)?;
        let format = said.format()?;
        said.place(Arc::new(files), format, self.ctx)
    }
}

const S3_SIGNATURE: &str = "url[, NOSIGN | access_key_id, secret_access_key[, session_token]][, format[, structure[, compression]]][, headers(…)]";

impl Said {
    fn of_named(get: &dyn Fn(&str) -> String) -> Said {
        let compression = match get("compression_method") {
            text if text.is_empty() => get("compression"),
            text => text,
        };
        Said { format: get("format"), structure: get("structure"), compression }
    }

    fn format(&self) -> Result<Option<Format>> {
        match self.format.as_str() {
            "" | "auto" => Ok(None),
            named => Format::parse(named).map(Some).map_err(|error| Error::reported(error.code(), &error)),
        }
    }

    fn place(&self, objects: Arc<dyn Objects>, format: Option<Format>, _: &QueryContext) -> Result<Place> {
        let compression = Compression::parse(&self.compression)?;
        let structure = match self.structure.as_str() {
            "" | "auto" => None,
            text => Some(parse_structure(text)?),
        };
        Ok(Place { rows: Rows::Objects(Packed { objects, format, compression }), structure })
    }
}

impl Compression {
    fn parse(name: &str) -> Result<Compression> {
        Ok(match name {
            "" | "auto" => Compression::Auto,
            "none" => Compression::Known(None),
            "gzip" | "gz" => Compression::Known(Some(Coding::Gzip)),
            "deflate" => Compression::Known(Some(Coding::Deflate)),
            "zstd" | "zst" => Compression::Known(Some(Coding::Zstd)),
            "lz4" => Compression::Known(Some(Coding::Lz4)),
            "brotli" | "br" => Compression::Known(Some(Coding::Brotli)),
            "xz" | "LZMA" | "lzma" => Compression::Known(Some(Coding::Xz)),
            "snappy" => Compression::Known(Some(Coding::Snappy)),
            // neither does ClickHouse's usual build
            "bz2" => return Err(Error::NotSupported(format!("compression \"{name}\""))),
            other => {
                let message = format!(
                    "unknown compression method '{other}'. Only 'auto', 'none', 'gzip', 'deflate', 'br', 'xz', 'zstd', 'lz4' \
                     and 'snappy' are supported as compression methods"
                );
                return Err(Error::refused(ErrorCode::NOT_IMPLEMENTED, message));
            }
        })
    }

    /// How an object of this name is packed.
    pub(crate) fn of(self, name: &str) -> Result<Option<Coding>> {
        match self {
            Compression::Known(coding) => Ok(coding),
            Compression::Auto => match name.rsplit_once('.').map(|(_, extension)| extension) {
                Some("gz" | "gzip") => Ok(Some(Coding::Gzip)),
                Some("zst" | "zstd") => Ok(Some(Coding::Zstd)),
                Some("lz4") => Ok(Some(Coding::Lz4)),
                Some("deflate") => Ok(Some(Coding::Deflate)),
                Some("br") => Ok(Some(Coding::Brotli)),
                Some("xz") => Ok(Some(Coding::Xz)),
                Some("snappy") => Ok(Some(Coding::Snappy)),
                Some(other @ "bz2") => Err(Error::NotSupported(format!("compression \"{other}\""))),
                _ => Ok(None),
            },
        }
    }
}

fn credentials(key: &str, secret: &str, token: &str) -> Credentials {
    Credentials {
        access_key_id: Secret::new(key),
        secret_access_key: Secret::new(secret),
        session_token: Secret::new(token),
    }
}

fn secret_headers(headers: &[(String, String)]) -> Vec<(String, Secret)> {
    headers.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone()))).collect()
}

/// A collection's `url` and the `filename` below it.
fn joined(url: &str, file: &str) -> String {
    match file {
        "" => url.to_owned(),
        file => format!("{}/{}", url.trim_end_matches('/'), file.trim_start_matches('/')),
    }
}

fn names_max(ctx: &QueryContext) -> usize {
    usize::try_from(ctx.settings.uint(Setting::GlobExpansionMaxElements)).unwrap_or(usize::MAX)
}

fn manners(ctx: &QueryContext) -> Manners {
    let settings = &ctx.settings;
    let seconds = |setting| Duration::try_from_secs_f64(settings.float(setting)).unwrap_or(Duration::MAX);
    let millis = |setting| Duration::from_millis(settings.uint(setting));
    Manners {
        connect: seconds(Setting::HttpConnectionTimeout),
        read: seconds(Setting::HttpReceiveTimeout),
        redirects_max: settings.uint(Setting::MaxHttpGetRedirects),
        tries_max: settings.uint(Setting::HttpMaxTries),
        backoff_first: millis(Setting::HttpRetryInitialBackoffMs),
        backoff_most: millis(Setting::HttpRetryMaxBackoffMs),
    }
}

/// An error of a source, with its code.
pub(crate) fn from_external(error: external::Error) -> Error {
    Error::reported(error.code(), &error)
}
