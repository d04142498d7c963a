# What every scenario uses: checks, waiting, the daemon, the toolstack, guests.
# A line "CHECK ok NAME" or "CHECK failed NAME: WHY" is what counts; the rest is for whoever reads.
# From /options.sh: DAEMON, OURS (yes, no), GUEST_TYPE.
. /options.sh
GUEST_TYPE=${GUEST_TYPE:-pv}

now() { cut -d. -f1 /proc/uptime; }
step() { echo "== $* ($(now) s)"; }
ok() { echo "CHECK ok $*"; }
failed() { echo "CHECK failed $*"; }
# check NAME COMMAND...: that the command succeeds
check() {
  local name=$1
  shift
  if "$@"; then ok "$name"; else failed "$name: $*"; fi
}
# same NAME GOT WANTED
same() { if [ "$2" = "$3" ]; then ok "$1"; else failed "$1: '$2' instead of '$3'"; fi; }
# What takes a second may take this many when the machine below has much else to do.
PATIENCE=4
# until_ SECONDS COMMAND...: tries again and again, until it succeeds or time is up
until_() {
  local end=$(($(now) + $1 * PATIENCE))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(now)" -lt $end ] || return 1
    # Who asks all the time keeps those busy who are to get on.
    sleep 0.5
  done
}
value_is() { [ "$(xenstore-read "$1" 2>/dev/null)" = "$2" ]; }
gone() { ! xl domid "$1"; }
of() { echo "/local/domain/$(xl domid "$1")"; }

# start_daemon [OPTION...]: as an init script does, in the background
start_daemon() {
  mkdir -p /run/xenstored
  $DAEMON --pid-file /run/xenstore.pid "$@"
  # Without a daemon this would wait for one.
  if ! timeout $((20 * PATIENCE)) xenstore-ls -f; then
    failed "the daemon is ready when its start returns"
    cat /run/syslog
    exit 1
  fi
  ok "the daemon is ready when its start returns"
  check "its pid file names it" kill -0 "$(cat /run/xenstore.pid)"
}
start_toolstack() {
  xen-init-dom0 >/dev/null
  same "dom0 is written down" "$(xenstore-read /local/domain/0/name)" Domain-0
  check "xenconsoled starts" xenconsoled --log=guest --log-dir=/var/log/xen
  ip link add name xenbr0 type bridge stp_state 0 forward_delay 0
  ip addr add 10.9.0.1/24 dev xenbr0
  ip link set xenbr0 up
}
# configure NAME ACT [LINE...]: writes a guest's configuration
configure() {
  local name=$1 act=$2
  shift 2
  cat > "/tmp/$name.cfg" <<END
name = "$name"
type = "$GUEST_TYPE"
kernel = "/guest/linux"
ramdisk = "/guest/ramdisk"
memory = 128
vcpus = 1
extra = "console=hvc0 mitigations=off nokaslr quiet loglevel=3 act=$act"
on_poweroff = "destroy"
on_reboot = "restart"
on_crash = "destroy"
END
  local line
  for line in "$@"; do echo "$line" >> "/tmp/$name.cfg"; done
}
# create NAME ACT [LINE...]
create() {
  configure "$@"
  check "xl create $1" xl create -q "/tmp/$1.cfg"
}
ready() { check "$1 is ready" until_ 120 value_is "$(of "$1")/data/ready" 1; }
# answers NAME TEXT: dom0 writes, the guest's watch fires, it writes, dom0 reads
answers() {
  xenstore-write "$(of "$1")/data/ping" "$2"
  check "$1 answers what it watches" until_ 60 value_is "$(of "$1")/data/pong" "$2"
}
nothing_left() {
  check "only dom0 is left" until_ 20 sh -c '[ "$(xenstore-list /local/domain)" = 0 ]'
  same "no back end is left" "$(xenstore-ls /local/domain/0/backend 2>/dev/null)" ""
}
# What anybody complained about: kernel, hypervisor (on this console), daemon.
finish() {
  local complaints
  complaints=$(dmesg | grep -iE 'xenbus|xen_store|hung task|blocked for more|BUG:|WARNING:')
  same "the kernel complains about nothing" "$complaints" ""
  check "the daemon still runs" kill -0 "$(cat /run/xenstore.pid)"
  local report
  report=$(xenstore-control check)
  same "the store is sound" "$(echo "$report" | head -n 1)" OK
  echo "$report"
  local log
  for log in /run/syslog /var/log/xen/*.log; do
    [ -e "$log" ] && sed "s|^|${log##*/}: |" "$log"
  done
  echo "SCENARIO ended"
}
