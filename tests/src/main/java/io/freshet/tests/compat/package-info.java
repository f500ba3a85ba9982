// SPDX-License-Identifier: Apache-2.0
/** The same odd requests to two servers, cell by cell; {@code tests/compat/run.sh} runs them against Apache Kafka too. */
@NullMarked
package io.freshet.tests.compat;

import org.jspecify.annotations.NullMarked;
