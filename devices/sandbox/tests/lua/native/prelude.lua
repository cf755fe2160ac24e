-- Makes native Lua differ from PUC Lua as the guest does, for what generated programs use. Written
-- from spec 14, section 9, not from the guest's own sources.

local native = {error = error, pcall = pcall, tonumber = tonumber, tostring = tostring, select = select}

-- The shortest digits that read back, in the shorter of both notations.
local function float(n)
  if n == 0 then return 1 / n < 0 and '-0.0' or '0.0' end
  if n < 0 then return '-' .. float(-n) end
  local digits, exponent
  for precision = 0, 16 do
    local text = string.format('%.' .. precision .. 'e', n)
    digits, exponent = text:match('^([%d.]+)e([+-]%d+)$')
    if native.tonumber(text) == n then break end
  end
  digits = digits:gsub('%.', ''):gsub('0+$', '')
  exponent = math.tointeger(native.tonumber((exponent:gsub('^%+', ''))))
  local count = #digits
  local scientific = digits:sub(1, 1) .. '.' .. (count > 1 and digits:sub(2) or '0') .. 'e' .. exponent
  local plain
  if exponent < 0 then plain = '0.' .. ('0'):rep(-exponent - 1) .. digits
  elseif count <= exponent + 1 then plain = digits .. ('0'):rep(exponent + 1 - count) .. '.0'
  else plain = digits:sub(1, exponent + 1) .. '.' .. digits:sub(exponent + 2) end
  if n >= 2 ^ 53 then return scientific end
  return #plain <= #scientific and plain or scientific
end

function tostring(v)
  if math.type(v) == 'float' then return float(v) end
  return native.tostring(v)
end

function tonumber(v, base)
  if type(v) == 'number' then return v end
  local n
  if base then n = native.tonumber(v, base) else n = native.tonumber(v) end
  -- Not by adding zero, which takes the sign from -0.0.
  return n and n * 1.0
end

function select(n, ...)
  if n == '#' then return native.select(n, ...) + 0.0 end
  return native.select(n, ...)
end

function error(message) native.error(message, 0) end

local function caught(ok, first, ...)
  if not ok and type(first) == 'table' then return ok, tostring(first) end
  return ok, first, ...
end

function pcall(...) return caught(native.pcall(...)) end

local function rank(key)
  if type(key) == 'number' then return math.type(key) == 'integer' and key > 0 and 0 or 1 end
  if type(key) == 'boolean' then return key and 3 or 2 end
  return 4
end

local function before(a, b)
  if rank(a) ~= rank(b) then return rank(a) < rank(b) end
  return rank(a) ~= 2 and rank(a) ~= 3 and a < b
end

function pairs(t)
  local keys = {}
  for key in next, t do keys[#keys + 1] = key end
  table.sort(keys, before)
  local at = 0
  return function()
    repeat at = at + 1 until keys[at] == nil or t[keys[at]] ~= nil
    return keys[at], t[keys[at]]
  end
end
