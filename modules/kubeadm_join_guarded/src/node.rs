//! The Node, seen with the kubelet's own credentials: it may read its own Node and Lease and nothing more.
//!
//! kubectl does the asking; where it is not installed the proof says so. Nothing here fails a join by itself: the kubelet
//! is well and registered, and what is still missing (a network add-on, mostly) comes later or is another module's work.

use host::deadline::{Deadline, Look};
use host::{files, links};
use kubeadm::kubeconfig::KUBELET_CONF;
use kubeadm::kubectl::Kubectl;
use kubeadm::{identity, program};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// One look at the cluster.
const LOOK: Duration = Duration::from_secs(10);
/// The kubelet renews its lease every 10 s.
const LEASE_FRESH: Duration = Duration::from_secs(40);
/// A kubelet registers within seconds of its certificate.
const REGISTERED: Duration = Duration::from_secs(20);
/// flannel's own record of the node's network.
const SUBNET_ENV: &str = "/run/flannel/subnet.env";

/// The network of its own that `cni_placeholder` gives a node by default. Workers of the roles have flannel's instead.
const PLACEHOLDER: &str = "/etc/cni/net.d/00-placeholder.conflist";

/// What the cluster and this node say of each other, as a result field; waits up to `patience` for Ready.
pub fn look(name: &str, socket: &str, patience: Duration, deadline: &Deadline) -> Value {
    // Whom one asks does not wait for whom the other asks.
    let (found, lease, network) = std::thread::scope(|scope| {
        let lease = scope.spawn(|| lease(name, deadline));
        let network = scope.spawn(|| network(socket, deadline));
        (node(name, patience, deadline), lease.join().ok().flatten(), network.join().ok().flatten())
    });
    let mut seen = match found {
        Ok(Some(node)) => judge(&node),
        Ok(None) => json!({"exists": false}),
        Err(e) if program::is_missing(&e) => {
            json!({"exists": null, "unknown_because": "kubectl is not installed on this node"})
        }
        Err(e) => json!({"exists": null, "unknown_because": format!("{e:#}")}),
    };
    seen["lease_renewed"] = json!(lease);
    seen["cni_in_force"] = json!(network);
    seen["cni_placeholder"] = json!(std::path::Path::new(PLACEHOLDER).exists());
    seen["flannel_subnet"] = json!(flannel_subnet());
    seen["bridge_address"] = json!(bridge_address(deadline));
    seen["network_agrees"] = json!(agrees(&seen));
    seen
}

/// What about it a human should know, in words.
pub fn complaints(seen: &Value) -> Vec<String> {
    let mut words = Vec::new();
    if seen["exists"] == false {
        words.push("the kubelet is well, and the cluster has no Node of this name yet".to_owned());
    }
    if seen["same_machine"] == false {
        words.push(format!(
            "the Node of this name carries the machine id {}, which is another machine's: two machines use one name",
            seen["machine_id"].as_str().unwrap_or_default()
        ));
    }
    if seen["cni_placeholder"] == true {
        words.push(format!(
            "pods of this node get addresses from the placeholder ({PLACEHOLDER}) until it is handed over: cni_placeholder with state=handover waits for the real network and does that"
        ));
    }
    if seen["network_agrees"] == false {
        words.push(format!(
            "pods of this node get addresses that are not its own: podCIDR {}, flannel {}, bridge {} (the module cni_repair mends that)",
            seen["pod_cidr"], seen["flannel_subnet"], seen["bridge_address"]
        ));
    }
    words
}

fn node(name: &str, patience: Duration, deadline: &Deadline) -> anyhow::Result<Option<Value>> {
    let kubectl = Kubectl::new(KUBELET_CONF);
    let get = || kubectl.get("node", name, "default", &deadline.at_most(LOOK));
    let mut last = get()?;
    if last.is_none() {
        // kubeadm of 1.34 and later ends before the kubelet has registered.
        let _ = deadline.at_most(REGISTERED).poll(Duration::from_millis(500), "a Node", || {
            last = get()?;
            Ok(if last.is_some() { Look::Ready(()) } else { Look::NotYet(String::new()) })
        });
    }
    let limit = deadline.at_most(patience);
    if !patience.is_zero() {
        // Running out of patience is no error: the last look is told.
        let _ = limit.poll(Duration::from_secs(1), "a Ready Node", || {
            last = get()?;
            let ready = last.as_ref().is_some_and(|node| condition(node).0 == "True");
            Ok(if ready { Look::Ready(()) } else { Look::NotYet(String::new()) })
        });
    }
    Ok(last)
}

