-- Integers and floats.
assert(math.type(1) == 'integer' and math.type(1.0) == 'float' and math.type('1') == nil)
assert(1 == 1.0 and 2^53 == 9007199254740992 and '1' ~= 1)
assert(7 // 2 == 3 and -7 // 2 == -4 and 7 // -2 == -4 and 7.0 // 2 == 3.0)
assert(7 % 3 == 1 and -7 % 3 == 2 and 7 % -3 == -2 and -7 % -3 == -1 and 5.5 % 2 == 1.5 and -5.5 % 2 == 0.5)
assert(7 / 2 == 3.5 and math.type(4 / 2) == 'float' and 2 ^ 3 == 8.0 and math.type(2 ^ 2) == 'float')
assert(math.maxinteger + 1 == math.mininteger and math.mininteger - 1 == math.maxinteger)
assert(math.maxinteger * 2 == -2 and -math.mininteger == math.mininteger)
assert(math.mininteger // -1 == math.mininteger and math.mininteger % -1 == 0)
assert(5 & 3 == 1 and 5 | 3 == 7 and 5 ~ 3 == 6 and ~0 == -1 and 1 << 62 == 4611686018427387904)
assert(1 << 63 == math.mininteger and 1 << 64 == 0 and -1 >> 63 == 1 and 1 << -1 == 0 and 2 >> -1 == 4)
assert(3.0 & 1 == 1 and not pcall(function() return 1.5 & 1 end) and not pcall(function() return 2^63 | 0 end))
assert(0xff == 255 and 0xA.8p0 == 10.5 and 0x.1p4 == 1.0 and 1e2 == 100.0 and .5 == 0.5 and 3. == 3.0)
assert(0xffffffffffffffff == -1 and 9223372036854775807 == math.maxinteger)
assert(math.type(9223372036854775808) == 'float')
assert(math.floor(3.7) == 3 and math.ceil(3.2) == 4 and math.floor(-3.7) == -4 and math.type(math.floor(3.7)) == 'integer')
assert(math.abs(-5) == 5 and math.abs(-5.5) == 5.5 and math.max(1, 2.5) == 2.5 and math.min(3, 1, 2) == 1)
assert(math.fmod(7, 3) == 1 and math.fmod(-7, 3) == -1 and math.fmod(5.5, 2) == 1.5)
local i, f = math.modf(3.7)
assert(i == 3 and math.abs(f - 0.7) < 1e-12)
assert(math.tointeger(3.0) == 3 and math.tointeger(3.5) == nil and math.ult(1, -1))
assert(math.sqrt(16) == 4.0 and math.abs(math.sin(math.pi)) < 1e-15 and math.exp(0) == 1.0 and math.log(8, 2) == 3.0)
assert(math.pow(2, 10) == 1024.0 and math.log10(1000) == 3.0 and math.ldexp(1, 4) == 16.0)
assert(1 < 1.5 and 1 <= 1.0 and -1 < 0.0 and math.maxinteger < 2^63 and math.mininteger <= -2^63)
assert(math.maxinteger + 0.0 == 2^63 and math.maxinteger ~= 2^63)
local sum = 0
for x = 1, 3 do sum = sum + x end
for x = 3, 1, -1 do sum = sum + x end
for x = 1.0, 2, 0.5 do sum = sum + x end
assert(sum == 16.5)
for _ = 1, 0 do error('no turn') end
assert(not pcall(function() for _ = 'a', 2 do end end))
assert(tostring(3) == '3' and tostring(3.0) == '3.0' and tostring(-0.0) == '-0.0' and 1e15 // 1 == 1e15)
assert(2^31 | 0 == 2147483648 and 10 // 0.3 == 33.0)
assert(0x7fffffffffffffff + 0 == math.maxinteger and tostring(math.mininteger) == '-9223372036854775808')
local t = {[1.0] = 'a', [2^53] = 'b'}
assert(t[1] == 'a' and t[2^53 | 0] == 'b' and next({[3.0] = 1}) == 3)
assert(string.format('%d', 3.0) == '3' and not pcall(string.format, '%d', 3.5))
assert(bit32.band(0xff, 0x0f) == 15 and bit32.lshift(1, 31) == 2147483648 and bit32.bnot(0) == 4294967295)
for _ = 1, 1000 do
  local r = math.random(1, 6)
  assert(r >= 1 and r <= 6 and math.type(r) == 'integer')
  local u = math.random()
  assert(u >= 0 and u < 1)
end
math.randomseed(42) local r1 = math.random(1000000)
math.randomseed(42) assert(r1 == math.random(1000000))
assert(not pcall(math.random, 2, 1) and not pcall(math.random, 0))
