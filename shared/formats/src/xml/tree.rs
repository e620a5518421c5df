//! The elements of a document, in one vector.

use std::borrow::Cow;
use std::ops::Range;

use super::parser;
use crate::{Finding, Place};

/// Paths are for people: a hostile document shall not make megabytes of them.
const PATH_BYTES: usize = 400;

/// A document that was read whole.
pub struct Document<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) namespaces: Vec<Cow<'a, str>>,
}

pub(super) struct Node<'a> {
    /// As written, with the prefix.
    pub(super) name: &'a str,
    pub(super) namespace: usize,
    pub(super) line: u64,
    /// Among its siblings of the same name, from 1.
    pub(super) ordinal: u32,
    pub(super) parent: usize,
    /// Index of an element, 0 for none: the root is nobody's child.
    pub(super) first_child: usize,
    pub(super) next: usize,
    pub(super) attributes: Range<usize>,
    pub(super) text: Cow<'a, str>,
    pub(super) cdata: bool,
    /// A comment or an instruction stands in it, or text beside CDATA.
    pub(super) interrupted: bool,
}

pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) namespace: usize,
    pub(super) value: Cow<'a, str>,
}

impl<'a> Document<'a> {
    /// Reads decoded text (see [`super::decode`]).
    pub fn parse(text: &'a str) -> Result<Self, Finding> {
        parser::parse(text)
    }

    pub fn root(&self) -> Element<'_> {
        Element { document: self, index: 0 }
    }
}

/// One element of a [`Document`].
#[derive(Clone, Copy)]
pub struct Element<'d> {
    document: &'d Document<'d>,
    index: usize,
}

impl<'d> Element<'d> {
    pub(super) fn of(document: &'d Document<'d>, index: usize) -> Self {
        Self { document, index }
    }

    fn node(self) -> Option<&'d Node<'d>> {
        self.document.nodes.get(self.index)
    }

    fn at(self, index: usize) -> Option<Self> {
        (index != 0).then_some(Self { document: self.document, index })
    }

    /// Without the prefix.
    pub fn name(self) -> &'d str {
        self.node().map_or("", |node| local(node.name))
    }

    /// Empty when it is in none.
    pub fn namespace(self) -> &'d str {
        let namespace = self.node().and_then(|node| self.document.namespaces.get(node.namespace));
        namespace.map_or("", |namespace| namespace.as_ref())
    }

    pub fn is(self, namespace: &str, name: &str) -> bool {
        self.name() == name && self.namespace() == namespace
    }

    pub fn children(self) -> impl Iterator<Item = Self> + 'd {
        let first = self.node().and_then(|node| self.at(node.first_child));
        std::iter::successors(first, |child| child.node().and_then(|node| child.at(node.next)))
    }

    /// The value of an attribute that is in no namespace.
    pub fn attribute(self, name: &str) -> Option<&'d str> {
        let range = self.node()?.attributes.clone();
        let attributes = self.document.attributes.get(range)?;
        attributes
            .iter()
            .find(|attribute| attribute.namespace == 0 && attribute.name == name)
            .map(|found| found.value.as_ref())
    }

    /// All children of that name, which must be in that namespace.
    pub fn all(self, namespace: &str, name: &str) -> Result<Vec<Self>, Finding> {
        let found: Vec<Self> = self.children().filter(|child| child.name() == name).collect();
        match found.iter().find(|child| child.namespace() != namespace) {
            Some(stranger) => {
                Err(stranger.finding("xml-namespace", format!("{name} is expected in the namespace {namespace}")))
            }
            None => Ok(found),
        }
    }

    /// The only child of that name.
    pub fn only(self, namespace: &str, name: &str) -> Result<Option<Self>, Finding> {
        let mut found = self.all(namespace, name)?.into_iter();
        let first = found.next();
        match found.next() {
            Some(second) => Err(second.finding("duplicate-member", format!("{name} may stand here once"))),
            None => Ok(first),
        }
    }

    /// The text, exactly as written.
    pub fn text(self) -> Result<&'d str, Finding> {
        let Some(node) = self.node() else { return Ok("") };
        if node.first_child != 0 || node.interrupted {
            let detail = "plain text is expected, without elements, comments or instructions in it";
            return Err(self.finding("wrong-type", detail.to_owned()));
        }
        Ok(node.text.as_ref())
    }

    /// The text without blanks around it; `None` when nothing is left.
    pub fn token(self) -> Result<Option<&'d str>, Finding> {
        Ok(Some(self.text()?.trim()).filter(|text| !text.is_empty()))
    }

    pub fn line(self) -> u64 {
        self.node().map_or(0, |node| node.line)
    }

    pub fn place(self) -> Place {
        let mut steps = Vec::new();
        let mut length = 0;
        let mut index = self.index;
        while let Some(node) = self.document.nodes.get(index) {
            let step =
                if node.ordinal > 1 { format!("/{}[{}]", node.name, node.ordinal) } else { format!("/{}", node.name) };
            length += step.len();
            if length > PATH_BYTES {
                steps.push("…".to_owned());
                break;
            }
            steps.push(step);
            if index == 0 {
                break;
            }
            index = node.parent;
        }
        steps.reverse();
        Place { line: self.line(), path: steps.concat() }
    }

    pub fn finding(self, code: &'static str, detail: impl Into<String>) -> Finding {
        Finding::new(code, self.place(), detail.into())
    }
}

/// A name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}
