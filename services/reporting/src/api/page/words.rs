//! The words of the pages, in Spanish and English.

/// A language that pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Language {
    Spanish,
    English,
}

impl Language {
    pub(in crate::api) fn parse(code: &str) -> Option<Self> {
        match code {
            "es" => Some(Self::Spanish),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    pub(in crate::api) fn code(self) -> &'static str {
        match self {
            Self::Spanish => "es",
            Self::English => "en",
        }
    }

    pub(in crate::api) fn words(self) -> &'static Words {
        match self {
            Self::Spanish => &SPANISH,
            Self::English => &ENGLISH,
        }
    }

    /// A code of the contract in words; one that is not known yet is shown as it is, readable.
    pub(in crate::api) fn term(self, code: &str) -> String {
        let found = TERMS.iter().find(|(known, _, _)| *known == code);
        match (found, self) {
            (Some((_, spanish, _)), Self::Spanish) => (*spanish).to_owned(),
            (Some((_, _, english)), Self::English) => (*english).to_owned(),
            (None, _) => code.replace('_', " "),
        }
    }
}

/// Codes of buckets, segments, promise states, alert kinds and reasons: (code, Spanish, English).
const TERMS: [(&str, &str, &str); 34] = [
    ("not_due", "Por vencer", "Not due"),
    ("1-30", "1–30 días", "1–30 days"),
    ("31-60", "31–60 días", "31–60 days"),
    ("61-90", "61–90 días", "61–90 days"),
    ("91-120", "91–120 días", "91–120 days"),
    (">120", "Más de 120", "Over 120"),
    ("regular", "Habitual", "Regular"),
    ("occasional_late", "A veces tarde", "Sometimes late"),
    ("often_late", "Suele tardar", "Often late"),
    ("high_risk", "Riesgo alto", "High risk"),
    ("new", "Nuevo", "New"),
    ("open", "Abierta", "Open"),
    ("due_unconfirmed", "Sin confirmar", "Unconfirmed"),
    ("kept", "Cumplida", "Kept"),
    ("partially_kept", "Cumplida en parte", "Kept in part"),
    ("broken", "Incumplida", "Broken"),
    ("promise_broken", "Promesa incumplida", "Promise broken"),
    ("promise_partially_kept", "Promesa cumplida en parte", "Promise kept in part"),
    ("promise_unconfirmed", "Promesa sin confirmar", "Promise unconfirmed"),
    ("paid", "ya pagada", "already paid"),
    ("on_hold", "en pausa", "on hold"),
    ("promised", "con promesa vigente", "promise running"),
    ("disputed", "en disputa", "disputed"),
    ("nothing_to_ask", "solo faltan retenciones", "only withholdings left"),
    ("no_contact", "sin contacto con correo", "no contact with e-mail"),
    ("consent_withdrawn", "sin consentimiento", "consent withdrawn"),
    ("complained", "se quejó", "complained"),
    ("wrong_contact", "contacto equivocado", "wrong contact"),
    ("bounced", "el correo rebota", "e-mail bounces"),
    ("customer_provisional", "cliente sin datos maestros", "no customer master data"),
    ("template_error", "mensaje no redactado", "message not written"),
    ("dead_letter", "dato del cliente por revisar", "customer data to be checked"),
    ("superseded", "tocaba un paso posterior", "a later step was due"),
    ("suppressed", "retenida", "held back"),
];

