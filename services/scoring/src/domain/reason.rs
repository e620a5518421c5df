//! Why a score is what it is, in terms a collector checks against the account: codes with their figures, and their wording
//! in Spanish, Portuguese and English.

use std::fmt;
use std::str::FromStr;

/// One reason. Weekdays: Monday = 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Nothing has settled yet: the habit of the country and of the tenant is presumed.
    NoHistory,
    /// Of the last settled invoices so many were late; the weekday on which most of those were paid.
    LateOfLast {
        late: u32,
        of: u32,
        weekday: Option<u32>,
    },
    /// Median of the last delays; negative when before the due date.
    UsualDelay {
        days: i32,
    },
    /// The same of what was due on this weekday.
    DueOnWeekday {
        weekday: u32,
        late: u32,
        of: u32,
    },
    /// What it owes past due.
    Overdue {
        invoices: u32,
        oldest_days: u32,
    },
    NothingOverdue,
    AmountAboveUsual,
    AmountBelowUsual,
    /// Falls due when many of the tenant's invoices are late, or few.
    Calendar {
        weekday: u32,
    },
    /// Days since it was issued.
    StillUnpaid {
        days: u32,
    },
    PastDue {
        days: u32,
    },
    Disputed,
    /// Days from the due date to the payer's next payment run.
    PaymentRun {
        days: u32,
    },
}

/// Languages that reasons are worded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Spanish,
    Portuguese,
    English,
}

impl Language {
    /// The first language of an `Accept-Language` header (RFC 9110) that is spoken here; Spanish otherwise.
    pub(crate) fn of(accepted: Option<&str>) -> Self {
        let spoken = |tag: &str| match tag.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("es") => Some(Self::Spanish),
            Some("pt") => Some(Self::Portuguese),
            Some("en") => Some(Self::English),
            _ => None,
        };
        accepted.unwrap_or_default().split(',').find_map(spoken).unwrap_or(Self::Spanish)
    }
}

/// `code` or `code:name=figure,name=figure`, without spaces.
impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())?;
        match *self {
            Self::LateOfLast { late, of, weekday } => {
                write!(out, ":late={late},of={of}")?;
                weekday.map_or(Ok(()), |weekday| write!(out, ",weekday={weekday}"))
            }
            Self::UsualDelay { days } => write!(out, ":days={days}"),
            Self::DueOnWeekday { weekday, late, of } => write!(out, ":weekday={weekday},late={late},of={of}"),
            Self::Overdue { invoices, oldest_days } => write!(out, ":invoices={invoices},oldest_days={oldest_days}"),
            Self::Calendar { weekday } => write!(out, ":weekday={weekday}"),
            Self::StillUnpaid { days } | Self::PastDue { days } | Self::PaymentRun { days } => {
                write!(out, ":days={days}")
            }
            Self::NoHistory
            | Self::NothingOverdue
            | Self::AmountAboveUsual
            | Self::AmountBelowUsual
            | Self::Disputed => Ok(()),
        }
    }
}

/// Not the text of a reason.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoReason;

impl FromStr for Reason {
    type Err = NoReason;

    fn from_str(text: &str) -> Result<Self, NoReason> {
        let (code, figures) = text.split_once(':').unwrap_or((text, ""));
        let figure = |name: &str| {
            let named = figures.split(',').filter_map(|figure| figure.split_once('='));
            named.into_iter().find(|(of, _)| *of == name).map(|(_, figure)| figure)
        };
        let number = |name| figure(name).and_then(|figure| figure.parse::<u32>().ok()).ok_or(NoReason);
        Ok(match code {
            "no_history" => Self::NoHistory,
            "late_of_last" => {
                Self::LateOfLast { late: number("late")?, of: number("of")?, weekday: number("weekday").ok() }
            }
            "usual_delay" => {
                Self::UsualDelay { days: figure("days").and_then(|days| days.parse().ok()).ok_or(NoReason)? }
            }
            "due_on_weekday" => {
                Self::DueOnWeekday { weekday: number("weekday")?, late: number("late")?, of: number("of")? }
            }
            "overdue" => Self::Overdue { invoices: number("invoices")?, oldest_days: number("oldest_days")? },
            "nothing_overdue" => Self::NothingOverdue,
            "amount_above_usual" => Self::AmountAboveUsual,
            "amount_below_usual" => Self::AmountBelowUsual,
            "calendar" => Self::Calendar { weekday: number("weekday")? },
            "still_unpaid" => Self::StillUnpaid { days: number("days")? },
            "past_due" => Self::PastDue { days: number("days")? },
            "disputed" => Self::Disputed,
            "payment_run" => Self::PaymentRun { days: number("days")? },
            _ => return Err(NoReason),
        })
    }
}

