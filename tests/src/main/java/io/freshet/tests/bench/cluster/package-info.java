// SPDX-License-Identifier: Apache-2.0
/** A cluster beside Apache Kafka: what it takes to add a broker, and what the death of one costs. */
@NullMarked
package io.freshet.tests.bench.cluster;

import org.jspecify.annotations.NullMarked;
