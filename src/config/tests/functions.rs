//! Each family of functions.

use serde_json::json;

use super::super::functions::{names, usage};
use super::support::{errors, table, value, value_in};

#[test]
fn numbers() {
    table(&[
        ("abs(-1.5)", json!(1.5)),
        (
            "[ceil(-1.2), ceil(1.2), floor(-1.2), floor(1.2)]",
            json!([-1, 2, -2, 1]),
        ),
        ("[max(1, \"3\", 2), min([4, 2]...)]", json!([3, 2])),
        (
            "[range(3), range(1, 4), range(3, 0), range(0, 1, 0.5)]",
            json!([[0, 1, 2], [1, 2, 3], [3, 2, 1], [0, 0.5]]),
        ),
        ("sum([1, \"2\", 0.5])", json!(3.5)),
    ]);
    errors(&[
        ("range(0, 5, 0)", "0", "step can't be zero"),
        ("range(0, 5, -1)", "-1", "away from the limit"),
        ("range(100000)", "100000", "more than 1024"),
        ("sum([])", "[]", "no sum"),
        ("abs(\"x\")", "\"x\"", "a number is wanted"),
        ("max()", "max", "at least 1 argument"),
    ]);
}

#[test]
fn strings() {
    table(&[
        ("chomp(\"a\\r\\n\\n\")", json!("a")),
        ("indent(2, \"a\\nb\")", json!("a\n  b")),
        ("join(\"-\", [\"a\", 1], [true])", json!("a-1-true")),
        ("split(\",\", \"a,,b\")", json!(["a", "", "b"])),
        (
            "[lower(\"ÄB\"), upper(\"äb\"), title(\"hello big-world it's\")]",
            json!(["äb", "ÄB", "Hello Big-World It'S"]),
        ),
        (
            "[trim(\"--a-\", \"-\"), trimprefix(\"aab\", \"a\"), trimsuffix(\"abb\", \"b\"), trimspace(\" a\\n\")]",
            json!(["a", "ab", "ab", "a"]),
        ),
        ("replace(\"a.b.c\", \".\", \"/\")", json!("a/b/c")),
        (
            "replace(\"a1b22\", \"/[0-9]+/\", \"<$0>\")",
            json!("a<1>b<22>"),
        ),
        ("replace(\"ab\", \"/(a)(b)/\", \"$2$1\")", json!("ba")),
        (
            "[substr(\"hello\", 1, 3), substr(\"hello\", -3, 2), substr(\"hello\", 2, -1), substr(\"a\", 5, 1)]",
            json!(["ell", "ll", "llo", ""]),
        ),
        ("[strrev(\"añb\"), length(\"añ👩‍👩‍👧\")]", json!(["bña", 3])),
        ("regex(\"([a-z]+)([0-9])?\", \"ab\")", json!(["ab", null])),
        (
            "regex(\"(?P<host>[^:]+):(?P<port>[0-9]+)\", \"db1:5432\")",
            json!({"host": "db1", "port": "5432"}),
        ),
        ("regexall(\"[a-z]\", \"a1b\")", json!(["a", "b"])),
        (
            "[startswith(\"ab\", \"a\"), endswith(\"ab\", \"a\")]",
            json!([true, false]),
        ),
    ]);
    errors(&[
        ("regex(\"x\", \"abc\")", "\"abc\"", "doesn't match"),
        (
            "regex(\"(\", \"abc\")",
            "\"(\"",
            "not a valid pattern: unclosed group",
        ),
        ("join(\",\", [[1]])", "[[1]]", "element 0 is a list"),
        (
            "upper([1])",
            "[1]",
            "a string is wanted, but this is a list",
        ),
        ("substr(\"a\", 0, -2)", "-2", "at least 0"),
        ("indent(-1, \"a\")", "-1", "negative"),
        ("upper(null)", "null", "argument 1 is null"),
    ]);
}

