use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn item(number: &str, due: &str, asked: &str, currency: &str) -> Item {
    let asked: Decimal = asked.parse().unwrap();
    Item {
        number: number.to_owned(),
        issue_date: date("2026-03-01"),
        due_date: date(due),
        currency: Currency::parse(currency).unwrap(),
        asked,
        total: asked,
        disputed: false,
    }
}

fn vars(items: Vec<Item>) -> Vars {
    Vars {
        tenant: "Distribuidora Andina".to_owned(),
        name: "Ana Ruiz".to_owned(),
        reply_to: "cartera@andina.example".to_owned(),
        today: date("2026-04-03"),
        items,
    }
}

fn render(template: &str, tone: Tone, language: Language, vars: &Vars) -> Rendered {
    Renderer::new().unwrap().render(template, tone, language, vars).unwrap()
}

#[test]
fn a_spanish_reminder_reads_like_this() {
    let partly =
        Item { total: "2000.00".parse().unwrap(), disputed: true, ..item("F-2", "2026-04-10", "1234.56", "COP") };
    let rendered = render(
        "overdue",
        Tone::Friendly,
        Language::Spanish,
        &vars(vec![item("F-1", "2026-03-31", "1500000", "CLP"), partly]),
    );
    assert_eq!(rendered.subject, "Distribuidora Andina: 2 facturas por pagar");
    assert_eq!(
        rendered.body,
        "\
Hola, Ana Ruiz:

Según nuestros registros, estas facturas siguen pendientes de pago:

- Factura F-1, emitida el 01/03/2026, venció el 31/03/2026 (hace 3 días): 1.500.000 CLP
- Factura F-2, emitida el 01/03/2026, vence el 10/04/2026 (en 7 días): 1.234,56 COP
  de un total de 2.000,00 COP; no incluye la parte en revisión

Total: 1.500.000 CLP + 1.234,56 COP

¿Nos podría decir cuándo podemos esperar el pago? Basta con responder con una fecha.

Si ya hizo el pago, muchas gracias. Si algo no está bien, responda a este correo y lo revisamos.
Contacto: cartera@andina.example

Nuestros datos bancarios nunca cambian por correo electrónico.

Distribuidora Andina
"
    );
}

#[test]
fn an_english_reminder_reads_like_this() {
    let impersonal = Vars { name: String::new(), ..vars(vec![item("INV-7", "2026-04-03", "1234.5", "USD")]) };
    let rendered = render("due_today", Tone::Gentle, Language::English, &impersonal);
    assert_eq!(rendered.subject, "Distribuidora Andina: invoice INV-7 is due today");
    assert_eq!(
        rendered.body,
        "\
Good morning,

This invoice is due today:

- Invoice INV-7, issued on 1 Mar 2026, due today, 3 Apr 2026: USD 1,234.50

Total: USD 1,234.50

If it is already on its way, there is nothing else for you to do.

If you have paid already, thank you. If something is not right, reply to this message and we will look into it.
Contact: cartera@andina.example

Our bank details never change by e-mail.

Distribuidora Andina
"
    );
}

#[test]
fn every_step_of_every_strategy_can_be_written_in_both_languages() {
    let one = vars(vec![item("F-1", "2026-03-31", "10", "PEN")]);
    let many = vars(vec![item("F-1", "2026-03-31", "10", "PEN"), item("F-2", "2026-04-30", "10", "USD")]);
    for strategy in crate::domain::strategy::built_in() {
        for step in strategy.steps {
            for language in [Language::Spanish, Language::English] {
                for vars in [&one, &many] {
                    let rendered = render(&step.template, step.tone, language, vars);
                    assert!(rendered.subject.starts_with("Distribuidora Andina: "));
                    assert!(!rendered.subject.contains('\n'));
                    let never = ["nunca cambian por correo", "never change by e-mail"];
                    assert!(never.iter().any(|line| rendered.body.contains(line)));
                }
            }
        }
    }
}

#[test]
fn data_is_never_read_as_a_template_and_never_makes_a_line() {
    let hostile = [
        "{{ tenant }}{% for x in range(9) %}x{% endfor %}",
        "Ana\r\nBcc: all@evil.example",
        "<script>alert(1)</script>",
        "\u{202e}anA\u{2066}",
    ];
    let expected = [
        "{{ tenant }}{% for x in range(9) %}x{% endfor %}",
        "Ana Bcc: all@evil.example",
        "<script>alert(1)</script>",
        "anA",
    ];
    for (name, shown) in hostile.into_iter().zip(expected) {
        let with_name = Vars { name: name.to_owned(), ..vars(vec![item(name, "2026-03-31", "10", "PEN")]) };
        let rendered = render("overdue", Tone::Firm, Language::Spanish, &with_name);
        assert!(rendered.body.starts_with(&format!("Hola, {shown}:\n\n")), "{name:?}");
        assert_eq!(rendered.subject, format!("Distribuidora Andina: la factura {shown} está vencida"));
    }
    assert_eq!(clean(&"e\u{301}".repeat(10_000)).chars().count(), MAX_TEXT);
}

#[test]
fn what_is_missing_refuses_the_message() {
    let renderer = Renderer::new().unwrap();
    let good = vars(vec![item("F-1", "2026-03-31", "10", "PEN")]);
    let cases = [
        (Vars { tenant: " \r\n".to_owned(), ..good.clone() }, "overdue", RenderError::Empty("tenant")),
        (Vars { items: vec![], ..good.clone() }, "overdue", RenderError::Empty("items")),
        (vars(vec![item("", "2026-03-31", "10", "PEN")]), "overdue", RenderError::Empty("number")),
        (good, "frame", RenderError::UnknownTemplate("frame".to_owned())),
    ];
    for (vars, template, expected) in cases {
        assert_eq!(renderer.render(template, Tone::Gentle, Language::Spanish, &vars), Err(expected));
    }
}

#[test]
fn an_unknown_variable_is_an_error_and_not_a_blank() {
    let mut renderer = Renderer::new().unwrap();
    renderer.environment.add_template("es/overdue.opening", "{{ nobody }}").unwrap();
    let vars = vars(vec![item("F-1", "2026-03-31", "10", "PEN")]);
    let error = renderer.render("overdue", Tone::Gentle, Language::Spanish, &vars).unwrap_err();
    assert_eq!(error.to_string(), "template es/overdue.opening: undefined value");

    let bomb = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    renderer.environment.add_template("es/overdue.opening", bomb).unwrap();
    let error = renderer.render("overdue", Tone::Gentle, Language::Spanish, &vars).unwrap_err();
    assert_eq!(error.to_string(), "template es/overdue.opening: engine ran out of fuel");
}
