// SPDX-License-Identifier: Apache-2.0
/**
 * The active controller: turns commands into records. Commands are pure functions of the state (time, randomness and ids
 * come in through {@link io.freshet.metadata.control.Inputs} and go into the records). Runs on the metadata thread.
 */
@NullMarked
package io.freshet.metadata.control;

import org.jspecify.annotations.NullMarked;
