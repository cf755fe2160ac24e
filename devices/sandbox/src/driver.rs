//! Runs calls: one loop over the calls that are suspended in one another.
//!
//! The entry call and the body of every `rt.try` and `invoke_*` are resumable calls of their own,
//! each with its own stack, so that unwinding is dropping. A running call ends in one of four ways:
//!
//! | It | Then |
//! |---|---|
//! | returned | the caller under it resumes, or the whole call is done |
//! | used up its slice | the thread is given away; then it goes on |
//! | asked for something | a protected call starts above it, or calls are dropped, or the host answers |
//! | trapped | all calls are dropped |

use wasmi::{Func, FuncType, ResumableCall, ResumableCallHostTrap, ResumableCallOutOfFuel};

use crate::limits::{HOST_CALL_FUEL, HOST_DEPTH};
use crate::module::{Action, Module};
use crate::trap::Cause;
use crate::{Fault, Guest, Host, Import, Trap, Val};

mod core;
mod memory;
mod meter;
mod request;

pub(crate) use core::Core;
use request::Request;

/// A call that waits for an answer.
enum Waiting {
    /// In the middle of the guest.
    Inside(ResumableCallHostTrap),
    /// It called an import as the last thing it did: the answer is its result.
    Tail,
}

/// What a suspended call waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaits {
    /// The end of a protected call: 0, or 1 for a throw.
    Try,
    /// The result of a protected call, or zero for a throw.
    Invoke,
    /// The end of `setThrew`, after which it resumes with zero.
    SetThrew,
}

/// A call suspended under another.
struct Suspended {
    waiting: Waiting,
    awaits: Awaits,
    import: usize,
    /// Where its results go; as long as its function has results.
    outputs: Vec<wasmi::Val>,
    stack_pointer: Option<wasmi::Val>,
}

impl Suspended {
    fn protects(&self) -> bool {
        self.awaits != Awaits::SetThrew
    }
}

/// What a running call came to.
enum Step {
    Returned,
    Refill(ResumableCallOutOfFuel),
    Asked(Waiting, Request),
}

/// What to do with the call that asked.
enum Next {
    /// Resume it with an answer.
    Resume(Waiting, Vec<wasmi::Val>),
    /// It is suspended now; this one starts.
    Start(Func, Vec<wasmi::Val>),
}

/// One run: the call in progress and those under it.
struct Run<'a> {
    core: &'a mut Core,
    suspended: Vec<Suspended>,
    outputs: Vec<wasmi::Val>,
}

impl Core {
    /// Runs a function to its end.
    pub(crate) async fn run(
        &mut self,
        function: Func,
        arguments: Vec<wasmi::Val>,
        host: &mut dyn Host,
    ) -> Result<Vec<wasmi::Val>, Trap> {
        let before = self.suspended;
        let run = Run { core: self, suspended: Vec::new(), outputs: Vec::new() };
        let result = run.finish(function, arguments, host).await;
        self.suspended = before;
        result
    }
}

