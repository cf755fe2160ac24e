//! The guest's side of the host: bytes in, bytes out, and the library `ao`.

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oxbeam_protocol::Value;
use oxbeam_protocol::limits::MAX_SIZE;

use super::incoming::Incoming;
use super::outgoing::Outgoing;
use super::values::value;
use super::{FUEL_OF_LUA, LuaError, trace};
use crate::{Guest, HOST_CALL_FUEL, Host, HostError, Import, Trap, Val};

/// A function of the library `ao`. Source: spec 14, section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AoFunction {
    /// `ao.resolve(…)`: gives a status and a value.
    Resolve,
    /// `ao.get(key, base)`: gives a value.
    Get,
    /// `ao.set(base, key, value)` or `ao.set(base, table)`: gives the new message.
    Set,
    /// `ao.event(…)`: gives the text `ok`.
    Event,
}

/// Why a function of `ao` gave nothing.
#[derive(Debug)]
pub enum AoError {
    /// An error that the script may catch, with its text.
    Raise(Bytes),
    /// The whole call ends, as [`Trap::Host`](crate::Trap::Host).
    Abort(HostError),
}

/// What a script can ask for while it runs.
pub trait AoHost: Send {
    /// Calls a function of the library `ao`. The guest waits, and the thread is free.
    ///
    /// # Errors
    /// What the function failed with.
    fn ao<'a>(
        &'a mut self,
        function: AoFunction,
        arguments: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Value>, AoError>>;

    /// Takes what the script prints; `print` writes its arguments with tabs between. Nothing is kept
    /// of it otherwise.
    fn print(&mut self, text: &[u8]) {
        tracing::debug!(text = %String::from_utf8_lossy(text), "a script prints");
    }
}

/// A host that has no `ao`: for scripts on their own.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoAo;

impl AoHost for NoAo {
    fn ao<'a>(
        &'a mut self,
        _: AoFunction,
        _: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Value>, AoError>> {
        async { Err(AoError::Raise(Bytes::from_static(b"there is no ao here"))) }.boxed()
    }
}

const DISCARD: i32 = 0;
const PRINT: i32 = 1;
const RESOLVE: i32 = 16;
const GET: i32 = 17;
const SET: i32 = 18;
const EVENT: i32 = 19;

/// Bytes that cross the border for a unit of fuel.
const BYTES_A_FUEL: u64 = 8;
/// Fuel of a value that the host makes of what the guest has written.
const VALUE_FUEL: u64 = 16;
/// Fuel of a call to the host, of which the driver has taken some: it does not know of
/// [`FUEL_OF_LUA`].
const CALL_FUEL: u64 = HOST_CALL_FUEL * (FUEL_OF_LUA - 1);

/// The host of one operation.
pub(super) struct Border<'a> {
    /// What the guest takes next: its arguments, then answers.
    pub(super) inward: Vec<u8>,
    /// What the guest has sent.
    pub(super) outward: Vec<u8>,
    pub(super) ao: &'a mut dyn AoHost,
}

impl Border<'_> {
    async fn out(
        &mut self,
        arguments: &[Val],
        guest: &mut Guest<'_>,
    ) -> Result<Vec<Val>, HostError> {
        let (address, length) = two(arguments)?;
        if self.outward.len() + length as usize > MAX_SIZE {
            return Err(Box::new(LuaError::TooLarge { limit: MAX_SIZE }));
        }
        pay(guest, length as usize).await?;
        self.outward.extend_from_slice(guest.read(u64::from(address), u64::from(length))?);
        Ok(Vec::new())
    }

    async fn take(
        &mut self,
        arguments: &[Val],
        guest: &mut Guest<'_>,
    ) -> Result<Vec<Val>, HostError> {
        pay(guest, self.inward.len()).await?;
        guest.write(u64::from(one(arguments)?), &self.inward)?;
        Ok(Vec::new())
    }

    /// Does what the guest asks for; the answer is its size.
    async fn ask(
        &mut self,
        arguments: &[Val],
        guest: &mut Guest<'_>,
    ) -> Result<Vec<Val>, HostError> {
        let asked = one(arguments)?.cast_signed();
        let sent = std::mem::take(&mut self.outward);
        self.inward.clear();
        let function = match asked {
            DISCARD => return Ok(vec![Val::I32(0)]),
            PRINT => {
                self.ao.print(trace::text(&sent)?.as_ref());
                return Ok(vec![Val::I32(0)]);
            }
            RESOLVE => AoFunction::Resolve,
            GET => AoFunction::Get,
            SET => AoFunction::Set,
            EVENT => AoFunction::Event,
            _ => return Err(Box::new(LuaError::Border { reason: "an unknown question" })),
        };
        self.inward = self.answer(function, &sent, guest).await?;
        Ok(vec![Val::I32(i32::try_from(self.inward.len())?)])
    }

    async fn answer(
        &mut self,
        function: AoFunction,
        sent: &[u8],
        guest: &mut Guest<'_>,
    ) -> Result<Vec<u8>, HostError> {
        let mut incoming = Incoming::new(sent);
        let mut arguments = Vec::new();
        for _ in 0..incoming.count()? {
            arguments.push(value(incoming.value()?, false)?);
        }
        guest.spend(FUEL_OF_LUA * VALUE_FUEL * incoming.values() as u64).await?;
        let mut answer = Outgoing::default();
        match self.ao.ao(function, arguments).await {
            Ok(values) => values.iter().for_each(|value| answer.value(value)),
            Err(AoError::Raise(text)) => answer.error(&text),
            Err(AoError::Abort(error)) => return Err(error),
        }
        Ok(answer.into_bytes())
    }
}

impl Host for Border<'_> {
    fn call<'a>(
        &'a mut self,
        import: &'a Import,
        arguments: &'a [Val],
        guest: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        async move {
            guest.spend(CALL_FUEL).await?;
            match &*import.name {
                "out" => self.out(arguments, guest).await,
                "take" => self.take(arguments, guest).await,
                "ask" => self.ask(arguments, guest).await,
                _ => Err(LuaError::Border { reason: "an unknown import" }.into()),
            }
        }
        .boxed()
    }
}

/// Takes the fuel of bytes that cross the border.
async fn pay(guest: &mut Guest<'_>, bytes: usize) -> Result<(), Trap> {
    guest.spend(FUEL_OF_LUA * (bytes as u64 / BYTES_A_FUEL)).await
}

const WRONG: LuaError = LuaError::Border { reason: "wrong arguments of an import" };

fn one(arguments: &[Val]) -> Result<u32, LuaError> {
    match arguments {
        [Val::I32(one)] => Ok(one.cast_unsigned()),
        _ => Err(WRONG),
    }
}

fn two(arguments: &[Val]) -> Result<(u32, u32), LuaError> {
    match arguments {
        [Val::I32(one), Val::I32(two)] => Ok((one.cast_unsigned(), two.cast_unsigned())),
        _ => Err(WRONG),
    }
}
