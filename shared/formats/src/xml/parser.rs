//! Builds the tree from quick-xml's events, which check less than is needed here: namespaces, references, names, limits.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use quick_xml::Reader;
use quick_xml::events::Event;
use quick_xml::events::attributes::Attributes;

use super::tree::{Attribute, Document, Element, Node, local};
use super::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, MAX_EMBEDDED, MAX_NAME, MAX_PIECE, is_character, is_name};
use crate::{Finding, Place};

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// An element that is not closed yet.
struct Frame<'a> {
    index: usize,
    last_child: usize,
    /// How many children of each name there are.
    names: BTreeMap<&'a str, u32>,
    /// Prefixes that this element bound.
    bound: Vec<&'a str>,
}

struct Builder<'a> {
    text: &'a str,
    document: Document<'a>,
    open: Vec<Frame<'a>>,
    /// Namespaces that a prefix stands for, the innermost last.
    bindings: HashMap<&'a str, Vec<usize>>,
    interned: HashMap<Cow<'a, str>, usize>,
    /// Attributes and namespace declarations so far.
    attributes: usize,
    /// Lines counted so far, up to an offset.
    counted: (usize, u64),
}

pub(super) fn parse(text: &str) -> Result<Document<'_>, Finding> {
    let mut builder = Builder {
        text,
        document: Document { nodes: Vec::new(), attributes: Vec::new(), namespaces: Vec::new() },
        open: Vec::new(),
        bindings: HashMap::new(),
        interned: HashMap::new(),
        attributes: 0,
        counted: (0, 1),
    };
    // In no namespace: 0.
    builder.namespace(Cow::Borrowed(""));
    let xml = builder.namespace(Cow::Borrowed(XML));
    builder.bindings.insert("xml", vec![xml]);
    builder.run()?;
    Ok(builder.document)
}

