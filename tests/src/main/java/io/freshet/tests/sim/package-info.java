// SPDX-License-Identifier: Apache-2.0
/**
 * The simulator: many brokers' storage, their WAL lanes, the metadata state machine and clients in one thread on virtual
 * time, from one seed. Everything here belongs to that one thread.
 */
@NullMarked
package io.freshet.tests.sim;

import org.jspecify.annotations.NullMarked;
