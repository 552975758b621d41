//! Stand-ins for kubeadm, kubelet and kubectl, chosen by the name they are called by.
fn main() {}
