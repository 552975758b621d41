"""Makes the folder of a new module, one that builds, answers and changes nothing yet: `make module NAME=x`.

The folder is all there is to write: the program of all modules, the names that lead to the action plugin, the pages in
docs/modules and the fuzzing of its options follow from it (docs/registry.py, docs/generate.py).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CARGO = """\
[package]
name = "{name}"
description = "Ansible module: TODO."
version.workspace = true
edition.workspace = true
license.workspace = true
publish.workspace = true

[dependencies]
ansible.workspace = true
anyhow.workspace = true
host = {{ workspace = true, features = ["files"] }}
serde.workspace = true

[dev-dependencies]
serde_json.workspace = true
testkit.workspace = true

[lints]
workspace = true
"""

MAIN = """\
//! The module as a program of its own.

fn main() -> std::process::ExitCode {{
    ansible::main(&[&{name}::MODULE])
}}
"""

LIB = """\
//! `{name}`: TODO, in one sentence.

mod apply;
pub mod args;
mod observe;
mod plan;
mod report;

use ansible::{{Contract, Module, Outcome, Run, Spec, Steps}};
use args::Args;
use observe::State;
use plan::Plan;
use std::time::Duration;

/// The module.
pub static MODULE: Module = Module::of::<{type}>();

struct {type};

impl Contract for {type} {{
    type Args = Args;
    type State = State;
    type Plan = Plan;
    type Done = Steps;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {{
        args.validate()
    }}

    fn budget(args: &Args) -> Duration {{
        Duration::from_secs(args.timeout)
    }}

    fn observe(args: &Args, _: &Run) -> anyhow::Result<State> {{
        observe::observe(args)
    }}

    fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {{
        Ok(plan::plan(args, state))
    }}

    fn apply(_: &Args, plan: Plan, _: &Run, done: &mut Steps) -> anyhow::Result<()> {{
        apply::apply(&plan, done)
    }}

    fn report(_: &Args, _: &State, plan: &Plan, done: Option<&Steps>) -> anyhow::Result<Outcome> {{
        Ok(report::outcome(plan, done))
    }}
}}
"""

ARGS = """\
//! The options.

use ansible::{{Kind, Opt, Spec}};
use anyhow::ensure;
use serde::Deserialize;

/// What the module accepts.
pub static SPEC: Spec = Spec {{
    name: "{name}",
    summary: "TODO",
    options: &[
        Opt::new("path", Kind::Path, "TODO: what is to be there.").required(),
        Opt::new("timeout", Kind::Int, "Seconds that all of it may take.").default("60"),
    ],
    rules: &[],
}};

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {{
    /// An absolute path.
    pub path: String,
    /// Seconds.
    pub timeout: u64,
}}

impl Args {{
    /// Refuses what cannot be right.
    pub fn validate(&self) -> anyhow::Result<()> {{
        ensure!(self.path.starts_with('/'), "option path is {{:?}}: it must be an absolute path", self.path);
        ensure!(self.timeout > 0, "option timeout is 0: it must be a number of seconds, such as 60");
        Ok(())
    }}
}}
"""

OBSERVE = """\
//! What is there. It decides nothing.

use crate::args::Args;
use std::path::Path;

/// What was found.
#[derive(Debug, Clone)]
pub struct State {{
    /// Whether the path exists.
    pub there: bool,
}}

/// Looks; changes nothing.
pub fn observe(args: &Args) -> anyhow::Result<State> {{
    Ok(State {{ there: Path::new(&args.path).exists() }})
}}
"""

PLAN = """\
//! What is to be done. Pure.

use crate::args::Args;
use crate::observe::State;
use ansible::Diff;

/// Nothing, or the path that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {{
    /// The path that is missing.
    pub make: Option<String>,
}}

/// Decides.
pub fn plan(args: &Args, state: &State) -> Plan {{
    Plan {{ make: (!state.there).then(|| args.path.clone()) }}
}}

impl ansible::Plan for Plan {{
    fn is_empty(&self) -> bool {{
        self.make.is_none()
    }}

    fn diff(&self) -> Vec<Diff> {{
        self.make.iter().map(|path| Diff::new(path, "", "directory\\n")).collect()
    }}
}}
"""

APPLY = """\
//! Does it, step by step, and says what it did.

use crate::plan::Plan;
use ansible::Steps;
use host::files;

