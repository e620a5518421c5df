//! Questions that cannot be answered are refused by name.

use crate::books::{Office, client};

#[tokio::test(flavor = "multi_thread")]
async fn bad_parameters_are_refused_by_name() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    office.bed.applied().await;
    let cases = [
        ("/v1/kpis?from=2026-02-30", "from"),
        ("/v1/kpis?from=2026-2-3", "from"),
        ("/v1/kpis?from=", "from"),
        ("/v1/kpis?from=-9999-01-01", "from"),
        ("/v1/aging?as_of=%2B12026-01-01", "as_of"),
        ("/v1/kpis?to=yesterday", "to"),
        ("/v1/kpis?from=2026-06-02&to=2026-06-01", "from"),
        ("/v1/kpis?from=2027-01-01", "from"),
        ("/v1/kpis?from=2026-06-01&from=2026-06-02", "from"),
        ("/v1/kpis?form=2026-06-01", "form"),
        ("/v1/aging?as_of=2026-13-01", "as_of"),
        ("/v1/aging?as_of=2026-06-01&asof=1", "asof"),
        ("/v1/aging?clock=virtual", "clock"),
    ];
    for (path, parameter) in cases {
        let response = office.get(&acme.key, path).await;
        assert_eq!(response.status(), 400, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        let problem: serde_json::Value = response.json().await.unwrap();
        assert!(problem["type"].as_str().unwrap().ends_with("/query-parameter"), "{path}: {problem}");
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{path}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_anything_without_a_key() {
    let office = Office::open().await;
    for path in ["/v1/kpis", "/v1/aging"] {
        let response = client().get(format!("{}{path}", office.bed.base_url())).send().await.unwrap();
        assert_eq!(response.status(), 401, "{path}");
    }
    assert_eq!(office.get("puntual_nonsense", "/v1/kpis").await.status(), 401);
}
