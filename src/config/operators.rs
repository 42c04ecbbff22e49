//! Operators with one and two operands.

use std::cmp::Ordering;

use super::evaluate::{Evaluator, Failed};
use super::tree::{BinaryOperator, Expression, UnaryOperator};
use super::types::{self, Type};
use super::value::{Number, Value};
use crate::diagnostics::{Diagnostic, Span, codes};

impl Evaluator<'_> {
    pub(super) fn unary(
        &mut self,
        operator: UnaryOperator,
        operand: &Expression,
    ) -> Result<Value, Failed> {
        match operator {
            UnaryOperator::Not => {
                let (value, mark) = self.logical(operand)?;
                Ok(Value::bool(!value).marked(mark))
            }
            UnaryOperator::Negate => {
                let (value, mark) = self.operand(operand)?;
                Ok(Value::number(value.negate()).marked(mark))
            }
        }
    }

    pub(super) fn binary(
        &mut self,
        operator: BinaryOperator,
        operator_span: Span,
        left: &Expression,
        right: &Expression,
    ) -> Result<Value, Failed> {
        use BinaryOperator as Op;
        match operator {
            Op::And | Op::Or => self.logical_pair(operator, left, right),
            Op::Equal | Op::NotEqual => {
                let (a, b) = (self.evaluate(left), self.evaluate(right));
                let (a, b) = (a?, b?);
                self.spend(a.weight().min(b.weight()) / 256, operator_span)?;
                let equal = a == b;
                Ok(Value::bool(equal == (operator == Op::Equal))
                    .marked(a.is_sensitive() || b.is_sensitive()))
            }
            Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
                let (a, b) = (self.operand(left), self.operand(right));
                let ((a, mark), (b, other_mark)) = (a?, b?);
                Ok(Value::bool(compares(operator, a.cmp(&b))).marked(mark || other_mark))
            }
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Remainder => {
                let (a, b) = (self.operand(left), self.operand(right));
                let ((a, mark), (b, other_mark)) = (a?, b?);
                let result = self.arithmetic(operator, operator_span, a, b, right.span)?;
                Ok(Value::number(result).marked(mark || other_mark))
            }
        }
    }

    fn arithmetic(
        &mut self,
        operator: BinaryOperator,
        span: Span,
        a: Number,
        b: Number,
        divisor: Span,
    ) -> Result<Number, Failed> {
        let result = match operator {
            BinaryOperator::Divide | BinaryOperator::Remainder if b.is_zero() => {
                return Err(self.fail(Diagnostic::error(
                    codes::DIVISION_BY_ZERO,
                    divisor,
                    "this is zero",
                )));
            }
            BinaryOperator::Add => a.plus(b),
            BinaryOperator::Subtract => a.minus(b),
            BinaryOperator::Multiply => a.times(b),
            BinaryOperator::Divide => a.divided_by(b),
            _ => a.remainder(b),
        };
        result.ok_or_else(|| {
            self.fail(Diagnostic::error(
                codes::NUMBER_OUT_OF_RANGE,
                span,
                "the result is too large",
            ))
        })
    }

    /// && and || stop as soon as the left side decides.
    fn logical_pair(
        &mut self,
        operator: BinaryOperator,
        left: &Expression,
        right: &Expression,
    ) -> Result<Value, Failed> {
        let left = self.logical(left);
        let decides = operator == BinaryOperator::Or;
        if let Ok((value, mark)) = left
            && value == decides
        {
            return Ok(Value::bool(value).marked(mark));
        }
        let right = self.logical(right);
        let ((_, mark), (value, other_mark)) = (left?, right?);
        Ok(Value::bool(value).marked(mark || other_mark))
    }

    fn logical(&mut self, expression: &Expression) -> Result<(bool, bool), Failed> {
        let value = self.not_null(expression)?;
        match types::convert(&value, &Type::Bool) {
            Ok(converted) => Ok((
                converted.as_bool().unwrap_or_default(),
                value.is_sensitive(),
            )),
            Err(problem) => Err(self.fail(Diagnostic::error(
                codes::WRONG_TYPE,
                expression.span,
                problem,
            ))),
        }
    }

    fn operand(&mut self, expression: &Expression) -> Result<(Number, bool), Failed> {
        let value = self.not_null(expression)?;
        match types::convert(&value, &Type::Number) {
            Ok(converted) => Ok((
                converted.as_number().unwrap_or(Number::ZERO),
                value.is_sensitive(),
            )),
            Err(problem) => Err(self.fail(Diagnostic::error(
                codes::WRONG_TYPE,
                expression.span,
                problem,
            ))),
        }
    }

    fn not_null(&mut self, expression: &Expression) -> Result<Value, Failed> {
        let value = self.evaluate(expression)?;
        if value.is_null() {
            return Err(self.fail(
                Diagnostic::error(codes::NULL_VALUE, expression.span, "this is null")
                    .help("compare with null first: x == null ? … : …"),
            ));
        }
        Ok(value)
    }
}

fn compares(operator: BinaryOperator, order: Ordering) -> bool {
    match operator {
        BinaryOperator::Less => order == Ordering::Less,
        BinaryOperator::LessOrEqual => order != Ordering::Greater,
        BinaryOperator::Greater => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }
}
