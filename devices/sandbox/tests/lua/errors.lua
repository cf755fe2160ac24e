-- Errors, protected calls and their limits.
assert(select(2, pcall(error, 'x')) == 'x' and select('#', pcall(error)) == 2 and select(2, pcall(error, nil)) == nil and select(2, pcall(error, 42)) == 42)
local ok, a, b = pcall(function(...) return ... end, 1, 2) assert(ok and a == 1 and b == 2)
assert(select(2, xpcall(function() error('m') end, function(m) return m .. '!' end)) == 'm!')
assert(select(2, xpcall(function(x) return x end, print, 7)) == 7)
local object = {code = 1} assert(select(2, xpcall(error, function(e) return e.code end, object)) == 1)
assert(type(select(2, xpcall(function() local x = nil; x() end, debug.traceback))) == 'string')
assert(select(2, pcall(assert, false)) == 'assertion failed!' and select(2, pcall(assert, nil, 'why')) == 'why' and select('#', assert(1, 2, 3)) == 3)
local depth = 0
local function nest(n) if n == 0 then error('bottom') end local ok, e = pcall(nest, n - 1) depth = depth + 1 error(e) end
assert(select(2, pcall(nest, 50)) == 'bottom' and depth == 50)
local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k] end
assert(not pcall(function() return t.x end))
assert(not pcall(string.rep, 'x', 1 << 40) and not pcall(string.rep, 'abc', math.maxinteger))
assert(load(('('):rep(300) .. '1' .. (')'):rep(300)) == nil)
assert(load('return ' .. ('{'):rep(300) .. ('}'):rep(300)) == nil)
assert(load('x = ' .. ('a.'):rep(5000) .. 'b'))
local many = {} for i = 1, 250 do many[i] = 'local a' .. i end assert(load(table.concat(many, '\n')) == nil)
for i = 1, 2000 do assert(not pcall(error, i)) end
local caught = 0
for _, f in ipairs {function() return nil + 1 end, function() return {} .. 'x' end, function() return (nil).x end, function() return #5 end, function() return 1 < 'x' end, function() return {} < {} end, function() undefined() end, function() return (('x').y).z end, function() return math.floor('x') end, function() return ('x'):rep({}) end, function() return 1 & 1.5 end, function() return 2^53 | 'x' end, function() string.nope() end, function() setmetatable(1, {}) end, function() return next({}, 'nope') == nil and error() end, function() rawset({}, nil, 1) end, function() for i = 1, 'x' do end end} do
  if not pcall(f) then caught = caught + 1 end
end
assert(caught == 17)
