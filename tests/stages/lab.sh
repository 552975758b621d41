# shellcheck shell=bash
# The main job on lab nodes: real systemd, containerd, netlink, iptables and ssh.

main_job() { tests/lab/main_job; }

stages+=(main_job)
