//! Rust source, as far as the directions need it: code without comments, strings and tests, and the paths that it names.

use std::path::{Path, PathBuf};

/// A source file; `path` is relative to the folder that was read.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Every Rust file below `folder`, sorted.
pub(super) fn files(folder: &Path) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in std::fs::read_dir(&current).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(File { path: path.strip_prefix(folder).unwrap().to_owned(), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The text with comments and the contents of strings and characters blanked out.
pub(super) fn code(text: &str) -> String {
    let source: Vec<char> = text.chars().collect();
    let at = |index: usize| source.get(index).copied().unwrap_or('\0');
    let mut code = String::with_capacity(text.len());
    let mut index = 0;
    while index < source.len() {
        let end = match (at(index), at(index + 1)) {
            ('/', '/') => (index..source.len()).find(|i| at(*i) == '\n').unwrap_or(source.len()),
            ('/', '*') => end_of_block_comment(&source, index),
            ('"', _) => end_of_string(&source, index),
            ('r', '"' | '#') if index == 0 || !is_word(at(index - 1)) => end_of_raw_string(&source, index),
            ('\'', '\\') => (index + 3..source.len()).find(|i| at(*i) == '\'').map_or(source.len(), |i| i + 1),
            ('\'', _) if at(index + 2) == '\'' => index + 3, // and not a lifetime
            _ => index,
        };
        if end == index {
            code.push(at(index));
            index += 1;
        } else {
            code.extend(source[index..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            index = end;
        }
    }
    code
}

fn end_of_block_comment(source: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut index = start;
    while index + 1 < source.len() {
        match (source[index], source[index + 1]) {
            ('/', '*') => (depth, index) = (depth + 1, index + 1),
            ('*', '/') => (depth, index) = (depth - 1, index + 1),
            _ => {}
        }
        index += 1;
        if depth == 0 {
            return index;
        }
    }
    source.len()
}

fn end_of_string(source: &[char], start: usize) -> usize {
    let mut index = start + 1;
    while index < source.len() {
        match source[index] {
            '\\' => index += 1,
            '"' => return index + 1,
            _ => {}
        }
        index += 1;
    }
    source.len()
}

/// `start` itself when what begins there is a raw identifier or no string at all.
fn end_of_raw_string(source: &[char], start: usize) -> usize {
    let hashes = source[start + 1..].iter().take_while(|c| **c == '#').count();
    if source.get(start + 1 + hashes) != Some(&'"') {
        return start;
    }
    let mut closing = vec!['"'];
    closing.resize(hashes + 1, '#');
    let body = start + 2 + hashes;
    (body..source.len())
        .find(|index| source[*index..].starts_with(&closing))
        .map_or(source.len(), |index| index + closing.len())
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Blanks out inline modules under `#[cfg(test)]`, and lists the modules under it that are files of their own.
pub(super) fn without_tests(code: &str) -> (String, Vec<String>) {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::with_capacity(code.len());
    let mut test_files = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        kept.push_str(&rest[..start]);
        let item = &rest[start + MARK.len()..];
        let end = item.find([';', '{']).unwrap_or(item.len());
        let head: Vec<&str> = item[..end].split_whitespace().collect();
        if item[end..].starts_with('{') {
            rest = &item[end + end_of_braces(&item[end..])..];
        } else {
            if let Some(name) = head.iter().position(|word| *word == "mod").and_then(|index| head.get(index + 1)) {
                test_files.push((*name).to_owned());
            }
            rest = item.get(end + 1..).unwrap_or_default();
        }
    }
    kept.push_str(rest);
    (kept, test_files)
}

fn end_of_braces(text: &str) -> usize {
    let mut depth = 0_usize;
    for (index, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    text.len()
}

/// Every path of two segments or more that the code names, groups of `use` spelled out: `use a::{b, c::D}` names `a::b`
/// and `a::c::D`.
pub(super) fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = code;
    let mut colons = 0; // right before this place: two make the word a part of a path that began earlier
    while let Some(first) = rest.chars().next() {
        let word: String = rest.chars().take_while(|c| is_word(*c)).collect();
        if word.is_empty() {
            colons = if first == ':' {
                colons + 1
            } else if first.is_whitespace() {
                colons
            } else {
                0
            };
            rest = &rest[first.len_utf8()..];
            continue;
        }
        if rest[word.len()..].trim_start().starts_with("::") && colons != 2 && !word.starts_with(char::is_numeric) {
            let (tree, length) = tree(rest);
            found.extend(tree);
            rest = &rest[length..];
        } else {
            rest = &rest[word.len()..];
        }
        colons = 0;
    }
    found
}

/// The paths of one tree at the start of `text`, and how long it is.
fn tree(text: &str) -> (Vec<Vec<String>>, usize) {
    let mut prefix = Vec::new();
    let mut at = 0;
    loop {
        at += blanks(&text[at..]);
        if text[at..].starts_with('{') {
            let mut paths = Vec::new();
            at += 1;
            loop {
                at += text[at..]
                    .chars()
                    .take_while(|c| c.is_whitespace() || *c == ',')
                    .map(char::len_utf8)
                    .sum::<usize>();
                if at >= text.len() {
                    return (paths, at);
                }
                if text[at..].starts_with('}') {
                    return (paths, at + 1);
                }
                let (inner, length) = tree(&text[at..]);
                at += length.max(1);
                paths.extend(inner.into_iter().map(|path| [prefix.clone(), path].concat()));
            }
        }
        let word: String = text[at..].chars().take_while(|c| is_word(*c) || *c == '*').collect();
        if word.is_empty() {
            return (vec![prefix], at);
        }
        at += word.len();
        prefix.push(word);
        let next = at + blanks(&text[at..]);
        if !text[next..].starts_with("::") {
            // `as Name` renames and names nothing new.
            let renamed = text[next..].strip_prefix("as ").map(|name| name.chars().take_while(|c| is_word(*c)).count());
            return (vec![prefix], renamed.map_or(at, |name| next + 3 + name));
        }
        at = next + 2;
    }
}

fn blanks(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

#[test]
fn comments_and_strings_are_not_code() {
    let text = r##"let a = "sqlx::x \" y"; // tokio::z
/* a /* b */ sqlx::c */ let d = r#"sqlx::"e"#; let f: &'static str = g('"', '\'');"##;
    let code = code(text);
    assert!(!code.contains("sqlx") && !code.contains("tokio"), "{code}");
    assert!(code.contains("let d") && code.contains("&'static str = g("), "{code}");
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn tests_are_left_out() {
    let (kept, files) = without_tests(
        "use a::b; #[cfg(test)] mod tests { use sqlx::c; fn f() { {} } } use d::e; #[cfg(test)]\npub(crate) mod samples; struct X;",
    );
    assert!(!kept.contains("sqlx") && kept.contains("use d::e") && kept.contains("struct X"), "{kept}");
    assert_eq!(files, ["samples"]);
}

#[test]
fn groups_are_spelled_out() {
    let named = paths(
        "use crate::{domain::promise as p, store::{self, rows::*}}; let x = chrono :: Utc.b::<Vec<std::u8::T>>();",
    );
    let named: Vec<_> = named.iter().map(|path| path.join("::")).collect();
    let expected =
        ["crate::domain::promise", "crate::store::self", "crate::store::rows::*", "chrono::Utc", "std::u8::T"];
    for path in expected {
        assert!(named.iter().any(|found| found == path), "{path} in {named:?}");
    }
}
