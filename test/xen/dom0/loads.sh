# What scenarios need in which the daemon is replaced: loads, watches, and how to replace it.
# Needs checks.sh. Tools that have to outlive a daemon that is killed go through the kernel's ring:
# a socket ends with the process that serves it.
PID_FILE=/run/xenstore.pid
KERNEL=/dev/xen/xenbus
through_kernel() { XENSTORED_PATH=$KERNEL "$@"; }
by_socket() { env -u XENSTORED_PATH "$@"; }
ask() { by_socket timeout 60 node /ask.mjs "$@"; }
IS_DOMAIN_INTRODUCED=17

# The database as the next start finds it.
keep_database() {
  rm -rf /tmp/kept
  mkdir /tmp/kept
  cp -r /var/lib/xenstored/tdb /tmp/kept/
  cp /run/xenstored/socket_rings /tmp/kept/ 2>/dev/null
}
# On the console, since nothing else leaves this machine: to be looked at elsewhere.
show_database() {
  echo "DATABASE before the start (base64 -d | tar xz)"
  tar cz -C /tmp kept | base64
  echo "DATABASE end"
}
# What daemons have said but for what they serve.
complaints() { grep xenstored /run/syslog | grep -cv 'xenstored.*: serving '; }
# begin_daemon: starts it as an init script does, whatever the tools here use
begin_daemon() {
  local before
  before=$(complaints)
  keep_database
  if by_socket $DAEMON --pid-file $PID_FILE > /tmp/said 2>&1; then
    ok "the daemon starts again"
  else
    failed "the daemon starts again: $(cat /tmp/said)"
    show_database
    cat /run/syslog
    exit 1
  fi
  cat /tmp/said
  check "it answers" by_socket timeout $((20 * PATIENCE)) xenstore-exists /
  [ "$(complaints)" = "$before" ] || show_database
}
# crash [COMMAND...]: the daemon is killed, COMMAND is run while there is none, and it starts again
crash() {
  local pid since
  pid=$(cat $PID_FILE)
  step "kill -9 $pid"
  since=$(now)
  kill -9 "$pid"
  check "the daemon is gone" until_ 20 sh -c "! kill -0 $pid"
  "$@"
  begin_daemon
  AWAY=$(($(now) - since))
  check "it is another process" [ "$(cat $PID_FILE)" != "$pid" ]
}
# begun_before WHAT PID COMMAND...: that the command of the toolstack, begun as PID before a crash,
# succeeds. It gives a back end ten seconds: if there was no store for about as long, that is told
# and the command is given again, as a person would.
begun_before() {
  local what=$1 pid=$2
  shift 2
  if wait "$pid"; then
    ok "$what, begun before"
  elif [ "$AWAY" -lt 8 ]; then
    failed "$what, begun before, though the store was away for $AWAY s only"
  else
    echo "$what was given up: the store was away for $AWAY s"
    check "$what, given again" until_ 60 "$@"
  fi
}
# update WHAT PROGRAM...: a live update that succeeds, in the same process
update() {
  local what=$1 pid said
  shift
  pid=$(cat $PID_FILE)
  step "$what"
  said=$(xenstore-control live-update "$@" 2>&1)
  same "$what: succeeds" "$?" 0
  [ -z "$said" ] || echo "$said"
  same "$what: the process is the same" "$(cat $PID_FILE)" "$pid"
  check "$what: it runs our program" runs_ours
}
# runs WORD: that it stands in the command line of the daemon
runs() { tr '\0' ' ' < "/proc/$(cat $PID_FILE)/cmdline" | grep -q -e "$1"; }
runs_ours() { runs xenstored.mjs; }

# As on a host with many guests: dom0 comes first. Else loads in three guests leave it a quarter of
# the machine, and what has to be done there within 10 or 40 seconds is given up by the toolstack.
prefer_dom0() { check "dom0 comes first" xl sched-credit2 -d 0 -w 1024; }

# watch_all NAME [PATH...]: a watch in dom0 on the path /probe and others, from now on
watch_all() {
  local name=$1
  shift
  xenstore-watch /probe "$@" > "/tmp/watch-$name" &
  echo $! > "/tmp/watch-$name.pid"
  check "a watch of $name is set" until_ 20 grep -q probe "/tmp/watch-$name"
}
end_watch() { kill "$(cat "/tmp/watch-$1.pid")"; }
PROBES=0
# fires NAME...: that a change is told to those watches
fires() {
  local name
  PROBES=$((PROBES + 1))
  xenstore-write "/probe/$PROBES" 1
  for name in "$@"; do
    check "the watch of $name fires ($PROBES)" \
      until_ 30 grep -qx "/probe/$PROBES" "/tmp/watch-$name"
  done
}
# once NAME: that each change was told once
once() {
  same "the watch of $1 has told each change once" \
    "$(grep /probe/ "/tmp/watch-$1" | sort | uniq -d)" ""
}

# host_load NAME: writes and reads in dom0 until /tmp/enough is there; what goes wrong is told
host_load() {
  local n=0 got
  while [ ! -e /tmp/enough ]; do
    n=$((n + 1))
    xenstore-write "/load/$1/a" $n "/load/$1/b" $n || echo "WRONG dom0's $1: write $n"
    got=$(xenstore-read "/load/$1/a" "/load/$1/b" | tr '\n' ' ')
    [ "$got" = "$n $n " ] || echo "WRONG dom0's $1: read $got after $n"
    sleep 1
  done
}
host_goes_on() { check "dom0's load goes on: $1" moves "/load/$1/a"; }

# moves PATH: that the value changes twice
moves() {
  local before time
  for time in 1 2; do
    before=$(xenstore-read "$1" 2>/dev/null)
    until_ 60 sh -c "now=\$(xenstore-read $1) && [ \"\$now\" != '$before' ]" || return 1
  done
}
# goes_on NAME...: that the guest's two loads go on
goes_on() {
  local name home one
  for name in "$@"; do
    home=$(of "$name")
    for one in 1 2; do check "$name goes on ($one)" moves "$home/data/load/$one/a"; done
  done
}
CALLS=0
# calls NAME...: dom0 writes, a watch that the guest has had since its start fires, it answers
calls() {
  local name home
  for name in "$@"; do
    CALLS=$((CALLS + 1))
    home=$(of "$name")
    xenstore-write "$home/data/call" "call-$CALLS"
    check "$name answers call $CALLS" until_ 60 value_is "$home/data/echo" "call-$CALLS"
  done
}
content() { same "$1 has seen nothing wrong" "$(xenstore-read "$(of "$1")/data/wrong" 2>/dev/null)" ""; }
# in_guest NAME NODE VALUE: that the guest has written that
in_guest() { check "$1 says $2=$3" until_ 90 value_is "$(of "$1")/data/$2" "$3"; }
# make_disk FILE: prints the name of a block device
make_disk() {
  printf 'HELLO-FROM-DOM0!' > "$1"
  dd if=/dev/zero bs=1M count=8 >> "$1" 2>/dev/null
  losetup -f --show "$1"
}
waiting() { ps -o pid,args | grep -E '[x]enstore-(read|write|list|exists|rm|ls) '; }
# nobody_waits: that no tool is left without an answer, once all loads have ended
nobody_waits() { same "nobody waits for an answer" "$(waiting)" ""; }
# A daemon said TEXT, and that is how it should be.
expect() { echo "EXPECTED $*"; }
