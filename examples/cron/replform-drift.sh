#!/bin/sh
# Says what differs from the configuration, but only when that is another thing than the last time: seconds and bytes of a lag
# that grows are no news. In a file of /etc/cron.d it needs no more than this line (the user replform, a directory of its own;
# cron mails what is printed):
#   */10 * * * * replform STATE_DIRECTORY=/var/lib/replform-drift REPLFORM_DIRECTORY=/etc/replform /usr/local/lib/replform-drift.sh
# Under systemd MAILTO is set too, and mail(1) takes it. Changes only $STATE_DIRECTORY/last.
set -u

now=$(replform -chdir="$REPLFORM_DIRECTORY" drift -input=false 2>&1)
code=$?
news=$(printf '%s %s' "$code" "$now" | sed -E 's/([0-9][0-9.]* ?(ms|s|min|h|d|[kMGT]?B) ?)+([^A-Za-z0-9]|$)/…\3/g')
last=$(cat "$STATE_DIRECTORY/last" 2>/dev/null)
# The first run that finds nothing is no news.
if [ "$news" = "$last" ] || { [ "$code" = 0 ] && [ -z "$last" ]; }; then exit 0; fi
if [ -n "${MAILTO:-}" ] && [ -n "${INVOCATION_ID:-}" ]; then
  printf '%s\n' "$now" | mail -s "replform: exit $code" "$MAILTO" || exit 1
else
  printf '%s\n' "$now"
fi
# Told first, remembered then: what could not be sent is told again.
printf '%s\n' "$news" >"$STATE_DIRECTORY/last.new" && mv "$STATE_DIRECTORY/last.new" "$STATE_DIRECTORY/last"
