//! What a dictionary is: keys, attributes, layout, lifetime, as its CREATE says, checked as ClickHouse does.

use std::sync::Arc;

use arrow::array::ArrayRef;
use sql::ast::{CreateDictionary, KeyValue, KeyValues};
use types::{Column, DataType, ErrorCode, Header};

use super::{polygons, regexps};
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::expressions::constant_as;
use crate::join_engine::JoinEngine;

/// How a dictionary holds its rows, or when it asks for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// By a number below a limit.
    Flat,
    /// By key.
    Hashed,
    /// By key, in less memory where ClickHouse has the choice.
    SparseHashed,
    /// By key.
    HashedArray,
    /// By key and a range that holds a value.
    RangeHashed,
    /// By the longest prefix of an address.
    IpTrie,
    /// Nothing is kept: the source is read by each query.
    Direct,
    /// What was asked for is kept for its lifetime.
    Cache,
    /// By the smallest polygon around a point, lower and left borders included.
    Polygon,
    /// The same, all borders included.
    PolygonSimple,
    /// By the regular expressions that match a text.
    RegexpTree,
}

/// An attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: DataType,
    /// The value of keys that are not there: one row.
    pub default: ArrayRef,
    /// What is selected for it; its own column where none was written.
    pub expression: Option<sql::Expr>,
    /// It holds the key of the parent.
    pub hierarchical: bool,
}

/// A dictionary's definition.
#[derive(Clone, Debug)]
pub struct Structure {
    /// The key's columns; one UInt64 of a simple key.
    pub keys: Vec<Column>,
    /// The key is a tuple of any columns.
    pub is_complex: bool,
    /// First and last column of the range, and the type that is looked for.
    pub range: Option<(Column, Column)>,
    /// The attributes, in the order of the definition.
    pub attributes: Vec<Attribute>,
    /// How rows are held.
    pub layout: Layout,
    /// Of overlapping ranges, the last counts instead of the first.
    pub last_range_wins: bool,
    /// FLAT: keys are below this.
    pub flat_keys_max: u64,
    /// Seconds between reloads, least and most; 0 for never.
    pub lifetime_s: (u64, u64),
    /// The definition, for its source and settings.
    pub create: Arc<CreateDictionary>,
}

/// Every layout with its names: as written, for a simple and for a complex key; as `system.dictionaries` has them.
const LAYOUTS: &[(&str, Layout, bool, &str)] = &[
    ("FLAT", Layout::Flat, false, "Flat"),
    ("HASHED", Layout::Hashed, false, "Hashed"),
    ("SPARSE_HASHED", Layout::SparseHashed, false, "SparseHashed"),
    ("COMPLEX_KEY_HASHED", Layout::Hashed, true, "ComplexKeyHashed"),
    ("COMPLEX_KEY_SPARSE_HASHED", Layout::SparseHashed, true, "ComplexKeySparseHashed"),
    ("HASHED_ARRAY", Layout::HashedArray, false, "HashedArray"),
    ("COMPLEX_KEY_HASHED_ARRAY", Layout::HashedArray, true, "ComplexHashedArray"),
    ("RANGE_HASHED", Layout::RangeHashed, false, "RangeHashed"),
    ("COMPLEX_KEY_RANGE_HASHED", Layout::RangeHashed, true, "ComplexKeyRangeHashed"),
    ("CACHE", Layout::Cache, false, "Cache"),
    ("COMPLEX_KEY_CACHE", Layout::Cache, true, "ComplexKeyCache"),
    ("DIRECT", Layout::Direct, false, "Direct"),
    ("COMPLEX_KEY_DIRECT", Layout::Direct, true, "ComplexKeyDirect"),
    ("IP_TRIE", Layout::IpTrie, true, "Trie"),
    ("POLYGON", Layout::Polygon, true, "Polygon"),
    ("POLYGON_SIMPLE", Layout::PolygonSimple, true, "Polygon"),
    ("POLYGON_INDEX_EACH", Layout::Polygon, true, "Polygon"),
    ("POLYGON_INDEX_CELL", Layout::Polygon, true, "Polygon"),
    ("REGEXP_TREE", Layout::RegexpTree, true, "RegExpTree"),
];

