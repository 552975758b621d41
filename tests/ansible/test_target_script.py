"""The scripts a target runs, run by the shells that targets have: what is in the cache is only started when it is ours."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils import launch_script, target_script

from support.target import ANSWER, OPTIONS, PROGRAM, Target


def test_it_is_taken_in_once_and_found_from_then_on(target: Target) -> None:
    assert not target.hit()
    done = target.cold()
    assert (done.returncode, done.stdout, done.stderr) == (0, ANSWER, b""), done
    assert target.hit()
    assert sorted(os.listdir(target.place)) == [target.binary.file_name, target.binary.file_name + ".ok"]
    assert oct(target.place.stat().st_mode & 0o7777) == "0o700" and oct(target.file.stat().st_mode & 0o7777) == "0o700"


def test_a_changed_file_is_never_run_even_with_the_same_size_and_time(target: Target) -> None:
    target.cold()
    before = target.file.stat()
    with target.file.open("r+b") as file:
        file.write(PROGRAM.replace(b"cat", b"tac"))
    os.utime(target.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert target.file.stat().st_size == before.st_size and not target.hit()
    assert target.cold().stdout == ANSWER and target.hit()


@pytest.mark.parametrize("damage", ["shorter", "exchanged", "link", "mode", "owner", "note", "no note"])
def test_a_damaged_or_foreign_file_is_never_run(target: Target, damage: str) -> None:
    target.cold()
    note = Path(str(target.file) + ".ok")
    if damage == "shorter":
        os.truncate(target.file, 10)
    elif damage == "exchanged":
        target.file.unlink()
        target.file.write_bytes(target.program)
        target.file.chmod(0o700)
    elif damage == "link":
        target.file.rename(target.home / "elsewhere")
        target.file.symlink_to(target.home / "elsewhere")
    elif damage == "mode":
        target.file.chmod(0o777)
    elif damage == "owner":
        os.chown(target.file, 4242, 4242)
    elif damage == "note":
        note.write_text(note.read_text().replace(" ", "  0", 1))
    else:
        note.unlink()
    assert not target.hit()
    assert target.cold().stdout == ANSWER and target.hit()


@pytest.mark.parametrize("damage", ["writable", "foreign"])
def test_a_place_that_others_could_write_to_is_passed_over(target: Target, damage: str) -> None:
    target.cold()
    if damage == "writable":
        target.place.chmod(0o777)
    else:
        os.chown(target.place, 4242, 4242)
    assert not target.hit()
    assert target.cold().stdout == ANSWER and target.hit()
    assert (target.shared / ("kubejoin-%d" % os.getuid()) / target.binary.file_name).exists()


def test_a_link_planted_in_a_shared_place_is_not_followed(target: Target, tmp_path: Path) -> None:
    target.env["HOME"] = "/"
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o700)
    (target.shared / ("kubejoin-%d" % os.getuid())).symlink_to(mine)
    target.cold()
    assert list(mine.iterdir()) == []


def test_an_upload_cut_short_is_not_kept(target: Target) -> None:
    for length in (3, len(OPTIONS) - 1, len(OPTIONS), len(OPTIONS) + 20, len(OPTIONS) + len(PROGRAM) - 1):
        done = target.cold((OPTIONS + PROGRAM)[:length])
        assert (done.returncode, done.stdout) == (target_script.CUT, b"KUBEJOIN CUT\n"), (length, done)
        assert not target.hit() and (not target.place.exists() or list(target.place.iterdir()) == [])


def test_an_upload_cut_short_is_not_kept_where_no_hash_can_be_had(target: Target, tmp_path: Path) -> None:
    (tmp_path / "sha256sum").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "sha256sum").chmod(0o755)
    target.env["PATH"] = "%s:%s" % (tmp_path, target.env["PATH"])
    assert target.cold((OPTIONS + PROGRAM)[:-1]).returncode == target_script.CUT
    assert not target.hit()
    assert target.cold().stdout == ANSWER and target.hit()


def test_an_upload_that_is_not_what_was_announced_is_not_kept(target: Target) -> None:
    done = target.cold(OPTIONS + PROGRAM.replace(b"cat", b"tac"))
    assert done.returncode == target_script.CUT and not target.hit()


def test_an_unfinished_line_of_options_starts_nothing(target: Target) -> None:
    target.cold()
    done = target.warm(OPTIONS[:-1])
    assert (done.returncode, done.stdout) == (target_script.CUT, b"KUBEJOIN CUT\n")


def test_old_versions_go_when_a_new_one_comes(target: Target) -> None:
    target.cold()
    old = target.file
    forgotten = target.place / ".new-1"
    forgotten.write_bytes(b"half")
    os.utime(forgotten, (0, 0))
    target.program = PROGRAM + b"# newer\n"
    assert target.cold().stdout == ANSWER
    assert not old.exists() and not forgotten.exists() and target.hit()


def test_a_home_that_cannot_be_written_to_is_replaced_by_another_place(target: Target) -> None:
    target.env["HOME"] = "/proc/nowhere"
    assert not target.hit()
    assert target.cold().stdout == ANSWER and target.hit()
    assert (target.shared / ("kubejoin-%d" % os.getuid()) / target.binary.file_name).exists()


def test_a_place_of_ones_own_is_the_only_one_and_says_why_it_cannot(target: Target) -> None:
    target.cache = "~/my place"
    assert target.cold().stdout == ANSWER and target.hit()
    assert (target.home / "my place" / target.binary.file_name).exists()
    target.cache = "/proc/nowhere"
    done = target.cold()
    assert done.returncode == target_script.NOWHERE
    assert done.stdout == b"KUBEJOIN NOWHERE /proc/nowhere cannot be made, \n"


def test_a_machine_without_a_binary_is_named_and_runs_nothing(target: Target) -> None:
    target.cold()
    other = dataclasses.replace(target.binary, arch="riscv64")
    read, run = target_script.read_lines(False), launch_script.attached("0", "some_module")
    done = target.run(target_script.warm([other], target.places(), read, run), OPTIONS)
    assert (done.returncode, done.stdout) == (target_script.MISS, b"KUBEJOIN MISS x86_64\n")


def test_the_scripts_are_one_line_that_any_login_shell_passes_on(target: Target) -> None:
    read = target_script.read_lines(True)
    run = launch_script.job("0" * 32, "some_module", 120)
    for script in (
        target_script.warm([target.binary], target.places(), read, run),
        target_script.cold([target.binary], target.binary, target.places(), read, run),
        launch_script.follow("0" * 32, 0, 120, 10),
        launch_script.end("0" * 32),
        launch_script.clear("0" * 32),
    ):
        assert "\n" not in script and "!" not in script and "'" not in script
        subprocess.run([*target.shell, "-n", "-c", script], check=True)