impl<'a> Builder<'a> {
    fn run(&mut self) -> Result<(), Finding> {
        let mut reader = Reader::from_str(self.text);
        reader.config_mut().check_comments = true;
        loop {
            let start = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            self.count_lines(start);
            if self.doctype_at(start) {
                return Err(self.finding("xml-doctype", "document type definitions are not read"));
            }
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.finding("malformed-xml", &error.to_string())),
            };
            let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let raw = self.text.get(start..end).unwrap_or_default();
            match event {
                Event::Start(_) => self.start(inside(raw, "<", ">"), false)?,
                Event::Empty(_) => self.start(inside(raw, "<", "/>"), true)?,
                Event::End(_) => self.end(),
                Event::Text(_) => self.append(normalised(raw), false)?,
                Event::CData(_) => self.append(normalised(inside(raw, "<![CDATA[", "]]>")), true)?,
                Event::GeneralRef(_) => {
                    let c = reference(inside(raw, "&", ";")).map_err(|(code, detail)| self.finding(code, detail))?;
                    self.append(Cow::Owned(c.to_string()), false)?;
                }
                Event::Comment(_) | Event::PI(_) => self.interrupt(raw)?,
                Event::Decl(_) if start == 0 => {}
                Event::Decl(_) => return Err(self.finding("malformed-xml", "the declaration stands first or nowhere")),
                Event::DocType(_) => return Err(self.finding("xml-doctype", "document type definitions are not read")),
                Event::Eof => break,
            }
        }
        if self.open.is_empty() && !self.document.nodes.is_empty() {
            return Ok(());
        }
        Err(self.finding("malformed-xml", "the document ends before its root element does"))
    }

    fn doctype_at(&self, start: usize) -> bool {
        let ahead = self.text.as_bytes().get(start..).unwrap_or_default();
        ahead.get(..9).is_some_and(|ahead| ahead.eq_ignore_ascii_case(b"<!DOCTYPE"))
    }

    fn start(&mut self, tag: &'a str, empty: bool) -> Result<(), Finding> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.finding("too-deep", &format!("elements lie at most {MAX_DEPTH} deep")));
        }
        if self.document.nodes.len() >= MAX_ELEMENTS {
            return Err(self.finding("too-large", &format!("a document has at most {MAX_ELEMENTS} elements")));
        }
        if self.open.is_empty() && !self.document.nodes.is_empty() {
            return Err(self.finding("malformed-xml", "a document has one root element"));
        }
        let name = tag.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        self.check_name(name)?;
        let (written, bound) = self.written(tag, name.len())?;
        let from = self.document.attributes.len();
        for (name, value) in written {
            let namespace = if name.contains(':') { self.resolve(name)? } else { 0 };
            let name = local(name);
            let before = self.document.attributes.get(from..).unwrap_or_default();
            if before.iter().any(|other| other.name == name && other.namespace == namespace) {
                return Err(self.finding("xml-attributes", &format!("attribute {name} stands twice")));
            }
            self.document.attributes.push(Attribute { name, namespace, value });
        }
        let node = Node {
            name,
            namespace: self.resolve(name)?,
            line: self.counted.1,
            ordinal: 1,
            parent: 0,
            first_child: 0,
            next: 0,
            attributes: from..self.document.attributes.len(),
            text: Cow::Borrowed(""),
            cdata: false,
            interrupted: false,
        };
        let index = self.insert(node);
        self.open.push(Frame { index, last_child: 0, names: BTreeMap::new(), bound });
        if empty {
            self.end();
        }
        Ok(())
    }

    /// The attributes that are none of the namespace declarations, and the prefixes that those bound.
    #[allow(clippy::type_complexity, reason = "a pair that one caller takes apart at once")]
    fn written(&mut self, tag: &'a str, name: usize) -> Result<(Vec<(&'a str, Cow<'a, str>)>, Vec<&'a str>), Finding> {
        let mut written = Vec::new();
        let mut bound = Vec::new();
        let mut attributes = Attributes::new(tag, name);
        // Its check for duplicates is quadratic and knows no namespaces.
        attributes.with_checks(false);
        for (index, attribute) in attributes.enumerate() {
            self.attributes += 1;
            if self.attributes > MAX_ELEMENTS {
                return Err(self.finding("too-large", &format!("a document has at most {MAX_ELEMENTS} attributes")));
            }
            if index >= MAX_ATTRIBUTES {
                return Err(
                    self.finding("xml-attributes", &format!("an element has at most {MAX_ATTRIBUTES} attributes"))
                );
            }
            let attribute = attribute.map_err(|error| self.finding("malformed-xml", &error.to_string()))?;
            let key: &'a str = attribute.key.0;
            self.check_name(key)?;
            if attribute.value.len() > MAX_PIECE {
                return Err(self.finding("too-large", &format!("an attribute has at most {MAX_PIECE} bytes")));
            }
            let value = attribute_value(attribute.value).map_err(|(code, detail)| self.finding(code, detail))?;
            let prefix = if key == "xmlns" { Some("") } else { key.strip_prefix("xmlns:") };
            let Some(prefix) = prefix else {
                written.push((key, value));
                continue;
            };
            if bound.contains(&prefix) {
                return Err(self.finding("xml-attributes", &format!("attribute {key} stands twice")));
            }
            if value.is_empty() && !prefix.is_empty() {
                return Err(self.finding("xml-namespace", &format!("the prefix {prefix} is bound to nothing")));
            }
            let namespace = self.namespace(value);
            self.bindings.entry(prefix).or_default().push(namespace);
            bound.push(prefix);
        }
        Ok((written, bound))
    }

    fn insert(&mut self, mut node: Node<'a>) -> usize {
        let index = self.document.nodes.len();
        if let Some(frame) = self.open.last_mut() {
            let count = frame.names.entry(node.name).or_insert(0);
            *count += 1;
            node.ordinal = *count;
            node.parent = frame.index;
            let (parent, elder) = (frame.index, std::mem::replace(&mut frame.last_child, index));
            if let Some(elder) = self.document.nodes.get_mut(elder).filter(|_| elder != 0) {
                elder.next = index;
            } else if let Some(parent) = self.document.nodes.get_mut(parent) {
                parent.first_child = index;
            }
        }
        self.document.nodes.push(node);
        index
    }

    fn end(&mut self) {
        for prefix in self.open.pop().into_iter().flat_map(|frame| frame.bound) {
            if let Some(stack) = self.bindings.get_mut(prefix) {
                stack.pop();
            }
        }
    }

    fn append(&mut self, piece: Cow<'a, str>, cdata: bool) -> Result<(), Finding> {
        let blank = piece.bytes().all(|byte| byte.is_ascii_whitespace());
        let Some(frame) = self.open.last() else {
            return if blank && !cdata {
                Ok(())
            } else {
                Err(self.finding("malformed-xml", "text outside of the root element"))
            };
        };
        if !cdata && piece.contains("]]>") {
            return Err(self.finding("malformed-xml", "]]> stands in plain text"));
        }
        let index = frame.index;
        let limit = self.text_limit(index);
        let Some(node) = self.document.nodes.get_mut(index) else { return Ok(()) };
        if node.text.len() + piece.len() > limit {
            return Err(self.finding("too-large", &format!("a text has at most {limit} bytes")));
        }
        if cdata {
            node.interrupted |= node.cdata || !node.text.trim().is_empty();
            node.cdata = true;
            node.text = piece;
        } else if node.cdata {
            node.interrupted |= !blank;
        } else if node.text.is_empty() {
            node.text = piece;
        } else {
            node.text.to_mut().push_str(&piece);
        }
        Ok(())
    }

    fn text_limit(&self, index: usize) -> usize {
        let name = self.document.nodes.get(index).map_or("", |node| local(node.name));
        let root = self.document.nodes.first().map_or("", |node| local(node.name));
        let embedded = name == "EmbeddedDocumentBinaryObject" || (name == "Description" && root == "AttachedDocument");
        if embedded { MAX_EMBEDDED } else { MAX_PIECE }
    }

    fn interrupt(&mut self, raw: &str) -> Result<(), Finding> {
        if raw.len() > MAX_PIECE {
            return Err(self.finding("too-large", &format!("a comment or instruction has at most {MAX_PIECE} bytes")));
        }
        if let Some(node) = self.open.last().and_then(|frame| self.document.nodes.get_mut(frame.index)) {
            node.interrupted = true;
        }
        Ok(())
    }

    fn check_name(&self, name: &str) -> Result<(), Finding> {
        if name.len() > MAX_NAME {
            return Err(self.finding("too-large", &format!("a name has at most {MAX_NAME} bytes")));
        }
        if is_name(name) {
            Ok(())
        } else {
            Err(self.finding("malformed-xml", "not the name of an element or attribute"))
        }
    }

    fn resolve(&self, name: &str) -> Result<usize, Finding> {
        let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
        match self.bindings.get(prefix).and_then(|stack| stack.last()) {
            Some(namespace) => Ok(*namespace),
            None if prefix.is_empty() => Ok(0),
            None => Err(self.finding("xml-namespace", &format!("the prefix {prefix} is not bound to a namespace"))),
        }
    }

    fn namespace(&mut self, name: Cow<'a, str>) -> usize {
        if let Some(known) = self.interned.get(&name) {
            return *known;
        }
        let index = self.document.namespaces.len();
        self.document.namespaces.push(name.clone());
        self.interned.insert(name, index);
        index
    }

    fn count_lines(&mut self, offset: usize) {
        let passed = self.text.as_bytes().get(self.counted.0..offset).unwrap_or_default();
        let lines = passed.split(|byte| *byte == b'\n').count() - 1;
        self.counted = (offset, self.counted.1 + u64::try_from(lines).unwrap_or(0));
    }

    /// Where the innermost open element is.
    fn finding(&self, code: &'static str, detail: &str) -> Finding {
        let path =
            self.open.last().map_or(String::new(), |frame| Element::of(&self.document, frame.index).place().path);
        Finding::new(code, Place { line: self.counted.1, path }, detail.to_owned())
    }
}

