//! ADD and DROP of indexes, constraints and projections on a definition.

use query::QueryContext;
use sql::ast::{AlterAction, ColumnPosition, DropElement, Element, IndexDef, TableElements};
use types::ErrorCode;

use super::definition::Draft;
use super::projections;
use crate::error::{Error, Result};

/// One action.
pub(super) fn apply(draft: &mut Draft, action: &AlterAction, ctx: &QueryContext) -> Result<()> {
    match action {
        AlterAction::AddIndex { if_not_exists, index, position } => {
            add_index(draft, index, position.as_ref(), *if_not_exists)
        }
        AlterAction::AddConstraint { if_not_exists, constraint } => {
            let constraints = &mut elements(draft).constraints;
            if constraints.iter().any(|known| known.name.name == constraint.name.name) {
                return exists("constraint", &constraint.name.name, *if_not_exists);
            }
            constraints.push((**constraint).clone());
            Ok(())
        }
        AlterAction::AddProjection { if_not_exists, projection, position } => {
            projections::add(draft, projection, position.as_ref(), *if_not_exists, ctx)
        }
        AlterAction::DropElement(element, what) => drop_element(draft, *element, what, action),
        _ => Ok(()),
    }
}

pub(super) fn elements(draft: &mut Draft) -> &mut TableElements {
    draft.create.elements.get_or_insert_with(TableElements::default)
}

fn exists(what: &str, name: &str, if_not_exists: bool) -> Result<()> {
    if if_not_exists {
        return Ok(());
    }
    let message = format!("cannot add {what} {name}: {what} with this name already exists");
    Err(Error::refused(ErrorCode::ILLEGAL_COLUMN, message))
}

fn add_index(
    draft: &mut Draft,
    index: &IndexDef,
    position: Option<&ColumnPosition>,
    if_not_exists: bool,
) -> Result<()> {
    let indexes = &mut elements(draft).indexes;
    if indexes.iter().any(|known| known.name.name == index.name.name) {
        return exists("index", &index.name.name, if_not_exists);
    }
    let at = match position {
        None => indexes.len(),
        Some(ColumnPosition::First) => 0,
        Some(ColumnPosition::After(name)) => match indexes.iter().position(|known| known.name.name == name.name) {
            Some(at) => at + 1,
            None => {
                let message = format!("wrong index name: cannot find index \"{}\" to insert after", name.name);
                return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
            }
        },
    };
    indexes.insert(at, index.clone());
    Ok(())
}

fn drop_element(draft: &mut Draft, element: Element, what: &DropElement, action: &AlterAction) -> Result<()> {
    for name in &what.names {
        let name = name.name.as_str();
        let elements = elements(draft);
        let (word, there) = match element {
            Element::Index => ("index", elements.indexes.iter().any(|known| known.name.name == name)),
            Element::Constraint => ("constraint", elements.constraints.iter().any(|known| known.name.name == name)),
            Element::Projection => {
                let there = elements.projections.iter().any(|known| known.name.name == name);
                if !there && !what.if_exists && !what.clear {
                    let message = format!("there is no projection {name} in table");
                    return Err(Error::refused(ErrorCode::NO_SUCH_PROJECTION_IN_TABLE, message));
                }
                ("projection", there)
            }
            Element::Statistics | Element::Column => {
                return Err(Error::NotImplemented("STATISTICS".to_owned()));
            }
        };
        if !there && !what.if_exists && element != Element::Projection {
            let message = format!("wrong {word} name: cannot find {word} \"{name}\" to drop");
            return Err(Error::refused(ErrorCode::BAD_ARGUMENTS, message));
        }
        if matches!(element, Element::Index | Element::Projection) {
            draft.commands.push(action.to_string().into());
        }
        if what.clear && there && element == Element::Index {
            draft.cleared.push((name.to_owned(), what.partition.clone()));
        }
        if what.clear && there && element == Element::Projection {
            draft.cleared_projections.push((name.to_owned(), what.partition.clone()));
        }
        if !what.clear {
            elements_without(draft, element, name);
        }
    }
    Ok(())
}

fn elements_without(draft: &mut Draft, element: Element, name: &str) {
    let elements = elements(draft);
    match element {
        Element::Index => elements.indexes.retain(|known| known.name.name != name),
        Element::Constraint => elements.constraints.retain(|known| known.name.name != name),
        Element::Projection => elements.projections.retain(|known| known.name.name != name),
        Element::Statistics | Element::Column => {}
    }
}
