//! Service addresses and endpoints: an address from the service range for each Service, the ready pods behind it.

use super::store::{Store, key};
use crate::yaml::{items, text};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// The nth address of a CIDR.
pub fn address(cidr: &str, n: u32) -> Option<Ipv4Addr> {
    let base: Ipv4Addr = cidr.split('/').next()?.parse().ok()?;
    Some(Ipv4Addr::from(u32::from(base).checked_add(n)?))
}

/// Fills in what the API server defaults on a new Service.
pub fn default(store: &Store, object: &mut Value) {
    if text(object, "/kind") != "Service" || !object["spec"]["clusterIP"].is_null() {
        return;
    }
    let range = super::nodes::networking(store).1;
    let used: Vec<String> =
        store.list("services", None).map(|service| text(service, "/spec/clusterIP").to_owned()).collect();
    let free = (16..4096).filter_map(|n| address(&range, n)).map(|ip| ip.to_string()).find(|ip| !used.contains(ip));
    object["spec"]["clusterIP"] = json!(free.unwrap_or_default());
    if object["spec"]["type"].is_null() {
        object["spec"]["type"] = json!("ClusterIP");
    }
}

/// Brings each Service's Endpoints up to date with the ready pods it selects.
pub fn endpoints(store: &mut Store) -> anyhow::Result<()> {
    let services: Vec<Value> =
        store.list("services", None).filter(|service| service["spec"]["selector"].is_object()).cloned().collect();
    for service in services {
        let (namespace, name) = (text(&service, "/metadata/namespace"), text(&service, "/metadata/name"));
        let wanted = service["spec"]["selector"].as_object().cloned().unwrap_or_default();
        let addresses: Vec<Value> = store
            .list("pods", Some(namespace))
            .filter(|pod| wanted.iter().all(|(label, value)| &pod["metadata"]["labels"][label] == value))
            .filter(|pod| {
                super::nodes::condition(pod, "Ready") == "True" && pod["metadata"]["deletionTimestamp"].is_null()
            })
            .map(|pod| {
                json!({"ip": text(pod, "/status/podIP"), "nodeName": text(pod, "/spec/nodeName"),
                "targetRef": {"kind": "Pod", "namespace": namespace, "name": text(pod, "/metadata/name")}})
            })
            .collect();
        let ports: Vec<Value> = items(&service, "/spec/ports")
            .iter()
            .map(|port| {
                let target = match &port["targetPort"] {
                    Value::Number(number) => json!(number),
                    Value::String(named) => {
                        named_port(store, namespace, &wanted, named).unwrap_or(port["port"].clone())
                    }
                    _ => port["port"].clone(),
                };
                json!({"name": port["name"], "port": target, "protocol": port["protocol"].as_str().unwrap_or("TCP")})
            })
            .collect();
        let subsets = if addresses.is_empty() { json!([]) } else { json!([{"addresses": addresses, "ports": ports}]) };
        let object = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name, "namespace": namespace}, "subsets": subsets});
        store.put(key("endpoints", namespace, name), object)?;
    }
    Ok(())
}

fn named_port(store: &Store, namespace: &str, wanted: &serde_json::Map<String, Value>, name: &str) -> Option<Value> {
    let pod = store
        .list("pods", Some(namespace))
        .find(|pod| wanted.iter().all(|(label, value)| &pod["metadata"]["labels"][label] == value))?;
    items(pod, "/spec/containers")
        .iter()
        .flat_map(|container| items(container, "/ports"))
        .find(|port| text(port, "/name") == name)
        .map(|port| port["containerPort"].clone())
}
