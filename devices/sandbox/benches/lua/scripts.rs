//! What the benches run, in the guest and in Debian's Lua.

use std::process::{Command, Stdio};
use std::time::Duration;

/// Name, and a chunk that defines `run`.
pub(crate) const SCRIPTS: [(&str, &str); 3] = [
    (
        "fib(27)",
        "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
        function run() return fib(27) end",
    ),
    (
        "300 000 table writes",
        "function run()
            local t = {}
            for i = 1, 300000 do t[i] = i end
            return #t
        end",
    ),
    (
        "50 000 numbers as text",
        "function run()
            local t = {}
            for i = 1, 50000 do t[i] = tostring(i) .. ':' .. tostring(i + 0.25) end
            return #table.concat(t, ',')
        end",
    ),
];

/// One balance of many changes in each slot.
pub(crate) const PROCESS: &str = "
function fill(n)
    local balances = {}
    for i = 1, n do balances['holder-' .. i] = i end
    return 'ok', {balances = balances}
end
function credit(base, request)
    local balances = base.balances
    balances['holder-7'] = (balances['holder-7'] or 0) + 1
    return 'ok', base
end";

/// Time of so many calls of `run` in Debian's Lua, without its start; `None` where there is none.
pub(crate) fn native(source: &str, times: u64) -> Option<Duration> {
    let timed = format!(
        "{source} local at = os.clock() for _ = 1, {times} do run() end print(os.clock() - at)"
    );
    let output = Command::new("lua5.3").args(["-e", &timed]).stderr(Stdio::null()).output().ok()?;
    let seconds = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs_f64(seconds))
}
