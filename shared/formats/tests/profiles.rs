//! Each file of `fixtures/profiles` becomes, by the shipped profile of its name, what stands beside it as JSON.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::path::{Path, PathBuf};

use formats::profile::{Checked, Mapped, Profile, Yields, check, shipped};
use formats::table::Broken;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::{Value, json};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/profiles")
}

/// As a tenant has it: with its own currencies.
fn profile(name: &str) -> Profile {
    let (_, yaml) = shipped().iter().find(|(shipped, _)| *shipped == name).unwrap();
    Profile::parse(&yaml.replace("lookup: {}", r#"lookup: {"1": USD}"#)).unwrap()
}

fn refused(broken: &Broken) -> Value {
    json!({ "line": broken.line, "code": broken.code, "cell": broken.cell, "detail": broken.detail })
}

fn shown(profile: &Profile, bytes: &[u8]) -> Value {
    let mut mapped = match Mapped::open(bytes, profile, "erp").unwrap() {
        Ok(mapped) => mapped,
        Err(broken) => return refused(&broken),
    };
    let mut rows = Vec::new();
    while let Some(row) = mapped.next().unwrap() {
        rows.push(match row {
            Ok(row) => json!({ "line": row.line, "facts": row.facts }),
            Err(broken) => {
                let mut shown = refused(&broken);
                shown["readable"] = json!(mapped.readable());
                shown
            }
        });
    }
    json!({ "rows": rows, "left_out": mapped.left_out(), "unused": mapped.unused_columns() })
}

fn assert_fixture(name: &str, becomes: &Value, wrong: &mut Vec<String>) {
    let path = directory().join(name).with_extension("json");
    let expected = fs::read(&path).unwrap_or_default();
    if serde_json::from_slice::<Value>(&expected).ok().as_ref() != Some(becomes) {
        wrong.push(format!("{name}\n{becomes:#}"));
    }
}

/// Dates and numbers as a spreadsheet keeps them, below a title.
fn workbook() -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let date = Format::new().set_num_format("dd/mm/yyyy");
    let day = |text: &str| ExcelDateTime::parse_from_str(text).unwrap();
    sheet.write(0, 0, "Cartera al 1 de marzo").unwrap();
    for (column, name) in (0..).zip(["Factura", "Cliente", "Moneda", "Saldo", "Vencimiento", "Importe", "Vendedor"]) {
        sheet.write(2, column, name).unwrap();
    }
    sheet.write_row(3, 0, ["F-1", "C-1", "COP"]).unwrap();
    sheet.write(3, 3, 0.300_000_000_000_000_04).unwrap();
    sheet.write_with_format(3, 4, day("2026-02-09"), &date).unwrap();
    sheet.write(3, 5, 1_250_000.5).unwrap();
    sheet.write(3, 6, "Ana").unwrap();
    // A number for a key, and a date as text.
    sheet.write(4, 0, 100_045).unwrap();
    sheet.write_row(4, 1, ["=C-2", "COP", "10.00", "2026-02-09"]).unwrap();
    // What a spreadsheet has spoiled: a key of twenty digits, and a date without its format.
    sheet.write(5, 0, 12_345_678_901_234_567_890_f64).unwrap();
    sheet.write_row(5, 1, ["C-3", "COP", "10.00", "2026-02-09"]).unwrap();
    sheet.write_row(6, 0, ["F-4", "C-3", "COP", "10.00"]).unwrap();
    sheet.write(6, 4, 46_062).unwrap();
    workbook.save_to_buffer().unwrap()
}

#[test]
fn fixtures_become_the_facts_beside_them() {
    let mut wrong = Vec::new();
    let mut exercised = Vec::new();
    for entry in fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "json") {
            continue;
        }
        let file = path.file_stem().unwrap().to_str().unwrap();
        let fits = shipped().iter().filter(|(name, _)| file.starts_with(name));
        let (name, _) = fits.max_by_key(|(name, _)| name.len()).unwrap();
        exercised.push(*name);
        assert_fixture(file, &shown(&profile(name), &fs::read(&path).unwrap()), &mut wrong);
    }
    exercised.push("generic-open-items-xlsx");
    let becomes = shown(&profile("generic-open-items-xlsx"), &workbook());
    assert_fixture("generic-open-items-xlsx", &becomes, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, _) in shipped() {
        assert!(exercised.contains(name), "{name} has no fixture");
        assert_eq!(profile(name).name(), *name);
        assert!(!profile(name).about().is_empty());
    }
}

