//! The document as a page: doors by subject, each with what can be pasted into a shell, then schemas.

use std::borrow::Cow;
use std::fmt::Write;

use minijinja::value::Serde;
use minijinja::{Environment, HtmlEscape, Value as Markup};
use serde::Serialize;
use serde_json::{Map, Value};

const TEMPLATE: &str = include_str!("page.html");
/// Longer lists of values are shortened.
const SHOWN_VALUES: usize = 12;

#[derive(Serialize)]
struct View<'a> {
    title: &'a str,
    about: Vec<&'a str>,
    subjects: Vec<Subject<'a>>,
    shapes: Vec<Shape<'a>>,
}

#[derive(Serialize)]
struct Subject<'a> {
    name: &'a str,
    description: &'a str,
    doors: Vec<Door<'a>>,
}

#[derive(Serialize)]
struct Door<'a> {
    id: &'a str,
    method: String,
    path: &'a str,
    summary: &'a str,
    description: &'a str,
    parameters: Vec<Parameter<'a>>,
    body: &'a str,
    bodies: Vec<Body<'a>>,
    answers: Vec<Answer<'a>>,
    requests: Vec<Request<'a>>,
}

#[derive(Serialize)]
struct Parameter<'a> {
    name: &'a str,
    place: &'a str,
    required: bool,
    kind: Markup,
    description: &'a str,
}

#[derive(Serialize)]
struct Body<'a> {
    media_type: &'a str,
    kind: Markup,
    description: &'a str,
}

#[derive(Serialize)]
struct Answer<'a> {
    status: &'a str,
    description: &'a str,
    media_type: &'a str,
    kind: Markup,
    headers: Vec<&'a str>,
}

/// Something to paste.
#[derive(Serialize)]
struct Request<'a> {
    name: Cow<'a, str>,
    curl: String,
}

#[derive(Serialize)]
struct Shape<'a> {
    name: &'a str,
    description: &'a str,
    kind: Markup,
    choices: Vec<Markup>,
    members: Vec<Member<'a>>,
}

#[derive(Serialize)]
struct Member<'a> {
    name: &'a str,
    required: bool,
    kind: Markup,
    description: &'a str,
}

/// The page of an OpenAPI document; a line that says why where that fails.
pub(super) fn render(document: &Value) -> String {
    let mut page = Environment::new();
    page.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    page.add_filter("prose", prose);
    let subjects: Vec<Subject<'_>> = array(document, "tags").map(|tag| subject(document, tag)).collect();
    let shapes: Vec<Shape<'_>> = object(document, "/components/schemas").map(shape).collect();
    let info = document.get("info");
    let about: Vec<&str> = info.map(|info| text(info, "description")).unwrap_or_default().split("\n\n").collect();
    let title = info.map(|info| text(info, "title")).unwrap_or_default();
    page.render_str(TEMPLATE, Serde(View { title, about, subjects, shapes })).unwrap_or_else(|error| error.to_string())
}

fn subject<'a>(document: &'a Value, tag: &'a Value) -> Subject<'a> {
    let name = text(tag, "name");
    let doors = object(document, "/paths").flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    let doors = doors.filter(|(_, _, operation)| array(operation, "tags").any(|tag| tag == name));
    let doors = doors.map(|(path, method, operation)| door(path, method, operation)).collect();
    Subject { name, description: text(tag, "description"), doors }
}

fn door<'a>(path: &'a str, method: &'a str, operation: &'a Value) -> Door<'a> {
    let parameters = array(operation, "parameters").map(|parameter| Parameter {
        name: text(parameter, "name"),
        place: text(parameter, "in"),
        required: is_true(parameter, "required"),
        kind: kind(parameter.get("schema")),
        description: text(parameter, "description"),
    });
    let bodies = object(operation, "/requestBody/content").map(|(media_type, content)| Body {
        media_type,
        kind: kind(content.get("schema")),
        description: content.get("schema").map(|schema| text(schema, "description")).unwrap_or_default(),
    });
    let answers = object(operation, "/responses").map(|(status, answer)| {
        let content = object(answer, "/content").next();
        Answer {
            status,
            description: text(answer, "description"),
            media_type: content.map(|(media_type, _)| media_type.as_str()).unwrap_or_default(),
            kind: kind(content.and_then(|(_, content)| content.get("schema"))),
            headers: object(answer, "/headers").map(|(name, _)| name.as_str()).collect(),
        }
    });
    Door {
        id: text(operation, "operationId"),
        method: method.to_uppercase(),
        path,
        summary: text(operation, "summary"),
        description: text(operation, "description"),
        parameters: parameters.collect(),
        body: operation.get("requestBody").map(|body| text(body, "description")).unwrap_or_default(),
        bodies: bodies.collect(),
        answers: answers.collect(),
        requests: requests(path, method, operation),
    }
}