impl Reason {
    fn code(self) -> &'static str {
        match self {
            Self::NoHistory => "no_history",
            Self::LateOfLast { .. } => "late_of_last",
            Self::UsualDelay { .. } => "usual_delay",
            Self::DueOnWeekday { .. } => "due_on_weekday",
            Self::Overdue { .. } => "overdue",
            Self::NothingOverdue => "nothing_overdue",
            Self::AmountAboveUsual => "amount_above_usual",
            Self::AmountBelowUsual => "amount_below_usual",
            Self::Calendar { .. } => "calendar",
            Self::StillUnpaid { .. } => "still_unpaid",
            Self::PastDue { .. } => "past_due",
            Self::Disputed => "disputed",
            Self::PaymentRun { .. } => "payment_run",
        }
    }

    pub(crate) fn text(self, language: Language) -> String {
        match language {
            Language::Spanish => self.spanish(),
            Language::Portuguese => self.portuguese(),
            Language::English => self.english(),
        }
    }

    fn spanish(self) -> String {
        let weekday =
            |weekday| day(&["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"], weekday);
        let days = |days: u32| if days == 1 { "1 día".into() } else { format!("{days} días") };
        match self {
            Self::NoHistory => "aún no hay historial propio: se presume el de su país".into(),
            Self::LateOfLast { late, of, weekday: on } => {
                let mostly = on.map(|on| format!(", casi siempre en {}", weekday(on))).unwrap_or_default();
                match (late, of) {
                    (0, 1) => "pagó a tiempo su última factura".into(),
                    (_, 1) => format!("pagó tarde su última factura{mostly}"),
                    (0, of) => format!("pagó a tiempo sus últimas {of} facturas"),
                    (late, of) => format!("pagó tarde {late} de las últimas {of} facturas{mostly}"),
                }
            }
            Self::UsualDelay { days: 0 } => "suele pagar el día del vencimiento".into(),
            Self::UsualDelay { days: ahead } if ahead < 0 => {
                format!("suele pagar {} antes del vencimiento", days(ahead.unsigned_abs()))
            }
            Self::UsualDelay { days: late } => {
                format!("suele pagar {} después del vencimiento", days(late.unsigned_abs()))
            }
            Self::DueOnWeekday { weekday: on, late, of } => {
                format!("vence en {}: de {of} facturas así, pagó tarde {late}", weekday(on))
            }
            Self::Overdue { invoices: 1, oldest_days } => format!("debe 1 factura vencida hace {}", days(oldest_days)),
            Self::Overdue { invoices, oldest_days } => {
                format!("debe {invoices} facturas vencidas, la más antigua hace {}", days(oldest_days))
            }
            Self::NothingOverdue => "no debe nada vencido".into(),
            Self::AmountAboveUsual => "el importe es mayor que el habitual".into(),
            Self::AmountBelowUsual => "el importe es menor que el habitual".into(),
            Self::Calendar { weekday: on } => format!("vence en {}", weekday(on)),
            Self::StillUnpaid { days: since } => format!("sigue sin pagar {} después de emitida", days(since)),
            Self::PastDue { days: late } => format!("venció hace {}", days(late)),
            Self::Disputed => "la factura está en disputa".into(),
            Self::PaymentRun { days: wait } => {
                format!("su próximo día de pago es {} después del vencimiento", days(wait))
            }
        }
    }

    fn portuguese(self) -> String {
        let names =
            ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"];
        let weekday = |weekday| day(&names, weekday);
        let on = |on: u32| format!("{} {}", if on >= 5 { "no" } else { "na" }, weekday(on));
        let days = |days: u32| if days == 1 { "1 dia".into() } else { format!("{days} dias") };
        match self {
            Self::NoHistory => "ainda não há histórico próprio: presume-se o do país".into(),
            Self::LateOfLast { late, of, weekday } => {
                let mostly = weekday.map(|day| format!(", quase sempre {}", on(day))).unwrap_or_default();
                match (late, of) {
                    (0, 1) => "pagou em dia a última fatura".into(),
                    (_, 1) => format!("pagou com atraso a última fatura{mostly}"),
                    (0, of) => format!("pagou em dia as últimas {of} faturas"),
                    (late, of) => format!("pagou com atraso {late} das últimas {of} faturas{mostly}"),
                }
            }
            Self::UsualDelay { days: 0 } => "costuma pagar no dia do vencimento".into(),
            Self::UsualDelay { days: ahead } if ahead < 0 => {
                format!("costuma pagar {} antes do vencimento", days(ahead.unsigned_abs()))
            }
            Self::UsualDelay { days: late } => {
                format!("costuma pagar {} depois do vencimento", days(late.unsigned_abs()))
            }
            Self::DueOnWeekday { weekday, late, of } => {
                format!("vence {}: de {of} faturas assim, pagou {late} com atraso", on(weekday))
            }
            Self::Overdue { invoices: 1, oldest_days } => format!("deve 1 fatura vencida há {}", days(oldest_days)),
            Self::Overdue { invoices, oldest_days } => {
                format!("deve {invoices} faturas vencidas, a mais antiga há {}", days(oldest_days))
            }
            Self::NothingOverdue => "não deve nada vencido".into(),
            Self::AmountAboveUsual => "o valor é maior que o habitual".into(),
            Self::AmountBelowUsual => "o valor é menor que o habitual".into(),
            Self::Calendar { weekday } => format!("vence {}", on(weekday)),
            Self::StillUnpaid { days: since } => format!("continua sem pagamento {} depois da emissão", days(since)),
            Self::PastDue { days: late } => format!("venceu há {}", days(late)),
            Self::Disputed => "a fatura está em disputa".into(),
            Self::PaymentRun { days: wait } => {
                format!("seu próximo dia de pagamento é {} depois do vencimento", days(wait))
            }
        }
    }

    fn english(self) -> String {
        let names = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];
        let weekdays = |weekday| day(&names, weekday);
        let weekday = |weekday| weekdays(weekday).trim_end_matches('s').to_owned();
        let days = |days: u32| if days == 1 { "1 day".into() } else { format!("{days} days") };
        match self {
            Self::NoHistory => "no history of its own yet: that of its country is presumed".into(),
            Self::LateOfLast { late, of, weekday: on } => {
                let mostly = on.map(|on| format!(", mostly on {}", weekdays(on))).unwrap_or_default();
                match (late, of) {
                    (0, 1) => "paid the last invoice on time".into(),
                    (_, 1) => format!("paid the last invoice late{mostly}"),
                    (0, of) => format!("paid the last {of} invoices on time"),
                    (late, of) => format!("paid {late} of the last {of} invoices late{mostly}"),
                }
            }
            Self::UsualDelay { days: 0 } => "usually pays on the due date".into(),
            Self::UsualDelay { days: ahead } if ahead < 0 => {
                format!("usually pays {} before the due date", days(ahead.unsigned_abs()))
            }
            Self::UsualDelay { days: late } => {
                format!("usually pays {} after the due date", days(late.unsigned_abs()))
            }
            Self::DueOnWeekday { weekday: on, late, of } => {
                format!("due on a {}: paid {late} of {of} such invoices late", weekday(on))
            }
            Self::Overdue { invoices: 1, oldest_days } => {
                format!("owes 1 invoice, {} past due", days(oldest_days))
            }
            Self::Overdue { invoices, oldest_days } => {
                format!("owes {invoices} invoices past due, the oldest by {}", days(oldest_days))
            }
            Self::NothingOverdue => "owes nothing past due".into(),
            Self::AmountAboveUsual => "the amount is larger than usual".into(),
            Self::AmountBelowUsual => "the amount is smaller than usual".into(),
            Self::Calendar { weekday: on } => format!("due on a {}", weekday(on)),
            Self::StillUnpaid { days: since } => format!("still unpaid {} after issue", days(since)),
            Self::PastDue { days: late } => format!("{} past due", days(late)),
            Self::Disputed => "the invoice is disputed".into(),
            Self::PaymentRun { days: wait } => format!("its next payment run is {} after the due date", days(wait)),
        }
    }
}

