//! The vxlan link, and for each other node the neighbour, forwarding entry and route that lead there.

use crate::hostside::{check, run};
use anyhow::{Context, Result, anyhow};
use serde_json::Value;

/// The interface that leads out, and its address.
pub struct Outside {
    /// interface name
    pub name: String,
    /// IPv4 address
    pub address: String,
    /// MTU
    pub mtu: u32,
}

/// Finds the interface of the default route (or the first with a global address).
pub fn outside() -> Result<Outside> {
    let word =
        |text: &str, key: &str| text.split_whitespace().skip_while(|word| *word != key).nth(1).map(str::to_owned);
    let route = run("ip", &["-4", "route", "get", "8.8.8.8"], None)?.out;
    let (name, address) = match (word(&route, "dev"), word(&route, "src")) {
        (Some(name), Some(address)) => (name, address),
        _ => {
            let all = check("ip", &["-4", "-o", "addr", "show", "scope", "global"])?;
            let line = all.lines().next().context("no interface with a global address")?;
            let name = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
            (name, word(line, "inet").and_then(|cidr| cidr.split('/').next().map(str::to_owned)).unwrap_or_default())
        }
    };
    let mtu = crate::place::read(format!("/sys/class/net/{name}/mtu"))
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1500);
    Ok(Outside { name, address, mtu })
}

fn details(name: &str) -> Option<Value> {
    let shown = run("ip", &["-d", "-j", "link", "show", name], None).ok()?;
    let list: Value = serde_json::from_str(&shown.out).ok()?;
    list.get(0).filter(|link| link["ifname"] == name).cloned()
}

/// Makes the vxlan link as wanted, anew when the one there differs; returns its MAC address.
pub fn vxlan(outside: &Outside, vni: u64, port: u64, subnet: &str) -> Result<String> {
    let name = format!("flannel.{vni}");
    let fits = details(&name).is_some_and(|link| {
        let data = &link["linkinfo"]["info_data"];
        data["id"] == vni && data["port"] == port && data["local"] == outside.address.as_str()
    });
    if !fits {
        run("ip", &["link", "del", &name], None)?;
        check(
            "ip",
            &[
                "link",
                "add",
                &name,
                "type",
                "vxlan",
                "id",
                &vni.to_string(),
                "dev",
                &outside.name,
                "local",
                &outside.address,
                "dstport",
                &port.to_string(),
                "nolearning",
            ],
        )?;
    }
    check("ip", &["link", "set", &name, "mtu", &(outside.mtu - 50).to_string(), "up"])?;
    let address = format!("{}/32", subnet.split('/').next().unwrap_or_default());
    check("ip", &["addr", "replace", &address, "dev", &name])?;
    let mac = details(&name).and_then(|link| link["address"].as_str().map(str::to_owned));
    mac.ok_or_else(|| anyhow!("{name} has no address"))
}

/// Another node.
#[derive(Clone, PartialEq)]
pub struct Peer {
    /// its pod subnet
    pub subnet: String,
    /// its address
    pub address: String,
    /// MAC address of its vxlan link
    pub mac: String,
}

impl Peer {
    fn gateway(&self) -> &str {
        self.subnet.split('/').next().unwrap_or_default()
    }

    /// Leads its subnet through the link.
    pub fn add(&self, link: &str) -> Result<()> {
        check("ip", &["neigh", "replace", self.gateway(), "lladdr", &self.mac, "dev", link, "nud", "permanent"])?;
        check("bridge", &["fdb", "replace", &self.mac, "dev", link, "dst", &self.address, "self", "permanent"])?;
        check("ip", &["route", "replace", &self.subnet, "via", self.gateway(), "dev", link, "onlink"]).map(drop)
    }

    /// Takes it away again.
    pub fn remove(&self, link: &str) {
        for (program, args) in [
            ("ip", vec!["route", "del", &self.subnet, "dev", link]),
            ("bridge", vec!["fdb", "del", &self.mac, "dev", link, "dst", &self.address, "self"]),
            ("ip", vec!["neigh", "del", self.gateway(), "dev", link]),
        ] {
            // What is gone already need not go again.
            let _ = run(program, &args, None);
        }
    }
}
