# What a toolstack does with guests from birth to death.
start_daemon
start_toolstack
check "xl list" xl list
check "xl info" sh -c 'xl info >/dev/null'

step "a guest that switches itself off"
create g1 off
ready g1
xenstore-write "$(of g1)/data/ping" hello
check "g1 has switched itself off" until_ 60 gone g1

step "devices come and go"
create g2 stay
ready g2
printf 'HELLO-FROM-DOM0!' > /tmp/disk
dd if=/dev/zero bs=1M count=8 >> /tmp/disk 2>/dev/null
loop=$(losetup -f --show /tmp/disk)
check "xl block-attach" xl block-attach g2 "phy:$loop" xvda w
check "g2 reads the disk" until_ 60 value_is "$(of g2)/data/disk" xvda:HELLO-FROM-DOM0!
check "xl network-attach" xl network-attach g2 mac=00:16:3e:01:02:03 bridge=xenbr0
check "g2 sees the interface" until_ 60 value_is "$(of g2)/data/net" eth0
check "g2 is reached over it" until_ 60 ping -c1 -W2 10.9.0.2
xl block-list g2
xl network-list g2
check "xl list -l" sh -c 'xl list -l g2 >/dev/null'
check "xl block-detach" xl block-detach g2 xvda
check "xl network-detach" xl network-detach g2 0

step "pause, rename, memory"
check "xl pause" xl pause g2
check "xl unpause" xl unpause g2
check "xl rename" xl rename g2 other
same "the new name is in the store" "$(xenstore-read "$(of other)/name")" other
check "xl rename back" xl rename other g2
check "xl mem-set" xl mem-set g2 120

if [ "$GUEST_TYPE" = pv ]; then
  step "save and restore"
  check "xl save" xl save g2 /tmp/saved
  check "g2 is gone" gone g2
  check "xl restore" xl restore /tmp/saved
  rm /tmp/saved
  answers g2 again
fi

step "reboot and shutdown"
old=$(xl domid g2)
anew() { [ "$(xl domid g2 || echo "$old")" != "$old" ]; }
check "xl reboot" xl reboot g2
check "g2 is back under another number" until_ 120 anew
ready g2
check "xl shutdown" xl shutdown -w g2
check "g2 has gone" until_ 60 gone g2

step "a guest with devices from the start, destroyed"
create g3 stay 'vif = ["mac=00:16:3e:0a:0b:0c,bridge=xenbr0"]' "disk = [\"phy:$loop,xvdb,w\"]"
ready g3
check "g3 reads the disk" until_ 60 value_is "$(of g3)/data/disk" xvdb:HELLO-FROM-DOM0!
check "g3 sees the interface" until_ 60 value_is "$(of g3)/data/net" eth0
check "xl destroy" xl destroy g3
check "g3 is gone" until_ 60 gone g3
nothing_left
finish
