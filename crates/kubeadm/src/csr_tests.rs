use super::*;
use proptest::prelude::*;
use serde_json::json;

fn list(name: &str) -> Value {
    let path = format!("{}/tests/data/csr/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn begin() -> SystemTime {
    time::parse("2026-11-20T23:10:00Z").unwrap()
}

fn seen(name: &str) -> State {
    let request = of(&list(name), "w1", begin()).unwrap();
    assert_eq!(request.name, "csr-mm7lw", "{name}");
    request.state
}

#[test]
fn each_state_is_told_from_the_conditions_and_the_certificate() {
    assert_eq!(seen("pending"), State::Pending);
    assert_eq!(seen("approved"), State::Approved);
    assert_eq!(seen("issued"), State::Issued);
    assert_eq!(seen("denied"), State::Denied("KubectlDeny: This CSR was denied by kubectl certificate deny.".into()));
    assert_eq!(
        seen("failed"),
        State::Failed("SignerValidationFailure: subject organization is not system:nodes".into())
    );
}

#[test]
fn another_nodes_request_and_an_earlier_joins_are_not_this_ones() {
    let list = list("pending");
    assert!(
        of(&list, "w", begin()).is_none() && of(&list, "w2", begin()).is_none() && of(&list, "1", begin()).is_none()
    );
    // Each node has its own: w1 is no beginning of w10.
    assert!(matches!(of(&list, "w10", begin()).unwrap().state, State::Denied(_)));
    assert!(of(&list, "w1", time::parse("2026-11-20T23:10:06Z").unwrap()).is_none());
    assert!(of(&json!({"items": [{"spec": {"request": "%%%"}}, {}, 5]}), "w1", begin()).is_none());
    assert!(of(&Value::Null, "w1", begin()).is_none());
}

#[test]
fn a_refusal_holds_until_a_certificate_is_there() {
    let mut list = list("denied");
    let mut later = list["items"][2].clone();
    later["metadata"] = json!({"name": "csr-zzzzz", "creationTimestamp": "2026-11-20T23:10:09Z"});
    later["status"] = json!({});
    list["items"].as_array_mut().unwrap().push(later);
    assert!(matches!(of(&list, "w1", begin()).unwrap().state, State::Denied(_)));
    list["items"][3]["status"]["certificate"] = json!("eA==");
    assert_eq!(of(&list, "w1", begin()).unwrap().state, State::Issued);
}

#[test]
fn a_name_of_any_length_is_found_in_either_string_type() {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    for (kind, length) in [(0x13, 3), (0x0c, 3), (0x13, 200)] {
        let node = "n".repeat(length);
        let name = format!("system:node:{node}");
        let size = if name.len() > 127 { vec![0x81, name.len() as u8] } else { vec![name.len() as u8] };
        let der = [&[0x30, 0x10][..], &COMMON_NAME, &[kind], &size, name.as_bytes(), &[0x30]].concat();
        let pem = format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n", encode(&der));
        let item = json!({"spec": {"request": encode(pem.as_bytes())}});
        assert!(asks_for(&item, &name), "{kind:#x} {length}");
        assert!(!asks_for(&item, &format!("{name}n")) && !asks_for(&item, &name[..name.len() - 1]));
    }
}

proptest! {
    #[test]
    fn no_answer_of_the_api_server_makes_it_panic(text in ".*", name in ".{0,300}") {
        let list = serde_json::from_str(&text).unwrap_or_else(|_| json!({"items": [
            {"metadata": {"name": text, "creationTimestamp": "2026-11-20T23:10:05Z"}, "spec": {"request": text}, "status": text},
        ]}));
        of(&list, &name, begin());
    }
}