impl Run<'_> {
    async fn finish(
        mut self,
        function: Func,
        arguments: Vec<wasmi::Val>,
        host: &mut dyn Host,
    ) -> Result<Vec<wasmi::Val>, Trap> {
        let mut step = self.start(function, &arguments)?;
        loop {
            step = match step {
                Step::Returned => match self.suspended.pop() {
                    None => return Ok(self.outputs),
                    Some(caller) if caller.protects() && self.core.take_thrown() => {
                        // An exception of WebAssembly's own: to a protected call, as any throw.
                        self.suspended.push(caller);
                        self.catch()?
                    }
                    Some(caller) => self.answer(caller)?,
                },
                Step::Refill(call) => {
                    self.core.refill(call.required_fuel()).await?;
                    let ended = call.resume(&mut self.core.store, &mut self.outputs);
                    self.step(ended)?
                }
                Step::Asked(waiting, request) => match self.serve(waiting, request, host).await? {
                    Next::Resume(waiting, values) => self.resume(waiting, &values)?,
                    Next::Start(function, arguments) => self.start(function, &arguments)?,
                },
            };
        }
    }

    fn go(&mut self, next: Next) -> Result<Step, Trap> {
        match next {
            Next::Resume(waiting, values) => self.resume(waiting, &values),
            Next::Start(function, arguments) => self.start(function, &arguments),
        }
    }

    fn catch(&mut self) -> Result<Step, Trap> {
        let next = self.throw()?;
        self.go(next)
    }

    fn start(&mut self, function: Func, arguments: &[wasmi::Val]) -> Result<Step, Trap> {
        self.outputs = zeros(&function.ty(&self.core.store));
        let ended = function.call_resumable(&mut self.core.store, arguments, &mut self.outputs);
        self.step(ended)
    }

    fn resume(&mut self, waiting: Waiting, values: &[wasmi::Val]) -> Result<Step, Trap> {
        match waiting {
            Waiting::Inside(call) => {
                let ended = call.resume(&mut self.core.store, values, &mut self.outputs);
                self.step(ended)
            }
            Waiting::Tail => {
                values.clone_into(&mut self.outputs);
                Ok(Step::Returned)
            }
        }
    }

    fn step(&mut self, ended: Result<ResumableCall, wasmi::Error>) -> Result<Step, Trap> {
        match ended {
            Ok(ResumableCall::Finished) => Ok(Step::Returned),
            Ok(ResumableCall::OutOfFuel(call)) => Ok(Step::Refill(call)),
            Ok(ResumableCall::HostTrap(call)) => {
                match call.host_error().downcast_ref::<Request>() {
                    Some(request) => {
                        let request = request.clone();
                        Ok(Step::Asked(Waiting::Inside(call), request))
                    }
                    None => Err(self.core.trap(call.host_error().into())),
                }
            }
            Err(error) => match error.downcast_ref::<Request>() {
                Some(request) => Ok(Step::Asked(Waiting::Tail, request.clone())),
                None => Err(self.core.trap((&error).into())),
            },
        }
    }

    /// The call above `caller` returned: it goes on with the answer it waits for.
    fn answer(&mut self, caller: Suspended) -> Result<Step, Trap> {
        let returned = std::mem::replace(&mut self.outputs, caller.outputs);
        self.core.suspended -= 1;
        match caller.awaits {
            Awaits::Try => self.resume(caller.waiting, &[wasmi::Val::I32(0)]),
            Awaits::Invoke => self.resume(caller.waiting, &returned),
            Awaits::SetThrew => {
                let zeros = self.core.zero_results(caller.import);
                self.resume(caller.waiting, &zeros)
            }
        }
    }

    async fn serve(
        &mut self,
        waiting: Waiting,
        request: Request,
        host: &mut dyn Host,
    ) -> Result<Next, Trap> {
        self.core.charge(HOST_CALL_FUEL)?;
        let module = self.core.module.clone();
        let Some((import, action)) = module.action(request.import) else {
            return Err(Trap::Engine { reason: "call to an import that is not there".to_owned() });
        };
        match action {
            Action::Host => {
                let values = self.core.ask(&module, import, &request.arguments, host).await?;
                Ok(Next::Resume(waiting, values))
            }
            Action::Try => self.protect(waiting, request, Awaits::Try, &[]),
            Action::Invoke => {
                let results = &import.signature.results;
                self.protect(waiting, request, Awaits::Invoke, results)
            }
            Action::Throw => self.throw(),
            Action::Copy => {
                self.core.copy(&request.arguments).await?;
                Ok(Next::Resume(waiting, Vec::new()))
            }
            Action::Grow => {
                let grown = self.core.grow(&request.arguments).await?;
                Ok(Next::Resume(waiting, vec![wasmi::Val::I32(grown.into())]))
            }
        }
    }

    /// Suspends a call and starts the function that it points to.
    fn protect(
        &mut self,
        waiting: Waiting,
        request: Request,
        awaits: Awaits,
        results: &[crate::ValType],
    ) -> Result<Next, Trap> {
        let Some((pointer, arguments)) = request.arguments.split_first() else {
            return Err(Trap::Engine { reason: "protected call of nothing".to_owned() });
        };
        let function = self.core.pointee(pointer)?;
        if !self.core.takes(&function, arguments, results) {
            return Err(self.core.trap(Cause::Fault(Fault::IndirectCallTypeMismatch)));
        }
        let stack_pointer = self.core.stack_pointer();
        self.suspend(Suspended {
            waiting,
            awaits,
            import: request.import,
            outputs: Vec::new(),
            stack_pointer,
        })?;
        Ok(Next::Start(function, arguments.to_vec()))
    }

    fn suspend(&mut self, mut call: Suspended) -> Result<(), Trap> {
        if self.core.suspended >= self.core.limits.suspended_calls {
            return Err(self.core.trap(Cause::StackOverflow));
        }
        self.core.suspended += 1;
        call.outputs = std::mem::take(&mut self.outputs);
        self.suspended.push(call);
        Ok(())
    }

    /// Drops calls down to the innermost that protects itself, and lets that one go on.
    fn throw(&mut self) -> Result<Next, Trap> {
        while let Some(caller) = self.suspended.pop() {
            self.core.suspended -= 1;
            if !caller.protects() {
                continue;
            }
            self.core.set_stack_pointer(caller.stack_pointer.clone());
            self.outputs = caller.outputs;
            if caller.awaits == Awaits::Try {
                return Ok(Next::Resume(caller.waiting, vec![wasmi::Val::I32(1)]));
            }
            return self.mark_thrown(caller.waiting, caller.import);
        }
        Err(Trap::UncaughtThrow { function: self.core.entry.clone() })
    }

    /// Tells the guest that its `invoke_*` threw, where it has a way to be told.
    fn mark_thrown(&mut self, waiting: Waiting, import: usize) -> Result<Next, Trap> {
        let Some((function, arguments)) = self.core.set_threw() else {
            return Ok(Next::Resume(waiting, self.core.zero_results(import)));
        };
        self.suspend(Suspended {
            waiting,
            awaits: Awaits::SetThrew,
            import,
            outputs: Vec::new(),
            stack_pointer: None,
        })?;
        Ok(Next::Start(function, arguments))
    }
}

