# Domains are introduced and released by hand, under a running guest.
INTRODUCE=8
RELEASE=9
IS_DOMAIN_INTRODUCED=17
ask() { timeout 60 node /ask.mjs "$@"; }
# beats NAME: that it writes again and again
beats() {
  local before
  before=$(xenstore-read "$(of "$1")/data/beat" 2>/dev/null)
  until_ 40 sh -c "now=\$(xenstore-read $(of "$1")/data/beat) && [ \"\$now\" != '$before' ]"
}

start_daemon
start_toolstack
create g1 beat
ready g1
home=$(of g1)
id=$(xl domid g1)
frame=$(xenstore-read "$home/store/ring-ref")
port=$(xenstore-read "$home/store/port")
check "a guest writes over its ring" beats g1
same "a domain that is not there" "$(ask $INTRODUCE 777 1 1)" EINVAL
same "and is not introduced" "$(ask $IS_DOMAIN_INTRODUCED 777)" F
same "the same again" "$(ask $INTRODUCE "$id" "$frame" "$port")" OK
check "the guest goes on" beats g1
same "a port that can't be bound" "$(ask $INTRODUCE "$id" "$frame" 4000)" OK
same "the right one again" "$(ask $INTRODUCE "$id" "$frame" "$port")" OK
check "the guest goes on after that" beats g1
same "a release" "$(ask $RELEASE "$id")" OK
same "it is not introduced any more" "$(ask $IS_DOMAIN_INTRODUCED "$id")" F
same "a release of dom0" "$(ask $RELEASE 0)" EINVAL
same "introduced anew" "$(ask $INTRODUCE "$id" "$frame" "$port")" OK
# What it owned went with the release.
xenstore-write "$home/data" ''
xenstore-chmod "$home/data" "n$id"
check "the guest goes on after its release" beats g1
check "xl destroy" xl destroy g1
check "g1 is gone" until_ 60 gone g1
same "and released" "$(ask $IS_DOMAIN_INTRODUCED "$id")" F
nothing_left
finish
