//! Numbers of messages as numbers of guests, and back. Source: spec 13, section 2.2.

use num_bigint::{BigInt, Sign};
use oxbeam_kernel::CallError;
use oxbeam_protocol::{List, Value};
use oxbeam_sandbox::{Signature, Val, ValType};

/// The arguments of a call. `None` if there are too few.
///
/// # Errors
/// An argument that is no number.
pub(super) fn arguments(
    signature: &Signature,
    parameters: &[Value],
) -> Result<Option<Vec<Val>>, CallError> {
    if parameters.len() < signature.params.len() {
        return Ok(None);
    }
    let given = signature.params.iter().zip(parameters);
    let arguments = given.map(|(ty, value)| number(*ty, value));
    let arguments: Option<Vec<_>> = arguments.collect();
    let no_number = || CallError::Raised("a parameter of a function is no number".into());
    arguments.map(Some).ok_or_else(no_number)
}

/// A number as one of this type: integers modulo the type's range, floats without their fraction.
pub(super) fn number(ty: ValType, value: &Value) -> Option<Val> {
    Some(match (ty, value) {
        (ValType::I32, Value::Integer(number)) => Val::I32(low_bits(number) as i32),
        (ValType::I64, Value::Integer(number)) => Val::I64(low_bits(number).cast_signed()),
        (ValType::I32, Value::Float(number)) => Val::I32(*number as i64 as i32),
        (ValType::I64, Value::Float(number)) => Val::I64(*number as i64),
        (ValType::F32, Value::Float(number)) => Val::F32(*number as f32),
        (ValType::F64, Value::Float(number)) => Val::F64(*number),
        (ValType::F32, Value::Integer(number)) => Val::F32(float(number) as f32),
        (ValType::F64, Value::Integer(number)) => Val::F64(float(number)),
        _ => return None,
    })
}

/// A number of a guest. Infinite floats and those that are no number have no value.
pub(super) fn value(number: Val) -> Option<Value> {
    let float = |number: f64| number.is_finite().then_some(Value::Float(number));
    match number {
        Val::I32(number) => Some(Value::Integer(number.into())),
        Val::I64(number) => Some(Value::Integer(number.into())),
        Val::F32(number) => float(number.into()),
        Val::F64(number) => float(number),
    }
}

/// The lowest 64 bits of an integer in two's complement.
fn low_bits(number: &BigInt) -> u64 {
    let low = number.iter_u64_digits().next().unwrap_or(0);
    match number.sign() {
        Sign::Minus => low.wrapping_neg(),
        Sign::NoSign | Sign::Plus => low,
    }
}

/// The nearest float.
fn float(number: &BigInt) -> f64 {
    // The text of an integer is that of a float; what is too large becomes infinite.
    number.to_string().parse().unwrap_or(f64::NAN)
}

/// A text as the reference node shows it where it means no text: a list of code points.
pub(super) fn code_points(text: &str) -> Value {
    text.chars().map(|point| Value::Integer(u32::from(point).into())).collect::<List>().into()
}

/// The text of such a list.
pub(crate) fn output_text(output: &Value) -> Option<String> {
    let point = |value: &Value| match value {
        Value::Integer(point) => char::from_u32(u32::try_from(point).ok()?),
        _ => None,
    };
    output.as_list()?.iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(text: &str) -> Value {
        Value::Integer(text.parse().unwrap())
    }

    #[test]
    fn integers_are_exact_or_wrap_around() {
        for (text, expected) in [
            ("9000000000", Val::I64(9_000_000_000)),
            ("-1", Val::I64(-1)),
            ("18446744073709551615", Val::I64(-1)),
            ("-9223372036854775808", Val::I64(i64::MIN)),
            ("4294967295", Val::I32(-1)),
            ("-4294967295", Val::I32(1)),
            ("2147483648", Val::I32(i32::MIN)),
        ] {
            assert_eq!(number(expected.ty(), &integer(text)), Some(expected), "{text}");
        }
    }

    #[test]
    fn integers_and_floats_stand_for_each_other_by_value() {
        assert_eq!(number(ValType::F64, &integer("5")), Some(Val::F64(5.0)));
        assert_eq!(number(ValType::F32, &integer("-5")), Some(Val::F32(-5.0)));
        assert_eq!(number(ValType::I32, &Value::Float(-2.9)), Some(Val::I32(-2)));
        assert_eq!(number(ValType::I64, &"5".into()), None);
    }

    #[test]
    fn what_no_message_can_hold_has_no_value() {
        assert_eq!(value(Val::F32(1.5)), Some(Value::Float(1.5)));
        assert_eq!(value(Val::F64(f64::NAN)), None);
        assert_eq!(value(Val::F32(f32::INFINITY)), None);
    }

    #[test]
    fn texts_of_errors_can_be_read_back() {
        assert_eq!(output_text(&code_points("näh")), Some("näh".into()));
        assert_eq!(output_text(&Value::from("x")), None);
    }
}
