#!/bin/sh
# Makes $directory, with all that is in it, a file system of its own, as a host with a volume for its data has it. A server that works in it is
# stopped meanwhile ($unit; empty: none).
set -eu
[ -z "${unit?}" ] || systemctl stop "$unit"
volume=/srv/volume-$(basename "${directory:?}")
mkdir -p "${directory:?}" "$volume/lost+found"
chown --reference="$directory" "$volume"
chmod --reference="$directory" "$volume"
chmod 700 "$volume/lost+found"
find "$directory" -mindepth 1 -maxdepth 1 -exec mv -t "$volume" {} +
echo "$volume $directory none bind 0 0" >>/etc/fstab
mount "$directory"
[ -z "$unit" ] || systemctl start "$unit"
