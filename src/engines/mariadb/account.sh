# shellcheck shell=sh disable=SC2154
# Makes the account of one replica on its upstream, from that replica's address only.
#
# Changes: the marker, the account (its password is replaced), its one privilege. The server gets the password's hash only, by
# standard input: no log, binlog included, ever holds the password. Replicas get the account too, as every account.
# Proves: account, hash, privilege. Can be run again.
# Variables: port; role (the account), address (the replica's), requires (what it must show: empty, X509,
# a certificate's subject), verifier (hash of mysql_native_password), marker_json, marker_file.

check() {
  maria_place
  own_name "$role"
  case ${verifier#'*'} in
    *[!0-9A-F]* | '') die "the hash of $role isn't one" ;;
  esac
  [ "${#verifier}" = 41 ] || die "the hash of $role isn't one"
  case $address in
    '' | *[!A-Za-z0-9.:_-]*) die "\"$address\" is no address for an account" ;;
  esac
  maria_running
  [ "$(maria_variable read_only)" = OFF ] || die "the server is read-only: it isn't the primary that the plan saw"
}

# What it must show beside its password: nothing, any certificate of the server's authority, the one of this subject.
account_requires() {
  case $requires in
    '') echo 'require none' ;;
    X509) echo 'require x509' ;;
    *) printf 'require subject %s\n' "$(maria_literal "$requires")" ;;
  esac
}

run() {
  marker_write
  said=$(
    {
      printf 'set session lock_wait_timeout = 10;\n'
      # Without this a general log or an audit plugin would keep even the hash.
      printf 'set session sql_log_off = 1;\n'
      for verb in 'create user if not exists' 'alter user'; do
        printf '%s %s@%s identified via mysql_native_password using %s %s account unlock password expire never;\n' "$verb" "$(maria_literal "$role")" \
          "$(maria_literal "$address")" "$(maria_literal "$verifier")" "$(account_requires)"
      done
      printf 'grant replication slave on *.* to %s@%s;\n' "$(maria_literal "$role")" "$(maria_literal "$address")"
    } | maria_sql 2>&1
  ) || die "the account $role can't be made: $(maria_words "$said")"
  changed "account $role@$address"
}

verify() {
  found=$(
    printf "select json_value(priv, '$.authentication_string') from mysql.global_priv where user = %s and host = %s;\n" \
      "$(maria_literal "$role")" "$(maria_literal "$address")" | maria_sql
  ) || die "the server doesn't answer"
  [ -n "$found" ] || die "the account $role@$address isn't there"
  [ "$found" = "$verifier" ] || die "the account $role@$address has another password"
  grants=$(printf 'show grants for %s@%s;\n' "$(maria_literal "$role")" "$(maria_literal "$address")" | maria_sql) || die "the server doesn't tell the account's rights"
  case $grants in
    *'REPLICATION SLAVE'*) ;;
    *) die "the account $role@$address may not replicate" ;;
  esac
}
