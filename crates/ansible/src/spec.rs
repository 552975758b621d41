//! What a module accepts, as data: the Rust side of Ansible's `argument_spec`.
//!
//! One description serves the parser, `--help`, and (through `--docs`) the pages of `ansible-doc`, so they cannot differ.

/// The type of an option's value, named as in `argument_spec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `str`; numbers and booleans are turned into text.
    Str,
    /// `bool`; also yes/no, on/off, y/n, t/f, 1/0 as text.
    Bool,
    /// `int`; also text that is a whole number.
    Int,
    /// `float`; also text that is a number.
    Float,
    /// `path`; `~` and `$VAR` are expanded.
    Path,
    /// `dict`; also JSON or `k1=v1,k2=v2` as text.
    Dict,
    /// `list` of the given kind; text is split at commas.
    List(&'static Kind),
    /// `raw`; passed as it is.
    Raw,
}

impl Kind {
    /// The name `ansible-doc` uses for this type.
    pub const fn name(&self) -> &'static str {
        match self {
            Kind::Str => "str",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Path => "path",
            Kind::Dict => "dict",
            Kind::List(_) => "list",
            Kind::Raw => "raw",
        }
    }
}

/// One option of a module.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// The name, in snake case.
    pub name: &'static str,
    /// The type its value is converted to.
    pub kind: Kind,
    /// One or more sentences for `--help` and `ansible-doc`.
    pub help: &'static str,
    /// The default, as JSON text; `None` means `null`.
    pub default: Option<&'static str>,
    /// The only values allowed; empty means any.
    pub choices: &'static [&'static str],
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// Whether leaving it out is an error.
    pub required: bool,
    /// Whether its value is masked wherever it would appear in the answer.
    pub no_log: bool,
    /// Whether `invocation` leaves its value out; nothing of it is looked for elsewhere in the answer.
    pub withheld: bool,
}

impl Opt {
    /// An optional option without a default.
    pub const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Opt {
            name,
            kind,
            help,
            default: None,
            choices: &[],
            aliases: &[],
            required: false,
            no_log: false,
            withheld: false,
        }
    }

    /// Sets the default, written as JSON: `"\"present\""`, `"true"`, `"300"`, `"[]"`.
    pub const fn default(mut self, json: &'static str) -> Self {
        self.default = Some(json);
        self
    }

    /// Sets the only values allowed.
    pub const fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    /// Sets other names for the option.
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Makes it an error to leave the option out.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Masks the value wherever it would appear in the answer.
    pub const fn no_log(mut self) -> Self {
        self.no_log = true;
        self
    }

    /// Leaves the value out of `invocation`. For text that may hold secrets among much else, every word of which cannot be
    /// masked: the module itself sees to it that none gets into the rest of the answer.
    pub const fn withheld(mut self) -> Self {
        self.withheld = true;
        self
    }
}

/// A rule about several options at once, named as in `AnsibleModule`.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// At most one of them may be given.
    MutuallyExclusive(&'static [&'static str]),
    /// All or none of them.
    RequiredTogether(&'static [&'static str]),
    /// At least one of them.
    RequiredOneOf(&'static [&'static str]),
    /// When the first option has the given value, all of the others are needed.
    RequiredIf(&'static str, &'static str, &'static [&'static str]),
}

/// Everything a module accepts.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The module's name: also that of its crate, binary, page and scenario.
    pub name: &'static str,
    /// One line that says what it is for.
    pub summary: &'static str,
    /// The options, in the order in which they are documented.
    pub options: &'static [Opt],
    /// Rules about several options at once.
    pub rules: &'static [Rule],
}

impl Spec {
    /// The option that answers to `name`, directly or by alias.
    pub fn find(&self, name: &str) -> Option<&'static Opt> {
        self.options.iter().find(|o| o.name == name || o.aliases.contains(&name))
    }
}
