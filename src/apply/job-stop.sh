# shellcheck shell=sh
# Runs when a job's unit ended, however it ended: its secrets go, and how it ended is kept beside its log.
# Changes /run/replform/jobs/$1 (removed) and `result` in the job's folder. Can be run again. $1: NAME.ID. Set by systemd: the rest.
set -u
case ${1-} in
  '' | */* | .*) exit 64 ;;
esac
rm -rf -- "/run/replform/jobs/$1"
printf '%s %s %s\n' "${SERVICE_RESULT:--}" "${EXIT_CODE:--}" "${EXIT_STATUS:--}" >"/var/lib/replform/jobs/$1/result"
