# shellcheck shell=sh disable=SC2154
# Keeps how this host logs in to its upstream, in a file beside the server's configuration that only root reads and no server
# does, and tries it.
#
# Changes /etc/mysql/replform.client. Proves that the login works and that the server there is the one that the plan saw.
# Can be run again. Variables: port; upstream_address, upstream_port, role, password, tls (yes: encrypted, no: not), tls_ca,
# tls_cert, tls_key (both ends are proved; empty: they aren't);
# upstream_name (the host name that the server there calls its own).

check() {
  maria_place
  own_name "$role"
  case $password in
    '' | *[!A-Za-z0-9_+/=-]*) die "the password of $role isn't one of replform's" ;;
  esac
  case $upstream_address in
    '' | *[!A-Za-z0-9.:_-]*) die "\"$upstream_address\" is no address" ;;
  esac
}

run() {
  {
    printf '# Written by replform: how this replica logs in to its upstream.\n[client]\n'
    printf 'protocol = tcp\nhost = %s\nport = %s\nuser = %s\npassword = %s\n' "$upstream_address" "$upstream_port" "$role" "$password"
    if [ -n "$tls_ca" ]; then
      printf 'ssl-ca = %s\nssl-cert = %s\nssl-key = %s\nssl-verify-server-cert\n' "$tls_ca" "$tls_cert" "$tls_key"
    elif [ "$tls" = yes ]; then printf 'ssl = 1\n'; else printf 'skip-ssl\n'; fi
  } | write_file "$link_file" 0600 root:root || die "$link_file can't be written"
  changed "$link_file"
}

verify() {
  said=$(echo 'select @@hostname;' | maria_upstream_sql 2>&1) || die "the login at $upstream_address:$upstream_port fails: $(maria_words "$said")"
  [ -z "$upstream_name" ] || [ "$said" = "$upstream_name" ] ||
    die "the server at $upstream_address:$upstream_port is on host \"$said\", the plan's upstream is \"$upstream_name\""
}
