//! Whether this program runs as root, told before anything is looked at: as another user a module would see a runtime that
//! does not answer and files that are not there, and call that the machine's fault.

use nix::unistd::{Uid, User};

/// Why the work cannot begin; none for root.
pub(crate) fn refusal() -> Option<String> {
    let uid = Uid::effective();
    if uid.is_root() {
        return None;
    }
    let name = User::from_uid(uid).ok().flatten().map_or_else(|| format!("uid {uid}"), |user| user.name);
    Some(sentence(&name))
}

fn sentence(user: &str) -> String {
    format!("this needs root, and runs as {user}: set ansible_become: true for this host, or give -b (--become)")
}
