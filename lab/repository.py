#!/usr/bin/env python3
"""What the Kubernetes package repository holds for this machine, asked within a time limit.

    repository.py ADDRESS ARCHITECTURE SECONDS newest          the newest release of all
    repository.py ADDRESS ARCHITECTURE SECONDS before 1.35     the newest before that minor release
    repository.py ADDRESS ARCHITECTURE SECONDS 1.33            the newest of a minor release
    repository.py ADDRESS ARCHITECTURE SECONDS 1.33.2          that one

Prints the version and how many MB it takes, installed and as packages. Ends with 3 and a sentence when the repository
answers and does not have it, with 4 and a reason when there is no way to it. Nothing is believed of what is read here but which
version to ask for: apt checks the signature when it installs.

The repository has no list of its minor releases, and a folder for each: ADDRESS/core:/stable:/v1.33/deb/. So all that there may
be are asked for at once.
"""

import gzip
import os
import queue
import re
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable
from typing import NoReturn, Optional

# The repository's oldest minor release. Three come out in a year: enough until 2033; beyond, further ones are asked for.
OLDEST, MANY = 24, 32
PROGRAMS = ("kubeadm", "kubelet", "kubectl")
# So many equal failures without an answer are believed.
ENOUGH = 4
# What a server says of a file that is not there; the object store behind the repository says "forbidden".
ABSENT = (403, 404, 410)

Answer = tuple[str, Optional[bytes], str]


class Repository:
    """One repository, asked until a deadline."""

    def __init__(self, address: str, seconds: float) -> None:
        # Some mirrors call the folder of the minor releases otherwise: .../core/stable
        self.folder = address if re.search(r"stable:?$", address) else address + "/core:/stable:"
        self.seconds, self.deadline = seconds, time.monotonic() + seconds
        self.reasons: Counter[str] = Counter()
        self.answered = False
        # Made once: reading the machine's certificates takes longer than a request.
        self.opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl.create_default_context()))

    def get(self, minor: int, name: str) -> Answer:
        """The file NAME of a minor release: its text, or none, and why when that is not because there is none."""
        url = "%s/v1.%d/deb/%s" % (self.folder, minor, name)
        try:
            with self.opener.open(url, timeout=max(self.deadline - time.monotonic(), 0.1)) as answer:
                return name, answer.read(32 << 20), ""
        except urllib.error.HTTPError as error:
            return name, None, "" if error.code in ABSENT else "it answers %d %s" % (error.code, error.reason)
        except Exception as error:  # whatever a network can do
            reason = getattr(error, "reason", error)
            words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
            return name, None, words

    def ask(self, minors: Iterable[int], name: str, seconds: float) -> dict[int, bytes]:
        """The file NAME of each of these minor releases that has it, as far as they answer within SECONDS."""
        answers: queue.Queue[tuple[int, Answer]] = queue.Queue()
        wanted = list(minors)
        for minor in wanted:
            # Not waited for at the end: a name server may take longer than anybody wants to wait.
            threading.Thread(
                target=lambda minor=minor: answers.put((minor, self.get(minor, name))), daemon=True
            ).start()
        found = {}
        end = min(time.monotonic() + seconds, self.deadline)
        for _ in wanted:
            try:
                minor, (_, text, reason) = answers.get(timeout=max(end - time.monotonic(), 0.001))
            except queue.Empty:
                self.reasons["no answer within %g s" % self.seconds] += 1
                break
            if reason:
                self.reasons[reason] += 1
                # A network that is not there answers no better the next time.
                if not self.answered and self.reasons[reason] == ENOUGH:
                    break
            else:
                self.answered = True
            if text is not None:
                found[minor] = text
        return found

    def minors(self) -> list[int]:
        """The minor releases there are, oldest first. A page of something else than a repository is none."""
        # Some time is left to read the newest one's index.
        seconds = self.seconds * 0.7
        for name in ("InRelease", "Release"):
            found: list[int] = []
            first = OLDEST
            while first == OLDEST or (found and found[-1] >= first - MANY // 2):
                asked = self.ask(range(first, first + MANY), name, seconds)
                found += sorted(minor for minor, text in asked.items() if b"SHA256:" in text)
                first += MANY
            if found or self.reasons:
                return found
        return []

    def versions(self, minor: int, architecture: str) -> dict[tuple[int, ...], int]:
        """The versions of a minor release of which all programs are there, each with its MB."""
        for name in ("Packages", "Packages.gz"):
            text = self.ask([minor], name, self.seconds).get(minor)
            if text is not None:
                return read(gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text, architecture)
        return {}


def read(index: bytes, architecture: str) -> dict[tuple[int, ...], int]:
    """The versions in an index of packages, without those before a release (1.34.0~rc.1)."""
    kib: dict[tuple[int, ...], dict[str, int]] = {}
    for stanza in index.decode("utf-8", "replace").split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z0-9-]+): *(.*)$", stanza, re.M))
        version = re.match(r"(\d+)\.(\d+)\.(\d+)(-[^~]*)?$", fields.get("Version", ""))
        if fields.get("Package") in PROGRAMS and version and fields.get("Architecture") in (architecture, "all"):
            size = int(fields.get("Installed-Size") or 0) + int(fields.get("Size") or 0) // 1024
            kib.setdefault(tuple(map(int, version.groups()[:3])), {})[fields["Package"]] = size
    return {version: sum(sizes.values()) // 1024 for version, sizes in kib.items() if len(sizes) == len(PROGRAMS)}


def end(status: int, words: str) -> NoReturn:
    """Says the answer and ends, whatever threads still wait."""
    print(words, flush=True)
    os._exit(status)


def text(version: tuple[int, ...]) -> str:
    """As people write it."""
    return ".".join(map(str, version))


def main() -> NoReturn:
    """The command line."""
    address, architecture, seconds, wanted, *before = sys.argv[1:]
    repository = Repository(address.rstrip("/"), float(seconds))
    number = [] if wanted in ("newest", "before") else [int(part) for part in wanted.split(".")]
    if number:
        versions = repository.versions(number[1], architecture)
        fitting = [version for version in versions if list(version[: len(number)]) == number]
        if fitting:
            end(0, "%s %d" % (text(max(fitting)), versions[max(fitting)]))
        if versions:
            end(3, "it has no %s; of 1.%d it has %s" % (wanted, number[1], ", ".join(map(text, sorted(versions)))))
    minors = repository.minors() if repository.answered or not number else []
    if not number:
        bound = int(before[0].split(".")[1]) if before else sys.maxsize
        for minor in reversed([minor for minor in minors if minor < bound]):
            versions = repository.versions(minor, architecture)
            if versions:
                end(0, "%s %d" % (text(max(versions)), versions[max(versions)]))
    if minors:
        has = ", ".join("1.%d" % minor for minor in minors if minor not in number[1:2])
        what = wanted if number else " ".join(["release", *(["before", *before] if before else [])])
        end(3, "it has no %s for %s; it has %s" % (what, architecture, has))
    if repository.reasons:
        end(4, repository.reasons.most_common(1)[0][0])
    end(3, "it answers, and has no release of Kubernetes below %s" % repository.folder)


if __name__ == "__main__":
    main()
