//! XML that may be trusted after it was read: bounded, with namespaces resolved, and without what a bill never needs.
//!
//! A document type definition is refused unread (nothing is expanded, nothing fetched), `xsi:schemaLocation` and
//! `XInclude` are attributes and elements like any other. Time and memory are linear in the length of the document.

mod encoding;
mod parser;
mod tree;

pub use encoding::decode;
pub use tree::{Document, Element};

/// A day's statement of a busy account is a tenth of it.
pub const MAX_DOCUMENT: usize = 64 << 20;
/// One text, attribute, comment or processing instruction.
pub const MAX_PIECE: usize = 1 << 20;
/// A whole document inside another (`AttachedDocument`), or a picture of the invoice that nobody here looks at.
pub const MAX_EMBEDDED: usize = 8 << 20;
pub const MAX_DEPTH: usize = 64;
pub const MAX_ATTRIBUTES: usize = 100;
/// About 200 MB of tree; as many attributes are half of that.
pub const MAX_ELEMENTS: usize = 2_000_000;
/// No standard has a name longer than 80.
pub const MAX_NAME: usize = 256;

/// Letters, digits and `. - _`, not starting with a digit, `.` or `-`; characters beyond ASCII are taken as letters.
fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || !c.is_ascii())
    };
    match name.split_once(':') {
        Some((prefix, local)) => part(prefix) && part(local),
        None => part(name),
    }
}

/// What XML 1.0 lets stand in a document.
const fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}
