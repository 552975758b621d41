//! apt and dpkg of Debian and Ubuntu: what is installed is read from files, what changes it is theirs to do.

pub mod certificates;
pub mod command;
pub mod offer;
pub mod policy;
pub mod scratch;
pub mod simulation;
pub mod sources;
pub mod status;
pub mod words;
pub mod work;
