-- Handlers by action, balances in the state, an outbox, and code that its owner evaluates.

Handlers = { list = {} }
function Handlers.add(action, handle) Handlers.list[action] = handle end

local printed, outbox, state = {}, {}, {}
local reference = 0

function print(...)
  local words = {}
  for _, word in ipairs({ ... }) do words[#words + 1] = tostring(word) end
  printed[#printed + 1] = table.concat(words, "\t")
end

function Send(message)
  reference = reference + 1
  message.reference = string.format("%d", reference)
  outbox[#outbox + 1] = message
  return message
end

-- The one whose signature the message has.
local function signer(message)
  for _, commitment in pairs(message.commitments or {}) do
    if commitment.committer then return commitment.committer end
  end
end

local function amount(text)
  local number = tonumber(text)
  assert(number and number > 0 and number % 1 == 0, "quantity must be a positive integer")
  return number
end

local function text(number) return string.format("%d", number) end

local function change(account, by)
  local balance = (tonumber(state.balances[account]) or 0) + by
  if balance < 0 then error("insufficient balance") end
  state.balances[account] = text(balance)
end

Handlers.add("Mint", function(message)
  change(signer(message), amount(message.quantity))
end)

Handlers.add("Transfer", function(message)
  local quantity = amount(message.quantity)
  change(signer(message), -quantity)
  change(message.recipient, quantity)
  Send({ target = message.recipient, action = "Credit-Notice", quantity = text(quantity) })
end)

Handlers.add("Credit-Notice", function(message)
  local from = message["from-process"]
  state.credited[from] = message.quantity
  Send({ target = from, action = "Thanks" })
end)

Handlers.add("Thanks", function() state.thanks = (state.thanks or 0) + 1 end)

Handlers.add("Eval", function(message)
  local chunk, wrong = load("return " .. message.data, "eval")
  if not chunk then chunk, wrong = load(message.data, "eval") end
  if not chunk then error(wrong) end
  local value = chunk()
  if value ~= nil then print(value) end
end)

function compute(base, assignment)
  local message = assignment.body
  printed, outbox, state = {}, {}, base
  base.balances = base.balances or {}
  base.credited = base.credited or {}
  local handle = Handlers.list[message.action or ""]
  if message.type ~= "Process" then
    local fine, wrong = pcall(handle or function() error("no handler for " .. tostring(message.action)) end, message)
    if not fine then
      outbox = {}
      print("error: " .. tostring(wrong))
    end
  end
  local sent = {}
  for number, one in ipairs(outbox) do sent[text(number)] = one end
  base.results = { outbox = sent, output = { data = table.concat(printed, "\n"), prompt = "> " } }
  return base
end
