-- ledger: adds up entries, has a witness count each of them, and counts seconds by a timer of its own.
--
-- The other half of the pair is ../witness, in WebAssembly.

local SECOND = 1000

local handlers = {}

--- Names the witness, and starts the timer. Only the first `Open` counts.
function handlers.Open(state, message, assignment, sends)
    if state.witness then
        error("open already", 0)
    end
    state.witness = message.witness
    handlers.Tick(state, { ["from-process"] = assignment.process }, assignment, sends)
    return "open, with " .. tostring(state.witness) .. " as witness"
end

--- Adds `quantity`, and tells the witness.
function handlers.Add(state, message, _, sends)
    local quantity = math.tointeger(tonumber(message.quantity))
    if not quantity then
        error("quantity must be an integer", 0)
    end
    state.total = state.total + quantity
    state.entries = state.entries + 1
    if state.witness then
        sends[#sends + 1] = { target = state.witness, action = "Witness" }
    end
    return "the total is " .. state.total
end

--- The witness has seen an entry. Who else says so is nobody: `from-process` comes from a node.
function handlers.Seen(state, message)
    if message["from-process"] ~= state.witness then
        error("only the witness says so", 0)
    end
    state.seen = state.seen + 1
    return state.seen .. " of " .. state.entries .. " entries seen"
end

--- A second has passed: the agent sends itself the next one, to be delivered when it is due.
function handlers.Tick(state, message, assignment, sends)
    if message["from-process"] ~= assignment.process then
        error("only the ledger itself says so", 0)
    end
    state.seconds = (state.seconds or -1) + 1
    local due = string.format("%d", assignment.timestamp + SECOND)
    sends[#sends + 1] = { target = assignment.process, action = "Tick", ["deliver-at"] = due }
end

--- Calls the handler of a message. One that fails changes nothing but `results.error`: an error that
--- leaves `compute` would end the agent for good.
function compute(state, assignment)
    local message, sends = assignment.body, {}
    state.total, state.entries, state.seen = state.total or 0, state.entries or 0, state.seen or 0
    state.results = {}
    local handler = handlers[message.action]
    if not handler then
        return state
    end
    local done, said = pcall(handler, state, message, assignment, sends)
    if done then
        state.results = { output = { data = said or "" }, outbox = sends }
    else
        state.results = { error = tostring(said) }
    end
    return state
end
