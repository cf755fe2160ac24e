//! Calls of a guest to its host. Source: spec 13, section 2.3.
//!
//! A library lies in the state, under `OUT/stdlib/MODULE`, and its device answers the function. It
//! is given the state, and answers with the next one. A function that nobody answers gives zero, and
//! is noted in the state.

use std::collections::VecDeque;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oxbeam_kernel::{CallError, Context, Outcome};
use oxbeam_protocol::{List, Message, Value};
use oxbeam_sandbox::{Guest, Host, HostError, Import, Val, ValType};

use super::door::{Door, attend};
use super::{items, values};
use crate::read;

/// Fuel that a call to a library costs, about what it takes.
const LIBRARY_FUEL: u64 = 50_000;
/// Fuel that a call to nobody costs.
const STUB_FUEL: u64 = 2_000;
/// Calls to nobody that a state notes, the newest first.
const MAX_UNDEFINED: usize = 1024;

/// The host of a call: the state, and what the call has made of it so far.
pub(super) struct Imports<'a> {
    context: &'a Context,
    state: Message,
    out: &'a str,
    /// Calls to nobody that the state does not have yet, the newest first.
    undefined: VecDeque<Value>,
}

impl<'a> Imports<'a> {
    pub(super) fn new(context: &'a Context, state: Message, out: &'a str) -> Self {
        Self { context, state, out, undefined: VecDeque::new() }
    }

    /// The state with all that the guest has called for.
    pub(super) async fn into_state(mut self) -> Result<Message, CallError> {
        self.note().await?;
        Ok(self.state)
    }

    async fn answer(
        &mut self,
        import: &Import,
        arguments: &[Val],
        guest: &mut Guest<'_>,
    ) -> Result<Vec<Val>, HostError> {
        let request = request(import, arguments);
        let Some(library) = library(self.context, &self.state, self.out, &import.module).await?
        else {
            guest.charge(STUB_FUEL)?;
            self.undefined(request);
            return Ok(Vec::new());
        };
        guest.charge(LIBRARY_FUEL)?;
        self.note().await?;
        let outcome = self.resolved(library, import, request.clone(), guest).await?;
        if outcome.is_not_found() {
            self.undefined(request);
            return Ok(Vec::new());
        }
        Ok(self.taken(outcome, import).await?)
    }

    /// What the device of a library answers, which may use the guest's memory meanwhile.
    async fn resolved(
        &self,
        mut library: Message,
        import: &Import,
        request: Message,
        guest: &mut Guest<'_>,
    ) -> Result<Outcome, HostError> {
        let (door, mut asks) = Door::of(guest);
        door.enter(&mut library);
        let base = library.with("state", self.state.clone());
        let context = self.context.quietly();
        let request = request.with("path", &*import.name);
        let mut resolved = std::pin::pin!(context.resolve(base, request));
        loop {
            tokio::select! {
                biased;
                Some(ask) = asks.recv() => attend(ask, guest)?,
                outcome = &mut resolved => return Ok(outcome?),
            }
        }
    }

    /// Takes the next state, and gives the results to the guest.
    async fn taken(&mut self, outcome: Outcome, import: &Import) -> Result<Vec<Val>, CallError> {
        let said = match outcome.into_result() {
            Ok(value) => self.context.load(value).await?,
            Err(outcome) => {
                let reason = format!("the library answers {}", outcome.status);
                return Err(CallError::Raised(reason));
            }
        };
        let Value::Map(said) = said else {
            return Err(CallError::Raised("the library answers with no message".into()));
        };
        if let Some(Value::Map(state)) = self.context.get(&said, "state").await? {
            self.state = state;
        }
        let results = match self.context.get(&said, "results").await? {
            Some(results) => items(self.context, results, "what the library answers").await?,
            None => Vec::new(),
        };
        let types = import.signature.results.iter();
        let results = types.zip(&results).map(|(ty, value)| values::number(*ty, value));
        let no_number = || CallError::Raised("a result of the library is no number".into());
        results.collect::<Option<_>>().ok_or_else(no_number)
    }

