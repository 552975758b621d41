//! One row of the table: what is there, what the module is asked, and what must come of it.

use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};
use testkit::{Sandbox, require};

/// A layout and its expected outcome.
#[derive(Clone)]
pub struct Layout {
    /// A bash script that makes it, on top of [`play::WORLD`](super::play::WORLD).
    pub setup: &'static str,
    /// What the machine must have, for `testkit::require`.
    pub needs: &'static [&'static str],
    /// The module's options.
    pub options: Value,
    /// What must come of it.
    pub expect: Expect,
    /// What the answer must say, in whatever field.
    pub says: &'static [&'static str],
    /// A bash script that must succeed afterwards.
    pub verify: &'static str,
    /// Directories in which changes are expected: targets under another name.
    pub moved: &'static [&'static str],
    /// What happens while the subject runs.
    pub during: Option<fn(&AtomicBool)>,
    /// Made before the subject runs and kept until it has ended.
    pub held: Option<fn() -> Box<dyn std::any::Any>>,
    /// Whether the outcome depends on who wins a race: then the runs are not compared with each other.
    pub races: bool,
}

/// What must come of a layout. Outside the targets nothing may change in any case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// All targets are empty.
    Clean,
    /// Nothing is touched, and the message says this.
    Refused(&'static str),
    /// The task fails with this in its message; the directory named second is not emptied, all others are.
    Failed(&'static str, &'static str),
    /// All targets are empty but these.
    Partly(&'static [&'static str]),
    /// Clean or failed, depending on who wins a race.
    Either,
}

impl Layout {
    /// A layout that ends clean. What lies in its targets is made up, so that all of it has to be asked for; what becomes of
    /// it by default is the business of `unknown.rs`.
    pub fn clean(setup: &'static str) -> Self {
        let (needs, verify): (&[&str], _) = (&["root"], "true");
        Self {
            setup,
            needs,
            options: json!({"unknown": "delete"}),
            expect: Expect::Clean,
            verify,
            says: &[],
            moved: &[],
            during: None,
            held: None,
            races: false,
        }
    }

    /// One that is refused, with this in the message.
    pub fn refused(setup: &'static str, why: &'static str) -> Self {
        Self { expect: Expect::Refused(why), ..Self::clean(setup) }
    }

    /// One that fails, with this in the message, and leaves a directory alone.
    pub fn failed(setup: &'static str, why: &'static str, left: &'static str) -> Self {
        Self { expect: Expect::Failed(why, left), ..Self::clean(setup) }
    }

    /// One that leaves directories alone on purpose.
    pub fn partly(setup: &'static str, left: &'static [&'static str]) -> Self {
        Self { expect: Expect::Partly(left), ..Self::clean(setup) }
    }

    /// The same with another outcome.
    pub fn expect(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }

    /// The same with a check afterwards.
    pub fn verify(mut self, script: &'static str) -> Self {
        self.verify = script;
        self
    }

    /// The same whose answer says these.
    pub fn says(mut self, texts: &'static [&'static str]) -> Self {
        self.says = texts;
        self
    }

    /// The same where a target's content lies in other directories, too.
    pub fn moved(mut self, directories: &'static [&'static str]) -> Self {
        self.moved = directories;
        self
    }

    /// The same with more options.
    pub fn options(mut self, options: Value) -> Self {
        let more = options.as_object().cloned().unwrap_or_default();
        self.options.as_object_mut().unwrap().extend(more);
        self
    }

    /// The same with these options and the defaults.
    pub fn only(mut self, options: Value) -> Self {
        self.options = options;
        self
    }

    /// The same on machines that have these only.
    pub fn needs(mut self, needs: &'static [&'static str]) -> Self {
        self.needs = needs;
        self
    }

    /// Whether this machine can play it; says so if not.
    pub fn playable(&self) -> bool {
        self.needs.iter().all(|feature| require(feature))
    }
}

/// Where a layout is played: nothing of the machine's own data is in reach.
pub fn sandbox() -> Sandbox {
    let subject = std::env::var("TORTURE_SUBJECT").unwrap_or_default();
    let verdicts = std::env::var("TORTURE_VERDICTS").unwrap_or_default();
    Sandbox::new().empty("/srv").env("TORTURE_SUBJECT", subject).env("TORTURE_VERDICTS", verdicts)
}

/// A test for each layout, named after it.
macro_rules! layouts {
    ($($(#[$attribute:meta])* $name:ident => $layout:expr;)*) => {
        /// The rows of this file.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(
        #[test]
        $(#[$attribute])*
        fn $name() {
            let layout: $crate::layout::Layout = $layout;
            if layout.playable() {
                $crate::layout::sandbox().run(move || $crate::play::play(stringify!($name), &layout));
            }
        }
    )* };
}
pub(crate) use layouts;
