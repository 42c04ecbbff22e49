# shellcheck shell=sh disable=SC2154
# Starts a job as a transient systemd unit that outlives this connection.
#
# Changes: makes the job's folder, and the folder in /run with its script, which holds the job's secrets; starts the unit.
# Proves that the unit was started. Run again with the same id it does nothing more. The script goes when the shell has
# read it, and with the unit, however that ends (and with the host: /run is memory).
# Variables: name, id, hash, seconds (the unit's limit, 0: none), text (the job's script), stop (what runs when the unit ended).

job=/var/lib/replform/jobs/$name.$id
memory=/run/replform/jobs/$name.$id
unit=replform-$name.$id.service
if [ -e "$job/status" ] || [ -e "$job/result" ] || systemctl --quiet is-active -- "$unit"; then
  echo started
  exit 0
fi
umask 077
mkdir -p "$job" "$memory" || exit 1
printf '%s\n' "$stop" >"$job/stop.sh" && printf '%s' "$text" >"$memory/job.sh" || exit 1
printf '%s\n' "$id" >"$job/id"
printf '%s\n' "$hash" >"$job/hash"
date +%s >"$job/started"
: >"$job/log"
printf '%s\n' "$unit" >"$job/unit"
sync -- "$job/hash" "$job/id" "$job"
limit=infinity
[ "$seconds" -eq 0 ] || limit=${seconds}s
if systemd-run --quiet --unit="$unit" --collect --description="replform job $name" \
  --property=Type=exec --property=UMask=0077 --property=Nice=5 --property="RuntimeMaxSec=$limit" \
  --property="StandardOutput=append:$job/log" --property="StandardError=append:$job/log" \
  --property="ExecStopPost=/bin/sh $job/stop.sh $name.$id" /bin/sh "$memory/job.sh" </dev/null; then
  echo started
else
  rm -rf -- "$memory" "$job"
  echo "systemd didn't start the job $name" >&2
  exit 1
fi
