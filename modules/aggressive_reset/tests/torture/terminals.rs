//! Names that write on a terminal: escape sequences, carriage returns, line ends, marks of text direction, in every place
//! where a name gets into the answer. Shown as what they are.

use serde_json::json;

use super::layout::{Layout, layouts};

const ESCAPED: &[&str] = &[r"\\x1b[2Kok: [w1]"];

layouts! {
    terminal_name_of_an_unknown_file => Layout::partly("touch $'/var/lib/kubelet/\\e[2Kok: [w1]'", &["/var/lib/kubelet"]).only(json!({})).says(ESCAPED);
    terminal_name_of_an_unknown_directory_with_line_ends => Layout::partly("mkdir $'/var/lib/kubelet/x\\r\\nfatal: [w1]: FAILED!'", &["/var/lib/kubelet"]).only(json!({})).says(&[r"/var/lib/kubelet/x\\r\\nfatal: [w1]: FAILED!"]);
    terminal_name_with_a_mark_of_direction => Layout::partly("touch $'/var/lib/kubelet/\\u202egpj.\\u200bnote\\u2028'", &["/var/lib/kubelet"]).only(json!({})).says(&[r"/var/lib/kubelet/\\u202egpj.\\u200bnote\\u2028"]);
    terminal_name_of_a_mount => Layout::clean("mkdir $'/var/lib/kubelet/pods/\\e[2Kok: [w1]'; mount --bind /home/user $'/var/lib/kubelet/pods/\\e[2Kok: [w1]'").only(json!({})).says(ESCAPED);
    terminal_name_of_a_mount_that_refuses => Layout::refused("mkdir -p $'/home/\\e[2Kok: [w1]' /var/lib/kubelet/pods/v; mount --bind /var/lib/kubelet/pods/v $'/home/\\e[2Kok: [w1]'", r"/home/\x1b[2Kok: [w1] shows /var/lib/kubelet/pods/v").only(json!({}));
    terminal_name_of_a_preserved_path => Layout::clean("mkdir $'/home/user/\\e[2Kok: [w1]'").only(json!({"preserve": ["/home/user/\u{1b}[2Kok: [w1]", "/nowhere\u{1b}[2Kok: [w1]"]})).says(ESCAPED);
    terminal_name_of_a_process_that_holds_a_mount => Layout::clean("cd /var/lib/kubelet/pods/p1/volumes; mkdir m; mount --bind /home/user m; cp /bin/sleep $'/home/user/\\e[2Kok: [w1]'; cd m; $'./\\e[2Kok: [w1]' 600 > /dev/null 2>&1 &").only(json!({})).says(ESCAPED);
    terminal_name_of_somebodys_conf => Layout::clean("echo '{\"name\":\"lab\",\"plugins\":[{\"type\":\"macvlan\"}]}' > $'/etc/cni/net.d/\\e[2Kok: [w1].conflist'").only(json!({})).says(ESCAPED);
    terminal_name_of_an_image_in_use => Layout::refused("truncate -s 8M $'/var/lib/kubelet/pods/\\e[2Kok: [w1]'; sleep 600 3<> $'/var/lib/kubelet/pods/\\e[2Kok: [w1]' > /dev/null 2>&1 &", r"has open /var/lib/kubelet/pods/\x1b[2Kok: [w1]").only(json!({}));
    terminal_name_of_what_cannot_be_deleted => Layout::failed("touch $'/var/lib/kubelet/pods/\\e[2Kok: [w1]'; chattr +i $'/var/lib/kubelet/pods/\\e[2Kok: [w1]'", r"deleting /var/lib/kubelet/pods/\x1b[2Kok: [w1]: immutable", "/var/lib/kubelet").only(json!({})).needs(&["root", "program:chattr"]).verify("chattr -i /var/lib/kubelet/pods/*");
}
