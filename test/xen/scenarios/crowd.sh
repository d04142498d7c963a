# Several guests at once under load, crashes, hot-plug, and the kernel's own device.
start_daemon
start_toolstack
KERNEL=/dev/xen/xenbus
through_kernel() { XENSTORED_PATH=$KERNEL "$@"; }

step "long directories and large values, over the socket and over the kernel's ring"
n=0
while [ $n -lt 700 ]; do
  echo "/long/entry-number-$n value-$n"
  n=$((n + 1))
done | xargs -n 200 xenstore-write
same "the socket lists all" "$(xenstore-list /long | wc -l)" 700
same "the kernel's device lists all" "$(through_kernel xenstore-list /long | wc -l)" 700
large=$(head -c 3000 /dev/zero | tr '\0' x)
through_kernel xenstore-write /large "$large"
same "a large value is read back" "$(through_kernel xenstore-read /large)" "$large"

step "load while guests boot"
load() {
  local n=0
  while [ ! -e /tmp/enough ]; do
    xenstore-write "/load/$1/$((n % 50))" "$n"
    through_kernel xenstore-read "/load/$1/$((n % 50))" >/dev/null
    n=$((n + 1))
  done
}
load a &
loads=$!
load b &
loads="$loads $!"
for g in g1 g2 g3; do create $g stay 'maxvcpus = 2'; done
for g in g1 g2 g3; do ready $g; done
: > /tmp/enough
wait $loads
for g in g1 g2 g3; do answers $g "hello-$g"; done

step "CPU and memory"
check "xl vcpu-set" xl vcpu-set g1 2
same "the CPU is announced" "$(xenstore-read "$(of g1)/cpu/1/availability")" online
check "xl mem-set" xl mem-set g1 100

step "ends of every kind"
check "a guest is made to crash" xl sysrq g2 c
check "g2 is gone" until_ 60 gone g2
create g4 stay
check "a guest is destroyed while it boots" xl destroy g4
check "g4 is gone" until_ 60 gone g4
create g5 reboot
first=$(xl domid g5)
rebooted() { [ "$(xl domid g5 || echo 0)" -gt $((first + 1)) ]; }
check "a guest that reboots itself comes back twice" until_ 180 rebooted
check "xl destroy" until_ 30 xl destroy g5

step "a paused guest hears of everything later"
home=$(of g3)
xl pause g3
n=0
while [ $n -lt 200 ]; do
  xenstore-write "$home/device/none/$n" $n "$home/control/none" $n
  n=$((n + 1))
done
xl unpause g3
xenstore-write "$home/data/other" 1
check "g3 still obeys" xl shutdown -w g3
check "g3 is gone" until_ 60 gone g3
check "all others go" xl shutdown -aw
check "g1 is gone" until_ 60 gone g1
nothing_left
finish
