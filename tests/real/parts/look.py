"""What our diagnosis says of a node."""

from mend import AMBIENT

from lab import module

__all__ = ["AMBIENT", "codes", "well"]


def codes(node):
    """The findings, by name; AMBIENT are those of this machine's own disk."""
    return [found["code"] for found in module(node, "node_diagnose", {})["findings"]]


def well(nodes):
    """Whether nothing is wrong with any of them."""
    return not any(set(codes(node)) - AMBIENT for node in nodes)
