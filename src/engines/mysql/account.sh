# shellcheck shell=sh disable=SC2154
# Makes the account of one replica on its upstream: for that replica's address only, allowed to read the binary log and, for a
# copy, to clone.
#
# Changes: the marker, the account (its password is replaced). The server gets the hash that it keeps anyway, by standard input:
# no password is ever in an argument, a process list, a log or the binary log. The account goes to the replicas as all accounts do.
# Proves: account, hash, privileges. Can be run again.
# Variables: port; role, address (the replica's), proof (the hash of caching_sha2_password, hexadecimal), clone (yes: for a copy), requires (what it must
# show: empty, X509, a certificate's subject),
# marker_json, marker_file.

check() {
  my_place
  own_name "$role"
  [ "${#role}" -le 32 ] || die "\"$role\" is longer than an account's name may be"
  case $proof in
    '' | *[!0-9a-f]*) die "the hash of $role's password isn't one" ;;
  esac
  case $address in
    '' | *[!A-Za-z0-9.:_/-]*) die "\"$address\" is no address for an account" ;;
  esac
  my_running
  [ "$(my_ask 'select @@global.super_read_only')" = 0 ] || die "the server is read-only, so it takes no new account"
}

# What it must show beside its password: nothing, any certificate of the server's authority, the one of this subject.
account_requires() {
  case $requires in
    '') echo 'require none' ;;
    X509) echo 'require x509' ;;
    *) printf 'require subject %s\n' "$(my_quoted "$requires")" ;;
  esac
}

run() {
  marker_write
  said=$(
    my_sql 2>&1 <<SQL
create user if not exists '$role'@'$address' identified with caching_sha2_password as 0x$proof;
alter user '$role'@'$address' identified with caching_sha2_password as 0x$proof $(account_requires) account unlock password expire never;
grant replication slave on *.* to '$role'@'$address';
SQL
  ) || die "the account $role can't be made: $(my_said "$said")"
  if [ "${clone:-no}" = yes ]; then
    said=$(echo "grant backup_admin on *.* to '$role'@'$address';" | my_sql 2>&1) ||
      die "the account $role can't be allowed to clone: $(my_said "$said")"
  fi
  changed "account $role from $address"
}

verify() {
  found=$(
    my_sql <<SQL
select case
 when not exists (select 1 from mysql.user where user = '$role' and host = '$address') then 'it is not there'
 when not exists (select 1 from mysql.user where user = '$role' and host = '$address' and plugin = 'caching_sha2_password'
  and authentication_string = convert(0x$proof using utf8mb4)) then 'it has another password'
 when not exists (select 1 from mysql.user where user = '$role' and host = '$address' and Repl_slave_priv = 'Y' and account_locked = 'N')
  then 'it may not replicate'
 when not exists (select 1 from mysql.user where user = '$role' and host = '$address'
  and if(ssl_type = 'SPECIFIED', convert(x509_subject using utf8mb4), ssl_type) = $(my_quoted "$requires")) then 'it asks for another certificate'
 when '${clone:-no}' = 'yes' and not exists (select 1 from mysql.global_grants where user = '$role' and host = '$address'
  and priv = 'BACKUP_ADMIN') then 'it may not clone'
 else 'good' end;
SQL
  ) || die "the server doesn't answer"
  [ "$found" = good ] || die "the account $role isn't as wanted: $found"
}
