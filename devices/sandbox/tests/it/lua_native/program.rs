//! Programs from seeds: every one compiles, ends soon, and shows what it computes.

use std::fmt::Write;

/// The program of a seed.
pub(crate) fn of_seed(seed: u64) -> String {
    let mut writer = Writer { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, labels: 0 };
    // Seeds that lie close together start alike.
    (0..8).for_each(|_| _ = writer.next());
    let mut out = String::from(STATE);
    for _ in 0..8 + writer.below(12) {
        writer.statement(&mut out, 2);
    }
    out.push_str("out(i1, i2, i3, f1, f2, f3, s1, s2, t1, t2, m1)\n");
    out
}

/// The variables of every program, by type: integers, floats, texts, lists of integers, a map.
const STATE: &str = "local i1, i2, i3 = 7, -3, 1000003
local f1, f2, f3 = 0.5, -2.25, 1234.5
local s1, s2, s3 = 'alpha', 'x,y;z', ''
local t1, t2 = {5, 3, 9, 1}, {}
local m1 = {b = 1, a = 2, [10] = 3, [-1] = 4, [2.5] = 5, [true] = 6}
";

const PATTERNS: [&str; 16] = [
    "%a+",
    "%d+",
    ".-,",
    "^%w",
    "(%w)(%w)",
    "[aeiou]",
    "[^,;]+",
    "%s*$",
    "a?b*",
    "(l)(.)",
    "%p",
    "x.",
    "()%d()",
    "%f[%w]%w+",
    "%b()",
    "[%w_]-[,;]",
];

const FORMATS: [&str; 8] = ["%d", "%5d", "%-6d|", "%05d", "%+d", "%x", "%X", "%o"];

const LITERALS: [&str; 8] = [
    "'a'",
    "'hello world'",
    "'x=1, y=22'",
    "''",
    "'A-b_C'",
    "'10'",
    "'(n(e)sted)'",
    "'tab\\tnul\\0\\200end'",
];

/// A generator of random numbers (xorshift64) that writes Lua.
struct Writer {
    state: u64,
    labels: u32,
}

