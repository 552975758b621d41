# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shell text that starts a module, follows one that runs by itself, and ends one. Pure text, as target_script.

A short module is a child of the script and answers on its standard output. A long one is a job: a session of its own
that outlives the connection. It lives in a directory of its own, ``out`` its answer, ``rc`` its exit status once it is
over, ``progress`` its phases, and ``lease`` the uptime at which somebody last asked. When nobody has asked for longer
than the limit, the job is ended and its directory goes: a controller that is gone for good leaves nothing behind.

The program is started as a child, never with exec: ssh would report its death by a signal as a lost connection. Every
process of a run has ``KUBEJOIN_RUN`` in its environment, by which it is found again, also when its parent is gone.

Names in the text: b program, e environment, g processes of the run, i and m counters, j job directory, l options, r run,
u uptime, v lease, w limit, z setsid.
"""

from __future__ import annotations

from .target_script import MARK

# In memory where possible: a full disk must not cost an answer, and answers should not survive a reboot.
JOB_PLACES = "/run /dev/shm /tmp"

GONE = 92
FIRST_LOOK = 2  # seconds for which the starting command waits for the end
GRACE = 15  # seconds until a job ends whose follower was cut off in an orderly way, and is not back
_PATIENCE = 20  # seconds that an ended module has to undo what must be undone

# Stops the module itself (not its children, which it ends in its own order), then whatever is left.
_END = (
    "g(){ grep -ls KUBEJOIN_RUN=$r /proc/[0-9]*/environ;};"
    "end(){ for x in $(g);do x=${x%%/environ};case $(readlink $x/exe) in */kubejoin-*)kill ${x#/proc/};;esac;done;"
    'm=0;while [ $m -lt %d ]&&[ "$(g)" ];do m=$((m+1));sleep 0.2||sleep 1;done;'
    "for x in $(g);do x=${x%%/environ};kill -9 ${x#/proc/};done;};"
) % (_PATIENCE * 5)

# A link that somebody else planted leads nowhere. (No "!": csh, as a login shell, would take it for its history.)
_FIND = "j=;for x in %s;do [ -L $x/kubejoin-$r ]||{ [ -O $x/kubejoin-$r ]&&j=$x/kubejoin-$r&&break;};done;" % JOB_PLACES

_ASK = "u(){ read -r u x</proc/uptime;u=${u%.*};};ask(){ u;echo $((u+${1:-0}))>$j/lease;};"

# Tells from which phase on: $1 is the number of lines known.
_SHOW = (
    "show(){ tail -n +$(($1+1)) $j/progress 2>/dev/null;"
    'if [ -e $j/rc ];then read -r x<$j/rc;echo "%s DONE $x";cat $j/out;echo;echo "%s STDERR";tail -c 4000 $j/err;'
    'else echo "%s RUNNING";fi;};'
) % (MARK, MARK, MARK)

# Runs in the background: ends the job when the lease is over, clears up when nobody came for the answer. A machine that
# was suspended finds every lease over at once, so the follower gets a moment to come back.
_WATCH = (
    "old(){ u;read -r v<$j/lease;[ $((u-v)) -gt $w ];};"
    "while sleep 3;do [ -d $j ]||exit;old||continue;sleep 2;old||continue;[ -e $j/rc ]||end;rm -rf $j;exit;done"
)


def attached(run: str, module: str) -> str:
    """Runs ``module`` as a child; the answer is the output."""
    return 'printf "%%s\\n" "$l"|{ %s;exit $?;};exit $?' % _program(run, module)


def job(run: str, module: str, limit: int) -> str:
    """Starts ``module`` as job ``run``, unless that was done before, and shows what there is after the first look."""
    feed = 'printf "{\\"_kubejoin_progress\\":\\"%s/progress\\",%s\\n" "$j" "${l#?}"'
    return "".join(
        [
            "r=%s;w=%d;" % (run, limit),
            _ASK,
            _END,
            _SHOW,
            _FIND,
            # ssh may run a command again whose connection it lost: what is there is followed, not started.
            '[ "$j" ]||{ for x in %s;do mkdir -m 700 $x/kubejoin-$r 2>/dev/null&&j=$x/kubejoin-$r&&break;done;'
            % JOB_PLACES,
            '[ "$j" ]||{ %s;};' % attached(run, module),
            "ask;z=$(command -v setsid);",
            # The pipe ends with the job: no polling, so a task that turns out short costs no time.
            '( (trap "" HUP;(cd /;exec >/dev/null;%s)&' % _WATCH,
            "%s|{ %s;} >$j/out 2>$j/err;echo $?>$j/new&&mv $j/new $j/rc)</dev/null 2>/dev/null &)|(timeout %d cat;:)2>/dev/null;};"
            % (feed, _program(run, module, "$z "), FIRST_LOOK),
            "show 0;[ -e $j/rc ]&&rm -rf $j;exit 0",
        ]
    )


def follow(run: str, known: int, limit: int, seconds: int) -> str:
    """Waits until there are more than ``known`` phases, or the end, or ``seconds`` are over; then shows the news.

    While it waits it writes blanks. When they cannot be written the connection was closed in an orderly way: the
    controller has ended, or is about to come back.
    """
    return "".join(
        [
            "r=%s;" % run,
            _ASK,
            _SHOW,
            _FIND,
            '[ "$j" ]||{ echo "%s GONE";exit %d;};' % (MARK, GONE),
            "left(){ ask -%d;exit;};trap left PIPE;" % (limit - GRACE),
            "i=0;while :;do ask;{ [ -e $j/rc ]||[ $i -ge %d ];}&&break;" % (seconds * 4),
            'i=$((i+1));n=$(wc -l 2>/dev/null <$j/progress);[ "${n:-0}" -gt %d ]&&break;' % known,
            'sleep 0.25||sleep 1;printf " "||left;done 2>/dev/null;',
            "echo;show %d" % known,
        ]
    )


def clear(run: str) -> str:
    """Forgets a job whose answer has arrived."""
    return 'r=%s;%s[ "$j" ]&&rm -rf $j' % (run, _FIND)


def end(run: str) -> str:
    """Ends whatever is left of a run, gently first, and forgets it."""
    return 'exec 2>/dev/null;r=%s;%s%send;[ -z "$j" ]||rm -rf $j' % (run, _END, _FIND)


def _program(run: str, module: str, before: str = "") -> str:
    """``eval``, because the environment is shell text of assignments before the command: none of them touches us."""
    return 'eval "$e KUBEJOIN_RUN=%s %s./\\$b %s -"' % (run, before, module)
