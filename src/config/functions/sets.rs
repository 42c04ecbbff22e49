//! Functions of sets: setintersection, setproduct, setsubtract, setunion. Lists count as sets; numbers and
//! strings are compared as the type that all share.

use super::super::types::{self, Type};
use super::super::value::{Kind, Value};
use super::call::{Arguments, Outcome, Problem};

/// All arguments as sets of one type of elements.
fn sets(arguments: &Arguments<'_>) -> Result<Vec<Vec<Value>>, Problem> {
    let mut shared = Type::Any;
    for index in 0..arguments.count() {
        for item in arguments.items(index)? {
            shared = types::unify(&shared, &types::type_of(item)).ok_or_else(|| {
                Problem::Argument(
                    index,
                    "the elements of all sets must have the same type".into(),
                )
            })?;
        }
    }
    let kind = Type::Set(Box::new(shared));
    (0..arguments.count())
        .map(|index| {
            Ok(arguments
                .converted(index, &kind)?
                .items()
                .unwrap_or_default()
                .to_vec())
        })
        .collect()
}

/// True when a sorted set holds the value.
fn holds(set: &[Value], value: &Value) -> bool {
    set.binary_search_by(|item| item.order(value)).is_ok()
}

pub(super) fn setintersection(arguments: &Arguments<'_>) -> Outcome {
    let sets = sets(arguments)?;
    let Some((first, rest)) = sets.split_first() else {
        return Ok(Value::set(Vec::new()));
    };
    let common = first
        .iter()
        .filter(|item| rest.iter().all(|set| holds(set, item)));
    Ok(Value::set(common.cloned().collect()))
}

pub(super) fn setsubtract(arguments: &Arguments<'_>) -> Outcome {
    let sets = sets(arguments)?;
    let [from, what] = sets.as_slice() else {
        return Err(Problem::Call("two sets are wanted".into()));
    };
    Ok(Value::set(
        from.iter()
            .filter(|item| !holds(what, item))
            .cloned()
            .collect(),
    ))
}

pub(super) fn setunion(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::set(sets(arguments)?.concat()))
}

/// Every combination; a set when all arguments are sets, else a list in their order.
pub(super) fn setproduct(arguments: &Arguments<'_>) -> Outcome {
    let mut combinations: Vec<Vec<Value>> = vec![Vec::new()];
    for index in 0..arguments.count() {
        let items = arguments.items(index)?;
        let count = combinations.len().saturating_mul(items.len());
        Problem::unless_room(count.saturating_mul((index + 2) * size_of::<Value>()))?;
        combinations = combinations
            .iter()
            .flat_map(|start| {
                items.iter().map(move |item| {
                    let mut longer = start.clone();
                    longer.push(item.clone());
                    longer
                })
            })
            .collect();
    }
    let all_sets = arguments
        .values
        .iter()
        .all(|value| matches!(value.kind, Kind::Set(_)));
    let lists = combinations.into_iter().map(Value::list).collect();
    Ok(if all_sets {
        Value::set(lists)
    } else {
        Value::list(lists)
    })
}