fn day(names: &[&'static str; 7], weekday: u32) -> &'static str {
    usize::try_from(weekday).ok().and_then(|weekday| names.get(weekday)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Reason; 15] = [
        Reason::NoHistory,
        Reason::LateOfLast { late: 7, of: 9, weekday: Some(4) },
        Reason::LateOfLast { late: 0, of: 9, weekday: None },
        Reason::UsualDelay { days: -3 },
        Reason::UsualDelay { days: 1 },
        Reason::DueOnWeekday { weekday: 3, late: 4, of: 5 },
        Reason::Overdue { invoices: 2, oldest_days: 31 },
        Reason::NothingOverdue,
        Reason::AmountAboveUsual,
        Reason::AmountBelowUsual,
        Reason::Calendar { weekday: 6 },
        Reason::StillUnpaid { days: 28 },
        Reason::PastDue { days: 1 },
        Reason::Disputed,
        Reason::PaymentRun { days: 4 },
    ];

    #[test]
    fn reasons_are_read_as_they_are_written() {
        for reason in ALL {
            let text = reason.to_string();
            assert!(!text.contains(' '), "{text}");
            assert_eq!(text.parse(), Ok(reason));
        }
        for text in ["", "late_of_last", "late_of_last:late=7", "late_of_last:late=x,of=9", "titular"] {
            assert_eq!(text.parse::<Reason>(), Err(NoReason), "{text}");
        }
    }

    #[test]
    fn a_collector_understands_them() {
        let habit = Reason::LateOfLast { late: 7, of: 9, weekday: Some(4) };
        assert_eq!(habit.text(Language::English), "paid 7 of the last 9 invoices late, mostly on Fridays");
        assert_eq!(habit.text(Language::Spanish), "pagó tarde 7 de las últimas 9 facturas, casi siempre en viernes");
        assert_eq!(
            habit.text(Language::Portuguese),
            "pagou com atraso 7 das últimas 9 faturas, quase sempre na sexta-feira"
        );
        assert_eq!(Reason::PastDue { days: 1 }.text(Language::Spanish), "venció hace 1 día");
        for reason in ALL {
            let texts = [Language::Spanish, Language::Portuguese, Language::English].map(|it| reason.text(it));
            assert!(texts.iter().all(|text| !text.is_empty()), "{reason}");
            assert!(texts[0] != texts[1] && texts[1] != texts[2] && texts[0] != texts[2], "{texts:?}");
        }
    }

    #[test]
    fn the_first_language_that_is_spoken_is_taken() {
        let cases = [
            (None, Language::Spanish),
            (Some("de-DE, pt-BR;q=0.9, en"), Language::Portuguese),
            (Some("en-US"), Language::English),
            (Some("é"), Language::Spanish),
        ];
        for (accepted, language) in cases {
            assert_eq!(Language::of(accepted), language, "{accepted:?}");
        }
    }
}
