-- Runs a generated program in an environment of its own, on either side, and answers with what it
-- showed. Numbers are shown to the bit, texts with escapes.

local function show(v)
  if math.type(v) == 'integer' then return string.format('%d', v) end
  if math.type(v) == 'float' then return string.format('%a', v) end
  if type(v) == 'string' then
    return '"' .. v:gsub('[^%g ]', function(c) return string.format('\\%d', c:byte()) end) .. '"'
  end
  if type(v) ~= 'table' then return v == nil and 'nil' or type(v) == 'boolean' and tostring(v) or type(v) end
  local parts = {}
  for k, w in pairs(v) do
    parts[#parts + 1] = show(k) .. '=' .. show(w)
    if #parts == 200 then break end
  end
  return '{' .. table.concat(parts, ' ') .. '}'
end

-- Divisors other than zero, and numbers that stay far from the ends of their range.
local function nonzero(n) return n == 0 and 3 or n end

local function tame(n)
  if math.type(n) == 'float' and (n > 1e12 or n < -1e12) then return math.fmod(n, 1000003.0) end
  return n
end

-- Texts of the runtime's own errors are not compared, those of scripts are.
local function caught(ok, first, ...)
  if ok then return true, first, ... end
  if type(first) == 'string' and first:sub(1, 2) == 'E:' then return false, first end
  return false, 'error'
end

function run(source)
  local lines = {}
  local env = {show = show, nonzero = nonzero, tame = tame, caught = caught}
  function env.out(...)
    local shown = table.pack(...)
    for i = 1, shown.n do shown[i] = show(shown[i]) end
    lines[#lines + 1] = table.concat(shown, ', ')
  end
  local chunk, message = load(source, '=program', 't', setmetatable(env, {__index = _G}))
  if not chunk then return 'does not compile: ' .. message end
  local ok, err = pcall(chunk)
  if not ok then lines[#lines + 1] = 'ended: ' .. tostring(select(2, caught(ok, err))) end
  return table.concat(lines, '\n')
end
