-- Strings and their functions, but for patterns.
assert(#'' == 0 and #'a\0b' == 3 and 'a' < 'b' and 'a' < 'aa' and 'Z' < 'a' and '' < 'a' and 'a\0a' < 'a\0b')
assert('\65\066\x41\u{41}\z
        x' == 'ABAAx' and '\u{20ac}' == '\xe2\x82\xac' and [[
line]] == 'line' and [==[a]]b]==] == 'a]]b' and '\a\b\f\n\r\t\v\\\'\"' == "\7\8\12\10\13\9\11\92'\34")
assert(('hello'):sub(2, -2) == 'ell' and ('hello'):sub(-3) == 'llo' and ('hello'):sub(10) == '' and ('hello'):sub(0) == 'hello' and ('hello'):sub(3, 2) == '')
assert(('abc'):sub(math.mininteger, math.maxinteger) == 'abc')
assert(('abc'):upper() == 'ABC' and ('ABC'):lower() == 'abc' and ('abc'):reverse() == 'cba' and ('abc'):len() == 3)
assert(('ab'):rep(3) == 'ababab' and ('ab'):rep(3, ',') == 'ab,ab,ab' and ('x'):rep(0) == '' and ('x'):rep(-1) == '' and (''):rep(1000000) == '')
assert(('abc'):byte() == 97 and select('#', ('abc'):byte(1, -1)) == 3 and select('#', ('abc'):byte(10)) == 0 and string.char(97, 98) == 'ab' and string.char() == '')
assert(not pcall(string.char, 256) and not pcall(string.char, -1))
assert(string.format('%5d|%-5d|%05d|%+d', 42, 42, 42, 42) == '   42|42   |00042|+42')
assert(string.format('%s %q', 'a', 'b"\n\0') == 'a "b\\"\\\n\\0"')
assert(string.format('%x %X %o %c %i', 255, 255, 8, 65, 7) == 'ff FF 10 A 7')
assert(string.format('%.3f|%8.2f|%-8.2f|', 3.14159, 2.5, 2.5) == '3.142|    2.50|2.50    |')
assert(string.format('%10s|%-10s|%.2s', 'hi', 'hi', 'hello') == '        hi|hi        |he')
assert(string.format('%%') == '%' and string.format('%s', nil) == 'nil' and string.format('%s', true) == 'true')
assert(string.format('%a', 1.0) == '0x1p+0')
assert(string.format('%s', setmetatable({}, {__tostring = function() return 'custom' end})) == 'custom')
assert(not pcall(string.format, '%d', 'x') and not pcall(string.format, '%y', 1) and not pcall(string.format, '%d'))
assert(load('return ' .. string.format('%q', 1 / 3))() == 1 / 3 and string.format('%q', math.mininteger) == '0x8000000000000000')
assert('a' .. 1 .. 2.0 .. 'b' == 'a12.0b' and 1 .. '' == '1')
assert(table.concat({1, 2, 'x', 4.5}, '-') == '1-2-x-4.5' and table.concat({}) == '' and table.concat({1, 2, 3}, ',', 2, 3) == '2,3')
assert(not pcall(table.concat, {1, {}, 3}))
assert(tostring(nil) == 'nil' and tostring(true) == 'true' and tostring('x') == 'x')
assert(tonumber('  10  ') == 10 and tonumber('10a') == nil and tonumber('') == nil and tonumber('0x') == nil and tonumber('1e1') == 10.0)
assert(tonumber('ff', 16) == 255 and tonumber('zz', 36) == 1295 and tonumber('8', 8) == nil and tonumber('-ff', 16) == -255 and not pcall(tonumber, '1', 1))
assert(tonumber('0x1p4') == 16 and tonumber('1 2') == nil and tonumber({}) == nil and tonumber('inf') == nil and tonumber('nan') == nil)
-- utf8
assert(utf8.char(72, 228, 8364, 0x10FFFF) == 'H\u{e4}\u{20ac}\u{10FFFF}' and utf8.len('h\u{e4}\u{20ac}') == 3)
assert(utf8.codepoint('\u{20ac}') == 8364 and utf8.offset('a\u{e4}b', 3) == 4 and utf8.len('\xff') == nil)
local points = {}
for p, c in utf8.codes('a\u{e4}') do points[#points + 1] = p .. ':' .. c end
assert(table.concat(points, ' ') == '1:97 2:228' and ('x'):match(utf8.charpattern) == 'x')
-- long strings compare and hash by content
local a, b = ('x'):rep(1000), ('x'):rep(999) .. 'x'
assert(a == b and ({[a] = 1})[b] == 1 and a .. '' == b)
