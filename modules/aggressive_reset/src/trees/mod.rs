//! What is deleted as files and directories, and what must not be: the list of targets, whether each is what its name says,
//! who else sees a part of it, and the preserved trees.

pub mod elsewhere;
pub mod manifest;
pub mod place;
pub mod preserve;
pub mod targets;