/// Does what the plan says.
pub fn apply(plan: &Plan, done: &mut Steps) -> anyhow::Result<()> {{
    if let Some(path) = &plan.make {{
        files::make_dir(path, 0o755)?;
        done.did(format!("made {{path}}"));
    }}
    Ok(())
}}
"""

REPORT = """\
//! The answer. Pure.

use crate::plan::Plan;
use ansible::{{Outcome, Steps}};

/// What was done, or would be.
pub fn outcome(plan: &Plan, done: Option<&Steps>) -> Outcome {{
    let msg = match (&plan.make, done) {{
        (None, _) => "nothing is to be done".to_owned(),
        (Some(path), None) => format!("{{path}} is to be made"),
        (Some(_), Some(steps)) => steps.0.join("; "),
    }};
    Outcome::new().msg(msg)
}}
"""

TESTS = """\
//! The built binary, run as Ansible runs it.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{{Value, json}};
use testkit::Sandbox;

fn module(options: Value, check: bool) -> Value {{
    testkit::run_module(env!("CARGO_BIN_EXE_{name}"), options, check)
}}

#[test]
fn check_mode_touches_nothing_and_a_second_run_changes_nothing() {{
    Sandbox::new().empty("/srv").run(|| {{
        let options = json!({{"path": "/srv/x"}});
        assert_eq!(module(options.clone(), true)["changed"], true);
        assert!(!std::path::Path::new("/srv/x").exists());
        assert_eq!(module(options.clone(), false)["changed"], true);
        assert!(std::path::Path::new("/srv/x").is_dir());
        assert_eq!(module(options, false)["changed"], false);
    }});
}}

#[test]
fn bad_input_is_one_sentence() {{
    let answer = module(json!({{"path": "x"}}), false);
    assert_eq!(answer["msg"], "option path is \\"x\\": it must be an absolute path");
}}
"""

SIDECAR = """\
description:
  - TODO, in a paragraph or two.
attributes:
  check_mode:
    description: Shows what would be done, and touches nothing.
    support: full
  diff_mode:
    description: Shows what is there and what will be.
    support: full
author:
  - kubejoin maintainers (@kubejoin)
examples: |
  - name: TODO
    {name}:
      path: /srv/x
return:
  msg:
    description: What was done, or would be.
    returned: always
    type: str
    sample: nothing is to be done
"""

README = """\
# {name}

TODO, in one sentence. Options and examples: [docs/modules/{name}.md](../../docs/modules/{name}.md).
"""

CONVERGE = """\
---
- name: Converge
  hosts: all
  gather_facts: false
  tasks:
    - name: TODO
      {name}: {{path: /srv/x}}
"""

SCENARIO = """\
---
# TODO: what holds on a node afterwards.
platforms:
  - {{name: kubejoin-m-{dashed}-cp1, groups: [control_plane]}}
"""

VERIFY = """\
---
# Judged by the node's own tools, not by our modules.
- name: Verify
  hosts: all
  gather_facts: false
  tasks:
    - name: TODO
      ansible.builtin.raw: test -d /srv/x
      changed_when: false
"""


def main(arguments: list[str]) -> str | None:
    """Writes the folder and the scenario. Returns why not, if so."""
    name = arguments[0] if arguments else ""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        return (
            "NAME is %r: give small letters, digits and single underscores, as in make module NAME=node_certificates"
            % name
        )
    folder = ROOT / "modules" / name
    if folder.exists():
        return "%s exists already" % folder.relative_to(ROOT)
    kind = "".join(word.capitalize() for word in name.split("_"))
    texts = {
        folder / "Cargo.toml": CARGO,
        folder / "README.md": README,
        folder / (name + ".yml"): SIDECAR,
        folder / "src/main.rs": MAIN,
        folder / "src/lib.rs": LIB,
        folder / "src/args.rs": ARGS,
        folder / "src/observe.rs": OBSERVE,
        folder / "src/plan.rs": PLAN,
        folder / "src/apply.rs": APPLY,
        folder / "src/report.rs": REPORT,
        folder / "tests/module.rs": TESTS,
        ROOT / "molecule" / name / "molecule.yml": SCENARIO,
        ROOT / "molecule" / name / "converge.yml": CONVERGE,
        ROOT / "molecule" / name / "verify.yml": VERIFY,
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(name=name, type=kind, dashed=name.replace("_", "-")))
        print("made " + str(path.relative_to(ROOT)))
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