fn judge(node: &Value) -> Value {
    let (ready, reason, message) = condition(node);
    let machine = node["status"]["nodeInfo"]["machineID"].as_str().unwrap_or_default();
    json!({
        "exists": true,
        "same_machine": machine.is_empty() || machine == identity::machine_id(),
        "machine_id": machine,
        "ready": ready == "True",
        "reason": reason,
        "message": message,
        "pod_cidr": node["spec"]["podCIDR"],
        "kubelet_version": node["status"]["nodeInfo"]["kubeletVersion"],
    })
}

/// Status, reason and message of the Ready condition.
fn condition(node: &Value) -> (&str, &str, &str) {
    let ready = kubeadm::conditions::ready(node);
    let text = |key: &str| ready.and_then(|condition| condition[key].as_str()).unwrap_or_default();
    (text("status"), text("reason"), text("message"))
}

/// Whether the lease was renewed lately; none when it cannot be read.
fn lease(name: &str, deadline: &Deadline) -> Option<bool> {
    let kubectl = Kubectl::new(KUBELET_CONF);
    let lease = kubectl.get("lease", name, "kube-node-lease", &deadline.at_most(LOOK)).ok()??;
    let renewed = kubeadm::time::parse(lease["spec"]["renewTime"].as_str()?)?;
    // A control plane whose clock is ahead renews in our future: that is fresh too.
    Some(SystemTime::now().duration_since(renewed).is_ok_and(|age| age > LEASE_FRESH)).map(|stale| !stale)
}

/// The name of the network the runtime gives to new pods.
fn network(socket: &str, deadline: &Deadline) -> Option<String> {
    let mut client = cri::Client::connect(socket, &deadline.at_most(Duration::from_secs(5))).ok()?;
    Some(client.status().ok()?.network()?.name)
}

/// `10.244.1.1/24`.
fn flannel_subnet() -> Option<String> {
    let text = files::read_text(SUBNET_ENV).ok()??;
    text.lines().find_map(|line| line.strip_prefix("FLANNEL_SUBNET=")).map(|value| value.trim().to_owned())
}

/// The IPv4 address of cni0.
fn bridge_address(deadline: &Deadline) -> Option<String> {
    let links = links::list(deadline).ok()?;
    let bridge = links.iter().find(|link| link.name == "cni0")?;
    let address = bridge.addresses.iter().find(|address| address.ip.is_ipv4())?;
    Some(format!("{}/{}", address.ip, address.prefix))
}

/// podCIDR, flannel's subnet and the bridge name the same network. None while one of them is not there.
fn agrees(seen: &Value) -> Option<bool> {
    let network = |text: &Value| network_of(text.as_str()?);
    let pods = network(&seen["pod_cidr"])?;
    let flannel = network(&seen["flannel_subnet"])?;
    Some(pods == flannel && network(&seen["bridge_address"]).is_none_or(|bridge| bridge == pods))
}

/// The network of an IPv4 address with a prefix length.
fn network_of(text: &str) -> Option<(u32, u32)> {
    let (address, length) = text.split_once('/')?;
    let address = u32::from(address.parse::<std::net::Ipv4Addr>().ok()?);
    let length = length.parse::<u32>().ok().filter(|length| *length <= 32)?;
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    Some((address & mask, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_compared_and_not_spellings() {
        let seen = |pods: &str, flannel: &str, bridge: &str| json!({"pod_cidr": pods, "flannel_subnet": flannel, "bridge_address": bridge});
        assert_eq!(agrees(&seen("10.244.1.0/24", "10.244.1.1/24", "10.244.1.1/24")), Some(true));
        assert_eq!(agrees(&seen("10.244.1.0/24", "10.244.1.1/24", "")), Some(true));
        assert_eq!(agrees(&seen("10.244.2.0/24", "10.244.2.1/24", "10.244.0.1/16")), Some(false));
        assert_eq!(agrees(&seen("10.244.2.0/24", "", "")), None);
    }

    #[test]
    fn another_machines_node_and_a_wrong_network_are_told() {
        assert!(
            complaints(&json!({"exists": true, "same_machine": false, "machine_id": "x"}))[0].contains("two machines")
        );
        assert!(complaints(&json!({"network_agrees": false}))[0].contains("cni_repair"));
        assert!(complaints(&json!({"cni_placeholder": true}))[0].contains("state=handover"));
        assert!(
            complaints(
                &json!({"exists": true, "same_machine": true, "network_agrees": true, "cni_placeholder": false})
            )
            .is_empty()
        );
    }
}
