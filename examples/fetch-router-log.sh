#!/usr/bin/env bash
# Fetches a router's log, keeps the download, stores what is new, and writes yesterday's report. For a daily or hourly job.
#
#   FETCH   the command that prints the log, such as: ssh router cat /tmp/syslog.log-1 /tmp/syslog.log
#   KEEP    the folder of the downloads (default: downloads)
set -euo pipefail

FETCH=${FETCH:-cat router.log}
KEEP=${KEEP:-downloads}
mkdir -p "$KEEP"

# a download that broke off is thrown away; the next one overlaps with the last
new="$KEEP/$(date +%Y%m%dT%H%M%S).log"
trap 'rm -f "$new.part"' EXIT
$FETCH > "$new.part"
mv "$new.part" "$new"
gzip -f "$new"

teiten ingest "$new.gz"

# the report of the last day that has events; a page of the same name becomes the next edition
teiten report daily --lang "${REPORT_LANG:-ja}" --out public/day
