//! Doing it: every table of every tool in one commit each, then reading again as the proof.

use anyhow::{Context as _, Result, bail};

use super::owner::Owner;
use super::programs::Tool;
use super::removal::{Naming, Removal, foreign};
use super::save::{Save, Table};
use super::{Ruleset, TableRemoval, removals};
use host::deadline::Deadline;

/// How often a tool's tables are gone through: somebody may change them between our reading and our writing.
const ROUNDS: usize = 3;

/// Remove what [`removals`] found, as the tables are now. Every tool is tried, also after one failed; the error names
/// all that failed and why.
pub fn remove(planned: &[TableRemoval], owner: &Owner, deadline: &Deadline) -> Result<()> {
    let mut failures = Vec::new();
    for tools in planned.chunk_by(|a, b| a.tool == b.tool) {
        let Some(TableRemoval { tool, .. }) = tools.first() else { continue };
        let place = || format!("removing Kubernetes' chains from {}", tool.name());
        if let Err(error) = remove_from(tool, tools, owner, deadline).with_context(place) {
            failures.push(format!("{error:#}"));
        }
    }
    if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("; ")) }
}

fn remove_from(tool: &Tool, planned: &[TableRemoval], owner: &Owner, deadline: &Deadline) -> Result<()> {
    let before = tool.read(deadline)?;
    let mut current = before.clone();
    let mut problem = None;
    for _ in 0..ROUNDS {
        let set = Ruleset { tool: tool.clone(), save: current };
        let mut problems = Vec::new();
        for TableRemoval { removal, .. } in removals(&[set], owner) {
            let unmoved = planned.iter().any(|plan| plan.removal == removal);
            problems.extend(commit(tool, &removal, unmoved, deadline).err());
        }
        current = tool.read(deadline)?;
        prove(&before, &current, owner)?;
        let left = Ruleset { tool: tool.clone(), save: current.clone() };
        let Some(left) = removals(&[left], owner).into_iter().next() else { return Ok(()) };
        problem = Some(problems.into_iter().next().unwrap_or_else(|| came_back(&left.removal)));
    }
    problem.map_or(Ok(()), Err)
}

/// One table, in one commit. A rule that cannot be read back fails by its words every time; its position is right as
/// long as nothing `moved` since the plan was made.
fn commit(tool: &Tool, removal: &Removal, unmoved: bool, deadline: &Deadline) -> Result<()> {
    let by_words = tool.remove(removal, Naming::Words, deadline);
    let done = by_words.or_else(|error| match unmoved {
        true => tool.remove(removal, Naming::Position, deadline).map_err(|_| error),
        false => Err(error),
    });
    done.with_context(|| format!("table {}", removal.table))
}

fn came_back(removal: &Removal) -> anyhow::Error {
    let what = removal.chains.first().map_or("a rule that leads into Kubernetes' chains", String::as_str);
    anyhow::anyhow!(
        "table {}: {what} came back: kube-proxy, kubelet or a network plugin is still running",
        removal.table
    )
}

/// Every line of somebody else's from before is still there, in the same order. More lines are no fault: somebody may
/// have added one meanwhile.
fn prove(before: &Save, after: &Save, owner: &Owner) -> Result<()> {
    for table in &before.tables {
        let lines = |table: Option<&Table>| table.map(|table| foreign(table, owner)).unwrap_or_default();
        let mut there = lines(after.tables.iter().find(|now| now.name == table.name)).into_iter();
        if let Some(lost) = lines(Some(table)).into_iter().find(|line| !there.any(|now| now == *line)) {
            let lost = String::from_utf8_lossy(&lost).into_owned();
            bail!("table {}: a rule of somebody else is no longer in its place: {lost}", table.name);
        }
    }
    Ok(())
}
