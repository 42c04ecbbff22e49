# shellcheck shell=sh disable=SC2154
# Says once a second how far a job is, and at its end what it said. Changes nothing; can be run at any time, by several at once.
#
# Variables: name, id. Prints `at SECONDS DONE TOTAL` (this host's clock since boot; bytes, TOTAL 0: unknown) while it runs, then one of
# `ended CODE` (its own status file), `lost RESULT` (the unit ended without one; RESULT as systemd says), `unknown` (neither unit nor result),
# `absent` (no such folder). First `boot ID`: another one later means that the host restarted. Before the end the job's own lines `phase`, `measured`, `changed`, `note`, and `log TEXT`: the log's last lines (without a tool's `12/345 kB (3%)`).

job=/var/lib/replform/jobs/$name.$id
unit=replform-$name.$id.service

watch_at() {
  moved=0 total=0
  if [ -s "$job/progress" ]; then read -r moved total <"$job/progress" || :; fi
  read -r up idle </proc/uptime
  : "$idle"
  printf 'at %s %s %s\n' "$up" "${moved:-0}" "${total:-0}"
}

watch_log() {
  tr '\r' '\n' <"$job/log" 2>/dev/null | grep -aE '^(phase|measured|changed|note) ' | tail -n 200
  tail -c 16000 -- "$job/log" 2>/dev/null | tr '\r' '\n' | grep -avE '^(phase|measured|changed|note) |^ *$|^ *[0-9]+/[0-9]+ [kMG]?B \(' | tail -n 12 | sed 's/^/log /'
}

watch_status() {
  [ -s "$job/status" ] || return 1
  read -r status_id status_hash code <"$job/status" || return 1
  read -r hash <"$job/hash" || return 1
  [ "$status_id" = "$id" ] && [ "$status_hash" = "$hash" ]
}

printf 'boot %s\n' "$(cat /proc/sys/kernel/random/boot_id)"
while [ -d "$job" ]; do
  watch_at
  state=$(systemctl show -p ActiveState --value -- "$unit" 2>/dev/null)
  if watch_status; then
    watch_log
    printf 'ended %s\n' "$code"
    exit 0
  fi
  case $state in
    active | activating | deactivating | reloading | refreshing) ;;
    *)
      watch_log
      if [ -s "$job/result" ]; then
        read -r result <"$job/result"
        printf 'lost %s\n' "$result"
      else
        echo unknown
      fi
      exit 0
      ;;
  esac
  sleep 1
done
echo absent
