# The daemon is killed and starts again, under guests that go on and a toolstack at work.
# All tools go through the kernel's ring, but for those that are said not to: they notice nothing.
. /loads.sh
start_daemon
export XENSTORED_PATH=$KERNEL
start_toolstack
prefer_dom0
loop=$(make_disk /tmp/disk)
xenstore-write /tool/kept before
watch_all kernel @releaseDomain
released() { grep -c '^@releaseDomain$' /tmp/watch-kernel; }
host_load a &
load=$!
create g1 load 'maxvcpus = 2'
create g2 load
ready g1
ready g2

step "guests under load"
for n in 1 2 3; do
  crash
  fires kernel
  goes_on g1 g2
  calls g1 g2
done
host_goes_on a
same "what was written before is there" "$(xenstore-read /tool/kept)" before
crash sleep 5
goes_on g1 g2
same "the socket leads to the same store" "$(by_socket xenstore-read /tool/kept)" before
check "xl list over the socket" by_socket xl list

step "a guest is built, and boots"
disk="disk = [\"phy:$loop,xvdb,w\"]"
configure g3 load 'vif = ["mac=00:16:3e:0a:0b:0c,bridge=xenbr0"]' "$disk"
xl create -q /tmp/g3.cfg &
creation=$!
check "its back end is being made" until_ 60 xenstore-exists /local/domain/0/backend/vbd
crash
check "xl create, begun before" wait $creation
crash
ready g3
crash
in_guest g3 disk xvdb:HELLO-FROM-DOM0!
in_guest g3 net eth0
check "g3 is reached over its interface" until_ 60 ping -c1 -W2 10.9.0.2
goes_on g1 g3

step "devices are attached and detached"
id=$(xl domid g1)
other=$(make_disk /tmp/other)
attach="xl block-attach g1 phy:$other xvda w"
$attach &
attachment=$!
check "its back end is being made" until_ 60 xenstore-exists "/local/domain/0/backend/vbd/$id"
crash
# What was begun is in the way of what is begun again.
attached() { $attach || { xl block-detach --force g1 xvda && $attach; }; }
begun_before "xl block-attach" $attachment attached
in_guest g1 disk xvda:HELLO-FROM-DOM0!
xl block-detach g1 xvda &
detachment=$!
crash
detached() { xl block-detach --force g1 xvda; [ "$(xl block-list g1 | wc -l)" -le 1 ]; }
begun_before "xl block-detach" $detachment detached

step "a toolstack on the socket is cut off"
configure g4 stay
by_socket xl create -q /tmp/g4.cfg &
creation=$!
check "its home is being made" until_ 60 xl domid g4
crash
wait $creation
echo "xl create ended with $?"
check "what it left can be destroyed" until_ 60 sh -c 'xl destroy g4; ! xl domid g4'

step "guests end while there is no store"
before=$(released)
one=$(xl domid g1)
two=$(xl domid g2)
leave() {
  local id
  for id in "$@"; do
    check "$id shuts down meanwhile" until_ 60 sh -c "[ \$(node /domain.mjs state $id) = shutdown ]"
  done
}
xenstore-write "/local/domain/$one/data/leave" 5
check "g1 hears that it shall leave" until_ 30 value_is "/local/domain/$one/data/leaving" 1
crash leave "$one"
check "g1 is gone" until_ 60 gone g1
check "@releaseDomain has fired" [ "$(released)" -gt "$before" ]
same "g1 is not introduced any more" "$(ask $IS_DOMAIN_INTRODUCED "$one")" F
check "its home is gone" sh -c "! xenstore-exists /local/domain/$one"
before=$(released)
crash node /domain.mjs destroy "$two"
fired() { [ "$(released)" -gt "$before" ]; }
check "@releaseDomain has fired for g2" until_ 30 fired
same "g2 is not introduced any more" "$(ask $IS_DOMAIN_INTRODUCED "$two")" F
check "what g2 owned is gone" sh -c "! xenstore-exists /local/domain/$two/data"
goes_on g3
# Its toolstack finds no domain to destroy, and leaves what is dom0's own.
xenstore-rm "/local/domain/$two" "/libxl/$two" "$(xenstore-read "/local/domain/$two/vm")" \
  "/local/domain/0/backend/console/$two"

step "what remains works as ever"
create g5 load 'maxvcpus = 2'
ready g5
calls g3 g5
check "xl vcpu-set" xl vcpu-set g5 2
same "the CPU is announced" "$(xenstore-read "$(of g5)/cpu/1/availability")" online
content g3
content g5
check "xl destroy" xl destroy g5
check "g5 is gone" until_ 60 gone g5
check "xl shutdown" xl shutdown -w g3
check "g3 is gone" until_ 60 gone g3
once kernel
: > /tmp/enough
wait $load
nobody_waits
nothing_left
check "xenconsoled still runs" pidof xenconsoled
unset XENSTORED_PATH
finish