#[test]
fn format_has_terraforms_verbs() {
    table(&[
        (
            "format(\"%s=%d %5.1f|%-4s|%04d|%x\", \"a\", 3, 2.25, \"b\", 7, 255)",
            json!("a=3   2.2|b   |0007|ff"),
        ),
        (
            "format(\"%v %v %v %v\", \"a\", 1.5, [1, \"b\"], null)",
            json!("a 1.5 [1,\"b\"] null"),
        ),
        (
            "format(\"%#v %q %%\", \"a\", \"b\")",
            json!("\"a\" \"b\" %"),
        ),
        ("format(\"%[2]s %[1]s\", \"a\", \"b\")", json!("b a")),
        (
            "format(\"%+d % d %t %e %g\", 1, 2, \"true\", 1500, 1500)",
            json!("+1  2 true 1.500000e+03 1500"),
        ),
        (
            "formatlist(\"%s:%d\", [\"a\", \"b\"], 5)",
            json!(["a:5", "b:5"]),
        ),
        ("formatlist(\"%s\", [])", json!([])),
    ]);
    errors(&[
        ("format(\"%d\", \"x\")", "\"x\"", "a number is wanted"),
        ("format(\"%s\")", "\"%s\"", "no argument 1"),
        ("format(\"a\", 1)", "1", "no verb for this"),
        ("format(\"%z\", 1)", "\"%z\"", "no verb %z"),
        ("format(\"%s\", null)", "null", "null"),
        ("format(\"%99999999d\", 1)", "\"%99999999d\"", "over 10000"),
        ("formatlist(\"%s%s\", [1], [1, 2])", "[1, 2]", "2 elements"),
    ]);
}

#[test]
fn collections() {
    table(&[
        (
            "[alltrue([true, \"true\"]), alltrue([]), alltrue([null]), anytrue([false, true])]",
            json!([true, true, false, true]),
        ),
        (
            "[coalesce(null, \"\", \"a\"), coalesce(null, 1, \"a\"), coalesce([], [1])]",
            json!(["a", "1", []]),
        ),
        ("coalescelist(null, [], [1])", json!([1])),
        ("compact([\"a\", \"\", null, 1])", json!(["a", "1"])),
        ("concat([1], [], [\"a\"])", json!([1, "a"])),
        (
            "[contains([1, 2], 2), contains(var.set, \"c\")]",
            json!([true, false]),
        ),
        ("distinct([\"b\", \"a\", \"b\"])", json!(["b", "a"])),
        (
            "[element(var.list, 4), index(var.list, \"c\"), length(var.map)]",
            json!(["b", 2, 2]),
        ),
        (
            "flatten([[1, [2]], [], 3, toset([4])])",
            json!([1, 2, 3, 4]),
        ),
        (
            "[keys(var.map), values(var.map)]",
            json!([["x", "y"], [1, 2]]),
        ),
        (
            "[lookup(var.map, \"x\"), lookup(var.map, \"z\", 9)]",
            json!([1, 9]),
        ),
        (
            "merge({a = 1, b = 1}, null, {b = 2})",
            json!({"a": 1, "b": 2}),
        ),
        ("[one([]), one([1])]", json!([null, 1])),
        (
            "[reverse([1, 2]), slice(var.list, 1, 3), sort([\"b\", \"a\"])]",
            json!([[2, 1], ["b", "c"], ["a", "b"]]),
        ),
        (
            "transpose({a = [\"1\", \"2\"], b = [\"2\"]})",
            json!({"1": ["a"], "2": ["a", "b"]}),
        ),
        ("zipmap([\"a\", \"b\"], [1, 2])", json!({"a": 1, "b": 2})),
    ]);
    errors(&[
        (
            "coalesce(null, \"\")",
            "coalesce(null, \"\")",
            "every argument is null",
        ),
        ("element([], 0)", "[]", "no elements"),
        ("element([1], -1)", "-1", "negative"),
        ("index([1], 2)", "2", "doesn't hold"),
        ("lookup(var.map, \"z\")", "\"z\"", "no key \"z\""),
        ("one([1, 2])", "[1, 2]", "there are 2"),
        ("slice([1], 0, 2)", "2", "from 0 to 1"),
        ("length(5)", "5", "a list, map or string"),
        (
            "zipmap([\"a\"], [])",
            "zipmap([\"a\"], [])",
            "1 keys and 0 values",
        ),
        ("concat([1], \"a\")", "\"a\"", "a list is wanted"),
        ("keys([1])", "[1]", "a map or object"),
    ]);
}

