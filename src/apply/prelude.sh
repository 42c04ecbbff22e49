# shellcheck shell=sh
# What every remote script of replform stands on: phases, words for people and for apply, waiting, writing files.
#
# replform sends `{`, this text, the arguments (one `name='quoted'` a line), the script, `replform_main PHASES`, `exit; }` to `sh -s`
# as root: the whole text is read before any of it runs, so a command that reads standard input can't eat it.
# Changes nothing by itself. The script defines check (changes nothing), run (can be cut off anywhere and run again),
# verify (proves what run changed, changes nothing), and for jobs progress (prints `DONE TOTAL`, bytes).
#
# What it prints on standard output, one a line, for apply: phase NAME | note TEXT | measured NAME VALUE | changed TEXT |
# secret NAME VALUE (kept in memory for another host's script of the same apply; never from a job, whose log is a file).
# Exit codes: 20 check, 21 run, 22 verify, 23 progress; why stands on standard error.
set -u
umask 022
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd /
replform_phase=check

# die TEXT: the sentence a person reads; ends the script with the phase's own code.
die() {
  printf '%s\n' "$1" >&2
  case $replform_phase in
    check) exit 20 ;;
    run) exit 21 ;;
    verify) exit 22 ;;
    *) exit 23 ;;
  esac
}

# note TEXT: something worth a line to the person who watches.
note() { printf 'note %s\n' "$1"; }

# measured NAME VALUE: seconds or bytes that really happened: `measured no_writes 1.13`.
measured() { printf 'measured %s %s\n' "$1" "$2"; }

# changed TEXT: what was really changed, for the host's journal.
changed() { printf 'changed %s\n' "$1"; }

# now: seconds since the epoch, with a fraction.
now() { date +%s.%N; }

# fraction A OPERATOR B: floating-point arithmetic, three decimals; the operator is + - * or /.
fraction() {
  awk -v a="$1" -v o="$2" -v b="$3" 'BEGIN {
    a += 0; b += 0
    printf "%.3f\n", o == "+" ? a + b : o == "-" ? a - b : o == "*" ? a * b : b == 0 ? 0 : a / b
  }'
}

# since T0: seconds from T0 (of `now`) until now.
since() { fraction "$(now)" - "$1"; }

# replform_centiseconds: hundredths of a second of a clock that nobody sets.
replform_centiseconds() {
  read -r replform_uptime replform_idle </proc/uptime
  : "$replform_idle"
  printf '%s\n' "${replform_uptime%.*}${replform_uptime#*.}"
}

# wait_until SECONDS COMMAND…: tries COMMAND each 0.1 s until it succeeds; fails when SECONDS have passed.
wait_until() {
  replform_deadline=$(($(replform_centiseconds) + $1 * 100))
  shift
  while ! "$@"; do
    [ "$(replform_centiseconds)" -lt "$replform_deadline" ] || return 1
    sleep 0.1
  done
}

# The text of write_file's inner shell: $1 temporary name, $2 path, $3 mode. noclobber makes the temporary file with
# O_EXCL, so a link that waits under its name is not followed.
# shellcheck disable=SC2016 # expanded by the inner shell
replform_write='
  umask 077
  rm -f -- "$1" && set -C && cat >"$1" && chmod -- "$3" "$1" || { rm -f -- "$1"; exit 1; }
  if [ -n "$4" ]; then chown -h -- "$4" "$1" || { rm -f -- "$1"; exit 1; }; fi
  sync -- "$1" && mv -T -- "$1" "$2" && sync -- "${2%/*}"'

# write_file PATH MODE OWNER: standard input becomes PATH at once or not at all, on disk when this returns.
# In a directory that belongs to OWNER it is written as OWNER: root never follows what another user may have put there.
write_file() {
  replform_user=${3%%:*}
  set -- "$1" "$2" "$3" "${1%/*}/.${1##*/}.replform-new"
  if [ "$replform_user" != root ] && [ "$(stat -c %U -- "${1%/*}")" = "$replform_user" ]; then
    runuser -u "$replform_user" -- sh -c "$replform_write" sh "$4" "$1" "$2" ''
  else
    sh -c "$replform_write" sh "$4" "$1" "$2" "$3"
  fi
}

# replform_main PHASE…: runs the script's functions in this order; the first that fails ends it.
replform_main() {
  for replform_phase in "$@"; do
    [ "$replform_phase" = progress ] || printf 'phase %s\n' "$replform_phase"
    "$replform_phase" || die "$replform_phase ended with code $?"
  done
}