/// Fixed texts, by the place where they stand.
#[derive(Debug)]
pub(in crate::api) struct Words {
    pub(in crate::api) title: &'static str,
    pub(in crate::api) sign_out: &'static str,
    pub(in crate::api) as_of: &'static str,
    pub(in crate::api) currency: &'static str,
    pub(in crate::api) nothing_yet: &'static str,
    pub(in crate::api) nothing_yet_hint: &'static str,
    pub(in crate::api) open: &'static str,
    pub(in crate::api) items: &'static str,
    pub(in crate::api) disputed: &'static str,
    pub(in crate::api) overdue: &'static str,
    pub(in crate::api) of_open: &'static str,
    pub(in crate::api) dso: &'static str,
    pub(in crate::api) dso_hint: &'static str,
    pub(in crate::api) days: &'static str,
    pub(in crate::api) versus: &'static str,
    pub(in crate::api) no_trend: &'static str,
    pub(in crate::api) best_possible: &'static str,
    pub(in crate::api) promises_kept: &'static str,
    pub(in crate::api) last_90_days: &'static str,
    pub(in crate::api) by_count: &'static str,
    pub(in crate::api) by_amount: &'static str,
    pub(in crate::api) unapplied: &'static str,
    pub(in crate::api) unapplied_hint: &'static str,
    pub(in crate::api) held: &'static str,
    pub(in crate::api) aging: &'static str,
    pub(in crate::api) aging_hint: &'static str,
    pub(in crate::api) dso_chart: &'static str,
    pub(in crate::api) dso_chart_hint: &'static str,
    pub(in crate::api) simple: &'static str,
    pub(in crate::api) count_back: &'static str,
    pub(in crate::api) as_table: &'static str,
    pub(in crate::api) bucket: &'static str,
    pub(in crate::api) amount: &'static str,
    pub(in crate::api) share: &'static str,
    pub(in crate::api) month: &'static str,
    pub(in crate::api) receivable: &'static str,
    pub(in crate::api) sales: &'static str,
    pub(in crate::api) reminders: &'static str,
    pub(in crate::api) yesterday: &'static str,
    pub(in crate::api) today: &'static str,
    pub(in crate::api) sent: &'static str,
    pub(in crate::api) pending: &'static str,
    pub(in crate::api) failed: &'static str,
    pub(in crate::api) uncertain: &'static str,
    pub(in crate::api) decisions: &'static str,
    pub(in crate::api) held_back: &'static str,
    pub(in crate::api) reminders_hint: &'static str,
    pub(in crate::api) promises: &'static str,
    pub(in crate::api) kept: &'static str,
    pub(in crate::api) partially_kept: &'static str,
    pub(in crate::api) broken: &'static str,
    pub(in crate::api) promises_open: &'static str,
    pub(in crate::api) promises_due: &'static str,
    pub(in crate::api) promises_failed: &'static str,
    pub(in crate::api) customer: &'static str,
    pub(in crate::api) promised_for: &'static str,
    pub(in crate::api) paid: &'static str,
    pub(in crate::api) none: &'static str,
    pub(in crate::api) top_overdue: &'static str,
    pub(in crate::api) oldest: &'static str,
    pub(in crate::api) segment: &'static str,
    pub(in crate::api) p_late: &'static str,
    pub(in crate::api) p_late_hint: &'static str,
    pub(in crate::api) alerts: &'static str,
    pub(in crate::api) raised: &'static str,
    pub(in crate::api) sign_in: &'static str,
    pub(in crate::api) key: &'static str,
    pub(in crate::api) key_hint: &'static str,
    pub(in crate::api) key_refused: &'static str,
    pub(in crate::api) other_language: &'static str,
}

const SPANISH: Words = Words {
    title: "Cartera",
    sign_out: "Salir",
    as_of: "Al",
    currency: "Moneda",
    nothing_yet: "Todavía no hay facturas",
    nothing_yet_hint: "Cuando llegue el primer archivo, las cifras aparecen aquí.",
    open: "Por cobrar",
    items: "facturas",
    disputed: "en disputa",
    overdue: "Vencido",
    of_open: "de lo pendiente",
    dso: "DSO",
    dso_hint: "por agotamiento de ventas",
    days: "días",
    versus: "desde",
    no_trend: "sin mes anterior",
    best_possible: "mejor posible",
    promises_kept: "Promesas cumplidas",
    last_90_days: "últimos 90 días",
    by_count: "por número",
    by_amount: "por monto",
    unapplied: "Sin aplicar",
    unapplied_hint: "no descuenta la cartera",
    held: "retenido por posible duplicado",
    aging: "Antigüedad de la cartera",
    aging_hint: "Por días desde el vencimiento original; el día del vencimiento aún no cuenta.",
    dso_chart: "DSO, últimos 12 meses",
    dso_chart_hint: "El mes en curso cuenta los días transcurridos; el método simple se dibuja solo para meses completos.",
    simple: "Simple",
    count_back: "Por agotamiento",
    as_table: "Ver como tabla",
    bucket: "Tramo",
    amount: "Monto",
    share: "Parte",
    month: "Mes",
    receivable: "Por cobrar",
    sales: "Ventas",
    reminders: "Recordatorios",
    yesterday: "Ayer",
    today: "Hoy",
    sent: "Mensajes enviados",
    pending: "En camino",
    failed: "Fallidos",
    uncertain: "Inciertos",
    decisions: "Pasos decididos",
    held_back: "Pasos retenidos",
    reminders_hint: "Un mensaje puede llevar varios pasos de un mismo cliente.",
    promises: "Promesas de pago",
    kept: "cumplidas",
    partially_kept: "en parte",
    broken: "incumplidas",
    promises_open: "abiertas",
    promises_due: "Vencen hoy o están sin confirmar",
    promises_failed: "Incumplidas en los últimos 7 días",
    customer: "Cliente",
    promised_for: "Para",
    paid: "Pagado",
    none: "Ninguna.",
    top_overdue: "Clientes con más vencido",
    oldest: "Más antigua",
    segment: "Segmento",
    p_late: "P. tarde",
    p_late_hint: "Probabilidad de que la próxima factura se pague después de su vencimiento",
    alerts: "Alertas abiertas",
    raised: "Desde",
    sign_in: "Entrar",
    key: "Clave de acceso",
    key_hint: "Pega aquí la clave que te dio tu administrador. Empieza por puntual_.",
    key_refused: "Esa clave no vale aquí.",
    other_language: "English",
};

