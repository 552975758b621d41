//! What is to be known of pods before checks can be chosen: the sizes of their links, and the addresses of names.

use crate::args::Args;
use crate::hop::Side;
use crate::observe::{Pod, State};
use crate::target::Target;
use crate::{checks, probe};
use host::deadline::Deadline;
use std::net::{IpAddr, SocketAddr};

/// Looks at the state's pods.
pub fn look(args: &Args, state: &mut State, deadline: &Deadline) -> anyhow::Result<()> {
    if args.mtu {
        let sources = checks::sources(args, &state.pods);
        state.mtus = sources.iter().filter_map(|pod| Some((pod.id.clone(), mtu(pod, deadline)?))).collect();
    }
    let named = args.targets()?.into_iter().chain(args.outside()?).filter(|target| target.ip().is_none());
    for Target { host, .. } in named {
        // Asked once: sandboxes of ours have no time for it, and each round looks anew.
        if state.addresses.contains_key(&host) {
            continue;
        }
        if let Some(ip) = address(args, state.dns.as_ref(), &state.pods, &host) {
            state.addresses.insert(host, ip);
        }
    }
    Ok(())
}

fn mtu(pod: &Pod, deadline: &Deadline) -> Option<u16> {
    let side = Side::read(pod.ip, &pod.name, &pod.netns, deadline).ok()?;
    u16::try_from(side.link()?.mtu).ok()
}

fn address(args: &Args, dns: Option<&(IpAddr, String)>, pods: &[Pod], name: &str) -> Option<IpAddr> {
    let (server, _) = checks::dns(args, dns)?;
    let ask = || Ok(probe::resolve(SocketAddr::new(server, 53), name, args.check_timeout()).ok());
    let answer = |pod: &Pod| host::netns::inside(&pod.netns, ask).ok().flatten();
    pods.iter().find_map(answer)?.first().copied()
}
