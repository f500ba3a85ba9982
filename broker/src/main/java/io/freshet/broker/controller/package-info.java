// SPDX-License-Identifier: Apache-2.0
/**
 * What controllers answer: Raft's requests of their peers on the controller listener, and questions about the quorum.
 * Called on event loops; never blocks.
 */
@NullMarked
package io.freshet.broker.controller;

import org.jspecify.annotations.NullMarked;