#[test]
fn sets() {
    table(&[
        ("setunion([\"b\", \"a\"], [1])", json!(["1", "a", "b"])),
        ("setintersection([1, 2], [2, 3])", json!([2])),
        ("setsubtract([1, 2], [2])", json!([1])),
        ("setproduct([1, 2], [\"a\"])", json!([[1, "a"], [2, "a"]])),
        ("setproduct([], [1])", json!([])),
    ]);
}

#[test]
fn conversions() {
    table(&[
        (
            "[tostring(1.50), tonumber(\"1e3\"), tobool(\"false\"), tostring(null)]",
            json!(["1.5", 1000, false, null]),
        ),
        ("tolist([1, \"a\"])", json!(["1", "a"])),
        ("toset([\"b\", \"a\", \"b\"])", json!(["a", "b"])),
        ("tomap({a = 1, b = \"x\"})", json!({"a": "1", "b": "x"})),
    ]);
    errors(&[
        ("tonumber(\"1x\")", "\"1x\"", "but this is \"1x\""),
        ("tobool(\"yes\")", "\"yes\"", "true or false"),
        ("tolist([1, [2]])", "[1, [2]]", "same type"),
        ("tostring([1])", "[1]", "a string is wanted"),
        ("toset(\"a\")", "\"a\"", "a set is wanted"),
    ]);
}

#[test]
fn encodings() {
    table(&[
        ("base64decode(base64encode(\"häß\"))", json!("häß")),
        (
            "jsonencode({b = [1, null, true], a = \"<\\\"\\n>\"})",
            json!("{\"a\":\"\\u003c\\\"\\n\\u003e\",\"b\":[1,null,true]}"),
        ),
        (
            "jsondecode(\"{\\\"a\\\": [1, 2.5, null]}\")",
            json!({"a": [1, 2.5, null]}),
        ),
        (
            "yamldecode(\"a: [1, x]\\nb: ~\\nc: 'yes'\\n\")",
            json!({"a": [1, "x"], "b": null, "c": "yes"}),
        ),
        (
            "yamlencode({a = [1, {b = \"x\"}], c = {}, d = [[1]], e = \"l1\\nl2\\n\"})",
            json!("\"a\":\n- 1\n- \"b\": \"x\"\n\"c\": {}\n\"d\":\n- - 1\n\"e\": |\n  l1\n  l2\n"),
        ),
    ]);
    for text in [
        "{a = \"\\tx\\n y\\n\\n\", b = [[], {}, \"\\u0001\"], c = {d = {e = [\"m\\nn\"]}}}",
        "[\"a\\nb\", \"- x\", \"#\"]",
        "\"x\\ny\"",
    ] {
        let back = value(&format!("yamldecode(yamlencode({text})) == {text}")).unwrap();
        assert_eq!(
            back.as_bool(),
            Some(true),
            "{text}: {:?}",
            value(&format!("yamlencode({text})"))
        );
    }
    errors(&[
        ("base64decode(\"?\")", "\"?\"", "not base64"),
        ("jsondecode(\"{\")", "\"{\"", "not JSON"),
        ("yamldecode(\"a: [\")", "\"a: [\"", "not YAML"),
        (
            "jsonencode(stack.eu.server.db1)",
            "stack.eu.server.db1",
            "can't be encoded",
        ),
    ]);
}

#[test]
fn network_prefixes() {
    table(&[
        (
            "[cidrhost(\"10.0.0.0/24\", 5), cidrhost(\"10.0.0.0/24\", -1), cidrhost(\"2001:db8::/64\", 1)]",
            json!(["10.0.0.5", "10.0.0.255", "2001:db8::1"]),
        ),
        (
            "[cidrnetmask(\"10.1.2.3/12\"), cidrnetmask(\"0.0.0.0/0\")]",
            json!(["255.240.0.0", "0.0.0.0"]),
        ),
        (
            "[cidrsubnet(\"10.0.0.0/8\", 8, 2), cidrsubnet(\"fd00::/48\", 16, 162), cidrsubnet(\"1.2.3.4/32\", 0, 0)]",
            json!(["10.2.0.0/16", "fd00:0:0:a2::/64", "1.2.3.4/32"]),
        ),
    ]);
    errors(&[
        (
            "cidrhost(\"10.0.0.0\", 1)",
            "\"10.0.0.0\"",
            "a prefix such as",
        ),
        ("cidrhost(\"10.0.0.0/30\", 4)", "4", "2 bits for hosts"),
        ("cidrsubnet(\"10.0.0.0/30\", 3, 0)", "3", "from 0 to 2"),
        ("cidrsubnet(\"10.0.0.0/8\", 2, 4)", "4", "from 0 to 3"),
        ("cidrnetmask(\"::/0\")", "\"::/0\"", "only IPv4"),
    ]);
}

