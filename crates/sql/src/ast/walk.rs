//! Identifiers of an expression, replaced in place: renamed columns, aliases that stand for expressions.

use super::{Expr, ExprKind};

impl Expr {
    /// Gives every identifier that is no parameter of a lambda around it to `replace`, by its name with points, and puts
    /// what that returns in its place. Subqueries have names of their own and are left alone.
    pub fn replace_identifiers(&mut self, replace: &mut dyn FnMut(&str) -> Option<Expr>) {
        let new = match &self.kind {
            ExprKind::Identifier(parts) => {
                let name = parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(".");
                replace(&name)
            }
            _ => None,
        };
        match new {
            Some(new) => *self = new,
            None => self.replace_inside(replace),
        }
    }

    fn replace_inside(&mut self, replace: &mut dyn FnMut(&str) -> Option<Expr>) {
        match &mut self.kind {
            ExprKind::Function(call) => call.arguments.iter_mut().for_each(|expr| expr.replace_identifiers(replace)),
            ExprKind::Unary(_, operand)
            | ExprKind::IsNull { operand, .. }
            | ExprKind::Alias(operand, _)
            | ExprKind::TupleElement(operand, _) => operand.replace_identifiers(replace),
            ExprKind::Binary(binary) => {
                binary.left.replace_identifiers(replace);
                binary.right.replace_identifiers(replace);
            }
            ExprKind::Chain(_, items) | ExprKind::Array(items) | ExprKind::Tuple(items) => {
                items.iter_mut().for_each(|expr| expr.replace_identifiers(replace));
            }
            ExprKind::In(is_in) => {
                is_in.left.replace_identifiers(replace);
                is_in.right.replace_identifiers(replace);
            }
            ExprKind::Cast(cast) => cast.operand.replace_identifiers(replace),
            ExprKind::ArrayElement(array, index) => {
                array.replace_identifiers(replace);
                index.replace_identifiers(replace);
            }
            ExprKind::Lambda(lambda) => {
                let own: Vec<String> = lambda.parameters.iter().map(|parameter| parameter.name.clone()).collect();
                lambda.body.replace_identifiers(&mut |name: &str| match own.iter().any(|own| own == name) {
                    true => None,
                    false => replace(name),
                });
            }
            ExprKind::Literal(_)
            | ExprKind::Identifier(_)
            | ExprKind::Asterisk(_)
            | ExprKind::Columns(_)
            | ExprKind::Subquery(_)
            | ExprKind::Exists(_)
            | ExprKind::Parameter(..) => {}
        }
    }

    /// True when a query is inside of it.
    pub fn has_subquery(&self) -> bool {
        self.any(&|expr| matches!(expr.kind, ExprKind::Subquery(_) | ExprKind::Exists(_)))
    }

    /// True when it makes several rows of one by `arrayJoin`.
    pub fn has_array_join(&self) -> bool {
        self.any(&|expr| match &expr.kind {
            ExprKind::Function(call) => call.name.name.eq_ignore_ascii_case("arrayJoin"),
            _ => false,
        })
    }

    /// True when it or an expression inside of it is meant; queries inside of it are not looked into.
    fn any(&self, is_meant: &dyn Fn(&Expr) -> bool) -> bool {
        let any = |items: &[Expr]| items.iter().any(|item| item.any(is_meant));
        is_meant(self)
            || match &self.kind {
                ExprKind::Function(call) => any(&call.arguments),
                ExprKind::Unary(_, operand)
                | ExprKind::IsNull { operand, .. }
                | ExprKind::Alias(operand, _)
                | ExprKind::TupleElement(operand, _) => operand.any(is_meant),
                ExprKind::Binary(binary) => binary.left.any(is_meant) || binary.right.any(is_meant),
                ExprKind::Chain(_, items) | ExprKind::Array(items) | ExprKind::Tuple(items) => any(items),
                ExprKind::In(is_in) => is_in.left.any(is_meant) || is_in.right.any(is_meant),
                ExprKind::Cast(cast) => cast.operand.any(is_meant),
                ExprKind::ArrayElement(array, index) => array.any(is_meant) || index.any(is_meant),
                ExprKind::Lambda(lambda) => lambda.body.any(is_meant),
                ExprKind::Literal(_)
                | ExprKind::Identifier(_)
                | ExprKind::Asterisk(_)
                | ExprKind::Columns(_)
                | ExprKind::Subquery(_)
                | ExprKind::Exists(_)
                | ExprKind::Parameter(..) => false,
            }
    }

    /// The names that [`Expr::replace_identifiers`] would be asked about, each once, in order.
    pub fn identifiers(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        self.clone().replace_identifiers(&mut |name| {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
            None
        });
        names
    }
}

#[cfg(test)]
mod tests {
    use crate::{ast::Expr, parse_expression};

    #[test]
    fn identifiers_are_replaced_except_parameters_of_lambdas() {
        let mut expr = parse_expression("arrayMap(a -> a + b, [b, c.d]) IN (a, 1)").expect("it parses");
        assert_eq!(expr.identifiers(), ["b", "c.d", "a"]);
        expr.replace_identifiers(&mut |name| (name != "c.d").then(|| Expr::column(format!("{name}2"))));
        assert_eq!(expr.to_string(), "arrayMap(a -> (a + b2), [b2, c.d]) IN (a2, 1)");
    }
}
