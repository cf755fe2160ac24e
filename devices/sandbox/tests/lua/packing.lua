-- string.pack, string.unpack, string.packsize.
local pack, unpack, size = string.pack, string.unpack, string.packsize
assert(pack('<i4', 1) == '\1\0\0\0' and pack('>i4', 1) == '\0\0\0\1' and pack('<I2', 65535) == '\xff\xff')
for n = 1, 16 do
  for _, v in ipairs {0, 1, -1, 100, -100} do
    for _, e in ipairs {'<', '>', '='} do
      local s = pack(e .. 'i' .. n, v)
      assert(#s == n and unpack(e .. 'i' .. n, s) == v)
    end
  end
end
assert(unpack('<i8', pack('<i8', math.mininteger)) == math.mininteger and unpack('<j', pack('<j', math.maxinteger)) == math.maxinteger)
assert(not pcall(pack, 'i1', 128) and not pcall(pack, 'I1', 256) and not pcall(pack, 'i17', 1) and not pcall(pack, 'i0', 1))
assert(unpack('<d', pack('<d', 1.5)) == 1.5 and unpack('<f', pack('<f', 0.25)) == 0.25 and unpack('>n', pack('>n', -1e300)) == -1e300)
assert(pack('z', 'hello') == 'hello\0' and unpack('z', 'hello\0rest') == 'hello' and not pcall(pack, 'z', 'a\0b'))
assert(pack('<s2', 'abc') == '\3\0abc' and unpack('<s2', '\3\0abc') == 'abc' and not pcall(unpack, 's1', '\5abc'))
assert(pack('c5', 'ab') == 'ab\0\0\0' and unpack('c2', 'abc') == 'ab' and not pcall(pack, 'c1', 'ab'))
assert(size('<i4i4') == 8 and size('<!4 i1 i4') == 8 and size('b') == 1 and size('h') == 2 and size('j') == 8 and not pcall(size, 's') and not pcall(size, 'z'))
assert(pack('<!4 i1 i4', 1, 2) == '\1\0\0\0\2\0\0\0' and pack('<i1 x i1', 1, 2) == '\1\0\2' and pack('<!8 b Xi8 i8', 1, 2):len() == 16)
local a, b, c, at = unpack('<i1 i2 z', pack('<i1 i2 z', 1, 2, 'three'))
assert(a == 1 and b == 2 and c == 'three' and at == 10)
assert(unpack('b', 'abc', 2) == 98 and unpack('b', 'abc', -1) == 99 and not pcall(unpack, 'i4', 'abc'))
assert(select('#', unpack('', 'abc')) == 1 and not pcall(pack, 'y', 1) and not pcall(pack, 'i4'))
