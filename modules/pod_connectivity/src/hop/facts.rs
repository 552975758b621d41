//! What the hops look like.

use firewall::iptables::{self, Ruleset};
use firewall::nftables::{self, Filters};
use host::deadline::Deadline;
use host::links::{self, Link};
use host::netns;
use host::routes::{self, Route};
use std::net::IpAddr;
use std::path::Path;

/// The machine's side of the pod network.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The machine's links.
    pub links: Vec<Link>,
    /// Its routes.
    pub routes: Vec<Route>,
    /// Its iptables rules, in every back end; empty when they cannot be read.
    pub rules: Vec<Ruleset>,
    /// What nft itself holds besides; empty when it cannot be read.
    pub filters: Filters,
    /// Why it cannot.
    pub unread: Option<String>,
    /// net.ipv4.ip_forward.
    pub forwards: bool,
    /// Whether what crosses a bridge goes through iptables (net.bridge.bridge-nf-call-iptables).
    pub bridges_filtered: bool,
    /// Pods of this node that are involved.
    pub pods: Vec<Side>,
}

/// A pod's side.
#[derive(Debug, Clone)]
pub struct Side {
    /// Its address.
    pub ip: IpAddr,
    /// `namespace/name`.
    pub name: String,
    /// Its links.
    pub links: Vec<Link>,
    /// Its routes.
    pub routes: Vec<Route>,
}

impl Side {
    /// Looks into a pod's namespace.
    pub fn read(ip: IpAddr, name: &str, netns: &Path, deadline: &Deadline) -> anyhow::Result<Self> {
        let (links, routes) = netns::inside(netns, || Ok((links::list(deadline)?, routes::list(deadline)?)))?;
        Ok(Self { ip, name: name.to_owned(), links, routes })
    }

    /// The link that has the pod's address, or the one that would.
    pub fn link(&self) -> Option<&Link> {
        let has = |link: &&Link| link.addresses.iter().any(|address| address.ip == self.ip);
        self.links.iter().find(has).or(self.links.iter().find(|link| link.name == "eth0"))
    }
}

impl Facts {
    /// Looks at the machine, but for its rules: those take programs, and can be read later.
    pub fn read(pods: Vec<Side>, deadline: &Deadline) -> anyhow::Result<Self> {
        // /proc/sys/net shows the namespace of the thread that reads it.
        let is_one =
            |path: &str| Ok::<_, anyhow::Error>(host::files::read_text(path)?.is_some_and(|text| text.trim() == "1"));
        Ok(Self {
            links: links::list(deadline)?,
            routes: routes::list(deadline)?,
            forwards: is_one("/proc/sys/net/ipv4/ip_forward")?,
            bridges_filtered: is_one("/proc/sys/net/bridge/bridge-nf-call-iptables")?,
            pods,
            ..Self::default()
        })
    }

    /// The same with the firewall's rules. What cannot be read is left out: the other hops can still be named.
    pub fn with_rules(mut self, deadline: &Deadline) -> Self {
        self.rules = iptables::read(deadline).unwrap_or_default();
        match nftables::filters(&self.rules, deadline) {
            Ok(filters) => self.filters = filters,
            Err(error) => self.unread = Some(format!("{error:#}")),
        }
        self
    }

    /// The pod of this node with that address.
    pub fn pod(&self, ip: IpAddr) -> Option<&Side> {
        self.pods.iter().find(|side| side.ip == ip)
    }

    /// The host's end of a pod's link: the pod's end tells its number.
    pub fn host_end(&self, side: &Side) -> Option<&Link> {
        let index = side.link()?.peer?;
        self.links.iter().find(|link| link.index == index && link.kind == "veth")
    }

    /// The bridge that a pod hangs on.
    pub fn bridge_of(&self, side: &Side) -> Option<&Link> {
        self.link(self.host_end(side)?.master?)
    }

    /// The link with that number.
    pub fn link(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }

    /// The longest route of the main table that leads to `ip`.
    pub fn route(&self, ip: IpAddr) -> Option<&Route> {
        longest(&self.routes, ip)
    }
}

/// The longest route of the main table that leads to `ip`; of equal ones that with the lowest metric.
pub fn longest(routes: &[Route], ip: IpAddr) -> Option<&Route> {
    const MAIN: u32 = 254;
    let leads = routes.iter().filter(|route| route.table == MAIN && route.destination.contains(ip));
    leads.max_by_key(|route| (route.destination.prefix(), std::cmp::Reverse(route.metric)))
}