const ENGLISH: Words = Words {
    title: "Receivables",
    sign_out: "Sign out",
    as_of: "As of",
    currency: "Currency",
    nothing_yet: "No invoices yet",
    nothing_yet_hint: "When the first file arrives, the figures appear here.",
    open: "Open",
    items: "invoices",
    disputed: "disputed",
    overdue: "Overdue",
    of_open: "of what is open",
    dso: "DSO",
    dso_hint: "count-back",
    days: "days",
    versus: "since",
    no_trend: "no earlier month",
    best_possible: "best possible",
    promises_kept: "Promises kept",
    last_90_days: "last 90 days",
    by_count: "by count",
    by_amount: "by amount",
    unapplied: "Unapplied",
    unapplied_hint: "does not reduce receivables",
    held: "held as a possible duplicate",
    aging: "Aging",
    aging_hint: "By days past the original due date; on the due date itself an invoice is not overdue.",
    dso_chart: "DSO, last 12 months",
    dso_chart_hint: "The running month counts the days so far; the simple method is drawn for whole months only.",
    simple: "Simple",
    count_back: "Count-back",
    as_table: "Show as a table",
    bucket: "Bucket",
    amount: "Amount",
    share: "Share",
    month: "Month",
    receivable: "Receivable",
    sales: "Sales",
    reminders: "Reminders",
    yesterday: "Yesterday",
    today: "Today",
    sent: "Messages sent",
    pending: "On their way",
    failed: "Failed",
    uncertain: "Uncertain",
    decisions: "Steps decided",
    held_back: "Steps held back",
    reminders_hint: "One message may carry several steps of the same customer.",
    promises: "Promises to pay",
    kept: "kept",
    partially_kept: "in part",
    broken: "broken",
    promises_open: "open",
    promises_due: "Due today or not confirmed yet",
    promises_failed: "Broken in the last 7 days",
    customer: "Customer",
    promised_for: "For",
    paid: "Paid",
    none: "None.",
    top_overdue: "Most overdue customers",
    oldest: "Oldest",
    segment: "Segment",
    p_late: "P(late)",
    p_late_hint: "Probability that the next invoice is paid after its due date",
    alerts: "Open alerts",
    raised: "Since",
    sign_in: "Sign in",
    key: "Access key",
    key_hint: "Paste the key that your administrator gave you. It begins with puntual_.",
    key_refused: "That key does not work here.",
    other_language: "Español",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_put_into_words_or_left_readable() {
        assert_eq!(Language::Spanish.term("high_risk"), "Riesgo alto");
        assert_eq!(Language::English.term("not_due"), "Not due");
        assert_eq!(Language::English.term("quiet_hours"), "quiet hours");
    }

    #[test]
    fn every_bucket_has_words() {
        for bucket in crate::domain::aging::Bucket::ALL {
            assert!(TERMS.iter().any(|(code, _, _)| *code == bucket.code()), "{}", bucket.code());
        }
    }
}
