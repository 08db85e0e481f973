#!/bin/bash
# host.sh NUMBER VERSION COMMAND...: in the network of a host, with its name and its own mount of the share.
number=$1 version=$2
shift 2
hostname "host-$number"
mkdir -p /tmp/mount
# Each host has an NFS client of its own, and tells the server so.
echo "host-$number" > /sys/fs/nfs/net/nfs_client/identifier
path=/
[ "$version" = 3 ] && path=/tmp/disk/share
mount -t nfs -o "vers=$version,nosharecache,hard" "10.77.0.1:$path" /tmp/mount || exit 1
exec "$@"