fn inside<'a>(raw: &'a str, before: &str, after: &str) -> &'a str {
    let raw = raw.strip_prefix(before).unwrap_or(raw);
    raw.strip_suffix(after).unwrap_or(raw)
}

/// Line ends as XML wants them read.
fn normalised(raw: &str) -> Cow<'_, str> {
    if raw.contains('\r') { Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(raw) }
}

type Wrong = (&'static str, &'static str);

fn attribute_value(raw: Cow<'_, str>) -> Result<Cow<'_, str>, Wrong> {
    if !raw.contains(['&', '<', '\t', '\n', '\r']) {
        return Ok(raw);
    }
    if raw.contains('<') {
        return Err(("malformed-xml", "< stands in an attribute"));
    }
    let mut value = String::with_capacity(raw.len());
    let mut parts = raw.split('&');
    let plain = |part: &str| part.replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
    value.push_str(&plain(parts.next().unwrap_or_default()));
    for part in parts {
        let (name, rest) = part.split_once(';').ok_or(("malformed-xml", "& stands without a reference"))?;
        value.push(reference(name)?);
        value.push_str(&plain(rest));
    }
    Ok(Cow::Owned(value))
}

/// The five entities that need no definition, and characters by number.
fn reference(name: &str) -> Result<char, Wrong> {
    let number = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => name.strip_prefix('#').ok_or(("malformed-xml", "an entity that is not defined"))?,
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(("malformed-xml", "not the number of a character"));
    }
    let c = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|c| is_character(*c));
    c.ok_or(("xml-character", "the number is of no character that may stand in a document"))
}
