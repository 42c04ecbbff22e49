# shellcheck shell=sh disable=SC2154
# Puts settings into our drop-in mariadb.conf.d/99-replform.cnf, sets at once what the server takes at once, and restarts it
# where a setting needs that and the plan says so. MariaDB has no SET PERSIST: what shall last is a line in a file.
#
# Changes the drop-in (our other lines in it stay) and the server's variables. What the server refuses, or a server that doesn't
# come back, gets the drop-in as it was before. Proves that the server has the values. Can be run again.
# Variables: port; settings (lines `name = value`); values (lines `name=value`: as the server shows them afterwards); expect
# (lines `name=value`: what the plan saw); restart (yes, no). Prints `measured no_writes` (seconds) when it restarts.

configure_wanted() { printf '%s\n' "$values" | sed -n "s/^$1=//p" | tail -n 1; }

check() {
  maria_place
  [ -d "${drop_in%/*}" ] || die "${drop_in%/*} isn't there: this MariaDB isn't set up as Debian's package does it"
  trouble=$(maria_config_error '')
  [ -z "$trouble" ] || die "the configuration on disk has an error, so the server wouldn't start again: $trouble"
  maria_running
  while IFS= read -r seen; do
    [ -n "$seen" ] || continue
    name=${seen%%=*}
    value=$(maria_variable "$name") || die "the server doesn't tell its $name"
    if [ "$value" != "${seen#*=}" ] && [ "$value" != "$(configure_wanted "$name")" ]; then
      die "$name is \"$value\" now, the plan saw \"${seen#*=}\": plan again"
    fi
  done <<LINES
$expect
LINES
}

configure_refuse() {
  maria_drop_in_put_back "$before"
  changed "$drop_in, put back"
  die "$1; the drop-in is as it was before"
}

configure_write() {
  before=$(maria_drop_in)
  names=$(printf '%s\n' "$settings" | maria_names)
  after=$(
    printf '%s\n' "$before" | while IFS= read -r line; do
      [ -n "$line" ] || continue
      printf '%s\n' "$names" | grep -qxF -- "$(printf '%s\n' "$line" | maria_names)" || printf '%s\n' "$line"
    done
    printf '%s\n' "$settings" | grep .
  )
  if [ "$before" = "$after" ]; then return 0; fi
  printf '%s\n' "$after" | maria_drop_in_write || die "$drop_in can't be written"
  changed "$drop_in"
}

# Our settings that the server doesn't have yet, one a line.
configure_open() {
  printf '%s\n' "$values" | while IFS= read -r value; do
    [ -n "$value" ] || continue
    [ "$(maria_variable "${value%%=*}")" = "${value#*=}" ] || printf '%s\n' "${value%%=*}"
  done
}

# Of those the ones that only a restart brings.
configure_fixed() {
  configure_open | while IFS= read -r name; do
    printf "select lower(variable_name) from information_schema.system_variables where variable_name = %s and read_only = 'YES';\n" "$(maria_literal "$name")"
  done | maria_sql
}

# What can be set while the server runs.
configure_online() {
  configure_open | while IFS= read -r name; do
    if printf '%s\n' "$fixed" | grep -qxF -- "$name"; then continue; fi
    value=$(configure_wanted "$name")
    case $value in *[!0-9]*) value=$(maria_literal "$value") ;; esac
    said=$(printf 'set global %s = %s;\n' "$name" "$value" | maria_sql 2>&1) || die "the server refuses $name = $value: $(maria_words "$said")"
    changed "$name = $value"
  done
}

configure_restart() {
  t0=$(now) start_at=$(date +%s)
  # One job for both: were this host's connection cut now, the server would still come back.
  systemctl restart --no-block "$unit" || die "systemd refused to restart $unit"
  configure_came_back && measured no_writes "$(since "$t0")" && return 0
  why=$(maria_log "$start_at")
  case $(maria_unit) in
    deactivating) die "the server hasn't shut down within 300 s of being told to; it restarts by itself when that ends" ;;
    active) die "the server restarted, but doesn't answer: $why" ;;
  esac
  timeout 60 systemctl stop "$unit"
  maria_drop_in_put_back "$before"
  if maria_start 300; then
    die "the server didn't start with the new settings ($why); it runs with those from before, after $(since "$t0") s"
  fi
  die "the server didn't start with the new settings ($why), nor with those from before ($start_said): it is down"
}

configure_restarted() {
  case $(timeout 10 systemctl show -p ActiveState,MainPID --value "$unit" | sort | tr '\n' ' ') in
    *"$old_pid "*) return 1 ;;
    *active\ * | *failed\ *) maria_start_ended ;;
    *) return 1 ;;
  esac
}

configure_came_back() {
  wait_until 300 configure_restarted && [ "$(maria_unit)" = active ] && wait_until 30 maria_answers
}

run() {
  configure_write
  trouble=$(maria_config_error "$settings")
  [ -z "$trouble" ] || configure_refuse "the server would refuse it: $trouble"
  fixed=$(configure_fixed) || configure_refuse "the server doesn't tell which settings are fixed"
  [ -z "$fixed" ] || [ "$restart" = yes ] ||
    configure_refuse "these wait for a restart, which the plan doesn't have: $(printf '%s' "$fixed" | tr '\n' ' ')"
  refused=$( (configure_online) 2>&1) || configure_refuse "${refused:-a setting was refused}"
  if [ -z "$(configure_open)" ]; then return 0; fi
  old_pid=$(timeout 10 systemctl show -p MainPID --value "$unit")
  configure_restart
  changed "restarted $unit"
}

verify() {
  maria_running
  # A certificate that it can't use doesn't keep it from starting: it starts without TLS.
  case $settings in
    *ssl_*) [ "$(maria_variable have_ssl)" = YES ] || die "the server doesn't take its certificate: $(maria_log "$(($(date +%s) - 300))")" ;;
  esac
  printf '%s\n' "$values" | while IFS= read -r value; do
    [ -n "$value" ] || continue
    is=$(maria_variable "${value%%=*}")
    [ "$is" = "${value#*=}" ] || die "${value%%=*} is \"$is\" and not \"${value#*=}\""
  done || exit 22
}
