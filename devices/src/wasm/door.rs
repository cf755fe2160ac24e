//! A guest's memory, for the device that answers its call.
//!
//! The guest waits within the call, which alone may touch its memory; the device answers elsewhere,
//! as an actor. So what it reads and writes goes through a door that the call attends to meanwhile.

use bytes::Bytes;
use oxbeam_kernel::CallError;
use oxbeam_sandbox::{Fault, Guest, Trap};
use tokio::sync::{mpsc, oneshot};

/// Bytes that a device reads or writes for a unit of fuel.
const BYTES_A_FUEL: u64 = 8;

/// The handle of a library while a guest's call to it is under way.
#[derive(Debug)]
pub(crate) struct Door {
    asks: mpsc::Sender<Ask>,
    is_64: bool,
}

/// What the device wants.
#[derive(Debug)]
pub(super) enum Ask {
    Read { address: u64, length: u64, answer: oneshot::Sender<Result<Bytes, Fault>> },
    Write { address: u64, bytes: Bytes, answer: oneshot::Sender<Result<(), Fault>> },
    Charge { bytes: u64, answer: oneshot::Sender<Result<(), Fault>> },
}

/// Why the door gives nothing.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The guest named memory that it does not have.
    Fault,
    /// The call has ended, and the device with it.
    Closed(CallError),
}

impl Door {
    /// Under which key a library has it.
    const KEY: &str = "guest";

    /// A door to a guest, and what comes through it.
    pub(super) fn of(guest: &Guest<'_>) -> (Self, mpsc::Receiver<Ask>) {
        let (asks, coming) = mpsc::channel(1);
        (Self { asks, is_64: guest.is_64() }, coming)
    }

    /// Gives the door to a library.
    pub(super) fn enter(self, library: &mut oxbeam_protocol::Message) {
        library.set_handle(Self::KEY, std::sync::Arc::new(self));
    }

    /// The door of a library that a guest has called.
    pub(crate) fn at(library: &oxbeam_protocol::Message) -> Option<std::sync::Arc<Self>> {
        library.handle(Self::KEY)
    }

    /// Whether addresses of the guest are 64 bits wide.
    pub(crate) fn is_64(&self) -> bool {
        self.is_64
    }

    /// Reads memory of the guest.
    pub(crate) async fn read(&self, address: u64, length: u64) -> Result<Bytes, Refused> {
        self.ask(|answer| Ask::Read { address, length, answer }).await
    }

    /// Writes memory of the guest.
    pub(crate) async fn write(&self, address: u64, bytes: Bytes) -> Result<(), Refused> {
        self.ask(|answer| Ask::Write { address, bytes, answer }).await
    }

    /// Has the guest pay for bytes that the device moves for it elsewhere.
    pub(crate) async fn charge(&self, bytes: u64) -> Result<(), Refused> {
        self.ask(|answer| Ask::Charge { bytes, answer }).await
    }

    async fn ask<T>(
        &self,
        ask: impl FnOnce(oneshot::Sender<Result<T, Fault>>) -> Ask,
    ) -> Result<T, Refused> {
        let (answer, answered) = oneshot::channel();
        let closed = || Refused::Closed(CallError::Cancelled);
        self.asks.send(ask(answer)).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?.map_err(|_| Refused::Fault)
    }
}

/// Does what comes through a door.
///
/// # Errors
/// The guest cannot pay for it, which ends its call.
pub(super) fn attend(ask: Ask, guest: &mut Guest<'_>) -> Result<(), Trap> {
    // Whoever asked may have gone.
    match ask {
        Ask::Read { address, length, answer } => {
            guest.charge(length / BYTES_A_FUEL)?;
            let _ = answer.send(guest.read(address, length).map(Bytes::copy_from_slice));
        }
        Ask::Write { address, bytes, answer } => {
            guest.charge(bytes.len() as u64 / BYTES_A_FUEL)?;
            let _ = answer.send(guest.write(address, &bytes));
        }
        Ask::Charge { bytes, answer } => {
            guest.charge(bytes / BYTES_A_FUEL)?;
            let _ = answer.send(Ok(()));
        }
    }
    Ok(())
}
