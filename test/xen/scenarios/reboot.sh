# The machine is switched off under its guests and starts again, with the same database.
. /loads.sh
TDB=/var/lib/xenstored/tdb
BOOT_ID=$(cat /proc/sys/kernel/random/boot_id)
# The names of what is there of guests, and of the toolstack's own.
names() {
  local folder
  for folder in /vm /libxl /local/domain /local/domain/0/backend; do
    echo "$folder: $(xenstore-list $folder 2>/dev/null | sort | tr '\n' ' ')"
  done
}
if [ "$BOOT" = 1 ]; then
  start_daemon
  start_toolstack
  check "a folder is there that outlives the machine" grep -q ' /carried 9p ' /proc/mounts
  names > /carried/names
  xenstore-write /tool/kept before
  # Watches and requests of this kernel are nothing to the next.
  through_kernel watch_all kernel /local
  through_kernel host_load a &
  create g1 load 'disk = ["phy:'"$(make_disk /tmp/disk)"',xvdb,w"]'
  ready g1
  goes_on g1
  # As when the power goes: nobody has time for anything.
  kill -9 "$(cat $PID_FILE)"
  check "the database is carried over" cp -r $TDB /carried/
  echo "$BOOT_ID" > /carried/boot_id
  echo "SCENARIO ended"
  echo 1 > /proc/sys/kernel/sysrq
  echo b > /proc/sysrq-trigger
else
  check "the machine has started again" [ "$BOOT_ID" != "$(cat /carried/boot_id)" ]
  cp -r /carried/tdb $TDB
  start_daemon
  expect "the store is from before the machine was started: its guests are removed"
  same "what was dom0's is there" "$(xenstore-read /tool/kept)" before
  check "the guest's home is gone" sh -c '! xenstore-exists /local/domain/1'
  same "nothing else is left of it" "$(names)" "$(cat /carried/names)"
  same "g1 is not introduced" "$(ask $IS_DOMAIN_INTRODUCED 1)" F
  start_toolstack
  through_kernel watch_all kernel
  through_kernel fires kernel
  create g1 load
  ready g1
  goes_on g1
  calls g1
  content g1

  step "the daemon starts again without the machine"
  crash
  goes_on g1
  check "xl destroy" xl destroy g1
  check "g1 is gone" until_ 60 gone g1
  once kernel
  nothing_left
  finish
fi
