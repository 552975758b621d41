//! The table of findings: every kind once, in the order of causes.
//!
//! Who shares the machine explains everything. A disk that is full explains a containerd that does not start, which explains a kubelet that does not: so storage comes
//! before the runtime, the runtime before CNI, CNI before the kubelet, then the pod network, and what runs as pods last.

mod cni;
mod kubelet;
mod machine;
mod network;
mod others;
mod runtime;
mod storage;
mod system_pods;

use crate::kind::Kind;
use node::code::Code;

/// All kinds, causes first.
pub fn table() -> impl Iterator<Item = &'static Kind> {
    [
        others::KINDS,
        storage::KINDS,
        machine::KINDS,
        runtime::KINDS,
        cni::KINDS,
        kubelet::KINDS,
        network::KINDS,
        system_pods::KINDS,
    ]
    .into_iter()
    .flatten()
}

/// The kind with that code.
pub fn kind(code: Code) -> &'static Kind {
    table().find(|k| k.code == code).unwrap_or(&UNKNOWN)
}

/// Its place in the order of causes.
pub fn rank(code: Code) -> usize {
    table().position(|k| k.code == code).unwrap_or(usize::MAX)
}

/// What a code that is in no row would become; a test looks that there is none.
static UNKNOWN: Kind = Kind {
    code: Code::Unknown,
    severity: crate::kind::Severity::Warning,
    title: "something this table does not know",
    cause: "the table of findings lacks a row",
    remedy: "report it",
    mended_by: None,
    explained_by: &[],
};

/// A row that keeps a node from working.
const fn critical(code: Code, title: &'static str, cause: &'static str, remedy: &'static str) -> Kind {
    let severity = crate::kind::Severity::Critical;
    Kind { code, severity, title, cause, remedy, mended_by: None, explained_by: &[] }
}

/// A row that will.
const fn warning(code: Code, title: &'static str, cause: &'static str, remedy: &'static str) -> Kind {
    let severity = crate::kind::Severity::Warning;
    Kind { code, severity, title, cause, remedy, mended_by: None, explained_by: &[] }
}

/// A row that leaves the node healthy.
const fn notice(code: Code, title: &'static str, cause: &'static str, remedy: &'static str) -> Kind {
    let severity = crate::kind::Severity::Notice;
    Kind { code, severity, title, cause, remedy, mended_by: None, explained_by: &[] }
}

impl Kind {
    const fn mended_by(mut self, module: &'static str) -> Self {
        self.mended_by = Some(module);
        self
    }

    const fn explained_by(mut self, codes: &'static [Code]) -> Self {
        self.explained_by = codes;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_there_once_and_what_explains_it_is_there_too() {
        let codes: Vec<Code> = table().map(|k| k.code).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
        for kind in table() {
            for code in kind.explained_by {
                assert!(codes.contains(code), "{} is explained by {code}, which is no row", kind.code);
                assert_ne!(kind.code, *code);
            }
        }
    }

    #[test]
    fn every_sentence_is_one_that_can_stand_in_a_message() {
        for kind in table() {
            for text in [kind.title, kind.cause, kind.remedy] {
                assert!(!text.ends_with('.') && !text.contains('\n') && text.len() > 10, "{}: {text}", kind.code);
            }
        }
    }

    #[test]
    fn the_documentation_has_a_section_for_every_finding_and_no_other() {
        let page = include_str!("../../../docs/troubleshooting.md");
        let sections: BTreeSet<&str> = page.lines().filter_map(|l| l.strip_prefix("### ")).collect();
        let codes: BTreeSet<Code> = table().map(|k| k.code).chain(Code::ONLY_OF_CNI_REPAIR).collect();
        assert_eq!(sections, codes.iter().map(|code| code.name()).collect());
        let all = Code::ALL.iter().copied().filter(|code| *code != Code::Unknown);
        assert_eq!(codes, all.collect(), "a code without a row");
    }
}