/// Rows of a short profile: what they become, or code and detail.
fn rows(yaml: &str, text: &[u8]) -> Result<Vec<Result<Vec<Value>, String>>, String> {
    let profile = Profile::parse(yaml).map_err(|wrong| format!("{wrong:?}"))?;
    let told = |broken: Broken| format!("{}: {}", broken.code, broken.detail);
    let mut mapped = Mapped::open(text, &profile, "erp").unwrap().map_err(told)?;
    let mut rows = Vec::new();
    while let Some(row) = mapped.next().unwrap() {
        rows.push(row.map(|row| row.facts).map_err(told));
    }
    Ok(rows)
}

/// A profile of withdrawn promises, the shortest facts there are, with `input` and whatever `more` says.
fn promises(input: &str, more: &str) -> String {
    format!(
        "name: test\ninput: {{{input}}}\n{more}\nrules:\n- to: promise.withdrawn\n  time: Day\n  \
         data: {{promise: Promise, withdrawn_on: Day}}\n"
    )
}

fn names(rows: Vec<Result<Vec<Value>, String>>) -> Vec<Result<String, String>> {
    let name = |facts: Vec<Value>| facts.iter().map(|fact| fact["data"]["promise"].as_str().unwrap()).collect();
    rows.into_iter().map(|row| row.map(name)).collect()
}

fn all(wanted: &[&str]) -> Vec<Result<String, String>> {
    wanted.iter().map(|name| Ok((*name).to_owned())).collect()
}

#[test]
fn a_header_line_is_the_first_a_numbered_or_the_one_that_fits() {
    let table = b"Report\n\nDay,Promise\n2026-01-01,a\n\n----,----\nDay,Promise\n2026-01-01,b\n";
    let read = |header: &str| rows(&promises(&format!("format: csv, header_line: {header}"), ""), table).map(names);
    assert_eq!(read("find").unwrap(), all(&["a", "b"]));
    assert_eq!(read("3").unwrap(), all(&["a", "b"]));
    assert_eq!(read("first").unwrap_err(), "csv-header: missing column: Promise; missing column: Day");
    assert_eq!(read("99").unwrap_err(), "empty-body: a table starts with its header line");
    let without = rows(&promises("format: csv, header_line: find", ""), b"x\nPromise,x\n").unwrap_err();
    assert_eq!(without, "csv-header: missing column: Day");
}

#[test]
fn columns_are_known_however_their_names_are_blanked_and_cased() {
    let read = |table: &str, input: &str| rows(&promises(input, ""), table.as_bytes()).map(names);
    assert_eq!(read(" DAY ,  promise\n2026-01-01,a\n", "format: csv").unwrap(), all(&["a"]));
    assert_eq!(read("Day,Promise,day\n2026-01-01,a,x\n", "format: csv").unwrap_err(), "csv-header: column twice: Day");
    assert_eq!(
        read("Day,Promise,x\n", "format: csv, unknown_columns: refuse").unwrap_err(),
        "csv-header: unknown column: x"
    );
    let short = "Day,Promise,x,y\n2026-01-01,a\n";
    assert_eq!(read(short, "format: csv, short_rows: pad").unwrap(), all(&["a"]));
    assert!(read(short, "format: csv").unwrap()[0].as_ref().unwrap_err().starts_with("csv-field-count"));
}

#[test]
fn bytes_are_of_the_encoding_that_the_profile_declares() {
    let table = b"Day;Promise\n2026-01-01;a\xf1o\n";
    let read = |encoding: &str| {
        rows(&promises(&format!("format: csv, delimiter: \";\", encoding: {encoding}"), ""), table).map(names)
    };
    assert_eq!(read("windows-1252").unwrap(), all(&["año"]));
    assert_eq!(read("iso-8859-1").unwrap(), all(&["año"]));
    assert!(read("utf-8").unwrap()[0].as_ref().unwrap_err().starts_with("encoding"));
}

