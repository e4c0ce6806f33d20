#!/bin/sh
# Waits for the Temporal server, then creates the namespace and the search attribute that the service uses. Safe to repeat.
# TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where, RETENTION how long closed workflows are kept.
set -eu

# Tries a command every second, for two minutes at most.
try() {
  attempts=0
  until output=$("$@" 2>&1); do
    attempts=$((attempts + 1))
    if [ "$attempts" -ge 120 ]; then
      echo "$* failed: $output" >&2
      exit 1
    fi
    sleep 1
  done
}

try temporal operator cluster health
if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  try temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
fi
# The server knows a new namespace only some seconds later.
try temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name SyncStatus --type Keyword
echo "The namespace $TEMPORAL_NAMESPACE is ready."
