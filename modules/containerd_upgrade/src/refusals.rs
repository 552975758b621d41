//! What is refused before anything is touched, each in a sentence with the way out, and what is only told. Pure.

use crate::args::Args;
use crate::observe::Found;
use ansible::Failure;
use node::containerd::release::Release;

/// From here on a kubelet speaks CRI v1 (kubernetes#106501, 1.23); containerd 2 speaks nothing else.
const SPEAKS_V1: u32 = 23;
const TWO: Release = Release { major: 2, minor: 0 };
/// Refuses.
pub fn check(args: &Args, found: &Found) -> anyhow::Result<()> {
    let (from, to) = (&found.version, &found.offer.version);
    let two = to.release() >= TWO;
    if let (true, Some(kubelet)) = (two, found.kubelet.0)
        && (kubelet.major, kubelet.minor) < (1, SPEAKS_V1)
    {
        return refuse(
            "kubelet_too_old",
            format!(
                "the kubelet here is {kubelet}, which speaks CRI v1alpha2 alone, and containerd {to} does not: Kubernetes 1.23 is the first that works with it"
            ),
        );
    }
    if let Some(conversion) = found.conversion.as_ref().filter(|conversion| !conversion.undecided.is_empty()) {
        return refuse(
            "undecided",
            format!(
                "a person has to decide before containerd goes from {from} to {to}: {}",
                conversion.undecided.join("; ")
            ),
        );
    }
    if two && !found.old_shims.is_empty() {
        let pids: Vec<String> = found.old_shims.iter().map(i32::to_string).collect();
        return refuse(
            "old_shims",
            format!(
                "containers run in shims of containerd 1 that containerd {to} does not speak with (processes {}): drain the node, so that they end, first",
                pids.join(", ")
            ),
        );
    }
    if !found.others.is_empty() && !args.allow_shared {
        return refuse(
            "shared",
            format!(
                "this containerd is not Kubernetes' alone: {} have something in it, which is not proved; allow_shared=true goes on",
                found.others.join(", ")
            ),
        );
    }
    if !found.known.leaking.is_empty() && !args.allow_restarts {
        return refuse(
            "restarts",
            format!(
                "containerd {to} would end these pods when it starts, because their sandbox has no process in its cgroup: {}; with allow_restarts=true the kubelet makes them anew",
                found.known.leaking.join(", ")
            ),
        );
    }
    if !found.consequences.is_empty() {
        return refuse(
            "packages",
            format!(
                "installing {} would move other packages, which nobody has asked for: {}",
                args.source,
                found.consequences.join(", ")
            ),
        );
    }
    let (needed, there) = found.bytes;
    if there < needed {
        return refuse(
            "no_space",
            format!(
                "the copies for the way back take {} MB, and /var/lib has {} MB",
                needed / 1_000_000,
                there / 1_000_000
            ),
        );
    }
    Ok(())
}

/// What a person ought to know.
pub fn warnings(found: &Found) -> Vec<String> {
    let (from, to) = (found.version.release(), found.offer.version.release());
    let mut warnings = Vec::new();
    if from < TWO && to >= TWO && (to.major, to.minor) != (2, 3) && from != (Release { major: 1, minor: 6 }) {
        warnings.push(format!("containerd's makers test the step from 1.7 to 2.3 (containerd#12727), not that to {}.{}; it is proved here, and has its way back", to.major, to.minor));
    }
    if found.kubelet.1 && found.node.is_none() {
        warnings.push(
            "the Node is not Ready, or the cluster does not answer this node, so its Node is not part of the proof"
                .into(),
        );
    }
    if found.known.network.is_none() {
        warnings.push("there is no pod network yet, so a new pod is not part of the proof".into());
    }
    if !found.known.leaking.is_empty() {
        warnings.push(format!(
            "these pods are ended and made anew by the kubelet, because their sandbox has no process in its cgroup: {}",
            found.known.leaking.join(", ")
        ));
    }
    warnings.extend(found.deprecations.iter().map(|said| format!("containerd says: {said}")));
    warnings
}

/// With the class that tells it from others.
pub fn refuse<T>(class: &str, msg: String) -> anyhow::Result<T> {
    Err(Failure::new(format!("{msg}; nothing was touched")).field("refused", class).into())
}