/// A request for each example.
fn requests<'a>(path: &'a str, method: &'a str, operation: &'a Value) -> Vec<Request<'a>> {
    let mut url = path.to_owned();
    let (mut query, mut least) = (String::new(), String::new());
    for parameter in array(operation, "parameters") {
        let Some(example) = parameter.get("example").map(plain) else { continue };
        let name = text(parameter, "name");
        if text(parameter, "in") == "path" {
            url = url.replace(&format!("{{{name}}}"), &example);
        } else {
            let must = is_true(parameter, "required");
            for query in [Some(&mut query), must.then_some(&mut least)].into_iter().flatten() {
                let mark = if query.is_empty() { '?' } else { '&' };
                // Writing to a string cannot fail.
                let _ = write!(query, "{mark}{name}={example}");
            }
        }
    }
    let method = if method == "get" { String::new() } else { format!("-X {} ", method.to_uppercase()) };
    let is_open = operation.get("security").is_some();
    let key = if is_open { "" } else { " \\\n  -H \"Authorization: Bearer $KEY\"" };
    let start = |query: &str| format!("curl -i {method}\"$URL{url}{query}\"{key}");
    let bodies = object(operation, "/requestBody/content").flat_map(|(media_type, content)| {
        let named =
            object(content, "/examples").map(|(name, example)| (Cow::Borrowed(name.as_str()), &example["value"]));
        named
            .chain(content.get("example").map(|example| (Cow::Borrowed("example"), example)))
            .map(move |(name, value)| (name, media_type, value))
    });
    let mut requests: Vec<Request<'a>> = bodies
        .map(|(name, media_type, value)| {
            let body = pretty(value).replace('\'', "'\\''");
            // JSON says itself what a file cannot.
            let start = start(if media_type.ends_with("json") { &least } else { &query });
            let curl = format!("{start} \\\n  -H 'Content-Type: {media_type}' --data-binary '{body}'");
            Request { name: format!("{media_type}: {name}").into(), curl }
        })
        .collect();
    if requests.is_empty() {
        requests.push(Request { name: "request".into(), curl: start(&query) });
    }
    requests
}

fn shape<'a>((name, schema): (&'a String, &'a Value)) -> Shape<'a> {
    let choices = ["oneOf", "anyOf", "allOf"].into_iter().flat_map(|of| array(schema, of)).map(|one| kind(Some(one)));
    let members = object(schema, "/properties").map(|(name, member)| Member {
        name,
        required: array(schema, "required").any(|required| required == name),
        kind: kind(Some(member)),
        description: text(member, "description"),
    });
    Shape {
        name,
        description: text(schema, "description"),
        kind: kind(Some(schema)),
        choices: choices.collect(),
        members: members.collect(),
    }
}

/// What a value is: the name of a schema, or a few words.
fn kind(schema: Option<&Value>) -> Markup {
    Markup::from_safe_string(schema.map(markup).unwrap_or_default())
}

fn markup(schema: &Value) -> String {
    if let Some(items) = schema.get("items") {
        return format!("list of {}", markup(items));
    }
    let several = ["oneOf", "anyOf", "allOf"].into_iter().flat_map(|of| array(schema, of)).find_map(named);
    if let Some(name) = named(schema).or(several) {
        let name = HtmlEscape(name);
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    let types = schema.get("type").map(|kind| kind.as_array().map_or_else(|| plain(kind), |kinds| listed(kinds)));
    let mut words = types.into_iter().collect::<Vec<_>>();
    words.extend(schema.get("format").map(plain));
    words.extend(schema.get("enum").and_then(Value::as_array).map(|values| format!("one of {}", listed(values))));
    for (name, word) in [("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"), ("pattern", "like")] {
        words.extend(schema.get(name).map(|value| format!("{word} {}", plain(value))));
    }
    format!("<code>{}</code>", HtmlEscape(&words.join(" ")))
}

/// What is between backticks is code.
fn prose(text: &str) -> Markup {
    let parts = text.split('`').enumerate().map(|(at, part)| {
        let part = HtmlEscape(part);
        if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_string() }
    });
    Markup::from_safe_string(parts.collect())
}

fn named(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

fn listed(values: &[Value]) -> String {
    let mut shown: Vec<String> = values.iter().take(SHOWN_VALUES).map(plain).collect();
    if values.len() > SHOWN_VALUES {
        shown.push(format!("… ({})", values.len()));
    }
    shown.join(", ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn pretty(value: &Value) -> String {
    let json = || serde_json::to_string_pretty(value).unwrap_or_default();
    value.as_str().map_or_else(json, str::to_owned)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn is_true(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

fn array<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn object<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.pointer(pointer).and_then(Value::as_object).map(Map::iter).into_iter().flatten()
}
