//! Fuel: a budget for the call, handed to the interpreter slice by slice.
//!
//! The interpreter takes fuel before it does what the fuel is for, and takes nothing when it has too
//! little. So a call uses the same fuel however its budget is sliced.

use super::Core;
use crate::Trap;

/// Slices after which a call is a long one.
const LONG: u64 = 16;

/// Turns that a long call gives away for each slice. An answer that others wait for takes several
/// turns of the thread, in each of which every long call would run for a slice.
const PATIENCE: u64 = 8;

impl Core {
    /// Opens the budget of a call.
    pub(crate) fn fill(&mut self) {
        let grant = self.limits.slice.clamp(1, self.limits.fuel.max(1)).min(self.limits.fuel);
        self.reserve = self.limits.fuel - grant;
        self.set_fuel(grant);
    }

    /// Fuel that the last call used, of [`Limits::fuel`](crate::Limits::fuel).
    pub(crate) fn fuel_used(&self) -> u64 {
        self.limits.fuel.saturating_sub(self.fuel().saturating_add(self.reserve))
    }

    /// Gives the thread away, then hands out the next slice: at least what is required to go on,
    /// which is more than a slice for operations on large parts of memory. Such an operation cannot be
    /// interrupted, so it waits beforehand for as many turns as it will take.
    pub(super) async fn refill(&mut self, required: u64) -> Result<(), Trap> {
        let left = self.fuel().saturating_add(self.reserve);
        if required > left {
            return Err(self.out_of_fuel());
        }
        let slice = self.limits.slice.max(1);
        let used = self.limits.fuel.saturating_sub(left);
        let patience = if used / slice < LONG { 1 } else { PATIENCE };
        for _ in 0..required.div_ceil(slice).max(patience) {
            tokio::task::yield_now().await;
        }
        let grant = slice.max(required).min(left);
        self.reserve = left - grant;
        self.set_fuel(grant);
        Ok(())
    }

    /// Takes fuel for what the interpreter does not see.
    pub(crate) fn charge(&mut self, fuel: u64) -> Result<(), Trap> {
        let given = self.fuel();
        if let Some(left) = given.checked_sub(fuel) {
            self.set_fuel(left);
            return Ok(());
        }
        let Some(left) = self.reserve.checked_sub(fuel - given) else {
            return Err(self.out_of_fuel());
        };
        self.reserve = left;
        self.set_fuel(0);
        Ok(())
    }

    /// As [`Core::charge`], for what cannot be interrupted and so waits for its turns beforehand.
    pub(crate) async fn spend(&mut self, fuel: u64) -> Result<(), Trap> {
        if fuel > self.fuel() {
            self.refill(fuel).await?;
        }
        self.charge(fuel)
    }

    pub(super) fn out_of_fuel(&self) -> Trap {
        Trap::OutOfFuel { limit: self.limits.fuel, function: self.entry.clone() }
    }

    fn fuel(&self) -> u64 {
        // The engine is configured to meter, so there is an answer.
        self.store.get_fuel().unwrap_or_default()
    }

    fn set_fuel(&mut self, fuel: u64) {
        // As above: it fails only where nothing is metered.
        let _ = self.store.set_fuel(fuel);
    }
}
