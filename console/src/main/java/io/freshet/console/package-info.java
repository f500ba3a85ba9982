// SPDX-License-Identifier: Apache-2.0
/** HTTP health and metrics: {@link io.freshet.console.ConsoleServer}, on one event loop of its own. */
@NullMarked
package io.freshet.console;

import org.jspecify.annotations.NullMarked;
