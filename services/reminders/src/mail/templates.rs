//! The words. Built in, with one version for all of them; a change of any word is a new version.
//!
//! A message is a frame with three places: the subject and the opening are the template's, the closing is the tone's.

use crate::domain::recipient::Language;
use crate::domain::strategy::Tone;

/// Goes into every decision's record.
pub(crate) const VERSION: i32 = 1;

pub(super) struct Template {
    pub(super) name: &'static str,
    pub(super) language: Language,
    pub(super) subject: &'static str,
    pub(super) opening: &'static str,
}

use Language::{English, Spanish};

pub(super) const TEMPLATES: [Template; 8] = [
    Template {
        name: "before_due",
        language: Spanish,
        subject: "{{ tenant }}: {% if items|length == 1 %}la factura {{ items[0].number }} vence el {{ items[0].due }}\
                  {% else %}{{ items|length }} facturas por vencer{% endif %}",
        opening: "Le recordamos con tiempo {% if items|length == 1 %}el vencimiento de esta factura\
                  {% else %}los vencimientos de estas facturas{% endif %}:",
    },
    Template {
        name: "due_today",
        language: Spanish,
        subject: "{{ tenant }}: {% if items|length == 1 %}la factura {{ items[0].number }} vence hoy\
                  {% else %}{{ items|length }} facturas por pagar{% endif %}",
        opening: "{% if items|length == 1 %}Hoy vence esta factura:{% else %}Estas facturas vencen hoy o \
                  están por pagar:{% endif %}",
    },
    Template {
        name: "overdue",
        language: Spanish,
        subject: "{{ tenant }}: {% if items|length == 1 %}la factura {{ items[0].number }} está vencida\
                  {% else %}{{ items|length }} facturas por pagar{% endif %}",
        opening: "Según nuestros registros, {% if items|length == 1 %}esta factura sigue pendiente de pago:\
                  {% else %}estas facturas siguen pendientes de pago:{% endif %}",
    },
    Template {
        name: "last_notice",
        language: Spanish,
        subject: "{{ tenant }}: {% if items|length == 1 %}la factura {{ items[0].number }} necesita su atención\
                  {% else %}{{ items|length }} facturas necesitan su atención{% endif %}",
        opening: "Hemos escrito varias veces y {% if items|length == 1 %}esta factura sigue sin pagarse:\
                  {% else %}estas facturas siguen sin pagarse:{% endif %}",
    },
    Template {
        name: "before_due",
        language: English,
        subject: "{{ tenant }}: {% if items|length == 1 %}invoice {{ items[0].number }} is due on {{ items[0].due }}\
                  {% else %}{{ items|length }} invoices will be due{% endif %}",
        opening: "A friendly note ahead of time about {% if items|length == 1 %}this invoice\
                  {% else %}these invoices{% endif %}:",
    },
    Template {
        name: "due_today",
        language: English,
        subject: "{{ tenant }}: {% if items|length == 1 %}invoice {{ items[0].number }} is due today\
                  {% else %}{{ items|length }} invoices to be paid{% endif %}",
        opening: "{% if items|length == 1 %}This invoice is due today:{% else %}These invoices are due today or to be \
                  paid:{% endif %}",
    },
    Template {
        name: "overdue",
        language: English,
        subject: "{{ tenant }}: {% if items|length == 1 %}invoice {{ items[0].number }} is overdue\
                  {% else %}{{ items|length }} invoices to be paid{% endif %}",
        opening: "According to our records {% if items|length == 1 %}this invoice is still unpaid:\
                  {% else %}these invoices are still unpaid:{% endif %}",
    },
    Template {
        name: "last_notice",
        language: English,
        subject: "{{ tenant }}: {% if items|length == 1 %}invoice {{ items[0].number }} needs your attention\
                  {% else %}{{ items|length }} invoices need your attention{% endif %}",
        opening: "We have written several times, and {% if items|length == 1 %}this invoice is still unpaid:\
                  {% else %}these invoices are still unpaid:{% endif %}",
    },
];

/// Courtesy does not fall as firmness rises.
pub(super) const fn closing(tone: Tone, language: Language) -> &'static str {
    match (language, tone) {
        (Spanish, Tone::Gentle) => "Si ya lo tiene previsto, no hace falta que haga nada más.",
        (Spanish, Tone::Friendly) => {
            "¿Nos podría decir cuándo podemos esperar el pago? Basta con responder con una fecha."
        }
        (Spanish, Tone::Firm) => {
            "Le pedimos que haga el pago en los próximos días, o que responda con una fecha en la que podamos contar \
             con él. Si algo lo impide, escríbanos: buscaremos una salida juntos."
        }
        (English, Tone::Gentle) => "If it is already on its way, there is nothing else for you to do.",
        (English, Tone::Friendly) => "Could you tell us when we can expect the payment? A reply with a date is enough.",
        (English, Tone::Firm) => {
            "Please pay within the next few days, or reply with a date we can count on. If something stands in the \
             way, write to us: we will look for a way together."
        }
    }
}

pub(super) const fn frame(language: Language) -> &'static str {
    match language {
        Spanish => {
            "{% if name %}Hola, {{ name }}:{% else %}Buenos días:{% endif %}\n\
             \n\
             {{ opening }}\n\
             {% for item in items %}\n\
             - Factura {{ item.number }}, emitida el {{ item.issued }}, \
             {% if item.days < 0 %}vence el {{ item.due }} (en {{ item.away }} {{ item.away_unit }})\
             {% elif item.days == 0 %}vence hoy, {{ item.due }}\
             {% else %}venció el {{ item.due }} (hace {{ item.away }} {{ item.away_unit }}){% endif %}: {{ item.asked }}\
             {% if item.part %}\n  de un total de {{ item.total }}\
             {% if item.disputed %}; no incluye la parte en revisión{% endif %}{% endif %}{% endfor %}\n\
             \n\
             Total: {{ totals }}\n\
             \n\
             {{ closing }}\n\
             \n\
             Si ya hizo el pago, muchas gracias. Si algo no está bien, responda a este correo y lo revisamos.\n\
             {% if reply_to %}Contacto: {{ reply_to }}\n{% endif %}\
             \n\
             Nuestros datos bancarios nunca cambian por correo electrónico.\n\
             \n\
             {{ tenant }}\n"
        }
        English => {
            "{% if name %}Dear {{ name }},{% else %}Good morning,{% endif %}\n\
             \n\
             {{ opening }}\n\
             {% for item in items %}\n\
             - Invoice {{ item.number }}, issued on {{ item.issued }}, \
             {% if item.days < 0 %}due on {{ item.due }} (in {{ item.away }} {{ item.away_unit }})\
             {% elif item.days == 0 %}due today, {{ item.due }}\
             {% else %}due on {{ item.due }} ({{ item.away }} {{ item.away_unit }} ago){% endif %}: {{ item.asked }}\
             {% if item.part %}\n  of a total of {{ item.total }}\
             {% if item.disputed %}, without the part under review{% endif %}{% endif %}{% endfor %}\n\
             \n\
             Total: {{ totals }}\n\
             \n\
             {{ closing }}\n\
             \n\
             If you have paid already, thank you. If something is not right, reply to this message and we will look \
             into it.\n\
             {% if reply_to %}Contact: {{ reply_to }}\n{% endif %}\
             \n\
             Our bank details never change by e-mail.\n\
             \n\
             {{ tenant }}\n"
        }
    }
}
