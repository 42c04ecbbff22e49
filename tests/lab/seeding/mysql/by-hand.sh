#!/bin/sh
# CLONE into a directory beside the data, by the server that runs there; then every page is checked.
set -eu
copy=/var/lib/mysql-files/by-hand
mysql -e "install plugin clone soname 'mysql_clone.so'; set global clone_valid_donor_list = '${primary:?}:3306'"
begun=$(date +%s.%N)
mysql -e "clone instance from by_hand@'$primary':3306 identified by 'by-hand' data directory '$copy'"
copied=$(date +%s.%N)
find "$copy" -name '*.ibd' -o -name 'ibdata[0-9]*' -o -name 'undo_[0-9]*' | while IFS= read -r file; do innochecksum "$file"; done
sync -f "$copy"
whole=$(date +%s.%N)
echo "copied $(echo "$copied $begun" | awk '{ print $1 - $2 }')"
echo "whole $(echo "$whole $begun" | awk '{ print $1 - $2 }')"
