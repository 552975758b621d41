//! What a run that was interrupted leaves to the next one, made by hand; `killed.rs` kills real runs.

use serde_json::json;

use super::layout::{Expect, Layout, layouts};

/// A journal that a run began and did not finish: `journal LEVEL PRESERVED`.
macro_rules! journal {
    ($rest:expr) => {
        concat!(
            "journal() { mkdir -p ${3:-/var/lib/kubejoin}; printf '{\"begun\":{\"at\":1,\"level\":\"%s\",\"parts\":[\"kubelet\",\"kubernetes\",\"cni\",\"containerd\"],\"preserved\":[%s],\"bound\":[],\"pod_networks\":[],\"later\":{\"x\":1}}}\\n{\"intent\":\"stop kubelet\"}\\n' $1 \"$2\" > ${3:-/var/lib/kubejoin}/reset.journal; }\n",
            "tree() { printf '{\"path\":\"%s\",\"exists\":true,\"mounted\":null,\"not_walked\":null,\"entries\":%s,\"bytes\":1,\"complete\":true,\"samples\":{}}' $1 $2; }\n",
            $rest
        )
    };
}

layouts! {
    interrupted_run_keeps_what_both_runs_preserve => Layout::clean(journal!("journal aggressive \"$(tree /home/user 1)\"")).only(json!({"preserve": ["/srv/media"]})).says(&["\"path\":\"/home/user\"", "\"path\":\"/srv/media\""]);
    interrupted_run_whose_preserved_tree_is_a_target_now => Layout::refused(journal!("journal aggressive \"$(tree /srv/films 1)\"; mkdir /var/lib/kubelet/pods/films; ln -s /var/lib/kubelet/pods/films /srv/films"), "preserved path /srv/films (which is /var/lib/kubelet/pods/films) lies in").only(json!({}));
    interrupted_run_whose_preserved_tree_is_gone => Layout { expect: Expect::Failed("preserved path /srv/films", ""), ..Layout::clean(journal!("journal aggressive \"$(tree /srv/films 7)\"")) }.only(json!({}));
    interrupted_aggressive_run_is_finished_by_a_gentle_one => Layout::clean(journal!("journal aggressive ''")).only(json!({"level": "gentle"})).says(&["\"level\":\"aggressive\""]);
    interrupted_run_that_kept_its_journal_in_memory => Layout::clean(journal!("journal aggressive \"$(tree /home/user 1)\" /run/kubejoin")).only(json!({"level": "gentle", "preserve": []})).says(&["\"path\":\"/home/user\""]);
    interrupted_run_with_a_torn_journal => Layout::clean(journal!("journal gentle ''; truncate -s 40 /var/lib/kubejoin/reset.journal")).only(json!({}));
    interrupted_run_with_a_journal_of_noise => Layout::clean("head -c 100000 /dev/urandom > /var/lib/kubejoin/reset.journal").only(json!({}));
    interrupted_run_whose_journal_leads_to_somebodys_file => Layout::clean("ln -s /home/user/note1 /var/lib/kubejoin/reset.journal").only(json!({})).verify("test \"$(cat /home/user/note1)\" = 'note 1'; test ! -L /var/lib/kubejoin/reset.journal");
    interrupted_run_whose_journal_is_a_pipe => Layout { expect: Expect::Either, ..Layout::clean("mkfifo /var/lib/kubejoin/reset.journal") }.only(json!({"timeout": 20}));
    interrupted_run_whose_journal_is_a_directory => Layout { expect: Expect::Either, ..Layout::clean("mkdir /var/lib/kubejoin/reset.journal") }.only(json!({"timeout": 20}));
}
