// SPDX-License-Identifier: Apache-2.0
/**
 * The ports through which everything reaches time, randomness and threads, and their real implementations. Only this
 * package and the {@code main} wiring may create threads, read clocks or draw random numbers; a simulation passes its own.
 */
@NullMarked
package io.freshet.common.runtime;

import org.jspecify.annotations.NullMarked;
