//! containerd: its configuration as it is and as Kubernetes needs it, edited in place and proved by containerd itself.

pub mod apply;
pub mod args;
pub mod bin_dir;
pub mod config;
pub mod crictl;
pub mod image_filesystem;
pub mod journal;
pub mod observe;
pub mod plan;
pub mod release;
pub mod repair;
pub mod service;

pub use image_filesystem::{ImageFilesystem, image_filesystem};
