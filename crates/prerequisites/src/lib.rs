//! What a join needs of a node: facts, the checks that judge them, and what is safe to mend.
//!
//! The module `join_prerequisites` tells and mends it by itself; the join does so before its first attempt and as a remedy
//! between two. Firewall, packages and files of an earlier join are not touched: they are the administrator's or a reset's.

pub mod checks;
pub mod fix;
pub mod mend;
pub mod observe;
pub mod planned;
mod settings;
mod swap;
