//! The evaluator: operators, conversions, templates, `for`, splats, conditions, marks.

use serde_json::json;

use super::support::{errors, table, value};

#[test]
fn arithmetic_converts_and_is_exact() {
    table(&[
        ("1 + \"2\"", json!(3)),
        ("0.1 + 0.2", json!(0.3)),
        ("7 % 3", json!(1)),
        ("-7 % 3", json!(-1)),
        ("1 / 4", json!(0.25)),
        ("2 + 3 * 4", json!(14)),
        ("9007199254740993 + 1", json!(9_007_199_254_740_994_u64)),
        (
            "18446744073709551615 + 1 - 1",
            json!(18_446_744_073_709_551_615_u64),
        ),
        (
            "\"n${18446744073709551616}\"",
            json!("n18446744073709551616"),
        ),
        ("-var.n", json!(-3)),
        ("1.0", json!(1)),
    ]);
    errors(&[
        ("1 / 0", "0", "zero"),
        ("5 % (1 - 1)", "(1 - 1)", "zero"),
        (
            "1 + \"x\"",
            "\"x\"",
            "a number is wanted, but this is \"x\"",
        ),
        ("1 + true", "true", "a number is wanted, but this is a bool"),
        ("1 + var.none", "var.none", "null"),
        ("1e300 * 1e300", "*", "too large"),
    ]);
}

#[test]
fn comparisons_and_logic() {
    table(&[
        ("1 == 1.0", json!(true)),
        ("1 == \"1\"", json!(false)),
        ("[1, 2] == [1, 2]", json!(true)),
        ("{a = 1} != {a = 2}", json!(true)),
        ("\"10\" > 9", json!(true)),
        ("!var.yes", json!(false)),
        ("false && nosuch", json!(false)),
        ("true || 1 / 0 == 1", json!(true)),
        ("var.none == null", json!(true)),
    ]);
    errors(&[
        ("nosuch && false", "nosuch", "not defined"),
        (
            "\"yes\" && true",
            "\"yes\"",
            "true or false is wanted, but this is \"yes\"",
        ),
        ("\"a\" < 1", "\"a\"", "number"),
    ]);
}

#[test]
fn conditions_give_the_type_that_both_sides_share() {
    table(&[
        ("\"true\" ? 1 : 2", json!(1)),
        ("true ? 1 : \"a\"", json!("1")),
        ("false ? null : [1]", json!([1])),
        ("true ? [1, 2] : [\"a\"]", json!(["1", "2"])),
        ("true ? [] : [{a = 1}]", json!([])),
        ("true ? {a = 1} : {a = \"x\"}", json!({"a": "1"})),
        ("true ? 1 : nosuch.x", json!(1)),
        ("var.none == null ? \"d\" : var.none", json!("d")),
    ]);
    errors(&[
        (
            "true ? 1 : [2]",
            "true ? 1 : [2]",
            "one result is a number, the other a list of 1",
        ),
        ("null ? 1 : 2", "null", "not null"),
        ("\"maybe\" ? 1 : 2", "\"maybe\"", "true or false"),
        ("true ? nosuch : 1", "nosuch", "not defined"),
    ]);
}

#[test]
fn templates_take_strings_numbers_and_booleans() {
    table(&[
        ("\"${var.n}-${true}-${var.text}\"", json!("3-true-two")),
        ("\"${var.list}\"", json!(["a", "b", "c"])),
        ("\"$${x} %%{y} $5 100%\"", json!("${x} %{y} $5 100%")),
        ("\"a\\tb\\u00e9\\\"\"", json!("a\tbé\"")),
        (
            "\"%{ if var.n > 2 }big%{ else }small%{ endif }\"",
            json!("big"),
        ),
        (
            "\"%{ for i, v in var.list ~}  ${i}${v}  %{~ endfor }\"",
            json!("0a1b2c"),
        ),
        (
            "<<-EOT\n    a\n      ${var.n}\n    EOT\n",
            json!("a\n  3\n"),
        ),
        (
            "<<EOT\n%{ for x in [1, 2] ~}\n- ${x}\n%{ endfor ~}\nend\nEOT\n",
            json!("- 1\n- 2\nend\n"),
        ),
    ]);
    errors(&[
        ("\"a${null}\"", "null", "null"),
        ("\"a${var.list}\"", "var.list", "a list"),
        (
            "\"a${stack.eu.server.db1}\"",
            "stack.eu.server.db1",
            "a reference",
        ),
    ]);
    let both = value("\"${nosuch} ${1 / 0}\"").unwrap_err();
    assert_eq!(
        both.len(),
        2,
        "both errors of one template are told: {both:?}"
    );
}

