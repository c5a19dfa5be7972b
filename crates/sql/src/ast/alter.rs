//! ALTER TABLE: one list of actions.

use super::{
    Assignment, ColumnDef, ConstraintDef, DataType, Expr, Ident, IndexDef, ObjectName, OnError, ProjectionDef, Query,
    Refresh, Security, Setting, SortingKey, TtlItem,
};

/// `ALTER TABLE name action, …`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterTable {
    /// The table or view.
    pub name: ObjectName,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
    /// At least one.
    pub actions: Vec<AlterAction>,
}

/// `ALTER DATABASE name MODIFY SETTING …|COMMENT '…'`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterDatabase {
    /// The database.
    pub name: Ident,
    /// `ON CLUSTER name`.
    pub on_cluster: Option<Ident>,
    /// `MODIFY SETTING`.
    pub settings: Vec<Setting>,
    /// `MODIFY COMMENT`.
    pub comment: Option<String>,
}

/// One action of ALTER TABLE.
#[derive(Debug, Clone, PartialEq)]
pub enum AlterAction {
    /// `ADD COLUMN [IF NOT EXISTS] column [FIRST|AFTER name]`
    AddColumn {
        /// Not an error when it is there.
        if_not_exists: bool,
        /// The column.
        column: Box<ColumnDef>,
        /// Where among the others.
        position: Option<ColumnPosition>,
    },
    /// `DROP COLUMN [IF EXISTS] name`, `CLEAR COLUMN …`
    DropColumn(DropElement),
    /// `MODIFY COLUMN [IF EXISTS] column [FIRST|AFTER name]`, `ALTER COLUMN name TYPE type`
    ModifyColumn {
        /// Not an error when it is absent.
        if_exists: bool,
        /// What is said about it.
        column: Box<ColumnDef>,
        /// Where among the others.
        position: Option<ColumnPosition>,
    },
    /// `MODIFY COLUMN name REMOVE DEFAULT|MATERIALIZED|ALIAS|COMMENT|CODEC|TTL|SETTINGS`
    RemoveColumnProperty {
        /// Not an error when it is absent.
        if_exists: bool,
        /// Which column.
        column: Ident,
        /// Which property.
        property: ColumnProperty,
    },
    /// `MODIFY COLUMN name MODIFY SETTING …`
    ModifyColumnSetting(Ident, Vec<Setting>),
    /// `MODIFY COLUMN name RESET SETTING …`
    ResetColumnSetting(Ident, Vec<Ident>),
    /// `RENAME COLUMN [IF EXISTS] a TO b`
    RenameColumn {
        /// Not an error when it is absent.
        if_exists: bool,
        /// The old name.
        from: Ident,
        /// The new name.
        to: Ident,
    },
    /// `COMMENT COLUMN [IF EXISTS] name '…'`
    CommentColumn {
        /// Not an error when it is absent.
        if_exists: bool,
        /// Which column.
        column: Ident,
        /// The comment.
        comment: String,
    },
    /// `MATERIALIZE COLUMN|INDEX|PROJECTION|STATISTICS name [IN PARTITION p]`
    Materialize(Element, Materialize),
    /// `MODIFY ORDER BY key`
    ModifyOrderBy(SortingKey),
    /// `MODIFY SAMPLE BY expr`
    ModifySampleBy(Expr),
    /// `REMOVE SAMPLE BY`
    RemoveSampleBy,
    /// `MODIFY TTL …`
    ModifyTtl(Vec<TtlItem>),
    /// `REMOVE TTL`
    RemoveTtl,
    /// `MATERIALIZE TTL [IN PARTITION p]`
    MaterializeTtl(Option<Partition>),
    /// `MODIFY SETTING …`
    ModifySetting(Vec<Setting>),
    /// `RESET SETTING a, b`
    ResetSetting(Vec<Ident>),
    /// `MODIFY COMMENT '…'`
    ModifyComment(String),
    /// `MODIFY QUERY SELECT …`
    ModifyQuery(Box<Query>),
    /// `MODIFY REFRESH …`
    ModifyRefresh(Box<Refresh>),
    /// `MODIFY ON ERROR …` (Everview)
    ModifyOnError(OnError),
    /// `MODIFY DEFINER …`, `MODIFY SQL SECURITY …`
    ModifySecurity(Security),
    /// `ADD INDEX [IF NOT EXISTS] … [FIRST|AFTER name]`
    AddIndex {
        /// Not an error when it is there.
        if_not_exists: bool,
        /// The index.
        index: Box<IndexDef>,
        /// Where among the others.
        position: Option<ColumnPosition>,
    },
    /// `DROP INDEX|PROJECTION|CONSTRAINT|STATISTICS`, `CLEAR …`
    DropElement(Element, DropElement),
    /// `ADD CONSTRAINT [IF NOT EXISTS] …`
    AddConstraint {
        /// Not an error when it is there.
        if_not_exists: bool,
        /// The constraint.
        constraint: Box<ConstraintDef>,
    },
    /// `ADD PROJECTION [IF NOT EXISTS] … [FIRST|AFTER name]`
    AddProjection {
        /// Not an error when it is there.
        if_not_exists: bool,
        /// The projection.
        projection: Box<ProjectionDef>,
        /// Where among the others.
        position: Option<ColumnPosition>,
    },
    /// `ADD|MODIFY STATISTICS columns TYPE types`
    SetStatistics {
        /// ADD, else MODIFY.
        add: bool,
        /// `IF NOT EXISTS` (ADD).
        if_not_exists: bool,
        /// Which columns.
        columns: Vec<Ident>,
        /// Names or functions.
        types: Vec<Expr>,
    },
    /// `UPDATE a = 1, … [IN PARTITION p] WHERE condition`
    Update(Mutation),
    /// `DELETE [IN PARTITION p] WHERE condition`: no assignments
    Delete(Mutation),
    /// Everything with PARTITION, PART, FREEZE.
    Partition(PartitionAction),
    /// `APPLY DELETED MASK [IN PARTITION p]`
    ApplyDeletedMask(Option<Partition>),
    /// `APPLY PATCHES [IN PARTITION p]`
    ApplyPatches(Option<Partition>),
    /// `REWRITE PARTS [IN PARTITION p]`
    RewriteParts(Option<Partition>),
}

