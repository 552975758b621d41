//! What is deleted as files and directories, and what must not be: the list of targets, whether each is what its name says,
//! what of it is known, who else sees a part of it, the last look before it is deleted, and the preserved trees.

pub mod backup;
pub mod delete;
pub mod images;
pub mod known;
pub mod look;
pub mod manifest;
pub mod place;
pub mod preserve;
pub mod proof;
pub mod propagation;
pub mod targets;
pub mod users;
