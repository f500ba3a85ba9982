#!/usr/bin/env bash
exec "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"/kafka-run-class.sh org.apache.kafka.tools.FeatureCommand "$@"
