#!/bin/sh
# Ends well when this primary has sent at least 30 MB of a base backup that still goes on.
set -eu
cd /
sent=$(runuser -u postgres -- psql -XAtqc 'select coalesce(max(backup_streamed), 0) from pg_stat_progress_basebackup' postgres)
[ "$sent" -gt 30000000 ]
