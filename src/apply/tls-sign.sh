# shellcheck shell=sh disable=SC2154
# Signs a member's request on the primary's host, where the replication's own authority lies. It is made when it isn't there.
#
# Changes /var/lib/replform/tls/FOLDER/authority.key (root's, 0600: it never leaves this host) and authority.crt. An authority that
# is about to expire gets a new certificate with the same key, so that what it signed stays good. Proves that what it signs verifies.
# Prints the certificate and the authority's; neither is a secret. Can be run again: a request is then signed once more.
# Variables: folder, replication, common_name, names (`IP:…,DNS:…`), request (base64), days, authority_days, renew_seconds (how long
# before its end the authority's certificate is made anew), certificate_answer, authority_answer (the answers' names).

check() {
  tls_words
  [ -x /usr/bin/openssl ] || packages_known openssl || die "this host has no openssl, and no package source of it has one"
  case $names in
    '' | *[!A-Za-z0-9.:,_-]*) die "\"$names\" are no names for a certificate" ;;
  esac
  printf '%s' "$request" | base64 -d 2>/dev/null | grep -q 'BEGIN CERTIFICATE REQUEST' || die "what came from the member is no request for a certificate"
}

sign_work() {
  work=$(mktemp -d /run/replform-tls.XXXXXX) || die "no temporary directory can be made"
  trap 'rm -rf -- "$work"' EXIT
  : >"$work/index"
  printf '%s' "$request" | base64 -d >"$work/request"
  cat >"$work/conf" <<CONF || die "$work can't be written"
[ca]
default_ca = one
[one]
dir = $work
database = $work/index
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[member]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = $names
[req]
distinguished_name = none
[none]
CONF
}

# sign DAYS SECTION SUBJECT INPUT [OPTION…]: prints a certificate. Good from a day before now, for hosts whose clock is behind.
sign() {
  sign_days=$1 sign_section=$2 sign_subject=$3 sign_input=$4
  shift 4
  rm -f -- "$work/out"
  openssl ca -batch -notext -config "$work/conf" -extensions "$sign_section" -subj "$sign_subject" -in "$sign_input" -out "$work/out" \
    -keyfile "$home/authority.key" -startdate "$(date -u -d '1 day ago' +%Y%m%d%H%M%SZ)" \
    -enddate "$(date -u -d "$sign_days days" +%Y%m%d%H%M%SZ)" "$@" >"$work/said" 2>&1 </dev/null ||
    die "openssl doesn't sign: $(grep -v '^Using configuration' "$work/said" | head -n 2 | tr '\n' ' ')"
  cat -- "$work/out"
}

sign_authority() {
  if ! openssl pkey -in "$home/authority.key" -noout >/dev/null 2>&1 </dev/null; then
    key=$(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null </dev/null) || die "openssl makes no key"
    printf '%s\n' "$key" | write_file "$home/authority.key" 0600 root:root || die "$home/authority.key can't be written"
    key=''
    rm -f -- "$home/authority.crt"
    changed "$home/authority.key"
  fi
  if openssl x509 -in "$home/authority.crt" -noout -checkend "$renew_seconds" >/dev/null 2>&1 </dev/null &&
    [ "$(openssl x509 -in "$home/authority.crt" -noout -pubkey)" = "$(openssl pkey -in "$home/authority.key" -pubout)" ]; then
    return 0
  fi
  openssl req -new -config "$work/conf" -key "$home/authority.key" -subj "/CN=replform $replication" -out "$work/own" >/dev/null 2>&1 </dev/null ||
    die "openssl makes no request for the authority"
  certificate=$(sign "$authority_days" authority "/CN=replform $replication" "$work/own" -selfsign) || exit $?
  printf '%s\n' "$certificate" | write_file "$home/authority.crt" 0644 root:root || die "$home/authority.crt can't be written"
  changed "$home/authority.crt"
}

run() {
  if [ ! -x /usr/bin/openssl ]; then packages_install openssl; fi
  tls_folder
  sign_work
  sign_authority
  certificate=$(sign "$days" member "/CN=$common_name" "$work/request" -cert "$home/authority.crt") || exit $?
  printf '%s\n' "$certificate" >"$work/certificate"
  openssl verify -CAfile "$home/authority.crt" "$work/certificate" >/dev/null 2>&1 </dev/null || die "what was signed doesn't verify"
  changed "certificate of $common_name for $names, $days days"
  printf 'secret %s %s\n' "$certificate_answer" "$(printf '%s\n' "$certificate" | base64 -w 0)"
  printf 'secret %s %s\n' "$authority_answer" "$(base64 -w 0 -- "$home/authority.crt")"
}

verify() {
  [ "$(stat -c '%a %U' -- "$home/authority.key")" = '600 root' ] || die "others than root may read $home/authority.key"
}
