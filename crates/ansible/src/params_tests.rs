//! The wordings and the order of checks, as Ansible users know them from Python modules.

use super::*;
use crate::spec::{Kind, Rule};
use serde_json::json;

static SPEC: Spec = Spec {
    name: "ref",
    summary: "reference",
    options: &[
        Opt::new("state", Kind::Str, "").default("\"present\"").choices(&["present", "absent"]),
        Opt::new("name", Kind::Str, "").aliases(&["nm"]),
        Opt::new("count", Kind::Int, "").default("3"),
        Opt::new("req", Kind::Bool, "").required(),
        Opt::new("token", Kind::Str, "").no_log(),
        Opt::new("tags", Kind::List(&Kind::Str), "").default("[]"),
        Opt::new("file", Kind::Path, ""),
    ],
    rules: &[Rule::MutuallyExclusive(&["token", "file"]), Rule::RequiredIf("state", "absent", &["name"])],
};

fn run(options: Value) -> Checked {
    let Value::Object(map) = options else { panic!("an object is needed") };
    check(&SPEC, map, "ref")
}

fn refused(options: Value) -> String {
    run(options).params.unwrap_err()
}

#[test]
fn defaults_are_filled_in_and_every_option_is_present() {
    let map = run(json!({"req": "yes"})).params.unwrap().0;
    assert_eq!(
        Value::Object(map),
        json!({"state": "present", "name": null, "count": 3, "req": true, "token": null, "tags": [], "file": null})
    );
}

#[test]
fn an_unknown_option_is_named_with_the_supported_ones_and_the_nearest() {
    let msg = refused(json!({"req": true, "sate": "present", "zzzzzzzz": 1}));
    assert!(msg.starts_with("Unsupported parameters for (ref) module: sate, zzzzzzzz. Supported parameters include: count, file, name (nm), req, state, tags, token."), "{msg}");
    assert!(msg.contains("Did you mean state instead of sate?") && !msg.contains("of zzzzzzzz"), "{msg}");
}

#[test]
fn the_value_of_a_mistyped_option_is_not_shown_and_masked_when_a_secret_was_meant() {
    let checked = run(json!({"req": true, "tokn": "abcdef.0123456789abcdef", "zzzzzzzz": "anything"}));
    let echo = Value::Object(checked.echo).to_string();
    assert!(!echo.contains("0123456789abcdef") && !echo.contains("anything") && echo.contains("zzzzzzzz"), "{echo}");
    assert_eq!(checked.secrets, ["abcdef.0123456789abcdef"]);
}

#[test]
fn a_missing_required_option_is_named() {
    assert_eq!(refused(json!({})), "missing required arguments: req");
    assert_eq!(refused(json!({"req": null})), "missing required arguments: req");
}

#[test]
fn a_choice_not_in_the_list_is_shown_with_the_list() {
    assert_eq!(
        refused(json!({"req": true, "state": "presnt"})),
        "value of state must be one of: present, absent, got: presnt (did you mean present?)"
    );
}

#[test]
fn rules_over_several_options_use_the_known_wordings() {
    assert_eq!(refused(json!({"req": 1, "token": "a", "file": "/b"})), "parameters are mutually exclusive: token|file");
    assert_eq!(
        refused(json!({"req": 1, "state": "absent"})),
        "state is absent but all of the following are missing: name"
    );
}

#[test]
fn an_alias_wins_over_the_name_with_a_warning() {
    let checked = run(json!({"req": true, "name": "a", "nm": "b"}));
    assert_eq!(checked.params.unwrap().0["name"], "b");
    assert_eq!(checked.warnings, ["Both option name and its alias nm are set."]);
    let checked = run(json!({"req": true, "nm": "b", "name": "a"}));
    assert_eq!(checked.params.unwrap().0["name"], "b");
}

#[test]
fn a_type_error_names_the_option_but_never_a_secret_value() {
    assert!(
        refused(json!({"req": "perhaps"})).starts_with("option req is \"perhaps\" and cannot be converted to bool")
    );
    assert!(refused(json!({"req": true, "count": "many"})).contains("option count is \"many\""));
}

#[test]
fn secrets_are_collected_and_the_echo_holds_defaults_even_when_refused() {
    let checked = run(json!({"token": "s3cret", "bogus": 1}));
    assert!(checked.params.is_err());
    assert_eq!(checked.secrets, ["s3cret"]);
    assert_eq!((&checked.echo["count"], &checked.echo["token"]), (&json!(3), &json!("s3cret")));
}
