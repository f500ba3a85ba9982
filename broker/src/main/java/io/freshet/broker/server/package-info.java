// SPDX-License-Identifier: Apache-2.0
/**
 * The server's wiring: makes every part, in order, and closes them in reverse. The only place besides the command line
 * that waits for futures. Runs on the thread that starts and on the one that stops the server.
 */
@NullMarked
package io.freshet.broker.server;

import org.jspecify.annotations.NullMarked;
