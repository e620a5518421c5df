//! No bytes and no profile make it panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::io::{Cursor, Read, Write};
use std::sync::LazyLock;

use formats::profile::{Profile, check, shipped};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rust_xlsxwriter::Workbook;

/// What mutations put into a profile or a file.
const PIECES: [&str; 37] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    "\n",
    "  ",
    "- ",
    "\"",
    "'",
    "&a ",
    "*a",
    "{}",
    "~",
    "!!binary x",
    "first_of: [",
    "column: ",
    "as: debezium_decimal",
    "scale: 28",
    "%Y",
    "epoch_us",
    "99999999999999999999",
    "-",
    "1.23E+11",
    "\t",
    ";",
    "\0",
    "ñ",
    "0x1",
    "<<: ",
    "<c r=\"A1\"><v>1</v></c>",
    "s=\"9\"",
    "t=\"d\"",
    "r=\"\"",
    "<v>-1e308</v>",
    "/>",
    "ZZZZZZZ9999999999",
];

fn mutated(base: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec((any::<Index>(), 0..40_usize, select(PIECES.to_vec())), 1..6).prop_map(move |changes| {
        let mut bytes = base.clone();
        for (at, length, piece) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
        }
        bytes
    })
}

fn profile() -> impl Strategy<Value = (Profile, &'static str)> {
    select(shipped().to_vec()).prop_map(|(name, yaml)| (Profile::parse(yaml).unwrap(), name))
}

fn file(name: &str) -> Vec<u8> {
    if name == "generic-open-items-xlsx" {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write_row(0, 0, ["invoice", "customer", "currency", "open_amount", "due_date"]).unwrap();
        sheet.write_row(1, 0, ["F-1", "C-1", "COP"]).unwrap();
        sheet.write_row(1, 3, [1.5, 46_062.0]).unwrap();
        return workbook.save_to_buffer().unwrap();
    }
    let kind = if name.starts_with("debezium") { "ndjson" } else { "csv" };
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/profiles");
    std::fs::read(directory.join(format!("{name}.{kind}"))).unwrap()
}

/// Unpacked, so that mutations reach the XML and not the checksums.
static PARTS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let mut archive = zip::ZipArchive::new(Cursor::new(file("generic-open-items-xlsx"))).unwrap();
    let part = |at| {
        let mut part = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        (part.name().unwrap().into_owned(), bytes)
    };
    (0..archive_len()).map(part).collect()
});

fn archive_len() -> usize {
    zip::ZipArchive::new(Cursor::new(file("generic-open-items-xlsx"))).unwrap().len()
}

fn packed(at: Index, mutated: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (number, (name, bytes)) in PARTS.iter().enumerate() {
        archive.start_file(name, options).unwrap();
        archive.write_all(if number == at.index(PARTS.len()) { mutated } else { bytes }).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

proptest! {
    #[test]
    fn no_part_of_a_workbook_makes_it_panic(
        (at, part) in any::<Index>().prop_flat_map(|at| (Just(at), mutated(PARTS[at.index(PARTS.len())].1.clone())))
    ) {
        let (_, yaml) = shipped().iter().find(|(name, _)| *name == "generic-open-items-xlsx").unwrap();
        check(&Profile::parse(yaml).unwrap(), &packed(at, &part), 10);
    }

    #[test]
    fn no_text_is_a_profile_that_panics(
        (yaml, name) in select(shipped().to_vec()).prop_flat_map(|(name, yaml)| (mutated(yaml.as_bytes().to_vec()), Just(name)))
    ) {
        if let Ok(profile) = Profile::parse(&String::from_utf8_lossy(&yaml)) {
            check(&profile, &file(name), 10);
        }
    }

    #[test]
    fn any_text_at_all_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = Profile::parse(&text);
    }

    #[test]
    fn no_bytes_make_a_profile_panic(
        (profile, bytes) in profile().prop_flat_map(|(profile, name)| (Just(profile), mutated(file(name))))
    ) {
        check(&profile, &bytes, 10);
    }

    #[test]
    fn any_bytes_at_all_are_read_or_refused(
        (profile, _) in profile(),
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'{'), Just(b'['), Just(b','), Just(b'\n')], 0..300),
    ) {
        check(&profile, &bytes, 10);
    }
}
