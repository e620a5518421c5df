//! The one place that writes to standard output: what a person (or a pipe) asked for. Progress and errors go to
//! standard error.

use std::fmt::Display;
use std::io::Write;

/// Prints one line. A reader who has seen enough (`| head`) is no reason to fail.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Writes a line to standard error: what went wrong, or what is going on.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Rows of words as aligned columns: the first column to the left, numbers to the right.
pub(crate) fn table(rows: &[Vec<String>], right_aligned_from: usize) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> =
                row.iter()
                    .zip(&widths)
                    .enumerate()
                    .map(|(column, (cell, &width))| {
                        if column >= right_aligned_from { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
                    })
                    .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect()
}

/// An exact amount as people read it: 1234567.5 becomes "1,234,567.50" when the text has two decimals.
pub(crate) fn grouped(amount: &str) -> String {
    let (sign, digits) = amount.strip_prefix('-').map_or(("", amount), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let mut text = String::from(sign);
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_by_thousands() {
        for (amount, expected) in
            [("0", "0"), ("999", "999"), ("1000", "1,000"), ("-1234567.50", "-1,234,567.50"), ("100000", "100,000")]
        {
            assert_eq!(grouped(amount), expected);
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![vec!["paid".to_owned(), "5".to_owned()], vec!["no_contact".to_owned(), "120".to_owned()]];
        assert_eq!(table(&rows, 1), ["paid          5", "no_contact  120"]);
    }
}
