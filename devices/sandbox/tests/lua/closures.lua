-- Closures, upvalues, varargs and tail calls.
local function counter()
  local n = 0
  return function() n = n + 1 return n end, function() return n end
end
local inc, get = counter()
inc() inc()
assert(get() == 2)
local inc2, get2 = counter()
assert(inc2() == 1 and get() == 2 and get2() == 1)

-- each turn of a loop has its own variable
local fs = {}
for i = 1, 5 do fs[i] = function() i = i + 1 return i end end
assert(fs[1]() == 2 and fs[1]() == 3 and fs[2]() == 3)
local k = 1
local gs = {}
while k <= 3 do local j = k gs[k] = function() return j end k = k + 1 end
assert(gs[1]() == 1 and gs[3]() == 3)

-- shared upvalues
local set, read
do local shared = 1 set = function(v) shared = v end read = function() return shared end end
set(42)
assert(read() == 42)

-- varargs
local function pack2(...) return select('#', ...), {...} end
local n, t = pack2(nil, nil, 3, nil)
assert(n == 4 and t[3] == 3)
assert(select(-1, 1, 2, 3) == 3)
assert((function(...) return ... end)(1, 2) == 1)
assert(table.pack((function(...) return ... end)(1, 2, nil)).n == 3)
assert(#{(function() return 1, 2, 3 end)(), 10} == 2)
local function va(a, ...) local b, c = ... return a, b, c end
local a, b, c = va(1, 2)
assert(a == 1 and b == 2 and c == nil)

-- tail calls do not use the stack
local function loop(i) if i == 0 then return 'end' end return loop(i - 1) end
assert(loop(100000) == 'end')

-- recursion through upvalues
local function fact(i) return i == 0 and 1 or i * fact(i - 1) end
assert(fact(20) == 2432902008176640000)
local Y = function(f) return (function(x) return x(x) end)(function(x) return f(function(...) return x(x)(...) end) end) end
assert(Y(function(self) return function(i) return i < 2 and i or self(i - 1) + self(i - 2) end end)(15) == 610)

-- load makes functions, with their own environment
local f = assert(load('x = (x or 0) + 1 return x', 'chunk', 't', {x = 41}))
assert(f() == 42 and f() == 43 and x == nil)
local bad, message = load('return +')
assert(bad == nil and message:find('unexpected symbol', 1, true))
local parts = {'return ', '1 +', ' 2', nil}
local at = 0
assert(load(function() at = at + 1 return parts[at] end)() == 3)
assert(load('\27Lua') == nil, 'compiled chunks are refused')
local dumped = string.dump(function() end)
assert(load(dumped) == nil)
local env = setmetatable({}, {__index = _G})
local g = load('y = 5 return type(print), y', 'e', 't', env)
assert(select(2, g()) == 5 and y == nil and env.y == 5)
