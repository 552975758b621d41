//! The outcome of checks.

use crate::hop::Hop;
use crate::make::Made;
use crate::observe::Pod;

/// What was checked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checked {
    /// Pods of this node that are not ours.
    pub(crate) pods: Vec<Pod>,
    /// How many pods checks were made from.
    pub(crate) sources: usize,
    /// What was left out, and why.
    pub(crate) left_out: Vec<String>,
    /// Each check with the hop that explains its failure.
    pub(crate) rows: Vec<(Made, Option<Hop>)>,
    /// What did not work out.
    pub(crate) warnings: Vec<String>,
}
