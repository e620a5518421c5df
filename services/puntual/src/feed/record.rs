//! One line of CSV into its cells. Strict, and line by line: a quote that is never closed spoils its own line and not
//! the rest of the file. A cell therefore cannot contain a line break.

/// Why a line is not a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Number of the field (from 1) whose quote is not closed on its line.
    OpenQuote(usize),
    /// Number of the field (from 1) with a quote where none may be.
    StrayQuote(usize),
}

impl Broken {
    /// The field, counted from 1.
    pub(crate) fn field(&self) -> usize {
        match self {
            Self::OpenQuote(field) | Self::StrayQuote(field) => *field,
        }
    }

    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::OpenQuote(_) => "a quote is not closed on its line",
            Self::StrayQuote(_) => "a quote inside a field that is not quoted as a whole",
        }
    }
}

/// The cells of a line. `line` comes without its line break.
pub(crate) fn cells(line: &str) -> Result<Vec<String>, Broken> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let field = cells.len() + 1;
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted, field)?,
            None => plain_cell(rest, field)?,
        };
        cells.push(cell);
        match after {
            Some(next) => rest = next,
            None => return Ok(cells),
        }
    }
}

/// A cell and what follows the comma behind it; `None` at the end of the line.
type Cell<'a> = (String, Option<&'a str>);

fn plain_cell(rest: &str, field: usize) -> Result<Cell<'_>, Broken> {
    let (cell, after) = rest.split_once(',').map_or((rest, None), |(cell, after)| (cell, Some(after)));
    if cell.contains('"') { Err(Broken::StrayQuote(field)) } else { Ok((cell.to_owned(), after)) }
}

fn quoted_cell(mut rest: &str, field: usize) -> Result<Cell<'_>, Broken> {
    let mut cell = String::new();
    loop {
        let Some((text, after)) = rest.split_once('"') else { return Err(Broken::OpenQuote(field)) };
        cell.push_str(text);
        if let Some(more) = after.strip_prefix('"') {
            cell.push('"');
            rest = more;
        } else if after.is_empty() {
            return Ok((cell, None));
        } else if let Some(next) = after.strip_prefix(',') {
            return Ok((cell, Some(next)));
        } else {
            return Err(Broken::StrayQuote(field));
        }
    }
}

/// A cell as it is written: quoted only where it must be.
pub(crate) fn written(cell: &str) -> String {
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_split_or_refused_with_the_field() {
        let cases: [(&str, Result<Vec<&str>, Broken>); 9] = [
            ("a,b", Ok(vec!["a", "b"])),
            ("", Ok(vec![""])),
            (",", Ok(vec!["", ""])),
            ("\"a,b\",c", Ok(vec!["a,b", "c"])),
            ("\"say \"\"hi\"\"\"", Ok(vec!["say \"hi\""])),
            ("\"\",x", Ok(vec!["", "x"])),
            ("a,\"b", Err(Broken::OpenQuote(2))),
            ("a,b\"c", Err(Broken::StrayQuote(2))),
            ("\"a\"b,c", Err(Broken::StrayQuote(1))),
        ];
        for (line, expected) in cases {
            let expected = expected.map(|cells| cells.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(cells(line), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(row in prop::collection::vec("[a-z,\"; ñ:]{0,8}", 1..6)) {
            let line = row.iter().map(|cell| written(cell)).collect::<Vec<_>>().join(",");
            prop_assert_eq!(cells(&line).unwrap(), row);
        }

        #[test]
        fn no_line_makes_it_panic(line in ".*") {
            let _ = cells(&line);
        }
    }
}
