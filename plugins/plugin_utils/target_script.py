# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shell text with which a target finds the program, or takes it in. Pure text: nothing is executed here.

Plain POSIX sh on one line (tried with dash, bash and busybox), because it passes through the user's login shell.
Options never appear in it: they are a line on standard input, where no other user of the target can read them.

What may be run: a file with the right name, in a directory that belongs to the user the task runs as and has mode
0700, whose inode, size, owner, mode and change time are those noted when its hash was checked. Whoever writes to the
file changes its change time. The directory is entered first and checked as ``.``, so that it cannot be exchanged
between the check and the start.

Names in the text: a machine, b program, c and t functions (choose, test), d directory, e environment, i user id, k note,
l options, n new file, N line end, o old file, p place, q its number, r where it must really be, s stat, w why not.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from .binaries import PROGRAM, Binary

# Exit statuses of these scripts. The line they print begins with MARK and says which is meant.
MISS, NO_ROOM, NOWHERE, CUT = 88, 89, 90, 91
MARK = "KUBEJOIN"

# Where the program is kept when the home directory cannot have it: full, read-only, noexec or missing.
SHARED = ("/var/tmp", "/dev/shm", "/tmp")

# Set aside while looking around: what the tools say about missing files is no news.
_QUIET, _LOUD = "exec 3>&2 2>/dev/null;", "exec 2>&3 3>&-;"

# %f mode, %u owner, %i inode, %s size, %z change time, to the nanosecond where the tool knows it.
_STAT = 's(){ TZ=UTC0 stat -c "%f %u %i %s %z" "$@";};'

_HAS = (
    't(){ cd -P "$1"&&[ "${r:-$PWD}" = "$PWD" ]&&[ -O . ]&&[ -x $b ]&&read -r k<$b.ok&&set -- $(s . $b)&&'
    'case "$*" in 4?c0*" $k");;*)false;;esac;};'
)
_TAKES = (
    "n=.new-$$;"
    'no(){ w="$w$d $1, ";return 1;};'
    't(){ d=$1;(umask 077;mkdir -p "$d")||no "cannot be made"||return;'
    '{ cd -P "$d"&&[ "${r:-$PWD}" = "$PWD" ]&&[ -O . ]&&case $(s .) in 4?c0*);;*)false;;esac;}'
    '||no "is no directory with mode 0700 of the user the task runs as"||return;'
    '{ echo>$n&&chmod 700 $n;}||no "cannot be written to"||return;'
    '[ -x $n ]||{ rm -f $n;no "is mounted noexec";};};'
)
_INSTALL = (
    'cat>$n||{{ rm -f $n;cat>/dev/null;echo "{mark} NO_ROOM $q $PWD";exit {no_room};}};'
    'h=$(sha256sum<$n);[ $(wc -c<$n) -eq {size} ]&&{{ [ -z "$h" ]||[ "${{h%% *}}" = {sha256} ];}}'
    '||{{ rm -f $n;echo "{mark} CUT";exit {cut};}};'
    'mv -f $n $b;set -- $(s $b);echo "$*">$n&&mv -f $n $b.ok;'
    "for o in {program}-*;do case $o in {keep});;*)rm -f $o;;esac;done;"
    'find . -name ".new-*" -mmin +60 -exec rm -f {{}} +;'
)


def read_lines(with_environment: bool) -> str:
    """Reads the options into ``l`` and, before them, the environment into ``e``: each one complete line, or nothing."""
    lines = ("e", "l") if with_environment else ("l",)
    reads = "".join('IFS= read -r %s||{ echo "%s CUT";exit %d;};' % (line, MARK, CUT) for line in lines)
    return ('N=$(printf "\\nx");N=${N%x};' if with_environment else "e=;") + reads


def places(cache: str | None, remote_tmp: str | None, skip: int = 0) -> str:
    """Defines ``c``, which enters the first place that passes ``t``, leaving out the first ``skip``.

    ``cache`` is the only place when the user named one; ``remote_tmp`` is one more when the user moved Ansible's own.
    """
    test = "q=$((q+1));[ $q -gt %d ]&&t" % skip
    if cache:
        home = cache == "~" or cache.startswith("~/")
        name = '"$HOME"' + shlex.quote(cache[1:]) if home else shlex.quote(cache)
        return "c(){ q=0;r=;%s %s;};" % (test, name)
    # An absolute path is one the user chose; the default lies in the home directory, as the first place does.
    moved = [remote_tmp] if remote_tmp and remote_tmp.startswith("/") else []
    return (
        'c(){ q=0;r=;case ${HOME:-/} in /);;*)%s "$HOME/.ansible/%s"&&return;;esac;'
        # Where everybody may write, a name planted by another user could lead to a directory of ours elsewhere.
        'i=$(id -u);for p in %s;do r=$(cd -P "$p"&&pwd)||continue;r=$r/%s-$i;%s "$r"&&return;done;false;};'
    ) % (test, PROGRAM, " ".join(shlex.quote(place) for place in (*moved, *SHARED)), PROGRAM, test)


def warm(binaries: Sequence[Binary], where: str, read: str, run: str) -> str:
    """Runs the program if the target has it, else says MISS and the machine's name."""
    miss = '{ cat>/dev/null;echo "%s MISS $a";exit %d;};' % (MARK, MISS)
    return "".join([_QUIET, _pick(binaries), _STAT, _HAS, where, '[ "$b" ]&&c||', miss, _LOUD, read, run])


def cold(binaries: Sequence[Binary], binary: Binary, where: str, read: str, run: str) -> str:
    """Takes the program from standard input, after the lines that ``read`` wants, keeps it and runs it."""
    nowhere = '{ cat>/dev/null;echo "%s NOWHERE $w";exit %d;};' % (MARK, NOWHERE)
    keep = "|".join("%s|%s.ok" % (b.file_name, b.file_name) for b in binaries)
    install = _INSTALL.format(
        mark=MARK,
        no_room=NO_ROOM,
        cut=CUT,
        size=binary.size,
        sha256=binary.sha256,
        program=PROGRAM,
        keep=keep,
    )
    return "".join([read, _QUIET, _pick(binaries), _STAT, _TAKES, where, "c||", nowhere, install, _LOUD, run])


def _pick(binaries: Sequence[Binary]) -> str:
    """Sets ``a`` to the machine's name and ``b`` to the program's file name, empty when there is none for it."""
    cases = "".join("%s)b=%s;;" % ("|".join(b.machine_names), b.file_name) for b in binaries)
    return "a=$(uname -m);case $a in %s*)b=;;esac;" % cases
