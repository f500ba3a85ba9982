// SPDX-License-Identifier: Apache-2.0
/** The command line: the one place that prints to standard output. Runs on the main thread. */
@NullMarked
package io.freshet.broker.cli;

import org.jspecify.annotations.NullMarked;
