//! The mail that reached the debtors, read as they would: to whom, and which invoices it speaks of.

use std::collections::BTreeMap;

use mail_parser::MessageParser;
use mailcatcher::CaughtMail;

use super::world::Words;

/// The words of each address's mails.
pub(crate) fn delivered(mails: &[CaughtMail]) -> BTreeMap<String, Words> {
    let mut by_address: BTreeMap<String, Words> = BTreeMap::new();
    for mail in mails {
        let words = words_of(&mail.raw);
        for recipient in &mail.recipients {
            by_address.entry(recipient.to_lowercase()).or_default().extend(words.iter().cloned());
        }
    }
    by_address
}

/// Whatever stands in the readable parts, cut at everything that no invoice number contains.
fn words_of(raw: &[u8]) -> Words {
    let Some(message) = MessageParser::default().parse(raw) else { return Words::new() };
    let texts = (0..message.text_body_count()).filter_map(|part| message.body_text(part));
    texts
        .flat_map(|text| {
            let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
            words.filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_read_through_its_encoding() {
        let raw = b"From: a@b.example\r\nTo: pagos@c0001.example\r\nSubject: =?utf-8?q?Factura_vencida?=\r\n\
            MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            Le recordamos: CO-251103-00=\r\n01 (vencida), total =C2=BFsaldo? MX-251104-0002.\r\n";
        let mail = CaughtMail {
            envelope_from: "a@b.example".into(),
            recipients: vec!["Pagos@C0001.example".into()],
            raw: raw.to_vec(),
            accepted_no: 1,
        };
        let words = &delivered(&[mail])["pagos@c0001.example"];
        assert!(words.contains("CO-251103-0001") && words.contains("MX-251104-0002"), "{words:?}");
    }
}
