//! From a decision to a letter, and from a letter to the relay.

pub(crate) mod letter;
pub(crate) mod relay;
pub(crate) mod render;
mod templates;

pub(crate) use letter::Letter;
pub(crate) use relay::{Relay, SmtpSettings};
pub(crate) use render::{Item, Renderer, Vars};
pub(crate) use templates::VERSION as TEMPLATE_VERSION;
