-- {{name}}: keeps a total, and tells those who watch it.
--
-- The node calls `compute` once for each message. What it returns is the state, which everybody can
-- read. Clocks and random numbers are the same wherever the agent is computed: they follow from
-- the message's place in the log.

local handlers = {}

--- Adds `quantity` to the total.
function handlers.Add(state, message, sends)
    local quantity = tonumber(message.quantity)
    if not quantity then
        error("quantity must be a number", 0)
    end
    state.total = state.total + math.floor(quantity)
    if state.watcher then
        sends[#sends + 1] = { target = state.watcher, action = "Notice", total = state.total }
    end
    return "the total is " .. state.total
end

--- From now on whoever is named by `watcher` is told of each change.
function handlers.Watch(state, message)
    state.watcher = message.watcher
    return "told: " .. tostring(state.watcher)
end

--- Calls the handler of a message. A handler that fails changes nothing but `results.error`: an
--- error that leaves `compute` would end the agent for good.
function compute(state, assignment)
    local message, sends = assignment.body, {}
    state.total = state.total or 0
    state.results = {}
    local handler = handlers[message.action]
    if not handler then
        return state
    end
    local done, said = pcall(handler, state, message, sends)
    if done then
        state.results = { output = { data = said }, outbox = sends }
    else
        state.results = { error = tostring(said) }
    end
    return state
end
