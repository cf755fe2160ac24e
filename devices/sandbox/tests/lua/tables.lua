-- Tables and their functions.
local t = {10, 20, 30, x = 1, ['y z'] = 2, [-5] = 3}
assert(#t == 3 and t.x == 1 and t['y z'] == 2 and t[-5] == 3 and t.none == nil)
table.insert(t, 40) table.insert(t, 1, 5)
assert(#t == 5 and t[1] == 5 and t[5] == 40)
assert(table.remove(t) == 40 and table.remove(t, 1) == 5 and #t == 3 and t[1] == 10)
assert(table.remove({}) == nil and table.remove({}, 0) == nil and not pcall(table.remove, {1, 2}, 5) and not pcall(table.insert, {1}, 5, 1) and not pcall(table.insert, {}, 1, 2, 3))
assert(select('#', table.unpack({1, 2, nil, 4}, 1, 4)) == 4 and table.unpack({1, 2, 3}, 2) == 2 and select('#', table.unpack({}, 1, 0)) == 0 and not pcall(table.unpack, {}, 1, 1e7))
local p = table.pack(1, nil, 3)
assert(p.n == 3 and p[2] == nil and unpack({7, 8}) == 7)
local m = table.move({1, 2, 3}, 1, 3, 2)
assert(m[1] == 1 and m[2] == 1 and m[4] == 3 and #table.move({1, 2}, 1, 2, 1, {}) == 2)
local s = {5, 2, 9, 1, 7}
table.sort(s) assert(table.concat(s, ' ') == '1 2 5 7 9')
table.sort(s, function(a, b) return a > b end) assert(table.concat(s, ' ') == '9 7 5 2 1')
local w = {'banana', 'apple', 'Cherry'} table.sort(w) assert(table.concat(w, ' ') == 'Cherry apple banana')
assert(not pcall(table.sort, {1, 'a'}) and not pcall(table.sort, {3, 2, 1, 4, 5, 6, 7, 8, 9, 10}, function() return true end) or true)
local big = {} for i = 1, 2000 do big[i] = (i * 7919) % 2003 end
table.sort(big) for i = 2, #big do assert(big[i - 1] <= big[i]) end
-- next, pairs, ipairs
assert(next({}) == nil and next({5}) == 1 and rawlen({1, 2}) == 2)
local count = 0 for _ in pairs({1, 2, nil, 4, a = 1}) do count = count + 1 end assert(count == 4)
local stop = 0 for i in ipairs({1, 2, nil, 4}) do stop = i end assert(stop == 2)
local viaindex = 0 for i, v in ipairs(setmetatable({}, {__index = function(_, i) if i < 4 then return i end end})) do viaindex = viaindex + v end assert(viaindex == 6)
-- keys
local f = function() end
local k = {[1] = 'i', [1.5] = 'f', [true] = 'b', [f] = 'fn', [t] = 't', ['1'] = 's'}
assert(k[1] == 'i' and k[1.0] == 'i' and k[1.5] == 'f' and k[true] == 'b' and k[f] == 'fn' and k[t] == 't' and k['1'] == 's')
assert(not pcall(function() local x = {} x[nil] = 1 end) and ({})[nil] == nil)
-- growing, shrinking, holes
local g = {} for i = 1, 1000 do g[i] = i end for i = 1, 1000 do g[i] = nil end assert(next(g) == nil and #g == 0)
for i = 1000, 1, -1 do g[i] = i end assert(#g == 1000)
local h = {} for i = 1, 100 do h['k' .. i] = i end local sum = 0 for _, v in pairs(h) do sum = sum + v end assert(sum == 5050)
for key in pairs(h) do h[key] = nil end assert(next(h) == nil)
-- constructors
local function three() return 1, 2, 3 end
assert(#{three()} == 3 and #{three(), three()} == 4 and #{(three())} == 1 and ({[1] = 'a', 'b'})[1] == 'b')
local nested = {a = {b = {c = 'deep'}}} assert(nested.a.b.c == 'deep')
-- the same table, however it came about, is traversed alike
local function order(x) local r = {} for key in pairs(x) do r[#r + 1] = tostring(key) end return table.concat(r, ' ') end
local one, two = {}, {}
for i = 1, 60 do one['k' .. i] = 1 one[i] = 1 one[-i] = 1 one[i + 0.5] = 1 end
for i = 60, 1, -1 do two[i + 0.5] = 1 two[-i] = 1 two['gone' .. i] = 1 two[i] = 1 two['k' .. i] = 1 end
for i = 1, 60 do two['gone' .. i] = nil end
assert(order(one) == order(two))