impl Core {
    /// Lets the host answer an import.
    async fn ask(
        &mut self,
        module: &Module,
        import: &Import,
        arguments: &[wasmi::Val],
        host: &mut dyn Host,
    ) -> Result<Vec<wasmi::Val>, Trap> {
        if self.host_depth >= HOST_DEPTH {
            return Err(Trap::HostDepth { limit: HOST_DEPTH });
        }
        debug_assert_eq!(module.id(), self.module.id());
        let arguments: Vec<Val> = arguments.iter().filter_map(Val::from_wasmi).collect();
        self.host_depth += 1;
        let answer = host.call(import, &arguments, &mut Guest { core: self }).await;
        self.host_depth -= 1;
        match answer {
            Ok(values) => results(import, &values),
            Err(error) => Err(match error.downcast::<Trap>() {
                Ok(trap) => *trap,
                Err(source) => Trap::Host { import: import.label.clone(), source },
            }),
        }
    }

    /// Calls an export from within a host call, on the budget of the call that is open.
    pub(crate) async fn call_nested(
        &mut self,
        function: &str,
        arguments: &[Val],
        host: &mut dyn Host,
    ) -> Result<Vec<Val>, Trap> {
        let (function, arguments) = self.prepare(function, arguments)?;
        let outer = self.stack_pointer();
        let result = self.run(function, arguments, host).await;
        if result.is_err() {
            self.set_stack_pointer(outer);
            // An exception that was on its way would be the next call's, wherever fuel is counted.
            self.take_thrown();
        }
        Ok(result?.iter().filter_map(Val::from_wasmi).collect())
    }
}

/// The host's values as the import gives them: zeros for those that are missing.
fn results(import: &Import, values: &[Val]) -> Result<Vec<wasmi::Val>, Trap> {
    let types = &import.signature.results;
    let given = values.iter().map(Some).chain(std::iter::repeat(None));
    types
        .iter()
        .zip(given)
        .map(|(ty, value)| value.copied().or_else(|| Val::zero(*ty)).filter(|it| it.ty() == *ty))
        .map(|value| value.map(Val::to_wasmi))
        .collect::<Option<_>>()
        .ok_or_else(|| Trap::WrongResults { import: import.label.clone() })
}

fn zeros(ty: &FuncType) -> Vec<wasmi::Val> {
    ty.results().iter().map(|ty| wasmi::Val::default_for_ty(*ty)).collect()
}
