//! Whether new items can be folded onto what is open, or the account must be folded again.

use super::ItemKey;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Everything new sorts after everything folded: only what is open matters.
    Resume,
    /// A late or corrected item: all items of the account, and the difference is posted.
    Refold,
}

/// `corrected`: an item of the account changed or left it. `meets_reference`: a new payment has the bank reference of one that
/// the account already has, so that one of the two may have to be held.
pub(crate) fn plan<'a>(
    last: Option<&ItemKey>,
    new: impl IntoIterator<Item = &'a ItemKey>,
    corrected: bool,
    meets_reference: bool,
) -> Plan {
    let late = new.into_iter().any(|key| last.is_some_and(|last| key <= last));
    if corrected || meets_reference || late { Plan::Refold } else { Plan::Resume }
}
