//! Every function by name: the families' tables, searched by exact name first, then in any case where that is allowed.

use std::collections::HashMap;
use std::sync::LazyLock;

use types::error::nearest;

use crate::error::{Error, Result};
use crate::frame::Definition;
use crate::{registry_a, registry_b};

/// A name as `system.functions` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FunctionName {
    /// The name.
    pub name: &'static str,
    /// True for aggregate functions.
    pub is_aggregate: bool,
    /// True when it is found in any case.
    pub any_case: bool,
    /// The function that this is another name of.
    pub alias_to: Option<&'static str>,
}

struct Registry {
    exact: HashMap<&'static str, &'static Definition>,
    any_case: HashMap<String, &'static Definition>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry {
    exact: definitions().map(|definition| (definition.name, definition)).collect(),
    any_case: definitions()
        .filter(|definition| definition.any_case)
        .map(|definition| (definition.name.to_ascii_lowercase(), definition))
        .collect(),
});

/// Every scalar function in the order of the tables.
fn definitions() -> impl Iterator<Item = &'static Definition> {
    registry_a::FAMILIES.iter().chain(registry_b::FAMILIES).flat_map(|family| family.iter())
}

/// The names of all functions, in the order of the tables; aggregate functions at the end.
pub fn names() -> impl Iterator<Item = FunctionName> {
    let scalar = definitions().map(|definition| FunctionName {
        name: definition.name,
        is_aggregate: false,
        any_case: definition.any_case,
        alias_to: definition.alias_to,
    });
    scalar.chain(crate::aggregates::names())
}

/// True when there is a scalar function of that name.
pub fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// The definition of that name; an error offers the nearest one.
pub(crate) fn definition(name: &str) -> Result<&'static Definition> {
    find(name).ok_or_else(|| Error::UnknownFunction {
        name: name.to_owned(),
        hint: nearest(name, definitions().map(|definition| definition.name)),
    })
}

fn find(name: &str) -> Option<&'static Definition> {
    REGISTRY.exact.get(name).or_else(|| REGISTRY.any_case.get(&name.to_ascii_lowercase())).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_functions_share_a_name() {
        let mut seen = HashMap::new();
        for definition in definitions() {
            assert!(seen.insert(definition.name, ()).is_none(), "{} is defined twice", definition.name);
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        assert_eq!(definition("no such").err().map(|error| error.code().0), Some(46));
    }
}
