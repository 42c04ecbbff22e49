# shellcheck shell=sh disable=SC2154
# Takes away what replform keeps of a member beside its database: its marker, the folders of its jobs that have ended, and what it
# has for TLS in a folder of the marker's name (on a primary the replication's authority).
# A job that still runs is left alone, and told. Changes nothing else. Proves that the marker is gone. Can be run again.
# Variables: marker_file (TOPOLOGY.REPLICATION.json), jobs (what the names of its jobs begin with).

check() {
  case $marker_file in
    */* | .* | '') die "\"$marker_file\" is no name of a marker" ;;
  esac
  case $jobs in
    */* | .* | '' | *[!.]) die "\"$jobs\" begins no name of a job" ;;
  esac
  for job in /var/lib/replform/jobs/"$jobs"*; do
    [ -s "$job/unit" ] || continue
    job_unit=$(cat -- "$job/unit")
    case $(timeout 10 systemctl show -p ActiveState --value "$job_unit") in
      active | activating | deactivating) die "the job $job_unit still runs here; wait for it, or systemctl stop '$job_unit'" ;;
    esac
  done
}

run() {
  for job in /var/lib/replform/jobs/"$jobs"*; do
    [ -d "$job" ] || continue
    rm -rf --one-file-system -- "$job" || die "$job can't be removed"
  done
  if [ -e "/var/lib/replform/$marker_file" ]; then
    rm -f -- "/var/lib/replform/$marker_file" || die "the marker $marker_file can't be removed"
    changed "removed the marker $marker_file"
  fi
  tls=${marker_file%.json}
  if [ -d "/var/lib/replform/tls/$tls" ]; then
    rm -rf --one-file-system -- "/var/lib/replform/tls/$tls" || die "/var/lib/replform/tls/$tls can't be removed"
    changed "removed /var/lib/replform/tls/$tls"
  fi
  # Only where nothing of another replication is in them.
  for own in jobs pending tls ''; do
    rmdir -- "/var/lib/replform/$own" 2>/dev/null
  done
  return 0
}

verify() { [ ! -e "/var/lib/replform/$marker_file" ] || die "the marker /var/lib/replform/$marker_file is there again"; }
