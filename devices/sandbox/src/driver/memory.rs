//! What emscripten's JavaScript does to a guest's memory. Source: its `libcore.js`; spec 13, section 3.

use super::Core;
use super::core::span;
use crate::trap::Cause;
use crate::{Fault, Trap, Val};

/// Bytes copied or added for a unit of fuel, as the interpreter counts them.
const BYTES_A_FUEL: u64 = 64;

impl Core {
    /// `_emscripten_memcpy_js(to, from, n)`. As with `memory.copy`, the two may overlap.
    pub(super) async fn copy(&mut self, arguments: &[wasmi::Val]) -> Result<(), Trap> {
        let [to, from, length] = numbers(arguments);
        let size = self.memory().len();
        let place = |address| span(address, length).filter(|span| span.end <= size);
        let Some((from, to)) = place(from).zip(place(to)) else {
            return Err(self.trap(Cause::Fault(Fault::MemoryOutOfBounds)));
        };
        self.spend(length / BYTES_A_FUEL).await?;
        self.memory_mut().copy_within(from, to.start);
        Ok(())
    }

    /// `emscripten_resize_heap(n)`: whether memory has so many bytes now.
    pub(super) async fn grow(&mut self, arguments: &[wasmi::Val]) -> Result<bool, Trap> {
        let [wanted] = numbers(arguments);
        let Ok(wanted) = usize::try_from(wanted) else { return Ok(false) };
        let more = wanted.saturating_sub(self.memory().len());
        if wanted <= self.limits.memory_bytes {
            self.spend(more as u64 / BYTES_A_FUEL).await?;
        }
        Ok(self.grow_memory(wanted).is_ok())
    }
}

/// Addresses and lengths, as they are passed.
fn numbers<const N: usize>(arguments: &[wasmi::Val]) -> [u64; N] {
    let number = |value: &wasmi::Val| Val::from_wasmi(value).and_then(|value| value.address());
    // The signature has been looked at when the module was loaded.
    std::array::from_fn(|index| arguments.get(index).and_then(number).unwrap_or_default())
}
