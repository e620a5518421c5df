//! The page for people.

use crate::books::{Books, Office, client, tell};

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_tells_the_figures_in_the_tenants_language() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    tell(&office, &Books(&acme).quarter()).await;

    let page = office.html(&acme.key, "/").await;
    for figure in [
        r#"lang="es""#,
        "acme S.A.",
        "15 jun 2026",
        "156.000,00",   // open
        "96.000,00",    // overdue
        "48,1",         // DSO, count-back
        "COP 5.000,00", // unapplied
        "Ferretería El Tornillo",
        "Suele tardar",
        "Riesgo alto",
        "en disputa",
        "ya pagada",
        "Promesa incumplida",
        "COP 300,00", // due today
    ] {
        assert!(page.contains(figure), "{figure} is missing in {page}");
    }
    let page = office.html(&acme.key, "/?lang=en&currency=USD").await;
    for figure in [r#"lang="en""#, "1,500.50", "Receivables", "High risk"] {
        assert!(page.contains(figure), "{figure} is missing in {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_customers_are_called_is_text_and_never_markup() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    tell(&office, &Books(&acme).quarter()).await;
    let response = office.get(&acme.key, "/").await;
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = response.text().await.unwrap();
    assert!(!page.contains("<script") && !page.contains("style="), "{page}");
    assert!(page.contains("&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62; &#38; Hijos"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_book_is_a_page_too() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    office.bed.applied().await;
    assert!(office.html(&acme.key, "/").await.contains("Todavía no hay facturas"));
    assert_eq!(office.json(&acme.key, "/v1/aging").await, serde_json::json!([]));
    assert_eq!(office.json(&acme.key, "/v1/kpis").await["promises"]["kept_rate"], serde_json::Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_signs_a_browser_in_and_out() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    tell(&office, &Books(&acme).quarter()).await;
    let (browser, base) = (client(), office.bed.base_url());

    let away = browser.get(format!("{base}/")).send().await.unwrap();
    assert_eq!((away.status().as_u16(), &away.headers()["location"]), (303, &"/signin".parse().unwrap()));
    let form = browser.get(format!("{base}/signin")).header("accept-language", "en-GB,es").send().await.unwrap();
    assert!(form.text().await.unwrap().contains("Sign in"));

    let post = |key: &str, site: &'static str| {
        let body = format!("key={key}&lang=es");
        let request =
            browser.post(format!("{base}/signin")).header("content-type", "application/x-www-form-urlencoded");
        request.header("sec-fetch-site", site).body(body).send()
    };
    let refused = post("puntual_wrong", "same-origin").await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(refused.text().await.unwrap().contains("Esa clave no vale aquí."));
    assert_eq!(post(&acme.key, "cross-site").await.unwrap().status(), 403);

    let welcome = post(&acme.key, "same-origin").await.unwrap();
    assert_eq!(welcome.status(), 303);
    let cookie = welcome.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let session = cookie.split(';').next().unwrap().to_owned();
    let page = browser.get(format!("{base}/")).header("cookie", &session).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("156.000,00"));

    let gone = browser.post(format!("{base}/signout")).header("cookie", &session).send().await.unwrap();
    assert!(gone.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn style_and_script_come_from_the_role_itself() {
    let office = Office::open().await;
    for (path, kind) in [("/assets/puntual.css", "text/css"), ("/assets/signin.js", "text/javascript")] {
        let response = client().get(format!("{}{path}", office.bed.base_url())).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(kind));
    }
    let missing = client().get(format!("{}/assets/../Cargo.toml", office.bed.base_url())).send().await.unwrap();
    assert_eq!(missing.status(), 404);
}
