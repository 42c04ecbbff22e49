//! Functions that convert: tobool, tolist, tomap, tonumber, toset, tostring. null stays null.

use super::super::types::Type;
use super::call::{Arguments, Outcome};

pub(super) fn tobool(arguments: &Arguments<'_>) -> Outcome {
    arguments.converted(0, &Type::Bool)
}

pub(super) fn tolist(arguments: &Arguments<'_>) -> Outcome {
    arguments.converted(0, &Type::List(Box::new(Type::Any)))
}

pub(super) fn tomap(arguments: &Arguments<'_>) -> Outcome {
    arguments.converted(0, &Type::Map(Box::new(Type::Any)))
}

pub(super) fn tonumber(arguments: &Arguments<'_>) -> Outcome {
    arguments.converted(0, &Type::Number)
}

pub(super) fn toset(arguments: &Arguments<'_>) -> Outcome {
    arguments.converted(0, &Type::Set(Box::new(Type::Any)))
}

pub(super) fn tostring(arguments: &Arguments<'_>) -> Outcome {
    arguments.converted(0, &Type::String)
}
