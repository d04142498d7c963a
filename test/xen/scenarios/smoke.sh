# One guest, from its creation until it has switched itself off.
start_daemon
start_toolstack
create g1 off
id=$(xl domid g1)
ready g1
same "it has written its own node" "$(xenstore-read "/local/domain/$id/data/hello")" "from-$id"
same "it may not write in dom0's home" "$(xenstore-read "/local/domain/$id/data/refused")" yes
same "it has listed a long directory" "$(xenstore-read "/local/domain/$id/data/long-seen")" 40
xenstore-write "/local/domain/$id/data/ping" hello
check "it has switched itself off and was cleaned up" until_ 60 gone g1
nothing_left
finish
