# The daemon is replaced while it runs, again and again; nobody notices, on sockets or rings.
. /loads.sh
PROGRAM=${DAEMON%% *}
start_daemon
start_toolstack
prefer_dom0
loop=$(make_disk /tmp/disk)
watch_all socket
through_kernel watch_all kernel
host_load a &
loads=$!
through_kernel host_load b &
loads="$loads $!"
create p1 load 'maxvcpus = 2'
create p2 load
ready p1
ready p2

step "guests and dom0 under load"
for n in 1 2 3; do
  update "update $n" "$PROGRAM"
  fires socket kernel
  goes_on p1 p2
  calls p1 p2
done
for n in 4 5 6; do update "update $n, at once" "$PROGRAM"; done
goes_on p1 p2
host_goes_on a
host_goes_on b
through_kernel update "through the kernel's ring" "$PROGRAM"
update "with a command line" -c "--pid-file $PID_FILE --verbose --quota nodes=2000" "$PROGRAM"
check "the command line is the new one" runs nodes=2000

step "while a guest is built and boots, and devices come and go"
configure p3 load 'vif = ["mac=00:16:3e:0a:0b:0c,bridge=xenbr0"]' "disk = [\"phy:$loop,xvdb,w\"]"
xl create -q /tmp/p3.cfg &
creation=$!
check "its back end is being made" until_ 60 xenstore-exists /local/domain/0/backend/vbd
update "while xl builds a guest" "$PROGRAM"
check "xl create, begun before" wait $creation
update "while the guest boots" "$PROGRAM"
ready p3
in_guest p3 disk xvdb:HELLO-FROM-DOM0!
in_guest p3 net eth0
check "p3 is reached over its interface" until_ 60 ping -c1 -W2 10.9.0.2
xl network-detach p3 0 &
detachment=$!
update "while a device goes" "$PROGRAM"
check "xl network-detach, begun before" wait $detachment

step "a program that can't"
cat > /tmp/bad <<'END'
#!/bin/sh
echo "out of order" >&2
exit 1
END
chmod 755 /tmp/bad
pid=$(cat $PID_FILE)
said=$(xenstore-control live-update /tmp/bad 2>&1)
check "it is told: $said" sh -c "echo '$said' | grep -q 'out of order'"
expect "out of order; this version goes on"
said=$(xenstore-control live-update /tmp/nothing 2>&1)
check "one that is not there is told: $said" sh -c "echo '$said' | grep -q 'File not accessible'"
same "the process is the same" "$(cat $PID_FILE)" "$pid"
fires socket kernel
goes_on p1 p2
calls p3

step "ends"
update "the last one" "$PROGRAM"
for g in p1 p2 p3; do content $g; done
check "xl list" xl list
check "xl vcpu-set" xl vcpu-set p1 2
same "the CPU is announced" "$(xenstore-read "$(of p1)/cpu/1/availability")" online
check "xl destroy" xl destroy p1
check "p1 is gone" until_ 60 gone p1
xenstore-write "$(of p2)/data/leave" 0
check "p2 switches itself off and is cleaned up" until_ 60 gone p2
check "xl shutdown" xl shutdown -w p3
check "p3 is gone" until_ 60 gone p3
: > /tmp/enough
wait $loads
nobody_waits
once socket
once kernel
nothing_left
check "xenconsoled still runs" pidof xenconsoled
finish
