//! Canonical NaN: the same program gives the same bits on every machine.
//!
//! WebAssembly leaves open which NaN an operation makes, and processors differ (x86 sets the sign, ARM
//! does not). After such an operation the result is compared with itself, and replaced by the
//! positive quiet NaN with an empty payload (0x7fc00000, 0x7ff8000000000000) if it is not equal.
//! `neg`, `abs`, `copysign`, loads, constants and reinterpretations are bitwise and stay as they are.
//!
//! Source: WebAssembly core specification, "NaN propagation".

use wasm_encoder::{Ieee32, Ieee64, InstructionSink, ValType};
use wasmparser::Operator;

/// Width of a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    F32,
    F64,
}

impl Width {
    /// The width of the result, if the operator may make a NaN whose bits are open.
    pub(super) fn made_by(operator: &Operator<'_>) -> Option<Self> {
        use Operator as O;
        match operator {
            O::F32Add | O::F32Sub | O::F32Mul | O::F32Div | O::F32Min | O::F32Max | O::F32Sqrt => {
                Some(Self::F32)
            }
            O::F32Ceil | O::F32Floor | O::F32Trunc | O::F32Nearest | O::F32DemoteF64 => {
                Some(Self::F32)
            }
            O::F64Add | O::F64Sub | O::F64Mul | O::F64Div | O::F64Min | O::F64Max | O::F64Sqrt => {
                Some(Self::F64)
            }
            O::F64Ceil | O::F64Floor | O::F64Trunc | O::F64Nearest | O::F64PromoteF32 => {
                Some(Self::F64)
            }
            _ => None,
        }
    }

    /// The type of the value.
    pub(super) fn ty(self) -> ValType {
        match self {
            Self::F32 => ValType::F32,
            Self::F64 => ValType::F64,
        }
    }

    /// Replaces the NaN on the stack, if there is one. `scratch` is a local of the type.
    pub(super) fn canonicalise(self, scratch: u32, sink: &mut InstructionSink<'_>) {
        sink.local_tee(scratch);
        match self {
            Self::F32 => sink.f32_const(Ieee32::new(0x7fc0_0000)),
            Self::F64 => sink.f64_const(Ieee64::new(0x7ff8_0000_0000_0000)),
        };
        sink.local_get(scratch).local_get(scratch);
        match self {
            Self::F32 => sink.f32_eq(),
            Self::F64 => sink.f64_eq(),
        };
        sink.select();
    }
}

/// Whether the operator takes the float on top of the stack in a way that hides which NaN it is. Then
/// the operator before it need not choose.
pub(super) fn hides_bits(operator: &Operator<'_>) -> bool {
    Width::made_by(operator).is_some() || compares(operator) || converts(operator)
}

fn compares(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::F32Eq
            | O::F32Ne
            | O::F32Lt
            | O::F32Gt
            | O::F32Le
            | O::F32Ge
            | O::F64Eq
            | O::F64Ne
            | O::F64Lt
            | O::F64Gt
            | O::F64Le
            | O::F64Ge
    )
}

/// A NaN traps, or becomes 0.
fn converts(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::I32TruncF32S
            | O::I32TruncF32U
            | O::I32TruncF64S
            | O::I32TruncF64U
            | O::I64TruncF32S
            | O::I64TruncF32U
            | O::I64TruncF64S
            | O::I64TruncF64U
            | O::I32TruncSatF32S
            | O::I32TruncSatF32U
            | O::I32TruncSatF64S
            | O::I32TruncSatF64U
            | O::I64TruncSatF32S
            | O::I64TruncSatF32U
            | O::I64TruncSatF64S
            | O::I64TruncSatF64U
    )
}
