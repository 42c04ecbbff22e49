//! What an expression depends on: every name it mentions from outside. Pure.

use super::tree::{Expression, Node, Operator, Part, Traversal};

/// Adds the references inside `expression` to `found`; `bound` are the names of enclosing `for`s.
pub(super) fn collect(
    expression: &Expression,
    bound: &mut Vec<String>,
    found: &mut Vec<Traversal>,
) {
    match &*expression.node {
        Node::Literal(_) => {}
        Node::Name(name) => {
            if !bound.contains(name) {
                found.push(Traversal {
                    root: name.clone(),
                    root_span: expression.span,
                    steps: Vec::new(),
                });
            }
        }
        Node::Template(parts) => collect_parts(parts, bound, found),
        Node::Wrapped(inner) | Node::Parenthesis(inner) => collect(inner, bound, found),
        Node::JsonString { template, .. } => collect(template, bound, found),
        Node::List(items) => items.iter().for_each(|item| collect(item, bound, found)),
        Node::Object(items) => items.iter().for_each(|item| {
            collect(&item.key, bound, found);
            collect(&item.value, bound, found);
        }),
        Node::Traversal { base, operators } => collect_traversal(base, operators, bound, found),
        Node::Call { arguments, .. } => arguments
            .iter()
            .for_each(|argument| collect(argument, bound, found)),
        Node::Conditional { condition, yes, no } => {
            [condition, yes, no]
                .into_iter()
                .for_each(|part| collect(part, bound, found));
        }
        Node::Unary { operand, .. } => collect(operand, bound, found),
        Node::Binary { left, right, .. } => {
            collect(left, bound, found);
            collect(right, bound, found);
        }
        Node::For(each) => {
            collect(&each.collection, bound, found);
            let before = bound.len();
            bound.extend(each.key_name.clone());
            bound.push(each.value_name.clone());
            for part in [
                each.key.as_ref(),
                Some(&each.value),
                each.condition.as_ref(),
            ]
            .into_iter()
            .flatten()
            {
                collect(part, bound, found);
            }
            bound.truncate(before);
        }
    }
}

fn collect_traversal(
    base: &Expression,
    operators: &[Operator],
    bound: &mut Vec<String>,
    found: &mut Vec<Traversal>,
) {
    let before = found.len();
    collect(base, bound, found);
    if let (Node::Name(_), true) = (&*base.node, found.len() > before) {
        let steps = operators.iter().map_while(Operator::as_static).collect();
        if let Some(traversal) = found.last_mut() {
            traversal.steps = steps;
        }
    }
    for operator in operators {
        if let Operator::Index(key, _) = operator {
            collect(key, bound, found);
        }
    }
}

fn collect_parts(parts: &[Part], bound: &mut Vec<String>, found: &mut Vec<Traversal>) {
    for part in parts {
        match part {
            Part::Literal(_) => {}
            Part::Interpolation(expression) => collect(expression, bound, found),
            Part::If { condition, yes, no } => {
                collect(condition, bound, found);
                collect_parts(yes, bound, found);
                collect_parts(no, bound, found);
            }
            Part::For {
                key_name,
                value_name,
                collection,
                body,
            } => {
                collect(collection, bound, found);
                let before = bound.len();
                bound.extend(key_name.clone());
                bound.push(value_name.clone());
                collect_parts(body, bound, found);
                bound.truncate(before);
            }
        }
    }
}
