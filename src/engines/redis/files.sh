# shellcheck shell=sh disable=SC2154
# How a Redis' or Valkey's files are read without asking the server: its configuration, and the head of a dump. Stands before
# the probe and before every step script. Changes nothing; defines functions only; each of them can be run again.
#
# The functions read $conf (a configuration file) where they need it.

# rd_conf_lines FILE: the directives of a configuration file, those of its `include` files in their place (four levels at most).
rd_conf_lines() {
  grep -vE '^[[:space:]]*(#|$)' -- "$1" 2>/dev/null | while IFS= read -r rd_line; do
    case $rd_line in
      [Ii][Nn][Cc][Ll][Uu][Dd][Ee][[:space:]]*)
        [ "${2:-0}" -lt 4 ] || continue
        # A pattern may name several files.
        for rd_file in $(printf '%s\n' "${rd_line#*[[:space:]]}" | tr -d "\"'"); do
          if [ -f "$rd_file" ]; then (rd_conf_lines "$rd_file" $((${2:-0} + 1))); fi
        done
        ;;
      *) printf '%s\n' "$rd_line" ;;
    esac
  done
}

# rd_conf NAME: the value of the last such directive; the last one wins. Fails when there is none. Quotes are taken away; a
# value with escapes other than \" and \\ is refused by status 2, as it would be misread.
rd_conf() { rd_conf_in "$conf" "$1"; }

# rd_conf_in FILE NAME: the same of another file.
rd_conf_in() {
  rd_value=$(rd_conf_lines "$1" | awk -v name="$2" 'tolower($1) == name { line = $0; found = 1 }
    END { if (!found) exit 1; sub(/^[ \t]*[^ \t]+[ \t]*/, "", line); sub(/[ \t\r]+$/, "", line); print line }') || return 1
  case $rd_value in
    '"'*'"')
      rd_value=${rd_value#?}
      rd_value=${rd_value%?}
      case $rd_value in
        *\\*)
          case $(printf '%s' "$rd_value" | sed 's/\\[\\"]//g') in *\\*) return 2 ;; esac
          rd_value=$(printf '%s\n' "$rd_value" | sed 's/\\\([\\"]\)/\1/g')
          ;;
      esac
      ;;
    "'"*"'")
      rd_value=${rd_value#?}
      rd_value=${rd_value%?}
      ;;
  esac
  printf '%s\n' "$rd_value"
}

# rd_dump_head FILE: what stands before the first key of a dump, one a line: `version 10`, `aux NAME VALUE` …, `next HEX`, the
# first byte after it (ff: the dump ends there, it holds nothing). Nothing of the data is printed; prints nothing of other files.
rd_dump_head() {
  head -c 1024 -- "$1" 2>/dev/null | od -An -v -tx1 | tr -d ' \n' | awk '
    function byte(at) { return 16 * (index(digits, substr(hex, 2 * at + 1, 1)) - 1) + index(digits, substr(hex, 2 * at + 2, 1)) - 1 }
    function text(    first, kind, length_, value, i) {
      first = byte(place)
      kind = int(first / 64)
      if (kind < 2) {
        length_ = kind == 0 ? first % 64 : (first % 64) * 256 + byte(place + 1)
        place += 1 + kind
        value = ""
        for (i = 0; i < length_; i++) value = value sprintf("%c", byte(place + i))
        place += length_
        return value
      }
      if (first == 192) { value = byte(place + 1); if (value > 127) value -= 256; place += 2; return value "" }
      if (first == 193) { value = byte(place + 1) + 256 * byte(place + 2); if (value > 32767) value -= 65536; place += 3; return value "" }
      if (first == 194) {
        value = byte(place + 1) + 256 * byte(place + 2) + 65536 * byte(place + 3) + 16777216 * byte(place + 4)
        if (value > 2147483647) value -= 4294967296
        place += 5
        return sprintf("%.0f", value)
      }
      bad = 1
      return ""
    }
    {
      digits = "0123456789abcdef"
      hex = $0
      if (substr(hex, 1, 10) == "5245444953") place = 5
      else if (substr(hex, 1, 12) == "56414c4b4559") place = 6
      else exit
      version = ""
      while (place < 9) version = version sprintf("%c", byte(place++))
      print "version " (version + 0)
      while (2 * place < length(hex) && byte(place) == 250 && !bad) {
        place++
        name = text()
        value = text()
        if (!bad && 2 * place <= length(hex) && name ~ /^[a-z-]+$/ && value ~ /^[A-Za-z0-9._-]*$/) print "aux " name " " value
      }
      if (!bad && 2 * place < length(hex)) print "next " substr(hex, 2 * place + 1, 2)
    }'
}

# rd_dump_value FILE NAME: one value of a dump's head: repl-id, repl-offset.
rd_dump_value() { rd_dump_head "$1" | sed -n "s/^aux $2 //p"; }

# rd_append_only DIRECTORY: whether there is an append-only file that may hold something: a part of it isn't empty, or its base is
# a dump that isn't known to be.
rd_append_only() {
  [ -z "$(timeout 3 find "$1" -mindepth 1 -name '*.aof' -size +0 -print -quit 2>/dev/null)" ] || return 0
  for rd_base in "$1"/*/*.base.rdb; do
    [ -e "$rd_base" ] || continue
    [ "$(rd_dump_head "$rd_base" | sed -n 's/^next //p')" = ff ] || return 0
  done
  return 1
}

# rd_address: where this host reaches its own server: the loopback, or the first address of a `bind` (a list) without it.
rd_address() {
  set -f
  rd_first=''
  for rd_one in $1; do
    rd_one=${rd_one#-}
    case $rd_one in
      127.* | '*' | 0.0.0.0)
        rd_first=127.0.0.1
        break
        ;;
      *) rd_first=${rd_first:-$rd_one} ;;
    esac
  done
  set +f
  printf '%s\n' "${rd_first:-127.0.0.1}"
}
