# shellcheck shell=sh disable=SC2154
# Keeps replform's block in an app's environment file, and runs the app's on_change after the file changed.
#
# Changes: the lines between $begin_line and $end_line in $path (the rest of the file, its owner, mode and ACL stay; written beside and
# renamed), and $pending, which stands from before the write until on_change exits 0. Proves: the block is as wanted, none of our
# names is set outside it, nothing is owed. Can be run again: an unchanged file is left alone, and on_change runs only when owed.
# release=yes hands the block over to the app instead: its lines stay without ours around them, those that block names by then.
# Variables: path; begin_line (up to its colon it is what the block is known by), end_line; block (our lines; may be sensitive:
# never in an argument of a command); names (the variables we set, one a line); on_change (may be empty); pending (file that
# holds the path while on_change is owed). Where they aren't set: mode (of a file that isn't there yet) 0640,
# on_change_seconds (its limit) 300.
: "${mode:=0640}" "${on_change_seconds:=300}" "${release:=no}"

env_file() { readlink -f -- "$path" || die "$path leads nowhere: a link in it points to nothing"; }

# env_line TEXT: the number of the only line that is TEXT, or TEXT and a colon and anything; 0 when there is none.
env_line() {
  env_found=$(text=$1 awk '{ sub(/\r$/, "") } $0 == ENVIRON["text"] || index($0, ENVIRON["text"] ":") == 1 { print NR }' "$file")
  case $env_found in
    '') echo 0 ;;
    *[!0-9]*) die "$path holds the line \"$1\" more than once; leave one block and apply again" ;;
    *) printf '%s\n' "$env_found" ;;
  esac
}

# Sets file, and first and last: the block's lines, comments included, 0 when there is no block.
env_look() {
  file=$(env_file) || exit
  first=0 last=0
  [ -e "$file" ] || return 0
  first=$(env_line "${begin_line%%:*}") || exit
  last=$(env_line "$end_line") || exit
  if [ "$first" -gt 0 ] && [ "$last" -eq 0 ]; then
    die "$path, line $first: the block's last line is missing; put \"$end_line\" below its variables, or remove the block"
  fi
  if [ "$last" -gt 0 ] && { [ "$first" -eq 0 ] || [ "$first" -gt "$last" ]; }; then
    die "$path, line $last: \"$end_line\" has no \"$begin_line\" before it; remove that line"
  fi
}

# Our names set outside the block: `LINE NAME` of the first. Values are never printed.
env_outside() {
  names=$names awk -v first="$first" -v last="$last" '
    BEGIN { n = split(ENVIRON["names"], list, "\n"); for (i = 1; i <= n; i++) if (list[i] != "") ours[list[i]] }
    NR >= first && NR <= last { next }
    {
      line = $0
      sub(/^[ \t]+/, "", line); sub(/^export[ \t]+/, "", line)
      if (line !~ /^[A-Za-z_][A-Za-z0-9_]*[ \t]*=/) next
      sub(/[ \t]*=.*/, "", line)
      if (line in ours) { print NR " " line; exit }
    }' "$file"
}

env_block() {
  [ "$first" -gt 0 ] && sed -n "$first,${last}p" -- "$file"
}

# The block's own lines, each that $block has by the same name as it stands there.
env_released() {
  sed -n "$((first + 1)),$((last - 1))p" -- "$file" | block=$block awk '
    BEGIN { n = split(ENVIRON["block"], lines, "\n"); for (i = 1; i <= n; i++) new[substr(lines[i], 1, index(lines[i], "="))] = lines[i] }
    { name = substr($0, 1, index($0, "=")); print (name != "" && name in new) ? new[name] : $0 }'
}

env_wanted() {
  if [ "$release" = yes ]; then
    [ "$first" -eq 0 ] || [ "$((last - first))" -eq 1 ] || env_released
    return
  fi
  printf '%s\n' "$begin_line" && { [ -z "$block" ] || printf '%s\n' "$block"; } && printf '%s\n' "$end_line"
}

env_is_wanted() {
  if [ "$release" = yes ]; then [ "$first" -eq 0 ]; else [ "$(env_block)" = "$(env_wanted)" ]; fi
}

env_new_text() {
  if [ "$first" -gt 0 ]; then
    head -n "$((first - 1))" -- "$file" && env_wanted && tail -n "+$((last + 1))" -- "$file"
  else
    if [ -s "$file" ]; then
      cat -- "$file" && { [ -z "$(tail -c 1 -- "$file")" ] || echo; } || return 1
    fi
    env_wanted
  fi
}

# The app's user may own the directory: the new file is opened once, by O_EXCL, and owner and mode are set through the descriptor.
env_write() (
  new=${file%/*}/.${file##*/}.replform-new
  rm -f -- "$new" && set -C && umask 077 && exec 8>"$new" || exit 1
  if [ -e "$file" ]; then
    cp --attributes-only --preserve=mode,ownership -- "$file" /proc/self/fd/8 || exit 1
  else
    chmod -- "$mode" /proc/self/fd/8 || exit 1
  fi
  # A disk that is full must cost nothing: the new file is whole, or the old one stays.
  if ! env_new_text >&8 || ! exec 8>&- || ! env_new_text | cmp -s -- - "$new"; then
    rm -f -- "$new"
    exit 1
  fi
  sync -- "$new" && mv -f -T -- "$new" "$file" && sync -- "${file%/*}"
)

# The command's output goes to a file: what it leaves running must not hold us, nor our lock.
env_on_change() {
  said=$(mktemp) || die "no temporary file can be made on this host"
  code=0
  timeout -k 5 "$on_change_seconds" sh -c "$on_change" </dev/null >"$said" 2>&1 9>&- || code=$?
  words=$(tail -n 8 -- "$said" | tail -c 1000)
  rm -f -- "$said"
  case $code in
    0) return 0 ;;
    124 | 137) die "on_change \"$on_change\" didn't end within $on_change_seconds s; $path is written, on_change is still owed. $words" ;;
    *) die "on_change \"$on_change\" ended with code $code; $path is written, on_change is still owed. $words" ;;
  esac
}

check() {
  env_look
  [ -d "${file%/*}" ] || die "the directory ${file%/*} of $path isn't there"
  [ ! -e "$file" ] || [ -f "$file" ] || die "$path is no file"
  [ -e "$file" ] || return 0
  outside=$(env_outside)
  [ -z "$outside" ] || die "$path, line ${outside%% *}: ${outside#* } is set outside replform's block; remove that line"
}

run() {
  env_look
  if ! env_is_wanted; then
    if [ -n "$on_change" ]; then
      (umask 077 && mkdir -p "${pending%/*}") || die "${pending%/*} can't be made"
      printf '%s\n' "$path" | write_file "$pending" 0600 root:root || die "$pending can't be written"
    fi
    env_write || die "$path can't be written"
    changed "the block of $path"
  fi
  [ -e "$pending" ] || return 0
  if [ -n "$on_change" ]; then
    env_on_change
    changed "ran on_change of $path: $on_change"
  fi
  rm -f -- "$pending" && sync -- "${pending%/*}"
}

verify() {
  env_look
  env_is_wanted || die "$path: the block isn't what was written; something else rewrites this file"
  [ ! -e "$pending" ] || die "$pending still stands: on_change of $path is owed"
}