/// Layouts of ClickHouse that are refused as not supported rather than as unknown.
const LAYOUTS_REFUSED: &[&str] = &["SSD_CACHE", "COMPLEX_KEY_SSD_CACHE"];

/// Sources of ClickHouse that are refused as not supported rather than as unknown.
const SOURCES_REFUSED: &[&str] = &[
    "HTTP",
    "MYSQL",
    "POSTGRESQL",
    "MONGODB",
    "REDIS",
    "CASSANDRA",
    "ODBC",
    "JDBC",
    "EXECUTABLE",
    "EXECUTABLE_POOL",
    "YAMLREGEXPTREE",
    "YTSAURUS",
];

fn wrong(message: impl Into<String>) -> Error {
    Error::refused(ErrorCode::INCORRECT_DICTIONARY_DEFINITION, message.into())
}

impl Structure {
    /// The dictionary that a definition describes.
    pub fn new(create: &Arc<CreateDictionary>, ctx: &QueryContext) -> Result<Structure> {
        if create.primary_key.is_empty() {
            return Err(wrong("cannot create dictionary without primary key"));
        }
        let source = create.source.as_ref().ok_or_else(|| wrong("cannot create dictionary with empty source"))?;
        let layout = create.layout.as_ref().ok_or_else(|| wrong("cannot create dictionary with empty layout"))?;
        let (kind, is_complex) = layout_of(layout)?;
        check_source(source)?;
        let lifetime_s = lifetime(create, kind)?;
        let mut keys = Vec::with_capacity(create.primary_key.len());
        for key in &create.primary_key {
            let declared = create.attributes.iter().find(|attribute| attribute.name.name == key.name);
            let declared = declared.ok_or_else(|| wrong(format!("unknown key attribute '{}'", key.name)))?;
            let text = declared.data_type.to_string();
            let ty = match kind {
                Layout::Polygon | Layout::PolygonSimple => polygons::key_type(&text)?,
                _ if is_complex => DataType::parse(&text)?,
                _ => DataType::UInt64,
            };
            keys.push(Column::new(key.name.as_str(), ty));
        }
        let is_key = |name: &str| create.primary_key.iter().any(|key| key.name == name);
        let is_range = |name: &str| create.range.iter().any(|(min, max)| min.name == name || max.name == name);
        let mut attributes = Vec::new();
        for declared in create.attributes.iter().filter(|a| !is_key(&a.name.name) && !is_range(&a.name.name)) {
            attributes.push(attribute(declared, is_complex, ctx)?);
        }
        if is_complex && attributes.iter().any(|attribute| attribute.hierarchical) {
            return Err(Error::refused(
                ErrorCode::BAD_ARGUMENTS,
                "a dictionary with a complex key does not support hierarchy",
            ));
        }
        if attributes.iter().filter(|attribute| attribute.hierarchical).count() > 1 {
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, "only one hierarchical attribute is supported"));
        }
        Ok(Structure {
            keys,
            is_complex,
            range: range(create)?,
            attributes,
            layout: kind,
            last_range_wins: strategy(layout)?,
            flat_keys_max: number(layout, "MAX_ARRAY_SIZE")?.unwrap_or(500_000),
            lifetime_s,
            create: create.clone(),
        })
    }

    /// A Join table as what `joinGet` looks into: read by each query, its other columns by its key.
    pub(crate) fn of_join(def: &store::TableDef, engine: &JoinEngine) -> Structure {
        use sql::ast::{CreateHead, CreateMode, Ident, Literal, ObjectName};
        let text = |text: &str| KeyValue::Literal(Literal::String(text.as_bytes().to_vec()));
        let is_key = |name: &str| engine.keys.iter().any(|key| key == name);
        let keys = engine.keys.iter().filter_map(|key| def.columns.column(key).cloned()).collect();
        let attributes = def.columns.columns().iter().filter(|column| !is_key(&column.name));
        let attributes = attributes.map(|column| Attribute {
            name: column.name.clone(),
            ty: column.ty.clone(),
            default: column.ty.default_array(1),
            expression: None,
            hierarchical: false,
        });
        let pairs = vec![(Ident::new("TABLE"), text(&def.name)), (Ident::new("DB"), text(&def.database))];
        let create = CreateDictionary {
            head: CreateHead {
                mode: CreateMode::Create,
                if_not_exists: false,
                name: ObjectName::qualified(&*def.database, &*def.name),
                uuid: None,
                on_cluster: None,
            },
            attributes: Vec::new(),
            primary_key: Vec::new(),
            source: Some(KeyValues { name: Ident::new("CLICKHOUSE"), pairs: Some(pairs) }),
            lifetime: None,
            layout: None,
            range: None,
            settings: Vec::new(),
            comment: None,
        };
        Structure {
            keys,
            is_complex: true,
            range: None,
            attributes: attributes.collect(),
            layout: Layout::Direct,
            last_range_wins: false,
            flat_keys_max: u64::MAX,
            lifetime_s: (0, 0),
            create: Arc::new(create),
        }
    }

    /// The columns of the dictionary as a table: key, range, attributes.
    pub fn header(&self) -> Header {
        let range = self.range.iter().flat_map(|(min, max)| [min.clone(), max.clone()]);
        let attributes = self.attributes.iter().map(|a| Column { name: a.name.clone(), ty: a.ty.clone() });
        Header::new(self.keys.iter().cloned().chain(range).chain(attributes).collect::<Vec<_>>())
    }

    /// The columns that its source gives.
    pub(crate) fn source_header(&self) -> Header {
        match self.layout {
            Layout::RegexpTree => regexps::header(),
            _ => self.header(),
        }
    }

    /// True when a point is looked for.
    pub(crate) fn has_points(&self) -> bool {
        matches!(self.layout, Layout::Polygon | Layout::PolygonSimple)
    }

    /// True when its polygons may be read as rows.
    pub(super) fn keeps_polygons(&self) -> bool {
        let kept = self.create.layout.as_ref().and_then(|layout| layout.get("STORE_POLYGON_KEY_COLUMN"));
        let kept = kept.and_then(KeyValue::text).unwrap_or_default().to_ascii_lowercase();
        matches!(kept.as_str(), "1" | "true" | "yes" | "on")
    }

    /// The layout's name in `system.dictionaries`.
    pub fn type_name(&self) -> &'static str {
        let found =
            LAYOUTS.iter().find(|(_, layout, complex, _)| *layout == self.layout && *complex == self.is_complex);
        found.map_or("", |(.., name)| name)
    }

    /// What the loaded dictionary must be, which only its first use finds out.
    pub fn check_layout(&self) -> Result<()> {
        if self.range.is_some() != (self.layout == Layout::RangeHashed) {
            let message = match self.range {
                Some(_) => "range_min and range_max should be defined only for a dictionary of layout 'range_hashed'",
                None => "a dictionary of layout 'range_hashed' needs RANGE(MIN … MAX …)",
            };
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        if !self.is_complex && self.keys.len() > 1 {
            let message = "a dictionary of a layout with a simple key has one key column";
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        match (self.layout, self.keys.as_slice()) {
            (Layout::RegexpTree, _) => regexps::check_key(self)?,
            (Layout::Polygon | Layout::PolygonSimple, [key]) => polygons::check_key(&key.ty)?,
            (Layout::Polygon | Layout::PolygonSimple, _) => {
                let message = "the key of a polygon dictionary consists of a single attribute";
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
            _ => {}
        }
        if self.layout == Layout::IpTrie && self.keys.len() > 1 {
            return Err(Error::refused(
                ErrorCode::BAD_ARGUMENTS,
                "a dictionary of layout 'ip_trie' has one key column",
            ));
        }
        Ok(())
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<usize> {
        self.attributes.iter().position(|attribute| *attribute.name == *name)
    }

    /// The table that a source inside this database names.
    pub fn source_table(&self, database: &str) -> Option<store::QualifiedName> {
        source_table(&self.create, database)
    }
}

/// The table that a dictionary of `database` is loaded from; none for other sources.
pub fn source_table(create: &CreateDictionary, database: &str) -> Option<store::QualifiedName> {
    let source = create.source.as_ref().filter(|source| source.name.name == "CLICKHOUSE")?;
    let table = source.get("TABLE")?.text()?;
    let database = source.get("DB").and_then(KeyValue::text).unwrap_or_else(|| database.to_owned());
    Some(store::QualifiedName::new(database, table))
}

fn attribute(declared: &sql::ast::DictionaryAttribute, is_complex: bool, ctx: &QueryContext) -> Result<Attribute> {
    let name = &declared.name.name;
    let ty = DataType::parse(&declared.data_type.to_string())?;
    if declared.hierarchical && !is_complex && *ty.base() != DataType::UInt64 {
        let message = format!("hierarchical attribute of a dictionary with a simple key must be UInt64, not {ty}");
        return Err(Error::refused(ErrorCode::TYPE_MISMATCH, message));
    }
    // parents are kept both ways in any case
    if declared.bidirectional && !declared.hierarchical {
        let message = format!("attribute '{name}' is bidirectional, but not hierarchical");
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    if declared.is_object_id {
        return Err(Error::NotSupported(format!("IS_OBJECT_ID of dictionary attribute \"{name}\"")));
    }
    let default = match &declared.default {
        Some(default) => constant_as(default, &ty, ctx)?,
        None => ty.default_array(1),
    };
    Ok(Attribute {
        name: name.as_str().into(),
        ty,
        default,
        expression: declared.expression.clone(),
        hierarchical: declared.hierarchical,
    })
}

fn layout_of(layout: &KeyValues) -> Result<(Layout, bool)> {
    let name = layout.name.name.as_str();
    if LAYOUTS_REFUSED.contains(&name) {
        return Err(Error::NotSupported(format!("dictionary layout {name}")));
    }
    let found = LAYOUTS.iter().find(|(known, ..)| *known == name);
    let (_, kind, is_complex, _) = found.ok_or_else(|| {
        let message = format!("unknown dictionary layout type: {}", name.to_ascii_lowercase());
        Error::refused(ErrorCode::UNKNOWN_ELEMENT_IN_CONFIG, message)
    })?;
    // these only tune what is held otherwise here
    const TUNING: &[&str] = &[
        "INITIAL_ARRAY_SIZE",
        "MAX_ARRAY_SIZE",
        "SHARDS",
        "SHARD_LOAD_QUEUE_BACKLOG",
        "MAX_LOAD_FACTOR",
        "PREALLOCATE",
    ];
    const CACHE: &[&str] = &[
        "SIZE_IN_CELLS",
        "MAX_UPDATE_QUEUE_SIZE",
        "UPDATE_QUEUE_PUSH_TIMEOUT_MILLISECONDS",
        "QUERY_WAIT_TIMEOUT_MILLISECONDS",
        "MAX_THREADS_FOR_UPDATES",
    ];
    const POLYGON: &[&str] = &["STORE_POLYGON_KEY_COLUMN", "MIN_INTERSECTIONS", "MAX_DEPTH"];
    for (key, _) in layout.pairs() {
        let key = key.name.as_str();
        let takes = match kind {
            Layout::RangeHashed => key == "RANGE_LOOKUP_STRATEGY",
            Layout::Cache => CACHE.contains(&key),
            Layout::Polygon | Layout::PolygonSimple => POLYGON.contains(&key),
            Layout::RegexpTree => false,
            _ => TUNING.contains(&key),
        };
        if !takes {
            return Err(Error::NotSupported(format!("{key} of dictionary layout {name}")));
        }
    }
    Ok((*kind, *is_complex))
}

fn strategy(layout: &KeyValues) -> Result<bool> {
    match layout.get("RANGE_LOOKUP_STRATEGY").and_then(KeyValue::text).as_deref() {
        None | Some("min") => Ok(false),
        Some("max") => Ok(true),
        Some(other) => {
            let message = format!("range_lookup_strategy is 'min' or 'max', not '{other}'");
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
    }
}

fn number(layout: &KeyValues, key: &str) -> Result<Option<u64>> {
    let Some(value) = layout.get(key) else { return Ok(None) };
    let number = value.text().and_then(|text| text.parse().ok());
    let wrong = || Error::refused(ErrorCode::BAD_ARGUMENTS, format!("{key} of a layout must be a number"));
    number.ok_or_else(wrong).map(Some)
}

fn check_source(source: &KeyValues) -> Result<()> {
    let known: &[&str] = match source.name.name.as_str() {
        "NULL" => &[],
        "CLICKHOUSE" => &["TABLE", "DB", "QUERY", "WHERE", "HOST", "PORT", "USER", "PASSWORD"],
        "FILE" => &["PATH", "FORMAT"],
        name if SOURCES_REFUSED.contains(&name) => {
            return Err(Error::NotSupported(format!("dictionary source {name}")));
        }
        name => {
            let message = format!("unknown dictionary source type: {}", name.to_ascii_lowercase());
            return Err(Error::refused(ErrorCode::UNKNOWN_ELEMENT_IN_CONFIG, message));
        }
    };
    if let Some((key, _)) = source.pairs().iter().find(|(key, _)| !known.contains(&key.name.as_str())) {
        return Err(Error::NotSupported(format!("{} of dictionary source {}", key.name, source.name.name)));
    }
    let host = source.get("HOST").and_then(KeyValue::text);
    if let Some(host) = host.filter(|host| !matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1" | "")) {
        return Err(Error::NotSupported(format!("a dictionary source on another host ({host})")));
    }
    Ok(())
}

fn lifetime(create: &CreateDictionary, layout: Layout) -> Result<(u64, u64)> {
    match (create.lifetime, layout) {
        (None, Layout::Direct) => Ok((0, 0)),
        (Some(_), Layout::Direct) => {
            let message = "'lifetime' parameter is redundant for the dictionary of layout 'direct'";
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
        (None, _) => Err(wrong("cannot create dictionary with empty lifetime")),
        (Some(lifetime), _) if lifetime.max < lifetime.min => {
            let message = "dictionary lifetime parameter 'MIN' must be less than or equal to 'MAX'";
            Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message))
        }
        (Some(lifetime), _) => Ok((lifetime.min, lifetime.max)),
    }
}

fn range(create: &CreateDictionary) -> Result<Option<(Column, Column)>> {
    let Some((min, max)) = &create.range else { return Ok(None) };
    let column = |name: &str| {
        let declared = create.attributes.iter().find(|attribute| attribute.name.name == name);
        let declared = declared.ok_or_else(|| wrong(format!("unknown range attribute '{name}'")))?;
        Ok::<_, Error>(Column::new(name, DataType::parse(&declared.data_type.to_string())?))
    };
    let (min, max) = (column(&min.name)?, column(&max.name)?);
    let base = |column: &Column| column.ty.base().clone();
    if base(&min) != base(&max) {
        let message = format!("range_min and range_max are of types {} and {}", min.ty, max.ty);
        return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
    }
    let is_number = base(&min).is_integer() && base(&min).integer_width().is_some_and(|width| width <= 8);
    if !is_number && !base(&min).is_date_or_time() {
        return Err(Error::NotSupported(format!("a dictionary's range of {}", min.ty)));
    }
    Ok(Some((min, max)))
}

impl Structure {
    /// Where the rows come from, as `system.dictionaries` says it.
    pub(crate) fn source_text(&self, database: &str) -> String {
        let Some(source) = &self.create.source else { return String::new() };
        match (source.name.name.as_str(), self.source_table(database)) {
            (_, Some(table)) => format!("ClickHouse: {table}"),
            ("CLICKHOUSE", None) => "ClickHouse".to_owned(),
            ("FILE", _) => format!("File: {}", source.get("PATH").and_then(KeyValue::text).unwrap_or_default()),
            _ => "Null".to_owned(),
        }
    }
}
