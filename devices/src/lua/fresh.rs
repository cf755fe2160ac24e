//! Scripts as they begin: modules loaded, sandbox closed, `ao` installed. Source: spec 14, section 2.
//!
//! Loading decides nothing but by what is loaded, so that its result is kept and copied for the next
//! message with the same modules: hooks run their script for every request.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::{CallError, Context, GuestLimits, Outcome, record};
use oxbeam_protocol::{Id, List, Message, Value};
use oxbeam_sandbox::Limits;
use oxbeam_sandbox::lua::{LuaError, NoAo, SANDBOXED, Vm, VmSnapshot};
use parking_lot::Mutex;

use super::error;
use super::modules::{self, Chunk};
use super::script::Script;

/// Scripts that are kept.
const KEPT: usize = 16;
/// Largest memory of a script that is kept, in bytes.
const MAX_BYTES: usize = 8 << 20;
/// What replaces a global, unless the message says it.
const SANDBOXED_BY: &str = "sandboxed";

/// Begun scripts, by what was loaded; the latest first.
#[derive(Default)]
pub(super) struct Fresh(Mutex<VecDeque<(Id, Arc<VmSnapshot>)>>);

/// What decides how a script begins.
struct Beginning {
    chunks: Vec<Chunk>,
    replaced: Vec<(Bytes, Value)>,
}

impl Fresh {
    /// A new script for a message, or why there is none.
    pub(super) async fn script(
        &self,
        context: &Context,
        base: &Message,
    ) -> Result<Result<Box<Script>, Outcome>, CallError> {
        let chunks = match modules::of(context, base).await? {
            Ok(chunks) => chunks,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let beginning = Beginning { chunks, replaced: replaced(context, base).await? };
        let devices = devices(context, base).await?;
        let id = beginning.id(&limits(context))?;
        let vm = match self.find(id) {
            Some(begun) => restored(context, begun).await?,
            None => beginning.begun(context).await,
        };
        match vm {
            Ok(vm) => {
                self.keep(id, &vm);
                Ok(Ok(Box::new(Script::new(context, vm, devices))))
            }
            Err(LuaError::Raised(raised)) => {
                Err(CallError::Raised(format!("the modules cannot be loaded: {raised}")))
            }
            Err(error) => error::outcome(error).map(Err),
        }
    }

    fn find(&self, id: Id) -> Option<Arc<VmSnapshot>> {
        let mut kept = self.0.lock();
        let at = kept.iter().position(|(known, _)| *known == id)?;
        let found = kept.remove(at)?;
        let begun = found.1.clone();
        kept.push_front(found);
        Some(begun)
    }

    fn keep(&self, id: Id, vm: &Vm) {
        let is_newest = self.0.lock().front().is_some_and(|(known, _)| *known == id);
        if is_newest || vm.memory_bytes() > MAX_BYTES {
            return;
        }
        let Ok(begun) = vm.snapshot() else { return };
        let mut kept = self.0.lock();
        kept.push_front((id, Arc::new(begun)));
        kept.truncate(KEPT);
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").field("kept", &self.0.lock().len()).finish()
    }
}

impl Beginning {
    /// Names all that decides how the script begins: with less to use, it may not begin at all.
    fn id(&self, limits: &Limits) -> Result<Id, CallError> {
        let limits = [limits.fuel, limits.memory_bytes as u64];
        let pair = |first: &Bytes, second: Value| -> Value {
            [Value::Bytes(first.clone()), second].into_iter().collect::<List>().into()
        };
        let chunks = self.chunks.iter().map(|it| pair(&it.name, Value::Bytes(it.source.clone())));
        let replaced = self.replaced.iter().map(|(path, by)| pair(path, by.clone()));
        let limits = limits.map(|limit| Value::Integer(limit.into()));
        let parts: [Value; 3] = [
            chunks.collect::<List>().into(),
            replaced.collect::<List>().into(),
            limits.into_iter().collect::<List>().into(),
        ];
        Ok(Id::of(&record::encode(&parts.into_iter().collect::<List>().into())?))
    }

    /// Top-level code sees all libraries and no `ao`: programs define parts of it themselves.
    async fn begun(&self, context: &Context) -> Result<Vm, LuaError> {
        let mut vm = Vm::new(limits(context)).await?;
        for Chunk { name, source } in &self.chunks {
            vm.load(name, source, &mut NoAo).await?;
        }
        if !self.replaced.is_empty() {
            vm.sandbox(self.replaced.iter().cloned()).await?;
        }
        vm.install_ao().await?;
        Ok(vm)
    }
}

/// What a script may use.
pub(super) fn limits(context: &Context) -> Limits {
    let GuestLimits { fuel, slice, memory_bytes } = context.guest_limits();
    Limits { fuel, slice, memory_bytes, ..Limits::default() }
}

/// A copy of a script. Memory is copied where no request waits for it.
pub(super) async fn restored(
    context: &Context,
    begun: Arc<VmSnapshot>,
) -> Result<Result<Vm, LuaError>, CallError> {
    let limits = limits(context);
    context.node().pool().run("lua", move || Vm::restore(&begun, limits)).await
}

/// The globals that the message takes from its script, and what is there instead.
async fn replaced(context: &Context, base: &Message) -> Result<Vec<(Bytes, Value)>, CallError> {
    let wrong = || CallError::Raised("sandbox is true, a list of globals, or a map".into());
    let by_text = |path: Bytes| (path, Value::from_static(SANDBOXED_BY));
    match context.get(base, "sandbox").await? {
        None => Ok(Vec::new()),
        Some(sandbox) if sandbox.is_name("false") => Ok(Vec::new()),
        Some(sandbox) if sandbox.is_name("true") => {
            Ok(SANDBOXED.map(|path| by_text(Bytes::from_static(path.as_bytes()))).into())
        }
        Some(sandbox) => match context.load_all(sandbox).await? {
            Value::Map(paths) => {
                Ok(paths.into_iter().map(|(path, by)| (path.to_bytes(), by)).collect())
            }
            Value::List(paths) => {
                let names = paths.iter().map(|path| path.as_name().cloned().map(by_text));
                names.collect::<Option<_>>().ok_or_else(wrong)
            }
            _ => Err(wrong()),
        },
    }
}

/// The devices that the message lets its script ask.
async fn devices(context: &Context, base: &Message) -> Result<Option<Arc<[String]>>, CallError> {
    let Some(names) = context.get(base, "device-sandbox").await? else { return Ok(None) };
    let names = match context.load_all(names).await? {
        Value::List(names) => names.to_vec(),
        Value::Map(names) => names.ascending().into_iter().map(|(_, name)| name.clone()).collect(),
        name => vec![name],
    };
    let names = names.iter().map(|name| {
        let name = name.as_name().map(|name| String::from_utf8_lossy(name).into_owned());
        name.filter(|name| context.node().devices().has(name)).ok_or_else(|| {
            CallError::Raised("device-sandbox names a device that is not known to this node".into())
        })
    });
    names.collect::<Result<_, _>>().map(Some)
}
