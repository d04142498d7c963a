# The daemon's start and end on a Xen host, without any guest.
KERNEL=/dev/xen/xenbus
through_kernel() { XENSTORED_PATH=$KERNEL timeout 20 "$@"; }
stop_daemon() {
  local pid
  pid=$(cat /run/xenstore.pid)
  kill "$pid"
  check "a daemon that is told to end ends" until_ 20 sh -c "! kill -0 $pid"
  check "its pid file is gone" [ ! -e /run/xenstore.pid ]
}

start_daemon
xenstore-write /tool/one 1
same "the kernel's ring leads to the same store" "$(through_kernel xenstore-read /tool/one)" 1
if [ "$OURS" = yes ]; then
  same "a second daemon says who is in the way" \
    "$($DAEMON --no-fork 2>&1 | sed 's/process [0-9]*/process N/')" \
    "xenstored: /var/run/xenstored/socket: another daemon is running there: process N"

  step "sockets only"
  stop_daemon
  start_daemon --no-domain-init
  check "the kernel's ring is left alone" sh -c "! XENSTORED_PATH=$KERNEL timeout 3 xenstore-read /"

  step "again, and without xenfs"
  stop_daemon
  umount /proc/xen
  start_daemon
  xenstore-write /tool/two 2
  same "the kernel's ring is served again" "$(through_kernel xenstore-read /tool/two)" 2
  mount -t xenfs xenfs /proc/xen

  step "without koffi"
  stop_daemon
  mv /opt/xenstore/node_modules/koffi /tmp/
  why=$($DAEMON --no-fork 2>&1)
  case $why in
    "xenstored: this is a Xen host, but the package koffi"*) ok "it says what is missing" ;;
    *) failed "it says what is missing: $why" ;;
  esac
  mv /tmp/koffi /opt/xenstore/node_modules/
  start_daemon
fi
finish
