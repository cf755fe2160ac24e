-- Pattern matching.
local function all(s, p) local r = {} for m in s:gmatch(p) do r[#r + 1] = m end return table.concat(r, ',') end
assert(('hello'):find('l') == 3 and ('hello'):find('l', 4) == 4 and ('hello'):find('xyz') == nil and ('hello'):find('') == 1 and ('hello'):find('', 10) == nil)
assert(('a.b'):find('.', 1, true) == 2 and ('a+b'):find('+', 1, true) == 2 and select(2, ('hello'):find('l+')) == 4)
assert(('key = value'):match('^(%w+)%s*=%s*(%w+)$') == 'key' and select(2, ('key = value'):match('^(%w+)%s*=%s*(%w+)$')) == 'value')
assert(('2024-02-29'):match('(%d+)-(%d+)-(%d+)') == '2024' and ('abc'):match('()b()') == 2 and ('abc'):match('b') == 'b')
assert(all('one two  three', '%a+') == 'one,two,three' and all('abc', '') == ',,,' and all('k1=v1,k2=v2', '(%w+)=') == 'k1,k2')
local pairs_ = {}
for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do pairs_[k] = v end
assert(pairs_.a == '1' and pairs_.b == '2')
assert(('hello world'):gsub('o', '0') == 'hell0 w0rld' and select(2, ('hello'):gsub('l', 'L')) == 2 and ('hello'):gsub('l', 'L', 1) == 'heLlo')
assert(('hello'):gsub('', '-') == '-h-e-l-l-o-' and ('abc'):gsub('%w', '%0%0') == 'aabbcc' and ('abc def'):gsub('(%w+) (%w+)', '%2 %1') == 'def abc')
assert(('$name is $age'):gsub('%$(%w+)', {name = 'Bob', age = 42}) == 'Bob is 42' and ('$x'):gsub('%$(%w+)', {}) == '$x')
assert(('abc'):gsub('%w', function(c) if c == 'b' then return nil end return c:upper() end) == 'AbC' and ('a'):gsub('a', '%%') == '%')
assert(not pcall(string.gsub, 'a', 'a', '%2') and not pcall(string.gsub, 'a', '%', '') and not pcall(string.find, 'a', '[a'))
assert(('f(a(b)c)d'):match('%b()') == '(a(b)c)' and ('THE (quick) fox'):find('%((%a+)%)') == 5 and ('hello'):match('.-l') == 'hel' and ('hello'):match('.*l') == 'hell')
assert(('[test]'):match('%[(.-)%]') == 'test' and ('x^2'):match('%^') == '^' and ('a-z'):match('[a%-z]+') == 'a-z' and ('05'):match('^0*(%d)$') == '5')
assert(('aXb'):match('%u') == 'X' and ('a1'):match('%D') == 'a' and (' \t'):match('^%s+$') and ('\xc3\xa9'):match('^[\xc0-\xff][\x80-\xbf]$') and ('a,b'):match('%p') == ',')
assert(('THE END'):match('%f[%a]%a+%f[%A]') == 'THE' and all('THE (quick) fox', '%f[%a]%a+') == 'THE,quick,fox' and ('a\0b'):match('%z') == '\0')
assert(('abcabc'):match('(abc)%1') == 'abc' and not ('abcabd'):match('^(abc)%1') and ('""'):match('(["\'])(.-)%1') == '"')
assert(('x'):match('x?x?x?$') == 'x' and ('aaa'):match('^a-$') == 'aaa' and ('aaab'):match('^a-b') == 'aaab' and ('abc'):match('^b') == nil)
assert(('[]]'):match('[]]') == ']' and ('^'):match('[%^]') == '^' and ('b'):match('[^a]') == 'b' and ('0x1F'):match('^0x(%x+)$') == '1F')
assert(('  trim  '):match('^%s*(.-)%s*$') == 'trim' and ('path/to/file.txt'):match('([^/]+)%.(%w+)$') == 'file')
assert(pcall(string.rep, 'x', 10) and not pcall(string.match, 'a', '%1'))
