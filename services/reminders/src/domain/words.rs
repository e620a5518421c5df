//! A decision in words, for whoever asks why.

use chrono::NaiveDate;

use super::decide::{Outcome, Reason};
use super::recipient::Language;

/// A step by its place in time: "3 days after the due date".
fn step(offset_days: i32, language: Language) -> String {
    let days = offset_days.unsigned_abs();
    match (language, offset_days.signum()) {
        (Language::Spanish, 0) => "el día del vencimiento".to_owned(),
        (Language::Spanish, sign) => {
            let unit = if days == 1 { "día" } else { "días" };
            format!("{days} {unit} {} del vencimiento", if sign < 0 { "antes" } else { "después" })
        }
        (Language::English, 0) => "on the due date".to_owned(),
        (Language::English, sign) => {
            let unit = if days == 1 { "day" } else { "days" };
            format!("{days} {unit} {} the due date", if sign < 0 { "before" } else { "after" })
        }
    }
}

const fn reason(reason: Reason, language: Language) -> &'static str {
    match (language, reason) {
        (Language::Spanish, Reason::DeadLetter) => "un dato de este cliente no se pudo aplicar y espera revisión",
        (Language::Spanish, Reason::Paid) => "la factura ya está pagada",
        (Language::Spanish, Reason::Voided) => "la factura está anulada",
        (Language::Spanish, Reason::Assigned) => "la factura está cedida y se paga a otro",
        (Language::Spanish, Reason::Unsubmitted) => "el cliente exige radicarla y aún no se ha radicado",
        (Language::Spanish, Reason::Rejected) => "el cliente rechazó la factura",
        (Language::Spanish, Reason::OnHold) => "los recordatorios están en pausa",
        (Language::Spanish, Reason::Promised) => "hay una promesa de pago vigente",
        (Language::Spanish, Reason::Disputed) => "la factura está en disputa",
        (Language::Spanish, Reason::Instrument) => "hay un cheque u otro título en mano por lo que falta",
        (Language::Spanish, Reason::NothingToAsk) => {
            "lo que falta son retenciones o notas de crédito: no queda nada por cobrar"
        }
        (Language::Spanish, Reason::CustomerProvisional) => "faltan los datos del cliente",
        (Language::Spanish, Reason::NoContact) => "el cliente no tiene un contacto activo con correo",
        (Language::Spanish, Reason::ConsentWithdrawn) => "ningún contacto acepta recibir correos",
        (Language::Spanish, Reason::Complained) => "el cliente se quejó de recibir correos",
        (Language::Spanish, Reason::WrongContact) => "el contacto dijo que no es la persona indicada",
        (Language::Spanish, Reason::Bounced) => "los correos al contacto rebotan",
        (Language::Spanish, Reason::TemplateError) => "el mensaje no se pudo redactar",
        (Language::English, Reason::DeadLetter) => {
            "an event of this customer could not be applied and waits for a person"
        }
        (Language::English, Reason::Paid) => "the invoice is paid",
        (Language::English, Reason::Voided) => "the invoice is voided",
        (Language::English, Reason::Assigned) => "the invoice is assigned and paid to somebody else",
        (Language::English, Reason::Unsubmitted) => "the customer wants it submitted, and that has not been done",
        (Language::English, Reason::Rejected) => "the customer has rejected the invoice",
        (Language::English, Reason::OnHold) => "reminders are on hold",
        (Language::English, Reason::Promised) => "a promise to pay stands",
        (Language::English, Reason::Disputed) => "the invoice is disputed",
        (Language::English, Reason::Instrument) => "a cheque or another paper is in hand for what is left",
        (Language::English, Reason::NothingToAsk) => {
            "what is left will be withheld or credited: there is nothing to ask for"
        }
        (Language::English, Reason::CustomerProvisional) => "the customer's master data has not come",
        (Language::English, Reason::NoContact) => "the customer has no active contact with an e-mail address",
        (Language::English, Reason::ConsentWithdrawn) => "no contact agrees to be written to by e-mail",
        (Language::English, Reason::Complained) => "the customer complained of being written to",
        (Language::English, Reason::WrongContact) => "the contact said that it is the wrong person",
        (Language::English, Reason::Bounced) => "e-mails to the contact bounce",
        (Language::English, Reason::TemplateError) => "the message could not be written",
    }
}

/// What a hold is for; empty for a kind that is not known here.
fn purpose(kind: &str, language: Language) -> &'static str {
    let (spanish, english) = match kind {
        "manual" => (": alguien lo decidió", ": somebody decided so"),
        "hardship" => (": el cliente pasa por dificultades", ": the customer is in hardship"),
        "legal" => (": el asunto está en manos legales", ": the matter is with the lawyers"),
        "insolvency" => (": el cliente es insolvente", ": the customer is insolvent"),
        "claim" => (": el cliente dice que pagó o que ya programó el pago", ": the customer says it paid, or will"),
        "issue" => (": hay una incidencia abierta", ": an issue is open"),
        "document_missing" => (": al cliente le falta un documento", ": the customer misses a document"),
        "invoice_not_received" => (": el cliente no recibió la factura", ": the customer did not receive the invoice"),
        _ => ("", ""),
    };
    match language {
        Language::Spanish => spanish,
        Language::English => english,
    }
}

