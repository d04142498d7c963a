# The host starts with the C daemon; ours takes over from it while guests run.
. /loads.sh
PROGRAM=${DAEMON%% *}
OURS_DAEMON=$DAEMON
DAEMON=/usr/sbin/xenstored
start_daemon
through_kernel start_toolstack
xenstore-write /tool/kept before
watch_all socket
through_kernel watch_all kernel
through_kernel create g1 load
create g2 stay
ready g1
ready g2
goes_on g1
said=$(xenstore-control live-update -F -t 30 -c "--pid-file $PID_FILE --verbose -U" "$PROGRAM" 2>&1)
same "the C daemon hands over" "$? $said" "0 "
# The C daemon tells what it does.
expect "Checking store ..."
expect "Checking store complete."
for word in binary cmdline start; do expect "live-update: $word"; done
DAEMON=$OURS_DAEMON
check "it is our daemon" runs_ours
check "it answers" timeout 60 xenstore-exists /
same "what was written before is there" "$(xenstore-read /tool/kept)" before
fires socket kernel
calls g1
answers g2 hello
goes_on g1
content g1
check "xl shutdown" xl shutdown -w g2
check "g2 is gone" until_ 60 gone g2

step "our daemon's database has what came from the C daemon"
end_watch socket
crash
same "what was written before is still there" "$(xenstore-read /tool/kept)" before
through_kernel fires kernel
calls g1
goes_on g1

step "and is replaced by the next of ours"
update "a live update of our daemon" "$PROGRAM"
through_kernel fires kernel
calls g1
goes_on g1
content g1
once kernel
check "xl destroy" xl destroy g1
check "g1 is gone" until_ 60 gone g1
nothing_left
check "xenconsoled still runs" pidof xenconsoled
finish
