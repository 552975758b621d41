//! A node taken out of its cluster, and nothing lost that is not Kubernetes' own.
//!
//! kubeadm's own reset is not run: it deletes through mounts (kubeadm 1.22.6, run). Its work is done here, except leaving
//! etcd. Each part of the work is a file or folder of `parts`; what is deleted as files is decided in `trees`.

mod apply;
pub mod args;
mod done;
mod journal;
mod lock;
mod observe;
mod parts;
mod plan;
mod prove;
mod refuse;
mod render;
mod report;
mod reset;
mod run;
mod trees;
mod words;

pub use done::Done;
pub use lock::Lock;
pub use observe::{State, observe};
pub use parts::temporary::RunFiles;
pub use reset::{Reset, take_lock, within_a_join};
