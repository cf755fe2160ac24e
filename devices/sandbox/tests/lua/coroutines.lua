-- Coroutines, also across protected calls and metamethods.
local coroutine = require 'coroutine'
local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
local sum = 0
for i in gen(100) do sum = sum + i end
assert(sum == 5050)

local co = coroutine.create(function(a, b)
  local c = coroutine.yield(a + b)
  local d, e = coroutine.yield(c * 2)
  return d + e, 'end'
end)
assert(coroutine.status(co) == 'suspended')
local ok, v = coroutine.resume(co, 1, 2)
assert(ok and v == 3)
ok, v = coroutine.resume(co, 10)
assert(ok and v == 20)
local w
ok, v, w = coroutine.resume(co, 3, 4)
assert(ok and v == 7 and w == 'end' and coroutine.status(co) == 'dead')
ok, v = coroutine.resume(co)
assert(not ok and v == 'cannot resume dead coroutine')

-- yield across pcall, nested
co = coroutine.wrap(function()
  local ok, err = pcall(function()
    coroutine.yield(1)
    local ok2, err2 = pcall(function() coroutine.yield(2) error('inner') end)
    assert(not ok2 and err2 == 'inner')
    coroutine.yield(3)
    error('outer')
  end)
  assert(not ok and err == 'outer')
  return 4
end)
for i = 1, 4 do assert(co() == i) end

-- errors inside
co = coroutine.create(function() error('x') end)
ok, v = coroutine.resume(co)
assert(not ok and v == 'x' and coroutine.status(co) == 'dead')
co = coroutine.create(function() error({code = 7}) end)
ok, v = coroutine.resume(co)
assert(not ok and type(v) == 'table' and v.code == 7)
assert(not pcall(coroutine.wrap(function() error('y') end)))

-- yield in metamethods and iterators
local mt = {__add = function(a, b) return coroutine.yield(a, b) end, __index = function(_, k) return coroutine.yield(k) end}
co = coroutine.wrap(function() local t = setmetatable({}, mt) return t + 1, t.key end)
assert(co() ~= nil)
assert(co('sum') == 'key')
local r1, r2 = co('value')
assert(r1 == 'sum' and r2 == 'value')
co = coroutine.wrap(function() for k in (function() return coroutine.yield('next') end) do return k end end)
assert(co() == 'next' and co('k') == 'k')

-- yield in table.sort is refused, and leaves everything working
co = coroutine.create(function() table.sort({3, 2, 1}, function(a, b) coroutine.yield() return a < b end) end)
ok, v = coroutine.resume(co)
assert(not ok and v:find('yield across', 1, true))

assert(coroutine.isyieldable() == false)
local main, ismain = coroutine.running()
assert(ismain and type(main) == 'thread')
assert(not pcall(coroutine.yield))

-- producer and consumer
local function producer() return coroutine.create(function() for i = 1, 3 do coroutine.yield('item' .. i) end return nil end) end
local function filter(p) return coroutine.create(function() while true do local _, x = coroutine.resume(p) if not x then return nil end coroutine.yield(x:upper()) end end) end
local f = filter(producer())
local all = {}
while true do local _, x = coroutine.resume(f) if not x then break end all[#all + 1] = x end
assert(table.concat(all, ',') == 'ITEM1,ITEM2,ITEM3')

-- many coroutines
local many = {}
for i = 1, 500 do many[i] = coroutine.wrap(function() local n = i while true do n = n + coroutine.yield(n) end end) end
for i = 1, 500 do assert(many[i]() == i) end
for i = 1, 500 do assert(many[i](1) == i + 1) end

-- a coroutine that resumes itself or its parent
co = coroutine.create(function() return coroutine.resume(co) end)
ok, v, w = coroutine.resume(co)
assert(ok and v == false and w == 'cannot resume non-suspended coroutine')

-- nested too deep: an error, not a crash
local function deep(n) return coroutine.wrap(function() return deep(n + 1) end)() end
assert(not pcall(deep, 1))
