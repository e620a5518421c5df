//! Which answers name what other doors ask for.

use utoipa::openapi::RefOr;
use utoipa::openapi::link::Link;
use utoipa::openapi::path::Paths;

use super::operations;

/// A door and a status of it, another door, and where the answer tells its parameters.
type Way = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const WAYS: &[Way] = &[
    ("tell_facts", "201", "get_receipt", &[("source", "$response.body#/source"), ("id", "$response.body#/fact_id")]),
    ("tell_facts", "202", "get_quarantined", &[("id", "$response.body#/problems/0/quarantine_id")]),
    ("tell_facts", "202", "mend_quarantined", &[("id", "$response.body#/problems/0/quarantine_id")]),
    ("tell_facts", "202", "redrive_quarantined", &[("id", "$response.body#/problems/0/quarantine_id")]),
    ("tell_facts", "202", "discard_quarantined", &[("id", "$response.body#/problems/0/quarantine_id")]),
    ("list_quarantine", "200", "get_quarantined", &[("id", "$response.body#/lines/0/quarantine_id")]),
    ("send_list", "200", "get_list", &[("id", "$response.body#/snapshot_id")]),
    ("list_lists", "200", "get_list", &[("id", "$response.body#/0/snapshot_id")]),
    ("list_dead_letters", "200", "redrive_dead_letter", &[("event_id", "$response.body#/dead_letters/0/event_id")]),
];

/// Draws the links.
pub(super) fn describe(paths: &mut Paths) {
    for operation in operations(paths) {
        let id = operation.operation_id.clone().unwrap_or_default();
        for (_, status, to, parameters) in WAYS.iter().filter(|(from, ..)| *from == id) {
            let Some(RefOr::T(response)) = operation.responses.responses.get_mut(*status) else { continue };
            let link = parameters
                .iter()
                .fold(Link::builder().operation_id(*to), |link, (name, place)| link.parameter(*name, *place));
            response.links.insert((*to).to_owned(), link.build().into());
        }
    }
}
