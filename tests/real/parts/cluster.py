"""A cluster comes up, the same again changes nothing, and it is what it says it is."""

import json
import os
import pathlib
import subprocess

from assemble import REHEARSAL, WEB, output
from parts.look import AMBIENT, codes
from stage import until

POD = {
    "containers": [
        {
            "name": "web",
            "image": WEB,
            "imagePullPolicy": "Never",
            "command": ["/pause", "http", "8096"],
            "ports": [{"containerPort": 8096}],
        }
    ],
    "tolerations": [{"operator": "Exists"}],
    "terminationGracePeriodSeconds": 1,
}


def run(stage, version):
    with stage.case("a cluster comes up"):
        said = stage.done("cluster", "--workers", "2", *stage.lab_options)
        assert "3 of 3 nodes are Ready." in said, "it does not say that 3 of 3 nodes are Ready"
    with stage.case("the nodes are Ready, of this version, with the runtime that they should have"):
        items = json.loads(stage.kubectl("get nodes -o json"))["items"]
        seen = {node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"] for node in items}
        assert seen == dict.fromkeys(stage.nodes, version), seen
        until("all are Ready", lambda: stage.ready() == sorted(stage.nodes))
    with stage.case("the same again changes nothing"):
        stage.unchanged("cluster")
    with stage.case("verify"):
        assert "3 of 3 nodes are Ready." in stage.done("verify")
    with stage.case("apps: a DaemonSet on every node"):
        apps = stage.directory / "apps"
        apps.mkdir(exist_ok=True)
        (apps / "web.yaml").write_text(json.dumps(daemon_set("web")))
        bring_images(stage, stage.nodes)
        stage.done("apps", str(apps))
        assert len(stage.pods()) == 3, stage.pods()
    with stage.case("apps: the same again changes nothing"):
        stage.unchanged("apps", str(apps))
    with stage.case("pods of all nodes reach each other, DNS and the outside"):
        until("DNS is there", lambda: "10.244." in stage.kubectl("get endpoints -n kube-system kube-dns"), 120)
        stage.prove_pods()
    with stage.case("diagnose finds nothing wrong"):
        stage.done("diagnose", "-e", f"diagnose_directory={stage.directory}/report")
        for node in stage.nodes:
            found = set(codes(node)) - AMBIENT
            assert not found, f"{node}: {sorted(found)}"


def daemon_set(name):
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": POD}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def bring_images(stage, nodes, more=()):
    """The suite's own image, which no registry has, and with it what the lab brought and an aggressive reset has deleted."""
    own = stage.directory / "web.tar"
    output(str(REHEARSAL), "image-tar", WEB, str(own))
    for node in nodes:
        for archive in [own, *more]:
            with archive.open("rb") as content:
                subprocess.run(
                    ["podman", "exec", "-i", node, "ctr", "-n", "k8s.io", "images", "import", "-"],
                    check=True,
                    stdin=content,
                    stdout=subprocess.DEVNULL,
                )
    own.unlink()


def lab_images():
    """Of nodes that can pull nothing."""
    return sorted(pathlib.Path(os.environ["KUBE_BIN_DIR"]).glob("images/*.tar")) if "KUBE_BIN_DIR" in os.environ else []
