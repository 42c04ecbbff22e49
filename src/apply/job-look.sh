# shellcheck shell=sh disable=SC2154
# Says which folders a job has on this host and how each stands. Changes nothing; can be run at any time.
#
# Variables: name. Prints `job ID HASH STATE` a folder, STATE: running | ended CODE | unknown. Its own status file, with its own
# id and hash, is all that makes an end; a folder with neither status nor unit is unknown (killed, or the host lost power).
# Ends with `looked`: an answer without it was cut.

job_status() {
  read -r job_id job_hash job_code <"$folder/status" || return 1
  [ "$job_id" = "$id" ] && [ "$job_hash" = "$hash" ] && case $job_code in '' | *[!0-9]*) false ;; esac
}

job_runs() {
  case $(systemctl show -p ActiveState --value -- "$unit" 2>/dev/null) in
    active | activating | deactivating | reloading | refreshing) true ;;
    *) false ;;
  esac
}

job_state() {
  if [ -e "$folder/status" ] && job_status; then
    printf 'ended %s\n' "$job_code"
  elif job_runs; then
    echo running
  # It may have ended between both looks.
  elif [ -e "$folder/status" ] && job_status; then
    printf 'ended %s\n' "$job_code"
  else
    echo unknown
  fi
}

for folder in "/var/lib/replform/jobs/$name."[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]; do
  [ -d "$folder" ] || continue
  id=${folder##*.}
  hash=-
  [ ! -s "$folder/hash" ] || read -r hash <"$folder/hash" || hash=-
  unit=replform-${folder##*/}.service
  printf 'job %s %s %s\n' "$id" "$hash" "$(job_state)"
done
echo looked
