//! The table of all functions: name, how it is used, how many arguments, whether null is taken, what a call
//! costs, and what sensitive arguments mean. `try` and `can` stand in `call.rs`: they take expressions.

use super::row::{Function, reading, row};
use super::{
    collections, conversions, dates, digests, encoding, files, format, network, numbers, sets,
    strings, texts,
};

/// The rows, sorted by name.
static FUNCTIONS: &[Function] = &[
    row("abs", "abs(number)", 1, Some(1), numbers::abs),
    row("alltrue", "alltrue(list)", 1, Some(1), collections::alltrue),
    row("anytrue", "anytrue(list)", 1, Some(1), collections::anytrue),
    row(
        "base64decode",
        "base64decode(string)",
        1,
        Some(1),
        encoding::base64decode,
    ),
    row(
        "base64encode",
        "base64encode(string)",
        1,
        Some(1),
        encoding::base64encode,
    ),
    row(
        "base64sha256",
        "base64sha256(string)",
        1,
        Some(1),
        digests::base64sha256,
    ),
    row(
        "base64sha512",
        "base64sha512(string)",
        1,
        Some(1),
        digests::base64sha512,
    ),
    row("basename", "basename(path)", 1, Some(1), files::basename),
    row("ceil", "ceil(number)", 1, Some(1), numbers::ceil),
    row("chomp", "chomp(string)", 1, Some(1), strings::chomp),
    row(
        "chunklist",
        "chunklist(list, size)",
        2,
        Some(2),
        collections::chunklist,
    )
    .shallow(),
    row(
        "cidrhost",
        "cidrhost(prefix, number)",
        2,
        Some(2),
        network::cidrhost,
    ),
    row(
        "cidrnetmask",
        "cidrnetmask(prefix)",
        1,
        Some(1),
        network::cidrnetmask,
    ),
    row(
        "cidrsubnet",
        "cidrsubnet(prefix, new_bits, number)",
        3,
        Some(3),
        network::cidrsubnet,
    ),
    row(
        "cidrsubnets",
        "cidrsubnets(prefix, bits…)",
        2,
        None,
        network::cidrsubnets,
    ),
    row(
        "coalesce",
        "coalesce(values…)",
        1,
        None,
        collections::coalesce,
    )
    .nulls(),
    row(
        "coalescelist",
        "coalescelist(lists…)",
        1,
        None,
        collections::coalescelist,
    )
    .nulls()
    .shallow(),
    row("compact", "compact(list)", 1, Some(1), collections::compact),
    row("concat", "concat(lists…)", 1, None, collections::concat).shallow(),
    row(
        "contains",
        "contains(list, value)",
        2,
        Some(2),
        collections::contains,
    ),
    row(
        "csvdecode",
        "csvdecode(string)",
        1,
        Some(1),
        texts::csvdecode,
    ),
    row("dirname", "dirname(path)", 1, Some(1), files::dirname),
    row(
        "distinct",
        "distinct(list)",
        1,
        Some(1),
        collections::distinct,
    ),
    row(
        "element",
        "element(list, index)",
        2,
        Some(2),
        collections::element,
    )
    .shallow(),
    row(
        "endswith",
        "endswith(string, suffix)",
        2,
        Some(2),
        strings::endswith,
    ),
    reading("file", "file(path)", 1, files::file),
    reading("filebase64", "filebase64(path)", 1, files::filebase64),
    reading(
        "filebase64sha256",
        "filebase64sha256(path)",
        1,
        digests::filebase64sha256,
    ),
    reading(
        "filebase64sha512",
        "filebase64sha512(path)",
        1,
        digests::filebase64sha512,
    ),
    reading("fileexists", "fileexists(path)", 1, files::fileexists),
    reading("filemd5", "filemd5(path)", 1, digests::filemd5),
    reading("fileset", "fileset(folder, pattern)", 2, files::fileset),
    reading("filesha1", "filesha1(path)", 1, digests::filesha1),
    reading("filesha256", "filesha256(path)", 1, digests::filesha256),
    reading("filesha512", "filesha512(path)", 1, digests::filesha512),
    row("flatten", "flatten(list)", 1, Some(1), collections::flatten),
    row("floor", "floor(number)", 1, Some(1), numbers::floor),
    row("format", "format(format, values…)", 1, None, format::format).nulls(),
    row(
        "formatdate",
        "formatdate(format, time)",
        2,
        Some(2),
        dates::formatdate,
    ),
    row(
        "formatlist",
        "formatlist(format, lists…)",
        1,
        None,
        format::formatlist,
    )
    .nulls(),
    row(
        "indent",
        "indent(spaces, string)",
        2,
        Some(2),
        strings::indent,
    ),
    row(
        "index",
        "index(list, value)",
        2,
        Some(2),
        collections::index,
    ),
    row("join", "join(separator, lists…)", 2, None, strings::join),
    row(
        "jsondecode",
        "jsondecode(string)",
        1,
        Some(1),
        encoding::jsondecode,
    ),
    row(
        "jsonencode",
        "jsonencode(value)",
        1,
        Some(1),
        encoding::jsonencode,
    )
    .nulls(),
    row("keys", "keys(map)", 1, Some(1), collections::keys).shallow(),
    row(
        "length",
        "length(list, map or string)",
        1,
        Some(1),
        collections::length,
    )
    .shallow(),
    row("log", "log(number, base)", 2, Some(2), numbers::log),
    row(
        "lookup",
        "lookup(map, key, default)",
        2,
        Some(3),
        collections::lookup,
    )
    .nulls()
    .shallow(),
    row("lower", "lower(string)", 1, Some(1), strings::lower),
    row(
        "matchkeys",
        "matchkeys(values, keys, sought)",
        3,
        Some(3),
        collections::matchkeys,
    ),
    row("max", "max(numbers…)", 1, None, numbers::max),
    row("md5", "md5(string)", 1, Some(1), digests::md5),
    row("merge", "merge(maps…)", 0, None, collections::merge)
        .nulls()
        .shallow(),
    row("min", "min(numbers…)", 1, None, numbers::min),
    row("one", "one(list)", 1, Some(1), collections::one).shallow(),
    row(
        "parseint",
        "parseint(string, base)",
        2,
        Some(2),
        numbers::parseint,
    ),
    row("pow", "pow(number, power)", 2, Some(2), numbers::pow),
    row(
        "range",
        "range(limit), range(start, limit) or range(start, limit, step)",
        1,
        Some(3),
        numbers::range,
    ),
    row(
        "regex",
        "regex(pattern, string)",
        2,
        Some(2),
        strings::regex,
    ),
    row(
        "regexall",
        "regexall(pattern, string)",
        2,
        Some(2),
        strings::regexall,
    ),
    row(
        "replace",
        "replace(string, part or /pattern/, replacement)",
        3,
        Some(3),
        strings::replace,
    ),
    row("reverse", "reverse(list)", 1, Some(1), collections::reverse).shallow(),
    row(
        "setintersection",
        "setintersection(sets…)",
        1,
        None,
        sets::setintersection,
    ),
    row("setproduct", "setproduct(sets…)", 1, None, sets::setproduct),
    row(
        "setsubtract",
        "setsubtract(a, b)",
        2,
        Some(2),
        sets::setsubtract,
    ),
    row("setunion", "setunion(sets…)", 1, None, sets::setunion),
    row("sha1", "sha1(string)", 1, Some(1), digests::sha1),
    row("sha256", "sha256(string)", 1, Some(1), digests::sha256),
    row("sha512", "sha512(string)", 1, Some(1), digests::sha512),
    row("signum", "signum(number)", 1, Some(1), numbers::signum),
    row(
        "slice",
        "slice(list, start, end)",
        3,
        Some(3),
        collections::slice,
    )
    .shallow(),
    row("sort", "sort(list)", 1, Some(1), collections::sort),
    row(
        "split",
        "split(separator, string)",
        2,
        Some(2),
        strings::split,
    ),
    row(
        "startswith",
        "startswith(string, prefix)",
        2,
        Some(2),
        strings::startswith,
    ),
    row(
        "strcontains",
        "strcontains(string, part)",
        2,
        Some(2),
        strings::strcontains,
    ),
    row("strrev", "strrev(string)", 1, Some(1), strings::strrev),
    row(
        "substr",
        "substr(string, offset, length)",
        3,
        Some(3),
        strings::substr,
    ),
    row("sum", "sum(list)", 1, Some(1), numbers::sum),
    reading(
        "templatefile",
        "templatefile(path, variables)",
        2,
        files::templatefile,
    ),
    row(
        "textdecodebase64",
        "textdecodebase64(string, encoding)",
        2,
        Some(2),
        texts::textdecodebase64,
    ),
    row(
        "textencodebase64",
        "textencodebase64(string, encoding)",
        2,
        Some(2),
        texts::textencodebase64,
    ),
    row(
        "timeadd",
        "timeadd(time, duration)",
        2,
        Some(2),
        dates::timeadd,
    ),
    row("title", "title(string)", 1, Some(1), strings::title),
    row("tobool", "tobool(value)", 1, Some(1), conversions::tobool).nulls(),
    row("tolist", "tolist(value)", 1, Some(1), conversions::tolist)
        .nulls()
        .carried(),
    row("tomap", "tomap(value)", 1, Some(1), conversions::tomap)
        .nulls()
        .carried(),
    row(
        "tonumber",
        "tonumber(value)",
        1,
        Some(1),
        conversions::tonumber,
    )
    .nulls(),
    row("toset", "toset(value)", 1, Some(1), conversions::toset).nulls(),
    row(
        "tostring",
        "tostring(value)",
        1,
        Some(1),
        conversions::tostring,
    )
    .nulls(),
    row(
        "transpose",
        "transpose(map)",
        1,
        Some(1),
        collections::transpose,
    ),
    row(
        "trim",
        "trim(string, characters)",
        2,
        Some(2),
        strings::trim,
    ),
    row(
        "trimprefix",
        "trimprefix(string, prefix)",
        2,
        Some(2),
        strings::trimprefix,
    ),
    row(
        "trimspace",
        "trimspace(string)",
        1,
        Some(1),
        strings::trimspace,
    ),
    row(
        "trimsuffix",
        "trimsuffix(string, suffix)",
        2,
        Some(2),
        strings::trimsuffix,
    ),
    row("upper", "upper(string)", 1, Some(1), strings::upper),
    row(
        "urlencode",
        "urlencode(string)",
        1,
        Some(1),
        texts::urlencode,
    ),
    row(
        "uuidv5",
        "uuidv5(namespace, name)",
        2,
        Some(2),
        digests::uuidv5,
    ),
    row("values", "values(map)", 1, Some(1), collections::values).shallow(),
    row(
        "yamldecode",
        "yamldecode(string)",
        1,
        Some(1),
        encoding::yamldecode,
    ),
    row(
        "yamlencode",
        "yamlencode(value)",
        1,
        Some(1),
        encoding::yamlencode,
    )
    .nulls(),
    row(
        "zipmap",
        "zipmap(keys, values)",
        2,
        Some(2),
        collections::zipmap,
    )
    .shallow(),
];

/// The row of a name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS
        .binary_search_by_key(&name, |function| function.name)
        .ok()
        .map(|index| &FUNCTIONS[index])
}

/// All names, sorted, `try` and `can` included.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = FUNCTIONS
        .iter()
        .map(|function| function.name)
        .chain(["try", "can"])
        .collect();
    names.sort_unstable();
    names
}

/// How a function is called, as `join(separator, lists…)`, for help and the reference.
pub fn usage(name: &str) -> Option<&'static str> {
    match name {
        "try" => Some("try(expressions…)"),
        "can" => Some("can(expression)"),
        _ => find(name).map(|function| function.usage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_sorted_and_say_how_they_are_used() {
        assert!(FUNCTIONS.is_sorted_by_key(|function| function.name));
        for function in FUNCTIONS {
            assert!(
                function.usage.starts_with(&format!("{}(", function.name)),
                "{}",
                function.name
            );
        }
    }
}
