//! The table as a reference for people: every block and attribute, in Markdown.

use super::rows::{AttributeRow, BlockRow, Count, Label};
use super::table::ROOT;

/// The whole reference; schemas/reference.md is made of it.
pub fn reference() -> String {
    let mut out = String::from(
        "# replform's language: every block and attribute\n\n\
         Made from the table that validates them (`REPLFORM_REWRITE=1 cargo test --lib reference` writes it anew). \
         An attribute in **bold** is required.\n",
    );
    ROOT.blocks
        .iter()
        .for_each(|block| one(block, "", &mut out));
    out
}

fn one(row: &BlockRow, around: &str, out: &mut String) {
    let label = match row.label {
        Some(Label::Name) => " \"NAME\"",
        Some(Label::Identifier) => " \"IDENTIFIER\"",
        None => "",
    };
    let path = if around.is_empty() {
        row.name.to_owned()
    } else {
        format!("{around} > {}", row.name)
    };
    out.push_str(&format!(
        "\n## {path}\n\n```hcl\n{}{label} {{ … }}\n```\n\n",
        row.name
    ));
    let count = match row.count {
        Count::Required => "Exactly once.",
        Count::Optional => "At most once.",
        Count::Many => "Any number of times.",
    };
    let each = if row.for_each {
        " Takes `for_each`."
    } else {
        ""
    };
    let open = if row.open {
        " Takes any attribute."
    } else {
        ""
    };
    out.push_str(&format!("{}{count}{each}{open}\n", sentence(row.help)));
    if !row.attributes.is_empty() {
        out.push_str("\n| attribute | value | default | |\n|---|---|---|---|\n");
        row.attributes.iter().for_each(|row| attribute(row, out));
    }
    row.blocks.iter().for_each(|inner| one(inner, &path, out));
}

fn attribute(row: &AttributeRow, out: &mut String) {
    let name = if row.required {
        format!("**`{}`**", row.name)
    } else {
        format!("`{}`", row.name)
    };
    out.push_str(&format!(
        "| {name} | {} | {} | {} |\n",
        cell(&row.kind.wanted()),
        cell(row.default.unwrap_or("")),
        cell(row.help)
    ));
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn sentence(help: &str) -> String {
    match help.trim_end_matches('.') {
        "" => String::new(),
        text => format!("{text}. "),
    }
}

#[cfg(test)]
mod tests {
    use super::reference;

    #[test]
    fn the_reference_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/reference.md");
        let now = reference();
        if std::env::var_os("REPLFORM_REWRITE").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let then = std::fs::read_to_string(path).unwrap_or_default();
        assert!(then == now, "REPLFORM_REWRITE=1 writes {path} anew");
    }
}
