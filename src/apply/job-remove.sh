# shellcheck shell=sh disable=SC2154
# Removes folders of jobs that don't run: only of this name, only the ids that are named.
#
# Changes /var/lib/replform/jobs and /run/replform/jobs. Proves that no unit of them runs. Can be run again.
# Variables: name, ids (8 hex digits each, one a line).

job_gone() { ! systemctl --quiet is-active -- "replform-$name.$id.service"; }

printf '%s\n' "$ids" | while read -r id; do
  case $id in
    *[!0-9a-f]* | '') continue ;;
  esac
  case $(systemctl show -p ActiveState --value -- "replform-$name.$id.service" 2>/dev/null) in
    active | activating | deactivating | reloading | refreshing)
      # A job that has written its status is at its end, and systemd is about to see it.
      [ -e "/var/lib/replform/jobs/$name.$id/status" ] || {
        echo "the job $name.$id runs" >&2
        exit 1
      }
      wait_until 15 job_gone || exit 1
      ;;
  esac
  rm -rf -- "/var/lib/replform/jobs/$name.$id" "/run/replform/jobs/$name.$id"
done