#[test]
fn paths_and_files() {
    table(&[
        (
            "[basename(\"/a/b.txt\"), basename(\"a/\"), basename(\"\"), basename(\"/\")]",
            json!(["b.txt", "a", ".", "/"]),
        ),
        (
            "[dirname(\"/a/b\"), dirname(\"a\"), dirname(\"/a\"), dirname(\"a/./b/../c\")]",
            json!(["/a", ".", "/", "a"]),
        ),
    ]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "hello").unwrap();
    std::fs::write(folder.path().join("b.bin"), b"\xff\x00").unwrap();
    std::fs::write(
        folder.path().join("t.tmpl"),
        "%{ for x in xs ~}\n${x}${nosuch}\n%{ endfor ~}\n",
    )
    .unwrap();
    std::fs::write(
        folder.path().join("nested.tmpl"),
        "${templatefile(\"a.txt\", {})}",
    )
    .unwrap();
    let value = |text: &str| value_in(folder.path(), text);
    assert_eq!(value("file(\"a.txt\")").unwrap().as_str(), Some("hello"));
    assert_eq!(
        value("[fileexists(\"a.txt\"), fileexists(\"no\")]")
            .unwrap()
            .to_json(),
        json!([true, false])
    );
    assert_eq!(
        value("templatefile(\"t.tmpl\", {xs = [1, 2], nosuch = \"!\"})")
            .unwrap()
            .as_str(),
        Some("1!\n2!\n")
    );
    // What isn't text has a digest and a base64 form, too, as in Terraform.
    assert_eq!(
        value("[filebase64(\"b.bin\"), filemd5(\"b.bin\"), filebase64sha256(\"b.bin\")]")
            .unwrap()
            .to_json(),
        json!([
            "/wA=",
            "e0e8bfafbb0689563b2fba789c97b3cc",
            "6l2/lZbRh+lQDyPppoAQlHU0HPToH34EP32XFSwQdy8="
        ])
    );
    let label = |text: &str| value(text).unwrap_err()[0].label.clone();
    assert!(label("filesha256(\"no\")").contains("there is no such file"));
    assert!(label("file(\"no\")").contains("there is no such file"));
    assert!(label("file(\"b.bin\")").contains("not UTF-8"));
    assert!(label("file(\".\")").contains("a directory"));
    assert!(label("templatefile(\"nested.tmpl\", {})").contains("further templates"));
    let inside = value("templatefile(\"t.tmpl\", {xs = [1]})").unwrap_err();
    assert_eq!(inside[0].label, "`nosuch` is not defined");
    assert_eq!(inside[0].notes[0].1, "the template is read here");
}

#[test]
fn try_and_can_take_what_fails() {
    table(&[
        ("try(var.nosuch, nosuch.x, 5)", json!(5)),
        (
            "[can(var.n), can(var.nosuch), can(tonumber(\"x\"))]",
            json!([true, false, false]),
        ),
    ]);
    errors(&[
        (
            "try(nosuch, 1 / 0)",
            "try(nosuch, 1 / 0)",
            "none of the arguments",
        ),
        ("nosuch(1)", "nosuch", "no function `nosuch`"),
    ]);
}

#[test]
fn every_function_is_described() {
    assert_eq!(names().len(), 104);
    for name in names() {
        assert!(
            usage(name).is_some_and(|usage| usage.starts_with(name)),
            "{name}"
        );
    }
}