#[test]
fn for_goes_over_lists_sets_and_maps_in_order() {
    table(&[
        ("[for v in var.list : upper(v)]", json!(["A", "B", "C"])),
        (
            "[for i, v in var.list : \"${i}${v}\" if v != \"b\"]",
            json!(["0a", "2c"]),
        ),
        ("[for k, v in {b = 1, a = 2} : k]", json!(["a", "b"])),
        ("[for k, v in var.set : \"${k}${v}\"]", json!(["aa", "bb"])),
        (
            "{for s in var.servers : s.name => s.port}",
            json!({"db1": 1, "db2": 2}),
        ),
        (
            "{for i, v in [\"x\", \"y\", \"x\"] : v => i...}",
            json!({"x": [0, 2], "y": [1]}),
        ),
        (
            "[for x in [1, 2] : [for y in [1, 2] : x * y]]",
            json!([[1, 2], [2, 4]]),
        ),
    ]);
    errors(&[
        (
            "{for v in [\"x\", \"x\"] : v => 1}",
            "v",
            "\"x\" comes twice",
        ),
        (
            "[for v in \"abc\" : v]",
            "\"abc\"",
            "can't go over a string",
        ),
        ("[for v in null : v]", "null", "null"),
        ("{for v in [null] : v => 1}", "v", "null"),
        ("[for v in var.list : w]", "w", "not defined"),
    ]);
}

#[test]
fn splats_and_indexes() {
    table(&[
        ("var.servers[*].name", json!(["db1", "db2"])),
        ("var.servers.*.port[0]", json!(1)),
        ("var.none[*]", json!([])),
        ("var.text[*]", json!(["two"])),
        ("var.list[1]", json!("b")),
        ("var.list[\"1\"]", json!("b")),
        ("var.list.0", json!("a")),
        ("var.map[\"x\"]", json!(1)),
        ("var[\"map\"].y", json!(2)),
        ("stack.eu.server.db1.host", json!("10.0.0.1")),
        (
            "stack[\"eu\"].server[\"db1\"]",
            json!("stack.eu.server.db1"),
        ),
        (
            "[for s in [stack.eu.server.db1] : s.host]",
            json!(["10.0.0.1"]),
        ),
    ]);
    errors(&[
        ("var.list[3]", "3", "3 elements, 0 to 2"),
        ("var.list[-1]", "-1", "can't be negative"),
        ("var.list[0.5]", "0.5", "whole number"),
        ("var.map.z", "z", "has no `z`"),
        ("var.list.name", "name", "a list has no attributes"),
        ("var.none.x", "x", "out of null"),
        ("var.set[0]", "var.set", "no order"),
        ("stack.eu.server.db2", "db2", "has no `db2`"),
        (
            "stack.eu.server.db1.hots",
            "hots",
            "stack.eu.server.db1 has no `hots`",
        ),
    ]);
}

#[test]
fn the_nearest_name_is_given() {
    let help = |text: &str| value(text).unwrap_err()[0].help.clone().unwrap_or_default();
    assert_eq!(help("stack.eu.server.bd1"), "did you mean `db1`?");
    assert_eq!(help("vra.n"), "did you mean `var`?");
    assert_eq!(help("uper(\"a\")"), "did you mean `upper`?");
    assert_eq!(
        help("[for server in [] : 1] == severs"),
        "text stands in quotes: \"severs\""
    );
}

#[test]
fn sensitive_values_mark_what_is_made_of_them() {
    for text in [
        "var.secret",
        "\"x-${var.secret}\"",
        "upper(var.secret)",
        "var.secret == \"a\" ? 1 : 2",
        "[var.secret][0]",
        "{a = var.secret}.a",
        "!(var.secret == \"x\")",
        "length(var.secret) + 1",
        "[for x in [1] : x if var.secret != \"\"]",
        "{(var.secret) = 1}",
        "join(\",\", [\"a\", var.secret])",
        "try(var.secret, 1)",
        "concat([\"a\"], [var.secret])[1]",
        "jsonencode({a = var.secret})",
    ] {
        assert!(value(text).unwrap().is_sensitive(), "{text}");
    }
    for text in [
        "[\"a\", var.secret][0]",
        "length([var.secret])",
        "keys({a = var.secret})[0]",
        "merge({a = 1}, {b = var.secret}).a",
    ] {
        assert!(!value(text).unwrap().is_sensitive(), "{text}");
    }
}

#[test]
fn no_error_shows_a_sensitive_text() {
    for text in [
        "1 + var.secret",
        "tobool(var.secret)",
        "{a = 1}[var.secret]",
        "lookup({}, var.secret)",
        "file(var.secret)",
        "regex(\"(\", var.secret)",
    ] {
        for diagnostic in value(text).unwrap_err() {
            assert!(
                !format!("{diagnostic:?}").contains("s3cr3t"),
                "{text}: {diagnostic:?}"
            );
        }
    }
}

#[test]
fn errors_of_all_elements_are_told() {
    assert_eq!(
        value("[nosuch1, 1 / 0, upper(nosuch2)]").unwrap_err().len(),
        3
    );
    assert_eq!(value("{a = nosuch1, (nosuch2) = 1}").unwrap_err().len(), 2);
    assert_eq!(value("nosuch1 + nosuch2").unwrap_err().len(), 2);
}