/// What was decided about a step of an invoice. `message` is the state of the message that carries it, `hold` the kind of what
/// paused it.
pub(crate) fn decision(
    number: &str,
    offset_days: i32,
    outcome: Outcome,
    message: Option<&str>,
    hold: Option<&str>,
    language: Language,
) -> String {
    let step = step(offset_days, language);
    let purpose = hold.map_or("", |kind| purpose(kind, language));
    match (language, outcome) {
        (Language::Spanish, Outcome::Send) => {
            let fate = match message {
                Some("sent") => "se envió el recordatorio",
                Some("uncertain") => "el recordatorio salió, pero no se sabe si llegó; no se repite",
                Some("failed") => "el servidor de correo rechazó el recordatorio",
                _ => "el recordatorio está en camino",
            };
            format!("Factura {number}, {step}: {fate}.")
        }
        (Language::English, Outcome::Send) => {
            let fate = match message {
                Some("sent") => "the reminder was sent",
                Some("uncertain") => "the reminder left, but whether it was taken is unknown; it is not repeated",
                Some("failed") => "the mail relay refused the reminder",
                _ => "the reminder is on its way",
            };
            format!("Invoice {number}, {step}: {fate}.")
        }
        (Language::Spanish, Outcome::Suppressed(why)) => {
            format!("Factura {number}, {step}: no se envió, porque {}{purpose}.", reason(why, language))
        }
        (Language::English, Outcome::Suppressed(why)) => {
            format!("Invoice {number}, {step}: not sent, because {}{purpose}.", reason(why, language))
        }
        (Language::Spanish, Outcome::Superseded) => {
            format!("Factura {number}, {step}: no se envió, porque también tocaba un paso posterior.")
        }
        (Language::English, Outcome::Superseded) => {
            format!("Invoice {number}, {step}: not sent, because a later step was due as well.")
        }
    }
}

/// What a step that is due waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The sources have not told all of yesterday (L4).
    Coverage,
    /// The customer was written to today, or a hand-off is to be tried again.
    Customer,
    /// The next sweep decides it.
    Sweep,
}

impl Waiting {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Coverage => "waiting_for_coverage",
            Self::Customer => "waiting_for_customer",
            Self::Sweep => "waiting_for_sweep",
        }
    }
}

pub(crate) fn waiting(number: &str, why: Waiting, language: Language) -> String {
    match language {
        Language::Spanish => {
            let why = match why {
                Waiting::Coverage => "las fuentes de pagos aún no cubren el día de ayer",
                Waiting::Customer => "hoy ya se decidió un mensaje para este cliente",
                Waiting::Sweep => "se decide en la próxima pasada",
            };
            format!("Factura {number}: toca un paso y espera, porque {why}.")
        }
        Language::English => {
            let why = match why {
                Waiting::Coverage => "the payment sources do not cover yesterday yet",
                Waiting::Customer => "a message to this customer was decided today",
                Waiting::Sweep => "the next sweep decides it",
            };
            format!("Invoice {number}: a step is due and waits, because {why}.")
        }
    }
}

/// The next step of an invoice's plan.
pub(crate) fn planned(number: &str, day: NaiveDate, language: Language) -> String {
    let day = super::amounts::date(day, language);
    match language {
        Language::Spanish => format!("Factura {number}: el próximo paso es el {day}."),
        Language::English => format!("Invoice {number}: the next step is on {day}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_a_sentence() {
        let cases = [
            (
                3,
                Outcome::Send,
                Some("sent"),
                None,
                Language::English,
                "Invoice F-1, 3 days after the due date: the reminder was sent.",
            ),
            (
                -1,
                Outcome::Suppressed(Reason::Promised),
                None,
                None,
                Language::Spanish,
                "Factura F-1, 1 día antes del vencimiento: no se envió, porque hay una promesa de pago vigente.",
            ),
            (
                3,
                Outcome::Suppressed(Reason::OnHold),
                None,
                Some("hardship"),
                Language::Spanish,
                "Factura F-1, 3 días después del vencimiento: no se envió, porque los recordatorios están en pausa: el \
                 cliente pasa por dificultades.",
            ),
            (
                0,
                Outcome::Suppressed(Reason::OnHold),
                None,
                Some("of tomorrow"),
                Language::English,
                "Invoice F-1, on the due date: not sent, because reminders are on hold.",
            ),
            (
                0,
                Outcome::Superseded,
                None,
                None,
                Language::English,
                "Invoice F-1, on the due date: not sent, because a later step was due as well.",
            ),
        ];
        for (offset, outcome, message, hold, language, expected) in cases {
            assert_eq!(decision("F-1", offset, outcome, message, hold, language), expected);
        }
    }
}
