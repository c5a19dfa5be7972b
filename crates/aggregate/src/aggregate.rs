//! What an aggregate function is to its callers: types, and states of many groups at once.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use types::{AggregateSignature, DataType};

use crate::combinator::merge_present;
use crate::error::Result;
use crate::rows::true_bits;

/// Which groups to give back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Emit {
    /// All of them; nothing is left.
    All,
    /// The first so many; the others move down to begin at 0.
    First(usize),
}

impl Emit {
    /// How many of `groups` are emitted.
    pub fn count(self, groups: usize) -> usize {
        match self {
            Emit::All => groups,
            Emit::First(n) => n.min(groups),
        }
    }
}

/// The rows of one batch that count, and the group of each row.
///
/// `groups` has one entry a row, each below `total`; `filter`, where there is one, has one entry a row: rows where it is
/// false or NULL are left out.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// The group of each row.
    pub groups: &'a [usize],
    /// Which rows count; all when `None`.
    pub filter: Option<&'a BooleanArray>,
    /// How many groups there are now; states of new groups begin as those of no rows.
    pub total: usize,
}

impl<'a> Rows<'a> {
    /// All rows of `groups`.
    pub fn all(groups: &'a [usize], total: usize) -> Rows<'a> {
        Rows { groups, filter: None, total }
    }

    /// Calls `each` with row and group of every row that counts, in order.
    #[inline]
    pub fn for_each(&self, mut each: impl FnMut(usize, usize)) {
        match self.filter {
            None => self.groups.iter().enumerate().for_each(|(row, group)| each(row, *group)),
            // conditions like countIf's are mostly true of few rows: from one to the next, not row by row
            Some(filter) => true_bits(filter)
                .set_indices()
                .filter_map(|row| Some((row, *self.groups.get(row)?)))
                .for_each(|(row, group)| each(row, group)),
        }
    }

    /// As [`Rows::for_each`] for work that can fail; stops at the first error.
    pub fn try_for_each(&self, mut each: impl FnMut(usize, usize) -> Result<()>) -> Result<()> {
        let mut result = Ok(());
        self.for_each(|row, group| {
            if result.is_ok() {
                result = each(row, group);
            }
        });
        result
    }
}

/// The states of many groups of one aggregate function.
///
/// Invariants: merging is associative and, except for functions that document an order, commutative; the state of no
/// rows changes nothing; merging what `states` gave is the same as having seen its rows.
pub trait GroupedStates: Send + Sync {
    /// Adds rows. `args` are columns of the function's argument types, all as long as `rows.groups`.
    fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()>;

    /// Merges states: `states` is a struct array of the state type's fields, as long as `rows.groups`. A NULL state is
    /// that of no rows.
    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()>;

    /// The states of the first `n` groups, which stay.
    fn state_column(&mut self, n: usize) -> Result<ArrayRef>;

    /// The results of the first `n` groups, which stay.
    fn result_column(&mut self, n: usize) -> Result<ArrayRef>;

    /// Forgets the first `n` groups; the others move down to begin at 0.
    fn forget(&mut self, n: usize);

    /// How many groups there are.
    fn groups(&self) -> usize;

    /// Makes sure that there are at least `total` groups.
    fn grow(&mut self, total: usize);

    /// About how many bytes of memory the states hold.
    fn size_bytes(&self) -> usize;

    /// The states of the emitted groups, which are forgotten.
    fn states(&mut self, emit: Emit) -> Result<ArrayRef> {
        let n = emit.count(self.groups());
        let states = self.state_column(n)?;
        self.forget(n);
        Ok(states)
    }

