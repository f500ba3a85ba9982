// SPDX-License-Identifier: Apache-2.0
/** Measures Freshet beside Apache Kafka in one run, interleaved, and prints ratios. A program of its own, never a gate. */
@NullMarked
package io.freshet.tests.bench;

import org.jspecify.annotations.NullMarked;
