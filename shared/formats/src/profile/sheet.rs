//! A sheet of a workbook (XLSX) as rows of texts.

use std::io::{Cursor, Read};

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx};
use zip::ZipArchive;

use super::json::broken;
use super::row::Cell;
use super::value::{Kind, of_float};
use crate::table::{Broken, MAX_CELL_BYTES, MAX_COLUMNS};

/// Of all parts of a workbook together, as inflated: a few hundred thousand rows.
const MAX_INFLATED_BYTES: u64 = 256 << 20;

/// A row with something in it, by its number in the sheet.
pub(super) struct SheetRow {
    pub(super) line: u64,
    pub(super) cells: Vec<Cell>,
}

pub(super) fn rows(bytes: Vec<u8>, sheet: Option<&str>) -> Result<Vec<SheetRow>, Broken> {
    let refuse = |code, detail: String| broken(code, 1, 0, &detail);
    check_size(&bytes, MAX_INFLATED_BYTES)?;
    let unreadable =
        |error: &dyn std::fmt::Display| refuse("xlsx-unreadable", format!("this is no workbook (XLSX): {error}"));
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    let names = workbook.sheet_names();
    let name = match sheet {
        Some(wanted) => names.iter().find(|name| name.trim().to_lowercase() == wanted.trim().to_lowercase()),
        None => names.first(),
    };
    let Some(name) = name.cloned() else {
        let detail = format!("no sheet {}; there are {}", sheet.unwrap_or("at all"), names.join(", "));
        return Err(refuse("xlsx-sheet", detail));
    };
    let mut reader = workbook.worksheet_cells_reader(&name).map_err(|error| unreadable(&error))?;
    let mut rows: Vec<SheetRow> = Vec::new();
    while let Some(cell) = reader.next_cell().map_err(|error| unreadable(&error))? {
        let (row, column) = cell.get_position();
        let Some(cell) = read(cell.get_value()) else { continue };
        let line = u64::from(row) + 1;
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= MAX_COLUMNS {
            return Err(broken("csv-too-wide", line, 0, &format!("more than {MAX_COLUMNS} columns")));
        }
        if cell.text.len() > MAX_CELL_BYTES {
            return Err(broken("csv-field-limit", line, 0, &format!("a cell longer than {MAX_CELL_BYTES} bytes")));
        }
        if rows.last().is_none_or(|last| last.line != line) {
            if rows.last().is_some_and(|last| last.line > line) {
                return Err(broken("xlsx-unreadable", line, 0, "the rows of the sheet are not in their order"));
            }
            rows.push(SheetRow { line, cells: Vec::new() });
        }
        if let Some(row) = rows.last_mut() {
            while row.cells.len() <= column {
                row.cells.push(Cell::text(String::new()));
            }
            if let Some(place) = row.cells.get_mut(column) {
                *place = cell;
            }
        }
    }
    Ok(rows)
}

/// The directory of an archive may lie about sizes: the parts are inflated once to see.
fn check_size(bytes: &[u8], limit: u64) -> Result<(), Broken> {
    let refuse = |detail: &str| broken("xlsx-unreadable", 1, 0, detail);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| refuse("this is no workbook (XLSX)"))?;
    let mut left = limit;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|_| refuse("a part of the workbook cannot be read"))?;
        let copied = std::io::copy(&mut part.take(left), &mut std::io::sink());
        left -= copied.map_err(|_| refuse("a part of the workbook cannot be read"))?;
        if left == 0 {
            return Err(broken("too-large", 1, 0, &format!("the workbook inflates to more than {limit} bytes")));
        }
    }
    Ok(())
}

/// None for a cell without a value.
fn read(value: &DataRef<'_>) -> Option<Cell> {
    let (text, kind) = match value {
        DataRef::Empty => return None,
        DataRef::Int(number) => (number.to_string(), Kind::Number),
        DataRef::Float(number) => (of_float(*number), Kind::Number),
        DataRef::String(text) | DataRef::DurationIso(text) => (text.clone(), Kind::Text),
        DataRef::SharedString(text) => ((*text).to_owned(), Kind::Text),
        DataRef::Bool(flag) => (flag.to_string(), Kind::Text),
        DataRef::DateTime(at) if at.is_datetime() => (iso(at), Kind::Date),
        DataRef::DateTime(duration) => (of_float(duration.as_f64()), Kind::Number),
        DataRef::DateTimeIso(text) => (text.trim_end_matches("T00:00:00").to_owned(), Kind::Date),
        DataRef::Error(error) => (error.to_string(), Kind::Error),
    };
    (!text.is_empty()).then_some(Cell { text, kind })
}

fn iso(at: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
    if (hour, minute, second) == (0, 0, 0) {
        return format!("{year:04}-{month:02}-{day:02}");
    }
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn a_workbook_is_as_large_as_it_inflates_to() {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for name in ["one", "two"] {
            archive.start_file(name, SimpleFileOptions::default()).unwrap();
            archive.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
        let bomb = archive.finish().unwrap().into_inner();
        assert!(bomb.len() < 1 << 14);
        assert_eq!(check_size(&bomb, (2 << 20) + 1), Ok(()));
        assert_eq!(check_size(&bomb, 2 << 20).unwrap_err().code, "too-large");
    }
}
