# The daemon is replaced while it runs, again and again; nobody notices, on sockets or rings.
. /loads.sh
PROGRAM=${DAEMON%% *}
start_daemon
start_toolstack
. /scenarios/replaced.sh
check "xenconsoled still runs" pidof xenconsoled
finish