#[test]
fn rows_are_skipped_or_left_out_with_a_reason_or_refused() {
    let yaml = "name: test\ninput:\n  format: csv\n  skip: [{column: Promise, starts_with: Sub}]\nrules:\n\
        - {when: [{column: Kind, one_of: [x, z]}], to: nothing, why: other kinds}\n\
        - when: [{column: Kind, equals: p}]\n  to: promise.withdrawn\n  time: Day\n  data: {promise: Promise, withdrawn_on: Day}\n";
    let table = b"Day,Promise,Kind\n2026-01-01,a,p\n,Subtotal,p\n2026-01-01,b,x\n2026-01-01,c,q\n";
    let read = rows(yaml, table).unwrap();
    assert_eq!(read.len(), 3);
    assert_eq!(read[1], Ok(vec![]));
    assert!(read[2].as_ref().unwrap_err().starts_with("no-rule"));
    let checked = check(&Profile::parse(yaml).unwrap(), table, 10);
    assert_eq!(checked.left_out.get("other kinds"), Some(&1));
}

/// Codes of what is wrong, and what the total lines told.
fn totals(table: &str, trailer: &str) -> (Vec<String>, Checked) {
    let yaml = format!(
        "name: test\ninput:\n  format: csv\n  delimiter: ;\n  trailer: {{when: [{{column: F, equals: TOTAL}}], {trailer}}}\n\
         numbers: {{decimal: ',', group: '.', negative: [trailing]}}\nrules:\n\
         - {{when: [{{column: A, amount: negative}}], to: nothing, why: credits}}\n\
         - {{to: open_item, data: {{invoice: F, customer: C, currency: M, open_amount: A, due_date: D}}}}\n"
    );
    let checked = check(&Profile::parse(&yaml).unwrap(), table.as_bytes(), 10);
    (checked.problems.iter().map(|problem| problem.broken.code.to_owned()).collect(), checked)
}

#[test]
fn total_lines_agree_with_the_rows_above_them_or_the_file_is_refused() {
    let head = "F;C;M;A;D\nF1;1;COP;1.000,50;2026-01-01\nF2;1;COP;200,00-;2026-01-01\nF3;1;USD;7;2026-01-01\n";
    let both = "count: C, sum: A, currency: M";
    let (codes, checked) = totals(&format!("{head}TOTAL;3;COP;800,50;\nTOTAL;3;USD;7,00;\n"), both);
    assert_eq!(codes, [""; 0]);
    assert!(!profile("generic-open-items").has_totals());
    let told = checked.totals.unwrap();
    assert_eq!((told.count, told.sums["COP"].to_string()), (Some(3), "800.50".to_owned()));
    assert_eq!((checked.read, checked.counts["open_item"]), (3, 2));
    for wrong in
        ["TOTAL;3;COP;800,51;\nTOTAL;3;USD;7;\n", "TOTAL;4;COP;800,50;\nTOTAL;4;USD;7;\n", "TOTAL;3;COP;800,50;\n"]
    {
        assert_eq!(totals(&format!("{head}{wrong}"), both).0, ["control-total"], "{wrong}");
    }
    // Without a currency it is the total of the only one.
    let one = "F;C;M;A;D\nF1;1;COP;1;2026-01-01\nTOTAL;;;1,00;\n";
    assert_eq!(totals(one, "sum: A, currency: M").0, [""; 0]);
    assert_eq!(totals(&format!("{head}TOTAL;;;807,50;\n"), "sum: A, currency: M").0, ["control-total"]);
    // A row that cannot be read may hide any amount.
    assert_eq!(
        totals(&format!("{head}F4;1;COP;x;2026-01-01\nTOTAL;;COP;800,50;\n"), both).0.last().unwrap(),
        "control-total"
    );
}