#[test]
fn digests_and_ids() {
    table(&[
        (
            "md5(\"replform\")",
            json!("e2f7c8ae5ce063ec63070a8b6ae80877"),
        ),
        ("length(sha512(\"\"))", json!(128)),
        (
            "base64sha256(\"\") == textencodebase64(textdecodebase64(base64sha256(\"\"), \"ISO-8859-1\"), \"ISO-8859-1\")",
            json!(true),
        ),
        (
            "uuidv5(\"dns\", \"www.example.com\")",
            json!("2ed6657d-e927-568b-95e1-2665a8aea6a2"),
        ),
    ]);
    errors(&[
        ("uuidv5(\"nosuch\", \"x\")", "\"nosuch\"", "one of dns, url"),
        (
            "uuidv5(\"+ba7b810-9dad-11d1-80b4-00c04fd430c8\", \"x\")",
            "\"+ba7b810-9dad-11d1-80b4-00c04fd430c8\"",
            "one of dns, url",
        ),
    ]);
}

#[test]
fn times_as_text() {
    table(&[
        (
            "timeadd(\"2026-11-24T08:00:00+01:00\", \"1h30m\")",
            json!("2026-11-24T09:30:00+01:00"),
        ),
        (
            "timeadd(\"2026-01-01T00:00:00Z\", \"-1s\")",
            json!("2025-12-31T23:59:59Z"),
        ),
        (
            "formatdate(\"EEE, D MMM YY, H 'o''clock' aa Z\", \"2026-11-24T20:05:06Z\")",
            json!("Tue, 24 Nov 26, 8 o'clock pm Z"),
        ),
        (
            "formatdate(\"hhmmss ZZZZZ ZZZ\", \"2026-11-24T20:05:06-02:30\")",
            json!("200506 -02:30 -0230"),
        ),
    ]);
    errors(&[
        (
            "timeadd(\"yesterday\", \"1h\")",
            "\"yesterday\"",
            "RFC 3339",
        ),
        (
            "timeadd(\"2026-01-01T00:00:00Z\", \"1 day\")",
            "\"1 day\"",
            "a duration",
        ),
        (
            "formatdate(\"Q\", \"2026-01-01T00:00:00Z\")",
            "\"Q\"",
            "no part of a time",
        ),
    ]);
}

#[test]
fn tables_and_encodings_of_text() {
    table(&[
        (
            "csvdecode(\"a,b\\n1,\\\"x, \\\"\\\"y\\\"\\\"\\\"\\r\\n\\n2,\\n\")",
            json!([{"a": "1", "b": "x, \"y\""}, {"a": "2", "b": ""}]),
        ),
        ("urlencode(\"a b&c=ü\")", json!("a+b%26c%3D%C3%BC")),
        (
            "textdecodebase64(textencodebase64(\"grün\", \"UTF-16BE\"), \"UTF-16BE\")",
            json!("grün"),
        ),
    ]);
    errors(&[
        ("csvdecode(\"a,b\\n1\")", "\"a,b\\n1\"", "row 2 has 1 cells"),
        ("csvdecode(\"a,a\")", "\"a,a\"", "stands twice"),
        (
            "textencodebase64(\"x\", \"EBCDIC\")",
            "\"EBCDIC\"",
            "UTF-16LE",
        ),
    ]);
}

#[test]
fn more_of_numbers_lists_and_networks() {
    table(&[
        (
            "[signum(-2), signum(0), pow(2, 10), log(8, 2), parseint(\"-ff\", 16)]",
            json!([-1, 0, 1024, 3, -255]),
        ),
        ("chunklist([1, 2, 3], 2)", json!([[1, 2], [3]])),
        ("matchkeys([\"a\", \"b\"], [1, 2], [\"2\"])", json!(["b"])),
        ("strcontains(\"abc\", \"bc\")", json!(true)),
        (
            "cidrsubnets(\"10.0.0.0/24\", 4, 2, 2)",
            json!(["10.0.0.0/28", "10.0.0.64/26", "10.0.0.128/26"]),
        ),
    ]);
    errors(&[
        ("parseint(\"12\", 2)", "\"12\"", "no whole number to base 2"),
        ("pow(10, 100000)", "pow(10, 100000)", "no number"),
        ("cidrsubnets(\"10.0.0.0/24\", 1, 1, 1)", "1", "no room left"),
        ("matchkeys([1], [], [2])", "[]", "as many keys"),
    ]);
}
