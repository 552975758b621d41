//! The Ansible module protocol.
