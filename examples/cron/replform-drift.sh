#!/bin/sh
# Says what differs from the configuration, but only when that is another thing than the last time. As a cron line it needs no
# more than this (cron mails what is printed):
#   */10 * * * * replform STATE_DIRECTORY=/var/lib/replform-drift REPLFORM_DIRECTORY=/etc/replform /usr/local/lib/replform-drift.sh
# Under systemd MAILTO is set too, and mail(1) takes it. Changes only $STATE_DIRECTORY/last.
set -u

now=$(replform -chdir="$REPLFORM_DIRECTORY" drift -input=false 2>&1)
code=$?
last=$(cat "$STATE_DIRECTORY/last" 2>/dev/null)
# The first run that finds nothing is no news.
if [ "$code $now" = "$last" ] || { [ "$code" = 0 ] && [ -z "$last" ]; }; then exit 0; fi
if [ -n "${MAILTO:-}" ] && [ -n "${INVOCATION_ID:-}" ]; then
  printf '%s\n' "$now" | mail -s "replform: exit $code" "$MAILTO" || exit 1
else
  printf '%s\n' "$now"
fi
# Told first, remembered then: what could not be sent is told again.
printf '%s %s\n' "$code" "$now" >"$STATE_DIRECTORY/last.new" && mv "$STATE_DIRECTORY/last.new" "$STATE_DIRECTORY/last"
