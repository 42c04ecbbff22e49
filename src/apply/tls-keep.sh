# shellcheck shell=sh disable=SC2154
# Keeps a member's certificate and its authority's where the member's server reads them.
#
# Changes PLACE/ca.crt, PLACE/member.crt (0644, the server's user's), and PLACE/clients.crt where another authority is to be trusted
# beside ours. The authority first: a certificate without it proves nothing. Proves that the certificate is that authority's, is
# good now, and fits the key. Can be run again.
# Variables: folder, place, owner, certificate, authority (both base64), also_trust (a file of authorities; empty: none).

check() {
  tls_words
  keep_text=$(printf '%s' "$certificate" | base64 -d 2>/dev/null)
  case $keep_text in *'BEGIN CERTIFICATE'*) ;; *) die "what came from the authority is no certificate" ;; esac
  if [ -n "$also_trust" ] && ! grep -q 'BEGIN CERTIFICATE' "$also_trust"; then die "$also_trust holds no certificate"; fi
}

# keep_file NAME TEXT
keep_file() {
  if [ "$(cat -- "$place/$1" 2>/dev/null)" = "$2" ]; then return 0; fi
  printf '%s\n' "$2" | write_file "$place/$1" 0644 "$owner:$(id -gn "$owner")" || die "$place/$1 can't be written"
  changed "$place/$1"
}

run() {
  authority_text=$(printf '%s' "$authority" | base64 -d) || die "what came from the authority can't be read"
  keep_file ca.crt "$authority_text"
  if [ -n "$also_trust" ]; then keep_file clients.crt "$authority_text
$(cat -- "$also_trust")"; fi
  keep_file member.crt "$(printf '%s' "$certificate" | base64 -d)"
}

verify() {
  said=$(openssl verify -CAfile "$place/ca.crt" "$place/member.crt" 2>&1 </dev/null) ||
    die "$place/member.crt isn't good: $(printf '%s\n' "$said" | grep -m 1 '^error' || printf '%s' "$said" | head -n 1)"
  [ "$(openssl x509 -in "$place/member.crt" -noout -pubkey)" = "$(runuser -u "$owner" -- openssl pkey -in "$place/member.key" -pubout)" ] ||
    die "the certificate in $place isn't of the key there"
}
