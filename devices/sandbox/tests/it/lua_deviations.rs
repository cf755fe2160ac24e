//! Where scripts see the reference's VM rather than PUC Lua. Source: spec 14, section 9.

use crate::lua::{eval, raised, text};

#[tokio::test]
async fn floats_are_written_with_the_shortest_digits() {
    for (expression, expected) in [
        ("1e15", "1.0e15"),
        ("1e100", "1.0e100"),
        ("2^53", "9.007199254740992e15"),
        ("2^53 - 1", "9007199254740991.0"),
        ("0.1", "0.1"),
        ("100.0", "100.0"),
        ("1000.0", "1.0e3"),
        ("123456.0", "123456.0"),
        ("-0.0", "-0.0"),
        ("0.001", "0.001"),
        ("0.0001", "1.0e-4"),
        ("5e-324", "5.0e-324"),
        ("math.huge", "1.7976931348623157e308"),
        ("1/3", "0.3333333333333333"),
        ("3.14", "3.14"),
        ("123456789.125", "123456789.125"),
        ("2.2250738585072014e-308", "2.2250738585072014e-308"),
        ("1e23", "1.0e23"),
        ("10 .. 5.0", "105.0"),
    ] {
        assert_eq!(text(expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn text_becomes_a_float() {
    for (expression, expected) in [
        ("tonumber('10')", "10.0"),
        ("tonumber('0x10')", "16.0"),
        ("tonumber('12', 5)", "7.0"),
        ("tonumber(10)", "10"),
        ("tonumber('x')", "nil"),
        ("tonumber('1e999')", "nil"),
        ("'10' + 5", "15.0"),
        ("'3' * '4'", "12.0"),
        ("select('#', 1, 2)", "2.0"),
    ] {
        assert_eq!(text(expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn division_by_zero_is_an_error_that_can_be_caught() {
    for expression in
        ["1/0", "0/0", "1//0", "1%0", "5//0.0", "5.0%0", "1e308*10", "math.huge*2", "(-1)^0.5"]
    {
        let source = format!("pcall(function() local a, b = 0, 1 return {expression} end)");
        assert_eq!(text(&source).await, "false", "{expression}");
    }
}

#[tokio::test]
async fn formats_are_those_of_the_reference() {
    for (expression, expected) in [
        ("('%g'):format(3.0)", "3.00000"),
        ("('%.14g'):format(12)", "12.000000000000"),
        ("('%e'):format(12345.678)", "1.234568e+4"),
        ("('%g'):format(1e20)", "1.00000e+20"),
        ("('%d'):format(3.0)", "3"),
        ("('%5.1f'):format(2.25)", "  2.2"),
        ("('%s'):format(1e15)", "1.0e15"),
        ("('%x'):format(255)", "ff"),
    ] {
        assert_eq!(text(expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn errors_have_the_reference_s_texts() {
    for (source, expected) in [
        ("error('boom')", "boom"),
        ("local x return x.y", "invalid index in nil: 'y'"),
        ("local x = 1 x[2] = 3", "invalid index in 1: 2"),
        ("return 1 + 'a'", "bad arithmetic '+' on 1,'a'"),
        ("return -{}", "bad arithmetic '-' on table"),
        ("local f f()", "undefined function nil"),
        ("string.rep()", "bad argument #1 to 'rep' (string expected, got no value)"),
        ("return '10' < 5", "attempt to compare string with number"),
        ("error({a=1})", "table: "),
    ] {
        let message = raised(eval(source).await).message;
        let message = String::from_utf8_lossy(&message);
        assert!(message.starts_with(expected), "{source}: {message}");
    }
}

#[tokio::test]
async fn a_caught_table_is_text() {
    assert_eq!(text("type(select(2, pcall(error, {a=1})))").await, "string");
    assert!(text("select(2, pcall(error, {a=1}))").await.starts_with("table: "));
    assert_eq!(text("select(2, pcall(error, 'x'))").await, "x");
}

#[tokio::test]
async fn objects_are_named_without_addresses() {
    assert_eq!(text("print").await, "function: luerl_lib_basic:print");
    assert_eq!(text("string.rep").await, "function: luerl_lib_string:rep");
    let both =
        text("(function() local a, b = {}, {} return tostring(a) .. ' ' .. tostring(b) end)()")
            .await;
    let numbers: Vec<u64> = both.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(matches!(numbers.as_slice(), [a, b] if b == &(a + 1)), "{both}");
}

#[tokio::test]
async fn tables_are_traversed_in_the_order_of_their_keys() {
    let order = "(function()
        local t = {z = 1, a = 2, B = 3, [1.5] = 4, [-1] = 5, [true] = 6, [false] = 7, 'x', 'y', [0] = 8, [100] = 9, ab = 10, [''] = 11}
        local keys = {}
        for k in pairs(t) do keys[#keys + 1] = tostring(k) end
        return table.concat(keys, ' ')
    end)()";
    assert_eq!(text(order).await, "1 2 100 -1 0 1.5 false true  B a ab z");
}

#[tokio::test]
async fn a_traversal_survives_what_is_written_meanwhile() {
    let source = "
        local t = {}
        for i = 1, 200 do t['k' .. i] = i t[i * 7] = i end
        local seen, last = 0, nil
        for k in pairs(t) do
            seen = seen + 1
            t[k] = nil
            if seen % 10 == 0 then collectgarbage() t['k5'] = nil end
        end
        assert(next(t) == nil)
        for i = 1, 50 do t['n' .. i] = i end
        local n = 0
        for k, v in pairs(t) do n = n + 1 t[k] = v + 1 t['zz' .. n] = nil end
        assert(n == 50)
        -- new keys meanwhile: each of the old ones is seen once, in order
        local prev = ''
        for k in pairs(t) do
            assert(prev < k) prev = k
            if #k < 10 then t[k .. 'x'] = 1 t['a' .. k] = 1 end
        end
        return seen, n
    ";
    assert_eq!(format!("{:?}", eval(source).await.expect("it runs")), "[399, 50]");
}

#[tokio::test]
async fn random_numbers_and_time_follow_from_what_is_given() {
    assert_eq!(text("os.time()").await, "0.0");
    assert_eq!(text("os.clock()").await, "0.0");
    assert_eq!(text("os.date('!%Y-%m-%d %H:%M:%S', 86400)").await, "1970-01-02 00:00:00");
    assert_eq!(text("os.time{year=2024, month=2, day=29, hour=0}").await, "1709164800");
    assert_eq!(text("math.random(1000000)").await, text("math.random(1000000)").await);
}

#[tokio::test]
async fn each_byte_of_a_literal_from_0x80_becomes_two() {
    for (expression, expected) in [
        ("#'\u{e9}'", "4"),
        ("'\u{e9}'", "\u{c3}\u{a9}"),
        ("#[[\u{20ac}]]", "6"),
        ("#'\\xc3\\169'", "2"),
        ("#'plain' --[[ \u{e9} ]]", "5"),
        ("load('return #\\'\\195\\169\\'')()", "4"),
    ] {
        assert_eq!(text(expression).await, expected, "{expression}");
    }
}

#[tokio::test]
async fn coroutines_are_had_by_asking_for_them() {
    assert_eq!(text("type(coroutine)").await, "nil");
    assert_eq!(text("type(require 'coroutine'.wrap)").await, "function");
}