    fn undefined(&mut self, request: Message) {
        self.undefined.push_front(request.into());
        self.undefined.truncate(MAX_UNDEFINED);
    }

    /// Puts the calls to nobody into the state.
    async fn note(&mut self) -> Result<(), CallError> {
        if self.undefined.is_empty() {
            return Ok(());
        }
        let undefined = self.undefined.drain(..).collect();
        self.state = noted(self.context, &self.state, self.out, undefined).await?;
        Ok(())
    }
}

impl Host for Imports<'_> {
    fn call<'a>(
        &'a mut self,
        import: &'a Import,
        arguments: &'a [Val],
        guest: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        self.answer(import, arguments, guest).boxed()
    }
}

/// The library that a state has for a module.
async fn library(
    context: &Context,
    state: &Message,
    out: &str,
    module: &str,
) -> Result<Option<Message>, CallError> {
    match context.find(state, &format!("{out}/stdlib/{module}")).await? {
        Some(Value::Map(library)) => Ok(Some(library)),
        _ => Ok(None),
    }
}

/// A state with calls to nobody before those that it has. Source: spec 13, section 2.3, step 4.
async fn noted(
    context: &Context,
    state: &Message,
    out: &str,
    undefined: Vec<Value>,
) -> Result<Message, CallError> {
    let path = format!("state/results/{out}/undefined-calls");
    let before = match context.find(state, &path).await? {
        Some(before) => List::try_from(before).unwrap_or_default(),
        None => List::default(),
    };
    let all = undefined.into_iter().chain(before.iter().cloned());
    let all: List = all.take(MAX_UNDEFINED).collect();
    Ok(state.set(&Message::new().with(path, all))?)
}

/// A call as a request.
fn request(import: &Import, arguments: &[Val]) -> Message {
    let arguments = arguments.iter().map(|number| match values::value(*number) {
        Some(value) => value,
        None => Value::from_static("not finite"),
    });
    Message::new()
        .with("path", "import")
        .with("module", &*import.module)
        .with("func", &*import.name)
        .with("args", arguments.collect::<List>())
        .with("func-sig", signature(import))
}

/// The parameters of an import, a letter each, as the reference node writes them: with a letter for
/// the result, the last character cut off.
fn signature(import: &Import) -> String {
    let letter = |ty: &ValType| match ty {
        ValType::I32 => 'i',
        ValType::I64 => 'I',
        ValType::F32 => 'f',
        ValType::F64 => 'F',
        ValType::FuncRef | ValType::ExternRef => 'e',
    };
    let parameters: String = import.signature.params.iter().map(letter).collect();
    match import.signature.results.is_empty() {
        true => format!("({parameters}"),
        false => format!("({parameters})"),
    }
}

/// Answers a call that came as a request and not from a guest.
pub(super) async fn answer(
    context: &Context,
    base: &Message,
    request: &Message,
) -> Result<Outcome, CallError> {
    let named = async |key: &str| match context.get(request, key).await? {
        Some(value) if value.as_name().is_some() => {
            Ok(String::from_utf8_lossy(value.as_name().map_or(&[], |name| name)).into_owned())
        }
        _ => Err(CallError::Raised(format!("a call to the host needs {key}, a text"))),
    };
    let (module, function) = (named("module").await?, named("func").await?);
    let out = read::prefix(context, base, "output-prefix").await?;
    if let Some(library) = library(context, base, &out, &module).await? {
        let library = library.with("state", base.clone());
        let call = request.clone().with("path", function);
        let outcome = context.quietly().resolve(library, call).await?;
        if !outcome.is_not_found() {
            return Ok(outcome);
        }
    }
    let state = noted(context, base, &out, vec![request.clone().into()]).await?;
    let results: List = [Value::Integer(0.into())].into_iter().collect();
    Ok(Outcome::ok(Message::new().with("state", state).with("results", results)))
}
