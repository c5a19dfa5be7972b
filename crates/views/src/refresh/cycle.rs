//! Dependencies that lead back to where they began. Such views would wait for each other for ever.

use std::collections::BTreeSet;

use store::QualifiedName;

/// The way from `view` over its dependencies back to it, when there is one: `a, b, a`. `depends_on` says what other views
/// depend on.
pub fn cycle(
    view: &QualifiedName,
    dependencies: &[QualifiedName],
    depends_on: &dyn Fn(&QualifiedName) -> Vec<QualifiedName>,
) -> Option<Vec<QualifiedName>> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<Vec<QualifiedName>> = dependencies.iter().map(|next| vec![view.clone(), next.clone()]).collect();
    while let Some(way) = open.pop() {
        let Some(last) = way.last().cloned() else { continue };
        if last == *view {
            return Some(way);
        }
        if seen.insert(last.clone()) {
            open.extend(depends_on(&last).into_iter().map(|next| [way.clone(), vec![next]].concat()));
        }
    }
    None
}
