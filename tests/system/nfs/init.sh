#!/bin/bash
# The first process in the guest: an NFS server on ext4, three hosts as network namespaces, then the scenario.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
server=10.77.0.1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
job=$(sed -n 's/.*\bjob=\([^ ]*\).*/\1/p' /proc/cmdline)
mkdir -p /tmp/job && mount -t hostfs -o "$job" none /tmp/job
ip link set lo up
for module in nfsd nfsv3 nfsv4 bridge veth; do modprobe "$module"; done

# The server. Its shortest time of grace, 10 s, is how long clients wait after it was started again.
mkdir -p /tmp/disk /run/rpcbind /run/sendsigs.omit.d
mount /dev/ubda /tmp/disk && mkdir -p /tmp/disk/share
mount -t rpc_pipefs rpc_pipefs /var/lib/nfs/rpc_pipefs
mount -t nfsd nfsd /proc/fs/nfsd
echo 10 > /proc/fs/nfsd/nfsv4leasetime
echo 10 > /proc/fs/nfsd/nfsv4gracetime
mount -t tmpfs tmpfs /var/lib/nfs/sm && mount -t tmpfs tmpfs /var/lib/nfs/sm.bak
mount -t tmpfs tmpfs /etc/exports.d
echo '/tmp/disk/share *(rw,sync,no_subtree_check,no_root_squash,insecure,fsid=0)' > /etc/exports.d/share.exports
rpcbind -w
exportfs -ra
rpc.nfsd 8
rpc.mountd
rpc.statd

# The hosts.
ip link add bridge0 type bridge
ip address add "$server/24" dev bridge0
ip link set bridge0 up
for number in 1 2 3; do
    ip netns add "host$number"
    ip link add "cable$number" type veth peer name eth0 netns "host$number"
    ip link set "cable$number" master bridge0 up
    ip -n "host$number" address add "10.77.0.1$number/24" dev eth0
    ip -n "host$number" link set eth0 up
    ip -n "host$number" link set lo up
done

export HOME=/tmp
python3 /tmp/job/guest.py > /tmp/job/said.txt 2>&1
sync
echo o > /proc/sysrq-trigger
sleep 30
