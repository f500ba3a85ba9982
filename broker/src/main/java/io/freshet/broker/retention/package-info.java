// SPDX-License-Identifier: Apache-2.0
/** Moves log starts up as topics' retention settings ask. Runs as a task of the scheduler; nothing blocks. */
@NullMarked
package io.freshet.broker.retention;

import org.jspecify.annotations.NullMarked;
