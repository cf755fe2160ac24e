//! Values that cross the border, and the signatures of functions.

use std::fmt;

/// A number that goes into or comes out of a guest.
///
/// Floats keep their bits. References never cross the border.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Val {
    /// 32 bits, signed by convention only.
    I32(i32),
    /// 64 bits, signed by convention only.
    I64(i64),
    /// IEEE 754 binary32.
    F32(f32),
    /// IEEE 754 binary64.
    F64(f64),
}

/// The type of a parameter, a result or a global.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// A reference to a function. Guests may use them, hosts cannot.
    FuncRef,
    /// A reference to a host's object: always null here.
    ExternRef,
}

/// What a function takes and gives back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Signature {
    /// Types of the parameters, in order.
    pub params: Vec<ValType>,
    /// Types of the results, in order.
    pub results: Vec<ValType>,
}

impl Val {
    /// The type of this value.
    #[must_use]
    pub fn ty(&self) -> ValType {
        match self {
            Self::I32(_) => ValType::I32,
            Self::I64(_) => ValType::I64,
            Self::F32(_) => ValType::F32,
            Self::F64(_) => ValType::F64,
        }
    }

    /// Zero of the type; `None` for references.
    #[must_use]
    pub fn zero(ty: ValType) -> Option<Self> {
        Some(match ty {
            ValType::I32 => Self::I32(0),
            ValType::I64 => Self::I64(0),
            ValType::F32 => Self::F32(0.0),
            ValType::F64 => Self::F64(0.0),
            ValType::FuncRef | ValType::ExternRef => return None,
        })
    }

    /// The bits of an integer, read as unsigned: an address or a length of either index type.
    #[must_use]
    pub fn address(&self) -> Option<u64> {
        match self {
            Self::I32(value) => Some(u64::from(value.cast_unsigned())),
            Self::I64(value) => Some(value.cast_unsigned()),
            Self::F32(_) | Self::F64(_) => None,
        }
    }

    pub(crate) fn to_wasmi(self) -> wasmi::Val {
        match self {
            Self::I32(value) => wasmi::Val::I32(value),
            Self::I64(value) => wasmi::Val::I64(value),
            Self::F32(value) => wasmi::Val::F32(wasmi::F32::from_bits(value.to_bits())),
            Self::F64(value) => wasmi::Val::F64(wasmi::F64::from_bits(value.to_bits())),
        }
    }

    pub(crate) fn from_wasmi(value: &wasmi::Val) -> Option<Self> {
        Some(match value {
            wasmi::Val::I32(value) => Self::I32(*value),
            wasmi::Val::I64(value) => Self::I64(*value),
            wasmi::Val::F32(value) => Self::F32(f32::from_bits(value.to_bits())),
            wasmi::Val::F64(value) => Self::F64(f64::from_bits(value.to_bits())),
            _ => return None,
        })
    }
}

impl ValType {
    /// Whether values of this type can cross the border.
    #[must_use]
    pub fn is_number(self) -> bool {
        !matches!(self, Self::FuncRef | Self::ExternRef)
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::FuncRef => "funcref",
            Self::ExternRef => "externref",
        })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) -> ({})", list(&self.params), list(&self.results))
    }
}

fn list(types: &[ValType]) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