#[test]
fn json_comes_as_lines_as_an_array_or_inside_a_document() {
    let one = r#"{"Promise": "a", "Day": "2026-01-01"}"#;
    let read = |input: &str, text: &str| rows(&promises(input, ""), text.as_bytes()).map(names);
    assert_eq!(read("format: json", &format!("{one}\n\n{one}\n")).unwrap(), all(&["a", "a"]));
    assert_eq!(read("format: json", &format!("\n[{one},\n {one}]\n")).unwrap(), all(&["a", "a"]));
    assert_eq!(
        read("format: json, values: d.results", &format!(r#"{{"d": {{"results": [{one}]}}}}"#)).unwrap(),
        all(&["a"])
    );
    assert_eq!(read("format: json", "[]").unwrap(), []);
    let broken = read("format: json", &format!("{one}\n{{\n[1]\n{one}\n")).unwrap();
    assert_eq!(broken.iter().filter(|row| row.is_err()).count(), 2);
    assert_eq!(broken.last(), all(&["a"]).last());
    assert!(read("format: json", &format!("[{one}")).unwrap().last().unwrap().is_err());
    assert!(read("format: json", &format!("[{one}] x")).unwrap().last().unwrap().is_err());
    let twice = r#"{"Promise": "a", "Day": "2026-01-01", "Day": "2026-01-02"}"#;
    assert_eq!(read("format: json", twice).unwrap(), [Err("duplicate-member: member twice: Day".to_owned())]);
    assert_eq!(read("format: json", &format!("[{twice}, {one}]")).unwrap().len(), 2);
    assert!(read("format: json, values: nowhere", "{}").unwrap_err().starts_with("csv-header"));
    assert!(read("format: json", " \n ").unwrap_err().starts_with("empty-body"));
}

#[test]
fn fields_are_looked_up_composed_and_reckoned() {
    let yaml = "name: test\ninput: {format: json}\ndates: [\"%d/%m/%Y\"]\ntime_zone: America/Bogota\nrules:\n\
        - to: invoice.issued\n  id: \"{a.no}/{a.list[1]}\"\n  time: on\n  source_version: {constant: v1}\n  data:\n\
        \x20   invoice: {column: a.no, trim_zeros: true}\n\
        \x20   customer: {first_of: [none, {path: a.customer}], required: true}\n\
        \x20   amount: {path: sum, sign: negate}\n\
        \x20   currency: {column: a.cur, lookup: {\"1\": COP}, otherwise: USD, default: EUR}\n\
        \x20   issue_date: on\n\
        \x20   due_date: {column: on, terms: {days: days}}\n\
        - to: promise.made\n  when: [{column: promised, empty: false}]\n  time: on\n  data: {promise: a.no, customer: a.customer,\
        \x20 invoices: promised, amount: {path: sum, sign: absolute}, currency: {constant: COP}, promised_date: on, made_on: on}\n";
    let line = r#"{"a": {"no": "007", "list": [1, 2], "customer": 5, "cur": 1}, "sum": -12.5, "on": "31/01/2026", "days": "30", "promised": ["x", "y"]}"#;
    let read = rows(yaml, line.as_bytes()).unwrap();
    assert_eq!(
        read[0].as_ref().unwrap()[0],
        json!({
            "id": "007/2", "source": "erp", "type": "invoice.issued", "time": "2026-01-31T05:00:00Z", "source_version": "v1",
            "data": {"invoice": "7", "customer": "5", "amount": "12.5", "currency": "COP",
                "issue_date": "2026-01-31", "due_date": "2026-03-02"}
        })
    );
    assert_eq!(read[0].as_ref().unwrap()[1]["data"]["invoices"], json!(["x", "y"]));
    assert_eq!(read[0].as_ref().unwrap()[1]["data"]["amount"], json!("12.5"));
}

#[test]
fn a_profile_that_is_wrong_says_where_and_what() {
    let base = promises("format: csv", "");
    assert!(Profile::parse(&base).is_ok());
    for (from, to, place, detail) in [
        ("name: test", "nam: test", "line 1", "nam"),
        ("name: test", "name: test\nname: test", "line 2", "duplicate"),
        ("format: csv", "format: pdf", "line 2", "pdf"),
        ("format: csv", "format: csv, colour: red", "line 2", "colour"),
        ("rules:", "rules: []\nwhat:", "line 5", "what"),
        ("rules:", "numbers: {decimal: x}\nrules:", "numbers.decimal", "one of . ,"),
        ("rules:", "dates: yyyy-mm-dd\nrules:", "dates", "a year, a month and a day"),
        ("rules:", "time_zone: Bogota\nrules:", "time_zone", "America/Bogota"),
        ("promise.withdrawn", "promise.broken", "rules[0].to", "promise.withdrawn"),
        ("withdrawn_on: Day", "withdrawn: Day", "rules[0].data", "withdrawn_on is missing"),
        (
            "withdrawn_on: Day",
            "withdrawn_on: {column: Day, sign: negate}",
            "rules[0].data.withdrawn_on.sign",
            "amounts",
        ),
        ("withdrawn_on: Day", "withdrawn_on: {as: date}", "rules[0].data.withdrawn_on", "one of column"),
        ("promise: Promise", "promise: \"{Promise\"", "rules[0].data.promise", "brace"),
        ("promise: Promise", "promise: 12", "line", "column"),
        ("  time: Day", "  when: [{column: x}]\n  time: Day", "rules[0].when[0]", "test"),
        ("  time: Day\n", "", "rules[0]", "time is missing"),
        ("format: csv", "format: csv, sheet: x", "input.sheet", "no such thing"),
    ] {
        let yaml = base.replace(from, to);
        assert_ne!(yaml, base, "{from}");
        let wrong = Profile::parse(&yaml).unwrap_err();
        let shown: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert!(shown.iter().any(|one| one.starts_with(place) && one.contains(detail)), "{to}: {shown:?}");
    }
    let two = base.replace("name: test", "name: ''").replace("rules:", "dates: x\nrules:");
    assert_eq!(Profile::parse(&two).unwrap_err().len(), 2);
    assert!(Profile::parse("").is_err());
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nname: *c\n";
    assert!(Profile::parse(bomb).is_err());
}

#[test]
fn a_check_shows_what_a_file_would_become() {
    let profile = profile("generic-open-items");
    assert_eq!(profile.yields(), Yields::OpenItems);
    let checked = check(&profile, &fs::read(directory().join("generic-open-items.csv")).unwrap(), 1);
    assert_eq!((checked.read, checked.rows.len(), checked.problem_count), (5, 1, 3));
    assert_eq!(checked.counts["open_item"], 2);
    assert_eq!(checked.unused_columns, ["Vendedor"]);
    assert!(checked.absent_columns.iter().any(|column| column.starts_with("payer")));
    assert_eq!(checked.problems[0].column.as_deref(), Some("Saldo pendiente"));
    let without = check(&profile, b"Factura,Cliente\n", 1);
    assert_eq!(without.problems[0].broken.code, "csv-header");
}

#[test]
fn a_workbook_that_is_none_or_lacks_the_sheet_is_refused() {
    let yaml = promises("format: xlsx, sheet: Cartera", "");
    let code = |bytes: &[u8]| rows(&yaml, bytes).unwrap_err();
    assert!(code(b"").starts_with("xlsx-unreadable"));
    assert!(code(b"PK\x03\x04 no workbook").starts_with("xlsx-unreadable"));
    assert_eq!(code(&workbook()), "xlsx-sheet: no sheet Cartera; there are Sheet1");
}

/// A workbook of our own making, with whatever its sheet says.
fn archive(sheet: &str) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let parts = [
        (
            "_rels/.rels",
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="a"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    for (name, text) in parts {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut archive, text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn workbooks_made_to_hurt_are_refused_or_cost_what_they_hold() {
    let sheet = |rows: &str| {
        archive(&format!(
            r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
        ))
    };
    let head = r#"<row r="1"><c r="A1" t="str"><v>Day</v></c><c r="B1" t="str"><v>Promise</v></c></row>"#;
    let read = |body: &str| rows(&promises("format: xlsx", ""), &sheet(&format!("{head}{body}")));
    let cell = |day: &str| {
        read(&format!(r#"<row r="2"><c r="A2" t="str"><v>{day}</v></c><c r="B2" t="str"><v>a</v></c></row>"#))
    };
    assert_eq!(cell("2026-01-01").map(names).unwrap(), all(&["a"]));
    // The last row of all costs no rows above it; the last column is too far out.
    let last =
        r#"<row r="1048576"><c r="A1048576" t="str"><v>2026-01-01</v></c><c r="B1048576" t="str"><v>z</v></c></row>"#;
    assert_eq!(read(last).map(names).unwrap(), all(&["z"]));
    assert!(read(r#"<row r="2"><c r="XFD2"><v>1</v></c></row>"#).unwrap_err().starts_with("csv-too-wide"));
    assert!(cell(&"x".repeat(100_000)).unwrap_err().starts_with("csv-field-limit"));
    assert!(
        read(r#"<row r="2"><c r="A2" t="e"><v>#REF!</v></c><c r="B2" t="str"><v>a</v></c></row>"#).unwrap()[0]
            .as_ref()
            .unwrap_err()
            .starts_with("excel-coerced")
    );
    assert!(read(r#"<row r="2"><c r="A2" t="s"><v>99</v></c></row>"#).unwrap_err().starts_with("xlsx-unreadable"));
}

#[test]
fn the_example_of_the_documentation_is_true() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/README.md")).unwrap();
    let mut blocks = readme.split("\n```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap().1);
    let (file, yaml, json) = (blocks.next().unwrap(), blocks.next().unwrap(), blocks.next().unwrap());
    let (file, _, _) = encoding_rs::WINDOWS_1252.encode(file);
    let read = rows(yaml, &file).unwrap();
    assert_eq!(read, [Ok(vec![serde_json::from_str(json).unwrap()]), Ok(vec![])]);
}