/// Where a new column or index stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnPosition {
    /// `FIRST`
    First,
    /// `AFTER name`
    After(Ident),
}

/// Parts of a table that are dropped, cleared or materialized alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// `COLUMN`
    Column,
    /// `INDEX`
    Index,
    /// `PROJECTION`
    Projection,
    /// `CONSTRAINT`
    Constraint,
    /// `STATISTICS`
    Statistics,
}

/// `DROP|CLEAR … [IF EXISTS] name [IN PARTITION p]`.
#[derive(Debug, Clone, PartialEq)]
pub struct DropElement {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// Which; several only for STATISTICS.
    pub names: Vec<Ident>,
    /// `CLEAR`: the element stays, its data goes.
    pub clear: bool,
    /// `IN PARTITION p` (CLEAR).
    pub partition: Option<Partition>,
}

/// `MATERIALIZE … [IF EXISTS] name [IN PARTITION p]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Materialize {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// Which; several only for STATISTICS.
    pub names: Vec<Ident>,
    /// Where; everywhere when absent.
    pub partition: Option<Partition>,
}

/// What REMOVE takes from a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnProperty {
    /// `DEFAULT`
    Default,
    /// `MATERIALIZED`
    Materialized,
    /// `ALIAS`
    Alias,
    /// `EPHEMERAL`
    Ephemeral,
    /// `COMMENT`
    Comment,
    /// `CODEC`
    Codec,
    /// `TTL`
    Ttl,
    /// `COLLATE`
    Collate,
    /// `SETTINGS`
    Settings,
}

/// UPDATE or DELETE of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutation {
    /// Empty for DELETE.
    pub assignments: Vec<Assignment>,
    /// `IN PARTITION p`.
    pub partition: Option<Partition>,
    /// `WHERE`: always there.
    pub filter: Expr,
}

/// Which partition.
#[derive(Debug, Clone, PartialEq)]
pub enum Partition {
    /// By the value of the partition key: a literal, a tuple, `tuple()`, a parameter.
    Value(Expr),
    /// `ID '202501'`; a literal or a parameter.
    Id(Expr),
    /// `ALL`
    All,
}

/// A partition or one part of it.
#[derive(Debug, Clone, PartialEq)]
pub enum PartitionOrPart {
    /// `PARTITION p`
    Partition(Partition),
    /// `PART 'name'`; a literal or a parameter.
    Part(Expr),
}

/// Actions on partitions and parts.
#[derive(Debug, Clone, PartialEq)]
pub enum PartitionAction {
    /// `DROP PARTITION|PART`
    Drop(PartitionOrPart),
    /// `DROP DETACHED PARTITION|PART`
    DropDetached(PartitionOrPart),
    /// `DETACH PARTITION|PART`
    Detach(PartitionOrPart),
    /// `ATTACH PARTITION|PART`
    Attach(PartitionOrPart),
    /// `FORGET PARTITION`
    Forget(Partition),
    /// `ATTACH PARTITION p FROM table`: a copy.
    AttachFrom(Partition, ObjectName),
    /// `REPLACE PARTITION p FROM table`
    Replace(Partition, ObjectName),
    /// `MOVE PARTITION|PART … TO …`
    Move(PartitionOrPart, MoveTarget),
    /// `FETCH PARTITION|PART … FROM 'path'`
    Fetch(PartitionOrPart, String),
    /// `FREEZE [PARTITION p] [WITH NAME 'name']`
    Freeze(Option<Partition>, Option<String>),
    /// `UNFREEZE [PARTITION p] WITH NAME 'name'`
    Unfreeze(Option<Partition>, String),
}

/// Where a partition moves.
#[derive(Debug, Clone, PartialEq)]
pub enum MoveTarget {
    /// `TABLE [db.]name`
    Table(ObjectName),
    /// `DISK 'name'`
    Disk(String),
    /// `VOLUME 'name'`
    Volume(String),
    /// `SHARD 'path'`
    Shard(String),
}

impl AlterAction {
    /// The new type of `MODIFY COLUMN c T` or `ALTER COLUMN c TYPE T`.
    pub fn new_type(&self) -> Option<&DataType> {
        match self {
            AlterAction::ModifyColumn { column, .. } => column.data_type.as_ref(),
            _ => None,
        }
    }
}
