//! dnf and rpm of Fedora, RHEL and what is made from it.

pub mod command;
pub mod installed;
pub mod names;
pub mod offer;
pub mod sources;
pub mod transaction;
pub mod words;
pub mod work;
