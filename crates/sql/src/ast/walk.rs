//! What is inside an expression: whoever walks through one asks here. Identifiers are replaced in place: renamed columns,
//! aliases that stand for expressions.

use super::{Expr, ExprKind};

/// The list that [`Expr::children`] and [`Expr::children_mut`] share.
macro_rules! inside {
    ($kind:expr, $iter:ident $(, $mutable:tt)?) => {
        match $kind {
            ExprKind::Function(call) => call.arguments.$iter().collect(),
            ExprKind::Unary(_, operand)
            | ExprKind::IsNull { operand, .. }
            | ExprKind::Alias(operand, _)
            | ExprKind::TupleElement(operand, _) => vec![&$($mutable)? **operand],
            ExprKind::Binary(binary) => vec![&$($mutable)? binary.left, &$($mutable)? binary.right],
            ExprKind::Chain(_, items) | ExprKind::Array(items) | ExprKind::Tuple(items) => items.$iter().collect(),
            ExprKind::In(is_in) => vec![&$($mutable)? is_in.left, &$($mutable)? is_in.right],
            ExprKind::Cast(cast) => vec![&$($mutable)? cast.operand],
            ExprKind::ArrayElement(array, index) => vec![&$($mutable)? **array, &$($mutable)? **index],
            ExprKind::Lambda(lambda) => vec![&$($mutable)? lambda.body],
            ExprKind::Literal(_)
            | ExprKind::Identifier(_)
            | ExprKind::Asterisk(_)
            | ExprKind::Columns(_)
            | ExprKind::Subquery(_)
            | ExprKind::Exists(_)
            | ExprKind::Parameter(..) => Vec::new(),
        }
    };
}

impl Expr {
    /// The expressions directly inside of it, in the order in which they stand. Of a function its arguments, not its
    /// parameters and its window; of a query nothing.
    pub fn children(&self) -> Vec<&Expr> {
        inside!(&self.kind, iter)
    }

    /// The same, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        inside!(&mut self.kind, iter_mut, mut)
    }

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
        if let ExprKind::Lambda(lambda) = &mut self.kind {
            let own: Vec<String> = lambda.parameters.iter().map(|parameter| parameter.name.clone()).collect();
            return lambda.body.replace_identifiers(&mut |name: &str| match own.iter().any(|own| own == name) {
                true => None,
                false => replace(name),
            });
        }
        self.children_mut().into_iter().for_each(|child| child.replace_identifiers(replace));
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
        is_meant(self) || self.children().into_iter().any(|child| child.any(is_meant))
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
    fn children_are_what_stands_directly_inside_in_order() {
        let mut expr = parse_expression(
            "f(a, -b, c + d, e AND g, [h], (i, j), k IN l, m IS NULL, n::UInt8, o[p], q.1, x -> y, r AS s, (SELECT t))",
        )
        .expect("it parses");
        let texts = |expr: &Expr| expr.children().into_iter().map(ToString::to_string).collect::<Vec<_>>();
        let inside: Vec<String> = expr.children().into_iter().flat_map(texts).collect();
        assert_eq!(inside.join(" "), "b c d e g h i j k l m n o p q y r");
        let mut changed: Vec<String> = Vec::new();
        for child in expr.children_mut() {
            changed.extend(child.children_mut().into_iter().map(|child| child.to_string()));
        }
        assert_eq!(changed, inside);
    }

    #[test]
    fn identifiers_are_replaced_except_parameters_of_lambdas() {
        let mut expr = parse_expression("arrayMap(a -> a + b, [b, c.d]) IN (a, 1)").expect("it parses");
        assert_eq!(expr.identifiers(), ["b", "c.d", "a"]);
        expr.replace_identifiers(&mut |name| (name != "c.d").then(|| Expr::column(format!("{name}2"))));
        assert_eq!(expr.to_string(), "arrayMap(a -> (a + b2), [b2, c.d]) IN (a2, 1)");
    }
}
