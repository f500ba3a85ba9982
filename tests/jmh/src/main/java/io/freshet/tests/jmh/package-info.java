// SPDX-License-Identifier: Apache-2.0
/** Microbenchmarks of the hot paths; {@code tests/jmh/run.sh} runs them. */
@NullMarked
package io.freshet.tests.jmh;

import org.jspecify.annotations.NullMarked;
