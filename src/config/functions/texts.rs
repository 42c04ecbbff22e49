//! Functions of texts in other encodings and tables of text: csvdecode, textencodebase64, textdecodebase64, urlencode.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::value::Value;
use super::call::{Arguments, Outcome, Problem};

/// The most cells that a table may hold.
const MOST_CELLS: usize = 500_000;

/// What a URL's query may hold as it is (RFC 3986, unreserved); a blank becomes `+`.
pub(super) fn urlencode(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte.into())
            }
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(Value::string(out))
}

/// An encoding by its IANA name.
#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    Latin1,
}

fn encoding(arguments: &Arguments<'_>) -> Result<Encoding, Problem> {
    match arguments.text(1)?.to_ascii_uppercase().as_str() {
        "UTF-8" => Ok(Encoding::Utf8),
        "UTF-16LE" => Ok(Encoding::Utf16Le),
        "UTF-16BE" => Ok(Encoding::Utf16Be),
        "ISO-8859-1" | "LATIN1" | "US-ASCII" => Ok(Encoding::Latin1),
        _ => Err(Problem::Argument(
            1,
            "one of UTF-8, UTF-16LE, UTF-16BE, ISO-8859-1 is wanted".into(),
        )),
    }
}

pub(super) fn textencodebase64(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let bytes: Vec<u8> = match encoding(arguments)? {
        Encoding::Utf8 => text.into_bytes(),
        Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::Latin1 => text
            .chars()
            .map(|c| u8::try_from(u32::from(c)))
            .collect::<Result<_, _>>()
            .map_err(|_| {
                Problem::Argument(
                    0,
                    "it holds a character that this encoding doesn't have".into(),
                )
            })?,
    };
    Ok(Value::string(STANDARD.encode(bytes)))
}

pub(super) fn textdecodebase64(arguments: &Arguments<'_>) -> Outcome {
    let bytes = STANDARD
        .decode(arguments.text(0)?)
        .map_err(|error| Problem::Argument(0, format!("this is not base64: {error}")))?;
    let wrong = || Problem::Argument(0, "what it holds isn't text in this encoding".into());
    let wide = |unit: fn([u8; 2]) -> u16| {
        if bytes.len() % 2 != 0 {
            return Err(wrong());
        }
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| unit([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&units).map_err(|_| wrong())
    };
    let text = match encoding(arguments)? {
        Encoding::Utf8 => String::from_utf8(bytes.clone()).map_err(|_| wrong()),
        Encoding::Utf16Le => wide(u16::from_le_bytes),
        Encoding::Utf16Be => wide(u16::from_be_bytes),
        Encoding::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }?;
    Ok(Value::string(text))
}

/// A table as RFC 4180 has it: the first line names the columns, each other line is an object of strings.
pub(super) fn csvdecode(arguments: &Arguments<'_>) -> Outcome {
    let rows = rows(&arguments.text(0)?).map_err(|problem| Problem::Argument(0, problem))?;
    let Some((names, rows)) = rows.split_first() else {
        return Err(Problem::Argument(
            0,
            "the first line must name the columns".into(),
        ));
    };
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
        return Err(Problem::Argument(
            0,
            format!("the column \"{twice}\" stands twice in the first line"),
        ));
    }
    let mut objects = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if row.len() != names.len() {
            return Err(Problem::Argument(
                0,
                format!(
                    "row {} has {} cells, the first line names {} columns",
                    index + 2,
                    row.len(),
                    names.len()
                ),
            ));
        }
        let cells = names
            .iter()
            .cloned()
            .zip(row.iter().map(|cell| Value::string(cell.clone())));
        objects.push(Value::object(cells.collect::<BTreeMap<_, _>>()));
    }
    Ok(Value::list(objects))
}

fn rows(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut cells = 0;
    let mut characters = text.chars().peekable();
    while characters.peek().is_some() {
        let (cell, ended) = cell(&mut characters)?;
        cells += 1;
        if cells > MOST_CELLS {
            return Err(format!("this holds more than {MOST_CELLS} cells"));
        }
        row.push(cell);
        if ended {
            let whole = std::mem::take(&mut row);
            // An empty line is no row.
            if whole.len() > 1 || !whole[0].is_empty() {
                rows.push(whole);
            }
        } else if characters.peek().is_none() {
            row.push(String::new());
        }
    }
    if !row.is_empty() {
        rows.push(row);
    }
    Ok(rows)
}

/// One cell, and whether it ends its line.
fn cell(
    characters: &mut std::iter::Peekable<std::str::Chars<'_>>,
) -> Result<(String, bool), String> {
    let mut cell = String::new();
    let quoted = characters.next_if_eq(&'"').is_some();
    if quoted {
        loop {
            match characters.next() {
                None => return Err("a quote opens a cell that isn't closed".to_owned()),
                Some('"') if characters.next_if_eq(&'"').is_some() => cell.push('"'),
                Some('"') => break,
                Some(other) => cell.push(other),
            }
        }
    }
    loop {
        match characters.next() {
            None | Some('\n') => return Ok((cell, true)),
            Some('\r') if characters.peek() == Some(&'\n') => {}
            Some(',') => return Ok((cell, false)),
            Some('"') => {
                return Err("a quote stands inside a cell; put the whole cell in quotes".to_owned());
            }
            Some(_) if quoted => {
                return Err("a cell in quotes must end at its closing quote".to_owned());
            }
            Some(other) => cell.push(other),
        }
    }
}
