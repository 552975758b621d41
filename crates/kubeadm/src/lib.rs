//! What `kubeadm join` and `kubeadm init` need to know about kubeadm itself: its versions and configuration API, the
//! words it fails with, and the kubelet it configures.
//!
//! A library with no Ansible in it. Effects on the machine go through `host`; nothing here starts a join.

pub mod ca;
pub mod certificate;
pub mod classify;
pub mod conditions;
pub mod config;
pub mod csr;
pub mod dropin;
pub mod endpoint;
pub mod gate;
pub mod identity;
pub mod kubeconfig;
pub mod kubectl;
pub mod kubelet;
pub mod kubelet_files;
pub mod last_words;
pub mod lock;
pub mod own_node;
pub mod patience;
pub mod pod_log;
pub mod program;
pub mod programs;
pub mod proxy;
pub mod redact;
pub mod runtime_support;
pub mod time;
pub mod version;