impl Writer {
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 11) % limit as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn integer(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.below(6) {
                0 => format!("{}", self.below(2000) as i64 - 1000),
                1 => format!("#{}", self.one(&["s1", "s2", "t1"])),
                2 => {
                    self.one(&["0", "1", "-1", "0x7f", "math.maxinteger", "math.mininteger"]).into()
                }
                _ => self.one(&["i1", "i2", "i3"]).into(),
            };
        }
        let (a, b) = (self.integer(depth - 1), self.integer(depth - 1));
        match self.below(12) {
            0..=3 => format!("({a} {} {b})", self.one(&["+", "-", "*", "&", "|", "~"])),
            4 => format!("({a} {} nonzero({b}))", self.one(&["//", "%"])),
            5 => format!("({a} {} {})", self.one(&["<<", ">>"]), self.below(70)),
            6 => format!("{}({a}, {b})", self.one(&["math.max", "math.min"])),
            7 => format!("({}{a})", self.one(&["- ", "~"])),
            8 => format!("#{}", self.text(depth - 1)),
            9 => format!("({} and {a} or {b})", self.truth(depth - 1)),
            10 => format!("(t1[{a}] or {b})"),
            _ => format!("math.floor(tame({}))", self.float(depth - 1)),
        }
    }

    fn float(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.below(4) {
                0 => format!("{}.{}", self.below(500), self.below(1000)),
                1 => self.one(&["1e3", "2.5e-3", "0x1.8p1", "-0.0", "1e-7", "3.0"]).into(),
                _ => self.one(&["f1", "f2", "f3"]).into(),
            };
        }
        let (a, b) = (self.float(depth - 1), self.float(depth - 1));
        match self.below(9) {
            0..=2 => format!("({a} {} {b})", self.one(&["+", "-", "*"])),
            3 => format!("({a} {} nonzero({b}))", self.one(&["/", "//", "%"])),
            4 => format!("(tame({a}) ^ {})", self.below(4)),
            5 => format!("math.sqrt(math.abs({a}))"),
            6 => format!("({} / nonzero({}))", self.integer(depth - 1), self.integer(depth - 1)),
            7 => format!("('{}.5' + {a})", self.below(99)),
            _ => format!("(tonumber('{}') * {a})", self.below(999)),
        }
    }

    fn truth(&mut self, depth: u32) -> String {
        let inner = depth.saturating_sub(1);
        match self.below(6) {
            0 => format!(
                "({} {} {})",
                self.integer(inner),
                self.one(&["<", "<=", "==", "~="]),
                self.float(inner)
            ),
            1 => format!(
                "({} {} {})",
                self.float(inner),
                self.one(&["<", ">=", "=="]),
                self.float(inner)
            ),
            2 => format!(
                "({} {} {})",
                self.text(inner),
                self.one(&["<", "<=", "=="]),
                self.text(inner)
            ),
            3 => format!("(not {})", if depth == 0 { "m1.a".into() } else { self.truth(inner) }),
            4 => format!("({}:find('{}') ~= nil)", self.text(inner), self.one(&PATTERNS)),
            _ => format!("({} > {})", self.integer(inner), self.integer(inner)),
        }
    }

    /// Always in parentheses, so that a method can be called on it.
    fn text(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.below(3) {
                0 => format!("({})", self.one(&LITERALS)),
                _ => format!("({})", self.one(&["s1", "s2", "s3"])),
            };
        }
        let a = self.text(depth - 1);
        match self.below(13) {
            0 => format!("({a} .. {})", self.text(depth - 1)),
            1 => format!("({a} .. {})", self.integer(depth - 1)),
            2 => format!("(tostring({}))", self.float(depth - 1)),
            3 => format!("({a}:sub({}, {}))", self.below(9) as i64 - 4, self.below(9) as i64 - 4),
            4 => format!("({a}:{}())", self.one(&["upper", "lower", "reverse"])),
            5 => format!("({a}:rep({}, '-'):sub(1, 60))", self.below(4)),
            6 => format!("(string.format('{}', {}))", self.one(&FORMATS), self.integer(depth - 1)),
            7 => {
                format!("(string.format('%.{}f', tame({})))", self.below(6), self.float(depth - 1))
            }
            8 => format!("(string.format('%-8s|%q', {a}, {}))", self.text(depth - 1)),
            9 => format!(
                "({a}:gsub('{}', '{}'))",
                self.one(&PATTERNS),
                self.one(&["", "<%0>", "%%"])
            ),
            10 => format!("(table.concat(t1, {a}:sub(1, 3)))"),
            11 => {
                format!("({a}:gsub('%w', function(c) return c:byte() % 2 == 0 and c:upper() end))")
            }
            _ => format!(
                "(string.pack('<i4s1', {} & 0xffff, {a}:sub(1, 99)))",
                self.integer(depth - 1)
            ),
        }
    }

    fn block(&mut self, depth: u32) -> String {
        let mut out = String::new();
        for _ in 0..1 + self.below(3) {
            self.statement(&mut out, depth);
        }
        out
    }

    fn statement(&mut self, out: &mut String, depth: u32) {
        let kinds = if depth == 0 { 12 } else { 24 };
        let line = match self.below(kinds) {
            0 => format!("{} = {}", self.one(&["i1", "i2", "i3"]), self.integer(3)),
            1 => format!("{} = tame({})", self.one(&["f1", "f2", "f3"]), self.float(3)),
            2 => format!("{} = {}:sub(1, 200)", self.one(&["s1", "s2", "s3"]), self.text(3)),
            3 => format!("out({}, {})", self.integer(2), self.text(2)),
            4 => format!("out({}, {})", self.float(2), self.truth(2)),
            5 => {
                format!("out({}:find('{}', {}))", self.text(2), self.one(&PATTERNS), self.below(5))
            }
            6 => format!("out({}:match('{}'))", self.text(2), self.one(&PATTERNS)),
            7 => format!("if #t1 < 60 then table.insert(t1, {}) end", self.integer(2)),
            8 => format!("m1[{}] = {}", self.text(1), self.integer(1)),
            9 => format!("m1[{} % 7] = {}", self.integer(1), self.one(&["nil", "i1", "s1", "f2"])),
            10 => format!("out(table.unpack(t1, {}, {}))", 1 + self.below(3), self.below(6)),
            11 => format!("out({}:byte(1, -1))", self.text(1)),
            12 => self.sorting(),
            13 => format!(
                "for i = {}, {} do {} end",
                self.below(4),
                self.below(9),
                self.block(depth - 1)
            ),
            14 => format!("for k, v in pairs(m1) do out(k, v) end {}", self.block(depth - 1)),
            15 => format!(
                "if {} then {} else {} end",
                self.truth(2),
                self.block(depth - 1),
                self.block(depth - 1)
            ),
            16 => format!(
                "do local n = 0 while n < {} do n = n + 1 {} if {} then break end end end",
                self.below(6),
                self.block(depth - 1),
                self.truth(1)
            ),
            17 => self.protected(depth),
            18 => self.varargs(),
            19 => self.closure(),
            20 => self.metatable(),
            21 => self.jump(depth),
            22 => self.library(),
            _ => self.coroutine(),
        };
        let _ = writeln!(out, "{line}");
    }

    fn sorting(&mut self) -> String {
        match self.below(4) {
            0 => "table.sort(t1) out(t1)".into(),
            1 => "table.sort(t1, function(a, b) return a > b end) out(t1)".into(),
            2 => format!(
                "do local w = {{}} for word in ({}):gmatch('%w+') do w[#w + 1] = word end table.sort(w) out(w) end",
                self.text(2)
            ),
            _ => format!(
                "if #t1 > 0 then out(table.remove(t1, {})) end",
                self.one(&["1", "#t1", "(#t1 + 1) // 2"])
            ),
        }
    }

    fn protected(&mut self, depth: u32) -> String {
        let failure = match self.below(6) {
            0 => format!("error('E:' .. {})", self.text(1)),
            1 => "local x = nil; x = x.y".into(),
            2 => "error({code = 1})".into(),
            3 => format!("local x = {} + {{}}", self.integer(1)),
            4 => "error()".into(),
            _ => format!("return {}, {}", self.integer(1), self.text(1)),
        };
        format!("out(caught(pcall(function(...) {} {failure} end, i1)))", self.block(depth - 1))
    }

    fn varargs(&mut self) -> String {
        format!(
            "do local function v(...) local a, b = ... return select('#', ...), b, a, select({}, ...) end out(v({}, {}, nil, {})) out((v())) end",
            self.one(&["2", "-1", "4", "9"]),
            self.integer(1),
            self.text(1),
            self.float(1)
        )
    }

    fn closure(&mut self) -> String {
        format!(
            "do local fs = {{}} for i = 1, {} do local n = {} fs[i] = function(d) n = n + d * i return n end end for r = 1, 2 do for _, f in ipairs(fs) do out(f(r)) end end end",
            1 + self.below(4),
            self.integer(2)
        )
    }

    fn metatable(&mut self) -> String {
        format!(
            "do local mt = {{}} mt.__index = function(t, k) return k .. '?' end
            mt.__newindex = function(t, k, v) rawset(t, k, v) rawset(t, 'last', k) end
            mt.__add = function(a, b) return (type(a) == 'table' and a.n or a) + (type(b) == 'table' and b.n or b) end
            mt.__concat = function(a, b) return 'cat' end mt.__len = function() return {} end mt.__unm = function(a) return -a.n end
            mt.__call = function(self, ...) return select('#', ...), ... end mt.__tostring = function(t) return 'obj' .. t.n end
            mt.__eq = function(a, b) return a.n == b.n end mt.__lt = function(a, b) return a.n < b.n end mt.__le = function(a, b) return a.n <= b.n end
            local a, b = setmetatable({{n = {}}}, mt), setmetatable({{n = {}}}, mt)
            a.new = {}
            out(a.x, a.last, a + b, a + 1, a .. 's', #a, -b, a == b, a < b, a <= b, a({}, nil), tostring(b), rawlen(a), rawequal(a, a)) end",
            self.integer(1),
            self.integer(1),
            self.integer(1),
            self.text(1),
            self.text(1)
        )
    }

    fn jump(&mut self, depth: u32) -> String {
        self.labels += 1;
        let label = self.labels;
        format!(
            "do local n = 0 ::top{label}:: n = n + 1 do {} end if n < {} then goto top{label} end for i = 1, 3 do if i == 2 then goto next{label} end out(i) ::next{label}:: end end",
            self.block(depth - 1),
            self.below(4)
        )
    }

    fn library(&mut self) -> String {
        let (a, b, t) = (self.integer(2), self.integer(2), self.text(2));
        match self.below(10) {
            0 => format!(
                "out(math.ult({a}, {b}), math.tointeger({a}), math.type({}))",
                self.float(1)
            ),
            1 => format!("out(math.fmod({a}, nonzero({b})), math.modf(tame({})))", self.float(2)),
            2 => format!("t2 = table.move(t1, 1, #t1, {}) out(#t1)", 1 + self.below(3)),
            3 => format!(
                "out(utf8.char({a} % 0x7ff + 1, 0x20ac), utf8.len(utf8.char({b} % 0xfff + 1, 65)))"
            ),
            4 => format!(
                "out(string.unpack('>I2', string.pack('>I2', {a} & 0xffff)), #string.pack('z', ({t}:gsub('%z', ''))))"
            ),
            5 => format!("out(load('local a = ... return a + ' .. ({a} % 1000), 'c', 't')({b}))"),
            6 => format!("for k, v in ({t}):gmatch('(%w+)=(%w+)') do out(k, v, tonumber(v)) end"),
            7 => format!(
                "out(tonumber({t}), tonumber('{}', {}))",
                self.below(100),
                10 + self.below(10)
            ),
            8 => "out(next({}), type(next), rawget(m1, 'a'), #t2, t2)".into(),
            _ => format!(
                "out(({t}):gsub('%w+', function(w) return m1[w] and tostring(m1[w]) end), ({t}):len(), ('x'):rep({}))",
                self.below(5)
            ),
        }
    }

    fn coroutine(&mut self) -> String {
        format!(
            "do local coroutine = require 'coroutine' local co = coroutine.create(function(a) for i = 1, {} do a = a + (coroutine.yield(a, i) or 0) end if a % 2 == 0 then error('E:even') end return 'end' end)
            for n = 1, {} do out(caught(coroutine.resume(co, n))) end out(coroutine.status(co)) end",
            self.below(4),
            1 + self.below(6)
        )
    }
}
