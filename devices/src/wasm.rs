//! `~wasm-64@1.0`: runs WebAssembly.
//!
//! | Key         | What                                                                              |
//! |-------------|-----------------------------------------------------------------------------------|
//! | `init`      | the base with an instance of the module under `IN/image`, else under `body`       |
//! | `compute`   | calls `function` with `parameters`; sets `results/OUT/type` and `results/OUT/output` |
//! | `import`    | a call of the guest to its host: `module`, `func`, `args`                         |
//! | `snapshot`  | all of the instance's state: `body`, its memory, and `rest`                       |
//! | `normalize` | the base with an instance, restored from `snapshot/DEVICE-KEY` if there is none   |
//! | `terminate` | the base without an instance                                                      |
//!
//! `IN` and `OUT` are the base's `input-prefix` and `output-prefix`. The instance itself goes with the
//! base as a handle, which is never written. Source: spec 13, section 2.

mod call;
mod door;
mod image;
mod import;
mod live;
mod snapshot;
mod values;

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Context, Device, GuestLimits, Outcome, Reply};
use oxbeam_protocol::{Message, Value};
use oxbeam_sandbox::{Instance, Limits, Modules};

use crate::read;
pub(crate) use call::ours;
pub(crate) use door::{Door, Refused};
use import::Imports;
pub(crate) use live::{Held, Live};
pub(crate) use values::output_text;

/// Its name among what is measured.
const NAME: &str = "wasm-64@1.0";
/// Bytes of modules that are kept compiled, as they were given.
const MODULES_BYTES: usize = 64 << 20;

/// The device. Its modules are those of all threads.
#[derive(Debug)]
pub(crate) struct Wasm {
    modules: Arc<Modules>,
}

impl Default for Wasm {
    fn default() -> Self {
        Self { modules: Arc::new(Modules::new(MODULES_BYTES)) }
    }
}

impl Device for Wasm {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "init" | "compute" | "import" | "snapshot" | "normalize" | "terminate")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            let Call { context, base, request, .. } = &call;
            match call.function().as_str() {
                "init" => self.init(context, base).await.map(Outcome::ok),
                "compute" => {
                    let base = self.normalized(context, base).await?;
                    call::run(context, base, request).await.map(Outcome::ok)
                }
                "import" => import::answer(context, base, request).await,
                "snapshot" => snapshot::take(context, base).await,
                "normalize" => self.normalized(context, base).await.map(Outcome::ok),
                _ => terminated(context, base).await.map(Outcome::ok),
            }
        })
    }
}

impl Wasm {
    /// The base with a new instance.
    async fn init(&self, context: &Context, base: &Message) -> Result<Message, CallError> {
        let out = read::prefix(context, base, "output-prefix").await?;
        // A stack that runs in several passes asks in each of them.
        if Live::of(base, &out).is_some() && !is_first_pass(context, base).await? {
            return Ok(base.clone());
        }
        let module = image::module(context, base, &self.modules).await?;
        let mut host = Imports::new(context, base.clone(), &out);
        let made = Instance::new(&module, limits(context), &mut host).await;
        let instance = made.map_err(|trap| match call::ours(trap) {
            Ok(error) => error,
            Err(trap) => CallError::Raised(format!("wasm_init_error: {trap}")),
        })?;
        let mut state = host.into_state().await?;
        Live::new(context, instance).enter(&mut state, &out);
        Ok(state)
    }

    /// The base with an instance, and without a snapshot.
    async fn normalized(&self, context: &Context, base: &Message) -> Result<Message, CallError> {
        let out = read::prefix(context, base, "output-prefix").await?;
        let mut state = base.clone();
        if Live::of(base, &out).is_none() {
            let saved = snapshot::saved(context, base).await?;
            let module = image::module(context, base, &self.modules).await?;
            snapshot::restored(context, module, saved).await?.enter(&mut state, &out);
        }
        state.remove("snapshot");
        Ok(state)
    }
}

async fn terminated(context: &Context, base: &Message) -> Result<Message, CallError> {
    let out = read::prefix(context, base, "output-prefix").await?;
    let mut state = base.clone();
    state.remove_handle(&Live::key(&out));
    Ok(state)
}

/// What a guest of this node may use.
fn limits(context: &Context) -> Limits {
    let GuestLimits { fuel, slice, memory_bytes } = context.guest_limits();
    Limits { fuel, slice, memory_bytes, ..Limits::default() }
}

/// Whether a stack is in its first pass, or there is none.
async fn is_first_pass(context: &Context, base: &Message) -> Result<bool, CallError> {
    let pass = read::integer(context, base, "pass").await?;
    Ok(pass.is_none_or(|pass| pass == 1.into()))
}

/// The values of a list, which may have come as a map numbered from 1, with all that they link.
async fn items(context: &Context, list: Value, what: &str) -> Result<Vec<Value>, CallError> {
    let list = oxbeam_protocol::List::try_from(context.load_all(list).await?);
    let list = list.map_err(|_| CallError::Raised(format!("{what} is no list")))?;
    Ok(list.to_vec())
}
