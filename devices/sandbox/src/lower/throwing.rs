//! Which functions may throw, and which indirect calls may.

use std::collections::HashMap;

use wasmparser::FuncType;

use super::survey::Survey;

/// The answer for every function and every type of the module.
#[derive(Debug)]
pub(super) struct Throwing {
    functions: Vec<bool>,
    types: Vec<bool>,
}

impl Throwing {
    /// A function may throw if it throws, or calls one that may; an indirect call may reach every
    /// function of its type whose reference the module takes.
    ///
    /// A call inside a `catch_all` counts too: that errs on the safe side.
    pub(super) fn of(survey: &Survey<'_>) -> Self {
        Graph::of(survey).spread(survey)
    }

    /// Whether the function `index` may throw. Imported ones may not.
    pub(super) fn function(&self, index: u32) -> bool {
        self.functions.get(index as usize).copied().unwrap_or_default()
    }

    /// Whether an indirect call through the type `index` may throw.
    pub(super) fn indirect(&self, index: u32) -> bool {
        self.types.get(index as usize).copied().unwrap_or_default()
    }
}

/// Who calls whom, from the callee's side. Nodes are functions, then types.
struct Graph {
    /// For each type, the first one that is equal to it: calls compare types by structure.
    canonical: Vec<u32>,
    /// Pairs of callee and caller, sorted.
    callers: Vec<(usize, usize)>,
}

impl Graph {
    fn of(survey: &Survey<'_>) -> Self {
        let canonical = canonical(&survey.types);
        let functions = survey.functions.len();
        let node = |ty: u32| canonical.get(ty as usize).map(|ty| functions + *ty as usize);
        let mut callers = Vec::new();
        for (body, caller) in survey.bodies.iter().zip(survey.imported_functions as usize..) {
            callers.extend(body.facts.calls.iter().map(|callee| (*callee as usize, caller)));
            let indirect = body.facts.indirect.iter().filter_map(|ty| node(*ty));
            callers.extend(indirect.map(|callee| (callee, caller)));
        }
        for function in &survey.referenced {
            let ty = survey.functions.get(*function as usize).and_then(|ty| node(*ty));
            callers.extend(ty.map(|ty| (*function as usize, ty)));
        }
        callers.sort_unstable();
        callers.dedup();
        Self { canonical, callers }
    }

    /// Marks everything from which a throw can be reached.
    fn spread(&self, survey: &Survey<'_>) -> Throwing {
        let functions = survey.functions.len();
        let mut marked = vec![false; functions + survey.types.len()];
        let own = survey.bodies.iter().zip(survey.imported_functions as usize..);
        let mut pending: Vec<usize> =
            own.filter(|(body, _)| body.facts.throws).map(|(_, index)| index).collect();
        while let Some(callee) = pending.pop() {
            let Some(mark) = marked.get_mut(callee) else { continue };
            if std::mem::replace(mark, true) {
                continue;
            }
            let first = self.callers.partition_point(|(node, _)| *node < callee);
            let callers = self.callers.iter().skip(first).take_while(|(node, _)| *node == callee);
            pending.extend(callers.map(|(_, caller)| *caller));
        }
        let reached = marked.split_off(functions);
        let of_type = |ty: &u32| reached.get(*ty as usize).copied().unwrap_or_default();
        Throwing { functions: marked, types: self.canonical.iter().map(of_type).collect() }
    }
}

fn canonical(types: &[FuncType]) -> Vec<u32> {
    let mut first = HashMap::new();
    types.iter().zip(0..).map(|(ty, index)| *first.entry(ty).or_insert(index)).collect()
}
