//! Whether new items can be folded onto what is open, or the account must be folded again.

use super::ItemKey;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Everything new sorts after everything folded, or there are only invoices: only what is open matters.
    Resume,
    /// A late or corrected item: all items of the account, and the difference is posted.
    Refold,
}

/// What is new in an account.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct News {
    /// An item of the account changed or left it.
    pub(crate) corrected: bool,
    /// A new payment has the bank reference of one that the account already has, so that one of the two may have to be held.
    pub(crate) meets_reference: bool,
    /// The account has credits, or gets some. Without, invoices may come in any order, as the first file of all that was ever
    /// invoiced does: nothing is settled by what comes before or after.
    pub(crate) has_credits: bool,
}

/// `new` are the keys of the new items.
pub(crate) fn plan<'a>(last: Option<&ItemKey>, new: impl IntoIterator<Item = &'a ItemKey>, news: News) -> Plan {
    let late = news.has_credits && new.into_iter().any(|key| last.is_some_and(|last| key <= last));
    if news.corrected || news.meets_reference || late { Plan::Refold } else { Plan::Resume }
}

#[cfg(test)]
mod tests {
    use super::super::Rank;
    use super::*;

    #[test]
    fn what_is_late_matters_where_there_are_credits() {
        let key = |day: &str| ItemKey {
            date: day.parse().unwrap(),
            rank: Rank::Invoice,
            source: "erp".into(),
            number: "F-1".into(),
        };
        let last = key("2026-02-01");
        let planned = |day: &str, news| plan(Some(&last), &[key(day)], news);
        let with_credits = News { has_credits: true, ..News::default() };
        assert_eq!(planned("2026-01-31", with_credits), Plan::Refold);
        assert_eq!(planned("2026-01-31", News::default()), Plan::Resume);
        assert_eq!(planned("2026-02-02", with_credits), Plan::Resume);
        assert_eq!(planned("2026-02-02", News { corrected: true, ..News::default() }), Plan::Refold);
        assert_eq!(planned("2026-02-02", News { meets_reference: true, ..News::default() }), Plan::Refold);
    }
}
