-- Metatables and metamethods.
local V = {}
V.__index = V
local function new(x, y) return setmetatable({x = x, y = y}, V) end
V.__add = function(a, b) return new(a.x + b.x, a.y + b.y) end
V.__sub = function(a, b) return new(a.x - b.x, a.y - b.y) end
V.__mul = function(a, b) if type(a) == 'number' then return new(a * b.x, a * b.y) end return a.x * b.x + a.y * b.y end
V.__unm = function(a) return new(-a.x, -a.y) end
V.__eq = function(a, b) return a.x == b.x and a.y == b.y end
V.__lt = function(a, b) return a.x < b.x end
V.__le = function(a, b) return a.x <= b.x end
V.__len = function() return 2 end
V.__call = function(self, k) return self[k] end
V.__concat = function(a, b) return tostring(a) .. '|' .. tostring(b) end
V.__tostring = function(a) return '(' .. a.x .. ',' .. a.y .. ')' end
V.__idiv = function() return 'idiv' end
V.__mod = function() return 'mod' end
V.__div = function() return 'div' end
V.__pow = function() return 'pow' end
V.__band = function() return 'band' end
V.__bor = function() return 'bor' end
V.__bxor = function() return 'bxor' end
V.__shl = function() return 'shl' end
V.__shr = function() return 'shr' end
V.__bnot = function() return 'bnot' end
local a, b = new(1, 2), new(3, 4)
assert(tostring(a + b) == '(4,6)' and tostring(b - a) == '(2,2)')
assert(a * b == 11 and tostring(2 * a) == '(2,4)')
assert(tostring(-a) == '(-1,-2)' and a ~= b and a == new(1, 2))
assert(a < b and a <= b and not (a > b) and b >= a)
assert(#a == 2 and a('x') == 1)
assert(a .. b == '(1,2)|(3,4)' and a .. 's' == '(1,2)|s' and 's' .. a == 's|(1,2)')
assert(a // b == 'idiv' and a % b == 'mod' and a / b == 'div' and a ^ b == 'pow')
assert(a & b == 'band' and a | 1 == 'bor' and 1 ~ a == 'bxor' and a << 1 == 'shl' and a >> 1 == 'shr' and ~a == 'bnot')

-- __index and __newindex: functions, tables, chains, rawget and rawset
local log = {}
local p = setmetatable({}, {__index = function(_, k) return k .. '!' end, __newindex = function(t, k, v) log[#log + 1] = k rawset(t, k, v) end})
assert(p.foo == 'foo!' and rawget(p, 'foo') == nil)
p.foo = 1 p.foo = 2
assert(#log == 1 and p.foo == 2)
local base = {inherited = 'yes'}
local child = setmetatable({}, {__index = setmetatable({}, {__index = base})})
assert(child.inherited == 'yes')
local target = {}
local redirect = setmetatable({}, {__newindex = target})
redirect.x = 1
assert(rawget(redirect, 'x') == nil and target.x == 1)
local loop = {} setmetatable(loop, {__index = loop})
assert(not pcall(function() return loop.x end))

-- __pairs, __metatable, __len, __name
local ordered = setmetatable({}, {__pairs = function() return function(_, k) k = (k or 0) + 1 if k < 4 then return k, k * k end end, nil, nil end})
local squares = {}
for k, v in pairs(ordered) do squares[k] = v end
assert(#squares == 3 and squares[3] == 9)
local locked = setmetatable({}, {__metatable = 'locked'})
assert(getmetatable(locked) == 'locked' and not pcall(setmetatable, locked, {}))
assert(rawlen({1, 2}) == 2 and rawlen('abc') == 3 and rawequal(a, a) and not rawequal(a, new(1, 2)))
assert(getmetatable('').__index == string and ('x'):rep(3) == 'xxx')

-- metamethods are looked up raw, and errors in them go through
local e = setmetatable({}, {__index = function() error('in index') end})
local ok, message = pcall(function() return e.x end)
assert(not ok and message == 'in index')
assert(not pcall(function() return {} < {} end) and not pcall(function() return {} + 1 end))
assert(not pcall(function() return #nil end) and not pcall(function() return nil .. 'x' end))

-- weak tables give no errors
local weak = setmetatable({}, {__mode = 'k'})
weak[{}] = 1
collectgarbage()
weak.x = 1
assert(weak.x == 1)

-- inheritance
local Animal = {} Animal.__index = Animal
function Animal.new(name) return setmetatable({name = name}, Animal) end
function Animal:speak() return self.name .. ' speaks' end
local Dog = setmetatable({}, {__index = Animal}) Dog.__index = Dog
function Dog.new(name) return setmetatable(Animal.new(name), Dog) end
function Dog:speak() return Animal.speak(self) .. ' woof' end
assert(Dog.new('rex'):speak() == 'rex speaks woof')
