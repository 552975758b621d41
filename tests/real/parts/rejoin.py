"""A node that was wiped by kubeadm's own reset: its Node is still called Ready, and it joins again nevertheless."""

import contextlib

from stage import until

from lab import module, sh

ID = "/etc/machine-id"
ANOTHER = "0" * 31 + "1"


def wipe(stage):
    """As a person would. The Node stays, and is Ready for another 40 s."""
    until("it is Ready", lambda: stage.w1 in stage.ready(), 90)
    sh(stage.w1, "kubeadm reset -f")
    assert stage.w1 in stage.ready(), "the Node is not Ready any more: too slow a machine for this case"


@contextlib.contextmanager
def alive(stage):
    """The Node's machine is another, and it is there: its lease is renewed, however long this takes."""
    renew = f"kubectl --kubeconfig /etc/kubernetes/admin.conf -n kube-node-lease patch lease {stage.w1} --type merge -p"
    when = '{\\"spec\\": {\\"renewTime\\": \\"$(date -u +%FT%T.%6NZ)\\"}}'
    beat = f'while {renew} "{when}" >/dev/null; do sleep 5; done'
    sh(stage.cp, f"nohup sh -c '{beat}' >/dev/null 2>&1 & echo $! >/run/beat")
    try:
        yield
    finally:
        sh(stage.cp, "kill $(cat /run/beat); rm /run/beat")


def join(stage, conflict):
    parameters = module(stage.cp, "join_token", {"reuse": False})["join"]
    return module(stage.w1, "kubeadm_join_guarded", {**parameters, "on_node_conflict": conflict, "timeout": 240})


def run(stage, _version):
    with stage.case("wait: it joins as soon as the cluster has missed it"):
        wipe(stage)
        answer = join(stage, "wait")
        assert answer.get("joined"), answer.get("msg")
        classes = [attempt.get("failure_class") for attempt in answer["attempts"]]
        assert "node_exists" in classes, classes
        stage.remark = f"{len(classes)} attempts"
    with stage.case("delete: it asks for its Node to be deleted, and joins when that is done"):
        wipe(stage)
        answer = join(stage, "delete")
        assert (answer.get("joined"), answer.get("next_action")) == (False, "delete_node"), answer.get("msg")
        machine = {key: answer[key] for key in ("node_name", "machine_id", "system_uuid")}
        deleted = module(stage.cp, "stale_node", machine)
        assert deleted.get("deleted"), deleted.get("msg")
        answer = join(stage, "delete")
        assert answer.get("joined"), answer.get("msg")
    with stage.case("another machine's id is refused, and its Node stays"):
        wipe(stage)
        with alive(stage):
            before = stage.kubectl(f"get node {stage.w1} -o jsonpath={{.metadata.uid}}")
            refused = module(stage.cp, "stale_node", {**machine, "machine_id": ANOTHER})
            assert refused.get("failed") and not refused.get("deleted"), refused.get("msg")
            other = module(stage.cp, "stale_node", {**machine, "machine_id": ANOTHER, "system_uuid": ANOTHER})
            assert other.get("failed") and "another machine" in other["msg"], other.get("msg")
            assert stage.kubectl(f"get node {stage.w1} -o jsonpath={{.metadata.uid}}") == before
            sh(stage.w1, f"cp {ID} /root/id; echo {ANOTHER} >{ID}")
            try:
                status, said = stage.deploy("join", "--limit", stage.w1, "-e", "kubernetes_on_node_conflict=delete")
            finally:
                sh(stage.w1, f"cat /root/id >{ID}")
            assert status and "machine id" in said, f"exit status {status}: the playbook does not say why"
            assert stage.kubectl(f"get node {stage.w1} -o jsonpath={{.metadata.uid}}") == before
    with stage.case("the playbook joins it again by itself"):
        stage.done("join", "--limit", stage.w1, "-e", "kubernetes_on_node_conflict=delete")
        until("all are Ready", lambda: stage.ready() == sorted(stage.nodes))
    with stage.case("and its pods are reached"):
        stage.prove_pods()
