#!/bin/sh
# Prints how long the certificate that the server shows is good for: short, or long.
set -eu
openssl s_client -connect 10.77.1.11:5432 -starttls postgres 2>/dev/null </dev/null | openssl x509 -noout -checkend 7776000 >/dev/null && echo long || echo short
