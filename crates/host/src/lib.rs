//! The machine, one file per thing touched, each behind a cargo feature of the same name.
//!
//! A module's `Cargo.toml` names the features it uses, so it reads as the list of what that module may touch.
//! Nothing here knows Ansible: functions take values, return values, and fail with one line that names the operand.

#[cfg(feature = "cidr")]
pub mod cidr;
#[cfg(feature = "cni")]
pub mod cni;
#[cfg(feature = "deadline")]
pub mod deadline;
#[cfg(feature = "files")]
pub mod files;
#[cfg(feature = "systemd")]
pub mod journal;
#[cfg(feature = "links")]
pub mod links;
#[cfg(feature = "mounts")]
pub mod mounts;
#[cfg(feature = "links")]
pub mod neighbours;
#[cfg(feature = "links")]
mod netlink;
#[cfg(feature = "netns")]
pub mod netns;
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "processes")]
pub mod processes;
#[cfg(feature = "remove")]
pub mod remove;
#[cfg(feature = "room")]
pub mod room;
#[cfg(feature = "links")]
pub mod routes;
#[cfg(feature = "space")]
pub mod space;
#[cfg(feature = "systemd")]
pub mod systemd;
#[cfg(feature = "users")]
pub mod users;