    /// The results of the emitted groups, which are forgotten.
    fn finish(&mut self, emit: Emit) -> Result<ArrayRef> {
        let n = emit.count(self.groups());
        let results = self.result_column(n)?;
        self.forget(n);
        Ok(results)
    }
}

/// Forgets the first `n` elements, and with all of them their memory.
pub(crate) fn forget_first<T>(groups: &mut Vec<T>, n: usize) {
    if n >= groups.len() {
        *groups = Vec::new();
    } else {
        groups.drain(..n);
    }
}

/// The methods that combinators pass on to the states below them.
macro_rules! pass_on {
    ($($method:ident),*) => { $(crate::aggregate::pass_on_one!($method);)* };
}
macro_rules! pass_on_one {
    (update) => {
        fn update(&mut self, args: &[ArrayRef], rows: Rows<'_>) -> Result<()> {
            self.inner.update(args, rows)
        }
    };
    (merge) => {
        fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
            self.inner.merge(states, rows)
        }
    };
    (state_column) => {
        fn state_column(&mut self, n: usize) -> Result<ArrayRef> {
            self.inner.state_column(n)
        }
    };
    (result_column) => {
        fn result_column(&mut self, n: usize) -> Result<ArrayRef> {
            self.inner.result_column(n)
        }
    };
    (forget) => {
        fn forget(&mut self, n: usize) {
            self.inner.forget(n);
        }
    };
    (groups) => {
        fn groups(&self) -> usize {
            self.inner.groups()
        }
    };
    (grow) => {
        fn grow(&mut self, total: usize) {
            self.inner.grow(total);
        }
    };
    (size_bytes) => {
        fn size_bytes(&self) -> usize {
            self.inner.size_bytes()
        }
    };
}
pub(crate) use {pass_on, pass_on_one};

/// Makes the states of a function, which holds what its parameters and types decided.
pub(crate) type Factory = Arc<dyn Fn() -> Box<dyn GroupedStates> + Send + Sync>;

/// An aggregate function with parameters and argument types decided. Cheap to clone.
#[derive(Clone)]
pub struct Aggregate {
    signature: Arc<AggregateSignature>,
    state: Arc<AggregateSignature>,
    result: DataType,
    factory: Factory,
}

impl Aggregate {
    pub(crate) fn new(signature: AggregateSignature, made: Made) -> Aggregate {
        let signature = Arc::new(signature);
        let state = made.state.map_or_else(|| signature.clone(), Arc::new);
        Aggregate { signature, state, result: made.result, factory: made.factory }
    }

    /// Name, parameters and argument types, aliases replaced.
    pub fn signature(&self) -> &AggregateSignature {
        &self.signature
    }

    /// The signature of the states: without -State and -Merge.
    pub fn state_signature(&self) -> &Arc<AggregateSignature> {
        &self.state
    }

    /// The type of results.
    pub fn result_type(&self) -> DataType {
        self.result.clone()
    }

    /// `AggregateFunction(…)`: the type of state columns.
    pub fn state_type(&self) -> DataType {
        DataType::AggregateFunction(self.state.clone())
    }

    /// New states of no group.
    pub fn grouped(&self) -> Box<dyn GroupedStates> {
        Box::new(NullSafe { inner: (self.factory)() })
    }

    /// `rows` states of no rows each: the default value of a state column.
    pub fn empty_states(&self, rows: usize) -> Result<ArrayRef> {
        let mut states = self.grouped();
        states.grow(rows);
        states.states(Emit::All)
    }
}

impl fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", DataType::AggregateFunction(self.signature.clone()), self.result)
    }
}

/// The states that callers get: NULL states are skipped here, so that no function has to.
struct NullSafe {
    inner: Box<dyn GroupedStates>,
}

impl GroupedStates for NullSafe {
    fn merge(&mut self, states: &ArrayRef, rows: Rows<'_>) -> Result<()> {
        merge_present(self.inner.as_mut(), states, rows)
    }

    pass_on!(update, state_column, result_column, forget, groups, grow, size_bytes);
}

/// What resolving a function gives: its result type and how to make its states.
pub(crate) struct Made {
    pub result: DataType,
    pub factory: Factory,
    /// Where states are those of another signature than the call's.
    pub state: Option<AggregateSignature>,
    /// Where the function has another name or version in types than in the call.
    pub version: Option<u8>,
}

impl Made {
    pub(crate) fn new<S, F>(result: DataType, make: F) -> Made
    where
        S: GroupedStates + 'static,
        F: Fn() -> S + Send + Sync + 'static,
    {
        Made { result, factory: Arc::new(move || Box::new(make())), state: None, version: None }
    }

    /// The same types, states wrapped by a combinator.
    pub(crate) fn wrap<S, F>(self, wrap: F) -> Made
    where
        S: GroupedStates + 'static,
        F: Fn(Box<dyn GroupedStates>) -> S + Send + Sync + 'static,
    {
        let inner = self.factory;
        Made {
            result: self.result,
            factory: Arc::new(move || Box::new(wrap(inner()))),
            state: self.state,
            version: self.version,
        }
    }
}
