//! get, describe and logs.

use super::{Line, Refusal, kind, print};
use crate::kinds::Kind;
use crate::klog;
use crate::net::api::Api;
use crate::yaml::{items, text};
use crate::{clock, place};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// `(resource, names)` pairs from words like `nodes w1`, `node/w1`, `pods,svc`.
pub fn targets(words: &[String]) -> Result<Vec<(&'static Kind, Vec<String>)>, Refusal> {
    let mut found: Vec<(&'static Kind, Vec<String>)> = Vec::new();
    if words.iter().any(|word| word.contains('/')) {
        for word in words {
            let (resource, name) = word.split_once('/').ok_or_else(|| Refusal::new("error: there is no need to specify a resource type as a separate argument when passing arguments in resource/name form"))?;
            found.push((kind(resource)?, vec![name.to_owned()]));
        }
        return Ok(found);
    }
    let Some(first) = words.first() else {
        return Err(Refusal::new("error: You must specify the type of resource to get."));
    };
    for resource in first.split(',') {
        found.push((kind(resource)?, words[1..].to_vec()));
    }
    Ok(found)
}

/// Percent-encodes a query value.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The objects a command line means.
pub fn fetch(
    line: &Line,
    api: &Api,
    resource: &'static Kind,
    names: &[String],
) -> Result<(Vec<Value>, Value), Refusal> {
    let namespace = line.namespace();
    let base = resource.path(&namespace);
    let single = resource.path(if namespace.is_empty() { "default" } else { &namespace });
    let mut objects = Vec::new();
    for name in names {
        match api.get(&format!("{single}/{name}")) {
            Ok(object) => objects.push(object),
            Err(error) if error.is_not_found() && line.on(&["ignore-not-found"]) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if names.is_empty() {
        let mut query = Vec::new();
        for (flags, parameter) in
            [(["l", "selector"], "labelSelector"), (["field-selector", "field-selector"], "fieldSelector")]
        {
            if let Some(value) = line.flag(&flags) {
                query.push(format!("{parameter}={}", encoded(value)));
            }
        }
        let list = api.get(&format!("{base}?{}", query.join("&")))?;
        objects = items(&list, "/items").to_vec();
    } else if let [one] = objects.as_slice() {
        let one = one.clone();
        return Ok((objects, one));
    }
    let list = json!({"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}});
    Ok((objects, list))
}

/// Of what kubectl shows of an answer at this verbosity (client-go, transport/round_trippers.go) the server's clock.
fn show_date(api: &Api, path: &str) {
    let Ok(response) = api.0.send("GET", path, "", &[]) else { return };
    klog::info("round_trippers.go:457", "Response Headers:");
    for (_, date) in response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("date")) {
        klog::info("round_trippers.go:460", &format!("    Date: {date}"));
    }
}

/// `kubectl get`.
pub fn get(line: &Line, api: &Api) -> Result<u8, Refusal> {
    if let Some(path) = line.flag(&["raw"]) {
        if line.flag(&["v"]).and_then(|level| level.parse::<u32>().ok()).is_some_and(|level| level >= 8) {
            show_date(api, path);
        }
        let answer = api.get(path)?;
        match answer.as_str() {
            Some(text) => print!("{text}"),
            None => println!("{answer}"),
        }
        return Ok(0);
    }
    for (resource, names) in targets(&line.words[1..])? {
        let (objects, list) = fetch(line, api, resource, &names)?;
        let form = line.flag(&["o", "output"]).unwrap_or_default();
        if objects.is_empty() && (form.is_empty() || form == "wide") {
            if !line.on(&["ignore-not-found"]) {
                match line.namespace().as_str() {
                    namespace if resource.namespaced && !namespace.is_empty() => {
                        eprintln!("No resources found in {namespace} namespace.")
                    }
                    _ => eprintln!("No resources found"),
                }
            }
            continue;
        }
        if objects.is_empty() && !names.is_empty() {
            continue;
        }
        print::show(line, resource, &objects, &list)?;
    }
    Ok(0)
}

/// `kubectl describe`, short.
pub fn describe(line: &Line, api: &Api) -> Result<u8, Refusal> {
    for (resource, names) in targets(&line.words[1..])? {
        let (objects, _) = fetch(line, api, resource, &names)?;
        for object in &objects {
            one(resource, object);
            events(api, resource, object);
        }
    }
    Ok(0)
}

fn map(title: &str, value: &Value) {
    let entries: Vec<String> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    println!(
        "{title:<20}{}",
        if entries.is_empty() { "<none>".into() } else { entries.join("\n                    ") }
    );
}

fn one(resource: &Kind, object: &Value) {
    println!("Name:               {}", text(object, "/metadata/name"));
    if resource.namespaced {
        println!("Namespace:          {}", text(object, "/metadata/namespace"));
    }
    map("Labels:", &object["metadata"]["labels"]);
    map("Annotations:", &object["metadata"]["annotations"]);
    println!("CreationTimestamp:  {}", text(object, "/metadata/creationTimestamp"));
    if resource.kind == "Node" {
        let taints: Vec<String> = items(object, "/spec/taints")
            .iter()
            .map(|taint| format!("{}:{}", text(taint, "/key"), text(taint, "/effect")))
            .collect();
        println!(
            "Taints:             {}",
            if taints.is_empty() { "<none>".into() } else { taints.join("\n                    ") }
        );
        println!("Unschedulable:      {}", object["spec"]["unschedulable"] == true);
    }
    if let Some(conditions) = object["status"]["conditions"].as_array() {
        println!("Conditions:\n  Type             Status  Reason                       Message");
        for condition in conditions {
            println!(
                "  {:<16} {:<7} {:<28} {}",
                text(condition, "/type"),
                text(condition, "/status"),
                text(condition, "/reason"),
                text(condition, "/message")
            );
        }
    }
    if resource.kind == "Node" {
        println!("System Info:");
        for (title, field) in [
            ("Machine ID", "machineID"),
            ("System UUID", "systemUUID"),
            ("Boot ID", "bootID"),
            ("Kernel Version", "kernelVersion"),
            ("OS Image", "osImage"),
            ("Container Runtime Version", "containerRuntimeVersion"),
            ("Kubelet Version", "kubeletVersion"),
        ] {
            println!("  {:<28}{}", format!("{title}:"), text(object, &format!("/status/nodeInfo/{field}")));
        }
        println!("PodCIDR:                      {}", text(object, "/spec/podCIDR"));
    } else {
        print!("{}", crate::yaml::write(&json!({"Spec": object["spec"], "Status": object["status"]})));
    }
}

fn events(api: &Api, resource: &Kind, object: &Value) {
    let found = api
        .get(&format!(
            "/api/v1/events?fieldSelector=involvedObject.kind%3D{}%2CinvolvedObject.name%3D{}",
            resource.kind,
            text(object, "/metadata/name")
        ))
        .unwrap_or_default();
    if items(&found, "/items").is_empty() {
        println!("Events:              <none>");
        return;
    }
    println!("Events:\n  Type     Reason                  Age   From     Message");
    for event in items(&found, "/items") {
        println!(
            "  {:<8} {:<23} {:<5} {:<8} {}",
            text(event, "/type"),
            text(event, "/reason"),
            clock::age(text(event, "/lastTimestamp")),
            text(event, "/source/component"),
            text(event, "/message")
        );
    }
}

/// `kubectl logs POD`: of pods on this machine, from their log files.
pub fn logs(line: &Line, api: &Api) -> Result<u8, Refusal> {
    let name = line
        .words
        .get(1)
        .ok_or_else(|| Refusal::new("error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'."))?;
    let name = name.rsplit('/').next().unwrap_or(name);
    let pod = api.get(&format!("/api/v1/namespaces/{}/pods/{name}", line.namespace()))?;
    let hash = text(&pod, "/metadata/annotations/kubernetes.io~1config.hash");
    let uid = if hash.is_empty() { text(&pod, "/metadata/uid") } else { hash };
    let dir = format!("/var/log/pods/{}_{name}_{uid}", line.namespace());
    let wanted = line.flag(&["c", "container"]).unwrap_or(text(&pod, "/spec/containers/0/name"));
    let mut files: Vec<_> = std::fs::read_dir(format!("{dir}/{wanted}")).map_err(|_| Refusal::new(format!("Error from server: Get \"https://{}:10250/containerLogs/{}/{name}/{wanted}\": the rehearsal has logs of this machine's pods only", text(&pod, "/status/hostIP"), line.namespace())))?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    for entry in files.last().and_then(place::read).unwrap_or_default().lines() {
        println!("{}", entry.splitn(4, ' ').nth(3).unwrap_or(entry));
    }
    Ok(0)
}

/// Polls until `done` says yes; false after `timeout`.
pub fn until(timeout: Duration, mut done: impl FnMut() -> Result<bool, Refusal>) -> Result<bool, Refusal> {
    let start = Instant::now();
    loop {
        if done()? {
            return Ok(true);
        }
        if start.elapsed() > timeout {
            return Ok(false);
        }
        clock::pause(Duration::from_millis(300));
    }
}
