//! The language, described once: every block and attribute with its type, default and a line of help.
//!
//! The table drives decoding, the nearest-name hints, the JSON Schema of `*.rf.json`, and which names the JSON
//! parser takes for blocks. A new attribute is one row in `table.rs` and its use in `decode`.

mod reference;
mod rows;
mod schema;
mod table;

pub use reference::reference;
pub use rows::{AttributeRow, BlockRow, Count, Kind, Label, Target, nearest_word, quoted};
pub use schema::json_schema;
pub use table::{ENGINES, ROOT};
